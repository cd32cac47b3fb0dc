/* sarif.h: findings as SARIF 2.1.0, the form that code hosts and editors show beside the code. */
#ifndef POLKA_CLI_SARIF_H
#define POLKA_CLI_SARIF_H

#include <choreography/finding.h>
#include <jansson.h>

/* cli_sarif: the whole document. new: json_decref it. */
json_t *cli_sarif(const polkai_findings *findings);

#endif
