/* avro.h: what `polka avro decode` and `polka avro encode` share: their options, and how values go in and out. */
#ifndef POLKA_CLI_AVRO_H
#define POLKA_CLI_AVRO_H

#include <avro/json.h>
#include <cli/schema.h>

extern const cli_command cli_avro_decode, cli_avro_encode;

typedef struct {
    const char *json, *bytes, *format;
    bool hex, lines, single_object;
    cli_list with;
    polkai_json_form form;               /* from json and bytes */
    bool objects;                        /* from format */
} cli_avro_options;

#define CLI_AVRO_OPTIONS(O)                                                                                                       \
    { "single-object", 0, CLI_FLAG, &(O).single_object, NULL, "the bytes begin with C3 01 and the writer's fingerprint" },        \
        { "json", 'j', CLI_TEXT, &(O).json, "plain|avro", "for people, or Avro's JSON encoding; default: plain" },                \
        { "bytes", 0, CLI_TEXT, &(O).bytes, "base64|text", "how plain JSON has bytes and fixed; default: base64" },               \
        { "hex", 'x', CLI_FLAG, &(O).hex, NULL, "the bytes are hex digits" },                                                     \
        { "lines", 'l', CLI_FLAG, &(O).lines, NULL, "a value a line; the bytes are hex then" }, CLI_WITH_OPTION((O).with),        \
        { "format", 0, CLI_TEXT, &(O).format, "text|json", "the value alone, or an object with it; default: text" }

/* What --help says of lines and objects. */
#define CLI_AVRO_DETAILS                                                                                                          \
    "With --lines each line of input gives one line of output, thousands in one process. A line that is bad gives\n"             \
    "{\"error\": \"...\"} in its place, the reason is on stderr with the line's number, the others go on, and the exit code is 1.\n"

/* cli_avro_settle judges the options: -1, or the exit code of a usage error that was printed. */
int cli_avro_settle(const cli_command *command, cli_avro_options *options);

/*
 * A conversion turns one input into what is printed: bytes into the text of a value, or the text of a value into bytes.
 * What it needs beyond its result it may put into the arena of `out`.
 */
typedef struct {
    polka_status (*convert)(void *user, polka_bytes in, polka_buffer *out, polka_error *error);
    void *user;
    bool takes_bytes;                    /* else it makes them */
    const char *member;                  /* of an object that holds the result: "value", "hex" */
} cli_conversion;

/* cli_avro_convert: the whole of `file` (NULL or "-": standard input), or each of its lines; answers the exit code. */
int cli_avro_convert(const cli_avro_options *options, const char *file, const cli_conversion *conversion);

#endif
