/* docs.h: the commands under `polka docs`: the choreography, written down for others. */
#ifndef POLKA_CLI_DOCS_H
#define POLKA_CLI_DOCS_H

#include <cli/cli.h>
#include <jansson.h>
#include <polka/codec.h>

extern const cli_command cli_docs_asyncapi, cli_docs_html;

/* cli_yaml_write appends a JSON value as YAML, in blocks; what YAML might take for anything but a text stands in quotes. */
void cli_yaml_write(const json_t *value, polka_buffer *out);

#endif
