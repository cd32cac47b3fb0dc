/* schema_validate.c: `polka schema validate`: is each file an Avro schema, and if not, where and why not. */
#include <cli/schema.h>
#include <cli/terminal.h>

#include <avro/json.h>
#include <stdio.h>

/* The JSON path and the rule in "FILE: $.fields[2].type: rule"; *path is "" when there is none. */
static const char *take_apart(const char *message, const char *file, char *path, size_t capacity)
{
    size_t skip = strlen(file), size = 0;
    path[0] = '\0';
    if (strncmp(message, file, skip) == 0 && strncmp(message + skip, ": ", 2) == 0)
        message += skip + 2;
    if (*message != '$')
        return message;
    for (bool quoted = false; message[size] != '\0' && (quoted || strncmp(message + size, ": ", 2) != 0); size++)
        quoted = message[size] == '"' ? !quoted : quoted;
    if (message[size] == '\0')
        return message;
    snprintf(path, capacity, "%.*s", (int)size, message);
    return message + size + 2;
}

static json_t *warnings_json(const cli_schema *schema, const char *shown)
{
    json_t *warnings = json_array();
    const polkai_schema_notice *warning;
    for (size_t i = 0; (warning = polkai_schema_warning(schema->set, i)) != NULL; i++)
        if (strcmp(warning->file, shown) == 0)
            json_array_append_new(warnings, json_pack("{s:o, s:o}", "path", polkai_json_text(warning->path), "message", polkai_json_text(warning->message)));
    return warnings;
}

static void print_object(const cli_schema *schema, const char *shown, const polka_error *error)
{
    char path[240] = "";
    bool valid = error->status == POLKA_OK;
    const char *rule = valid ? NULL : take_apart(error->message, shown, path, sizeof path);
    json_t *row = json_pack("{s:o, s:b}", "file", polkai_json_text(shown), "valid", valid);
    json_object_set_new(row, "type", valid ? json_string(polkai_avro_type_name(schema->schema->type)) : json_null());
    json_object_set_new(row, "name", valid && schema->schema->name != NULL ? json_string(schema->schema->name) : json_null());
    json_object_set_new(row, "path", path[0] != '\0' ? polkai_json_text(path) : json_null());
    json_object_set_new(row, "error", valid ? json_null() : polkai_json_text(rule));
    json_object_set_new(row, "warnings", warnings_json(schema, shown));
    cli_print_json(row);
}

static int validate(const char *file, const cli_list *with, bool json)
{
    cli_schema schema AUTO(cli_schema_close) = { 0 };
    polka_error error = { .status = POLKA_OK };
    const polkai_schema_notice *warning;
    const char *shown = strcmp(file, "-") == 0 ? "standard input" : file;
    int code = cli_schema_read(&schema, file, with, &error) == POLKA_OK ? CLI_OK : cli_complain(&error);
    for (size_t i = 0; (warning = polkai_schema_warning(schema.set, i)) != NULL; i++)
        if (strcmp(warning->file, shown) == 0)
            fprintf(stderr, "polka: %s: %s: warning: %s\n", shown, warning->path, warning->message);
    if (json)
        print_object(&schema, shown, &error);
    else if (code == CLI_OK)
        printf("%s: valid\n", shown);
    return code;
}

static int run(const cli_command *command, int argc, char **argv)
{
    const char *format = NULL;
    cli_list files = { 0 }, with = { 0 };
    polka_error error = { 0 };
    const cli_option options[] = {
        CLI_WITH_OPTION(with), { "format", 0, CLI_TEXT, &format, "text|json", "a line a file, or an object a file; default: text" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &files);
    int json = code < 0 ? cli_json_wanted(command, format != NULL ? format : "text") : 0;
    if (code < 0 && json < 0)
        code = CLI_USAGE;
    if (code < 0 && files.count == 0)
        code = cli_usage(command, "which FILE? ('-' is standard input)");
    if (code < 0 && cli_schema_find_files(&with, NULL, &error) != POLKA_OK)
        code = cli_complain(&error);
    if (code < 0) {
        code = CLI_OK;
        for (size_t i = 0; i < files.count; i++)         /* the files may refer to each other */
            if (strcmp(files.items[i], "-") != 0)
                cli_list_add(&with, files.items[i]);
        for (size_t i = 0; i < files.count; i++) {
            int one = validate(files.items[i], &with, json == 1);
            code = one > code ? one : code;
        }
    }
    cli_list_free(&files);
    cli_list_free(&with);
    return code;
}

const cli_command cli_schema_validate = {
    .name = "schema validate", .arguments = "FILE…", .summary = "are these Avro schemas? where and why not", .run = run,
    .details = "A line `FILE: valid` on stdout for each that is; what is wrong, with its JSON path and the rule, on stderr, and so are\n"
               "warnings (a logical type that does not fit is ignored, as the specification says). The files may refer to each\n"
               "other; two versions of one type are judged each for itself. With --format json an object a file:\n"
               "  {\"file\", \"valid\", \"type\", \"name\", \"path\", \"error\", \"warnings\": [{\"path\", \"message\"}]}\n"
               "Exit: 0 all are valid, 1 one is not, 2 a file cannot be read.\n",
    .examples = "  polka schema validate order.avsc\n"
                "  polka schema validate schemas/shop/*.avsc --format json\n"
                "  curl -s http://schemas.example/order.avsc | polka schema validate -\n" };
