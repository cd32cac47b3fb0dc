/* schema.h: what the commands under `polka schema` and `polka avro` share: a schema read from a file. */
#ifndef POLKA_CLI_SCHEMA_H
#define POLKA_CLI_SCHEMA_H

#include <avro/schema.h>
#include <cli/options.h>

extern const cli_command cli_schema_validate, cli_schema_canonical, cli_schema_fingerprint, cli_schema_diff, cli_schema_check;

typedef struct { polkai_schema_set *set; const polkai_schema *schema; const char *file; } cli_schema;
/*
 * cli_schema_open reads the schema in `file` ("-": standard input); types that it refers to may be in the files `with`.
 * Only Avro's rules count. errors: POISON "bad-schema" with file and JSON path; MISUSE "no-file" when a file is not there.
 * Close it in any case.
 */
polka_status cli_schema_open(cli_schema *schema, const char *file, const cli_list *with, polka_error *error);
/* cli_schema_read: as open, when it is known that `with` are there: for many files. */
polka_status cli_schema_read(cli_schema *schema, const char *file, const cli_list *with, polka_error *error);
void cli_schema_close(cli_schema *schema);

/* cli_schema_find_files: `files` are there and readable, and "-" is among them, and in `more` (NULL: nothing), once at most. */
polka_status cli_schema_find_files(const cli_list *files, const char *more, polka_error *error);

/* cli_schema_fail: cli_complain, and with --format json {"error"} on stdout too. */
int cli_schema_fail(bool json, const polka_error *error);

/*
 * cli_schema_text: the whole of a command that prints one text that a schema has, bare, or with --format json in an object as
 * `member` beside the file. own: an option that only this command has; NULL: none. text: new (free); it may set more members in
 * `row` (NULL: not an object).
 */
typedef struct {
    const char *member, *bare;           /* "canonical", "the bare text" */
    const cli_option *own;
    polka_status (*text)(const polkai_schema *schema, char **text, json_t *row, polka_error *error);
} cli_schema_text_kind;
int cli_schema_text(const cli_command *command, const cli_schema_text_kind *kind, int argc, char **argv);

#define CLI_WITH_OPTION(LIST) { "with", 0, CLI_LIST, &(LIST), "FILE", "types that a schema refers to may be in FILE; may be given often" }

#endif
