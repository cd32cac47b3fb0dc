/* avro.c: `polka avro`: values as bytes and as JSON. Reading input whole or by lines, hex, and what is printed. */
#include <cli/avro.h>

#include <avro/json.h>
#include <base/arena.h>
#include <base/text.h>
#include <cli/group.h>
#include <cli/terminal.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUT_BYTES = 64 * 1024 * 1024 };

static const cli_command *const members[] = { &cli_avro_decode, &cli_avro_encode, NULL };

int cli_avro_settle(const cli_command *command, cli_avro_options *options)
{
    bool avro = options->json != NULL && strcmp(options->json, "avro") == 0, text = options->bytes != NULL && strcmp(options->bytes, "text") == 0;
    int objects = cli_json_wanted(command, options->format != NULL ? options->format : "text");
    if (objects < 0)
        return CLI_USAGE;
    if (options->json != NULL && !avro && strcmp(options->json, "plain") != 0)
        return cli_usage(command, "--json is plain or avro, not '%s'", options->json);
    if (options->bytes != NULL && !text && strcmp(options->bytes, "base64") != 0)
        return cli_usage(command, "--bytes is base64 or text, not '%s'", options->bytes);
    if (options->bytes != NULL && avro)
        return cli_usage(command, "--bytes is for plain JSON; Avro's has one form only");
    options->objects = objects == 1;
    options->form = avro ? POLKAI_JSON_AVRO : text ? POLKAI_JSON_TEXT : POLKAI_JSON_PLAIN;
    return -1;
}

/* ---- hex --------------------------------------------------------------------------------------- */

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Digits of either case, white space between them. */
static polka_status read_hex(polka_bytes text, polka_arena *arena, polka_bytes *bytes, polka_error *error)
{
    uint8_t *out = polka_arena_alloc(arena, text.size / 2 + 1);
    size_t digits = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = (char)text.data[i], shown[8];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            continue;
        polkai_text_escape(shown, sizeof shown, &c, 1, 4);
        ENSURE(digit(c) >= 0, POLKA_POISON, error, "bad-hex", "not hex: character %zu is '%s'", i + 1, shown);
        out[digits / 2] = (uint8_t)(digits % 2 == 0 ? digit(c) << 4 : out[digits / 2] | digit(c));
        digits++;
    }
    ENSURE(digits % 2 == 0, POLKA_POISON, error, "bad-hex", "not hex: %zu digits, half a byte too many", digits);
    *bytes = (polka_bytes){ digits / 2, out };
    return POLKA_OK;
}

/* ---- one value --------------------------------------------------------------------------------- */

static void print_error(const cli_avro_options *options, size_t line, const polka_error *error)
{
    if (line == 0 && !options->objects)
        return;
    json_t *row = json_object();
    if (options->objects && line > 0)
        json_object_set_new(row, "line", json_integer((json_int_t)line));
    json_object_set_new(row, "error", polkai_json_text(error->message));
    cli_print_json(row);
}

static void print_bytes(polka_bytes bytes, polka_arena *arena)
{
    char *hex = polka_arena_alloc(arena, bytes.size * 2 + 1);
    polkai_hex(hex, bytes.data, bytes.size);
    fwrite(hex, 1, bytes.size * 2, stdout);
}

static void print_result(const cli_avro_options *options, const cli_conversion *conversion, size_t line, const polka_buffer *out)
{
    bool raw = !conversion->takes_bytes && !options->objects && !options->hex && !options->lines;
    const char *quote = !conversion->takes_bytes && options->objects ? "\"" : "";
    if (options->objects && line > 0)
        printf("{\"line\":%zu,\"%s\":%s", line, conversion->member, quote);
    else if (options->objects)
        printf("{\"%s\":%s", conversion->member, quote);
    if (out->size > 0 && (conversion->takes_bytes || raw))
        fwrite(out->data, 1, out->size, stdout);
    else if (!raw)
        print_bytes((polka_bytes){ out->size, out->data }, out->arena);
    if (!raw)
        printf("%s%s\n", quote, options->objects ? "}" : "");
}

/* line: from 1; 0: the input is one value. */
static polka_status treat(const cli_avro_options *options, const cli_conversion *conversion, size_t line, polka_bytes in, polka_error *error)
{
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    polka_buffer out = { .arena = &arena };
    polka_status status = POLKA_OK;
    if (conversion->takes_bytes && (options->hex || options->lines))
        status = read_hex(in, &arena, &in, error);
    if (status == POLKA_OK)
        status = conversion->convert(conversion->user, in, &out, error);
    if (status == POLKA_OK)
        print_result(options, conversion, line, &out);
    else
        print_error(options, line, error);
    polkai_arena_deinit(&arena);
    return status;
}

/* ---- all of the input -------------------------------------------------------------------------- */

static int convert_whole(const cli_avro_options *options, FILE *file, const char *name, const cli_conversion *conversion)
{
    polka_error error = { 0 };
    size_t size = 0, capacity = 65536;
    uint8_t *data = polkai_alloc(capacity);
    for (size_t got; size <= INPUT_BYTES && (got = fread(data + size, 1, capacity - size, file)) > 0;) {
        size += got;
        if (size == capacity)
            data = polkai_realloc(data, capacity *= 2);
    }
    polka_status status = POLKA_OK;
    if (ferror(file))
        status = polkai_fail(&error, POLKA_MISUSE, "no-file", "%s: cannot be read: %s", name, strerror(errno));
    else if (size > INPUT_BYTES)
        status = polkai_fail(&error, POLKA_POISON, "too-large", "%s: a value of more than %d bytes", name, INPUT_BYTES);
    else
        status = treat(options, conversion, 0, (polka_bytes){ size, data }, &error);
    free(data);
    return status == POLKA_OK ? CLI_OK : cli_complain(&error);
}

static int convert_lines(const cli_avro_options *options, FILE *file, const char *name, const cli_conversion *conversion)
{
    char *text = NULL;
    size_t capacity = 0, line = 0;
    int code = CLI_OK;
    for (ssize_t size; !ferror(stdout) && (size = getline(&text, &capacity, file)) >= 0;) {
        polka_error error = { 0 };
        size_t used = (size_t)size - (size > 0 && text[size - 1] == '\n');
        line++;
        if (treat(options, conversion, line, (polka_bytes){ used, (const uint8_t *)text }, &error) == POLKA_OK)
            continue;
        polkai_error_where(&error, "line %zu", line);
        code = cli_complain(&error);
    }
    free(text);
    if (ferror(file)) {
        fprintf(stderr, "polka: %s: cannot be read: %m\n", name);
        return CLI_USAGE;
    }
    return code;
}

int cli_avro_convert(const cli_avro_options *options, const char *file, const cli_conversion *conversion)
{
    bool input = file == NULL || strcmp(file, "-") == 0;
    FILE *from = input ? stdin : fopen(file, "rbe");
    if (from == NULL) {
        fprintf(stderr, "polka: %s: cannot be read: %m\n", file);
        return CLI_USAGE;
    }
    const char *name = input ? "standard input" : file;
    int code = options->lines ? convert_lines(options, from, name, conversion) : convert_whole(options, from, name, conversion);
    if (!input)
        fclose(from);
    if (fflush(stdout) != 0)
        code = CLI_FAILURE;
    return code;
}

static int run(const cli_command *command, int argc, char **argv)
{
    return cli_group(command, members, argc, argv);
}

const cli_command cli_avro = {
    .name = "avro", .arguments = "decode|encode …", .summary = "Avro values: bytes to JSON and back", .run = run,
    .details = "By the rules of Avro alone; any schema will do.\nExit: 0 good, 1 an invalid schema, value or bytes, 2 usage.\n",
    .examples = "  polka avro decode --writer order.avsc order.bin\n"
                "  echo '{\"id\":\"A-1\"}' | polka avro encode --schema order.avsc --hex\n" };
