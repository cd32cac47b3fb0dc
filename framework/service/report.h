/* report.h: what a service program says about itself on standard output: help, effective values, the reference page. */
#ifndef POLKA_SERVICE_REPORT_H
#define POLKA_SERVICE_REPORT_H

#include <service/config.h>
#include <stdio.h>

void polkai_report_help(const polkai_config *config, FILE *out);
/* polkai_report_config: name, value, origin; secrets masked. A table, or one JSON object a line. */
void polkai_report_config(const polkai_config *config, bool json, FILE *out);
void polkai_report_reference(const polkai_config *config, FILE *out);    /* Markdown, made from the table */
void polkai_report_version(const polkai_config *config, FILE *out);

/* polkai_report_reaction: "event -> function -> emits", the row of the start-up and of --help. Memory of arena. */
const char *polkai_report_reaction(const polka_reaction *reaction, polka_arena *arena);

#endif
