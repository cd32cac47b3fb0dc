/* schema_check.c: `polka schema check`: can a reader's schema read what a writer's writes; does a history keep its level. */
#include <cli/schema.h>
#include <cli/terminal.h>

#include <avro/compat.h>
#include <base/arena.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *reader, *writer, *level, *format;
    cli_list versions, with;
    bool json;
    polka_arena arena;
} check;

static json_t *break_json(const polkai_break *one)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", one->type, "reader_path", one->reader_path, "writer_path", one->writer_path, "message", one->message,
                     "fix", one->fix);
}

static void print_breaks(const polkai_breaks *breaks, const char *reader, const char *writer)
{
    printf("not compatible: %s cannot read all that %s writes\n", reader, writer);
    for (size_t i = 0; i < breaks->count; i++)
        printf("  %s: reader %s, writer %s\n    %s\n    %s\n", breaks->items[i].type, breaks->items[i].reader_path, breaks->items[i].writer_path,
               breaks->items[i].message, breaks->items[i].fix);
}

static int print_pair(const check *c, const polkai_breaks *breaks)
{
    if (c->json) {
        json_t *all = json_array();
        for (size_t i = 0; i < breaks->count; i++)
            json_array_append_new(all, break_json(&breaks->items[i]));
        cli_print_json(json_pack("{s:b, s:o}", "compatible", breaks->count == 0, "breaks", all));
    } else if (breaks->count > 0) {
        print_breaks(breaks, c->reader, c->writer);
    } else {
        printf("compatible: %s reads all that %s writes\n", c->reader, c->writer);
    }
    return breaks->count > 0 ? CLI_FAILURE : CLI_OK;
}

static int check_pair(check *c)
{
    cli_schema reader AUTO(cli_schema_close) = { 0 }, writer AUTO(cli_schema_close) = { 0 };
    polka_error error = { 0 };
    cli_list both = { .count = 2, .items = (const char *[]){ c->reader, c->writer } };
    if (cli_schema_find_files(&both, NULL, &error) != POLKA_OK || cli_schema_open(&reader, c->reader, &c->with, &error) != POLKA_OK ||
        cli_schema_open(&writer, c->writer, &c->with, &error) != POLKA_OK)
        return cli_schema_fail(c->json, &error);
    polkai_breaks breaks = polkai_compat_check(writer.schema, reader.schema, &c->arena);
    return print_pair(c, &breaks);
}

static void print_history_json(const check *c, polkai_compat_level level, const polkai_history *history)
{
    json_t *all = json_array();
    for (size_t p = 0; p < history->count; p++)
        for (size_t i = 0; i < history->pairs[p].breaks.count; i++) {
            json_t *one = break_json(&history->pairs[p].breaks.items[i]);
            json_object_set_new(one, "reader_version", json_integer((json_int_t)history->pairs[p].reader));
            json_object_set_new(one, "writer_version", json_integer((json_int_t)history->pairs[p].writer));
            json_array_append_new(all, one);
        }
    json_t *row = json_pack("{s:b}", "compatible", history->first_broken == 0);
    json_object_set_new(row, "first_broken", history->first_broken == 0 ? json_null() : json_integer((json_int_t)history->first_broken));
    json_object_set_new(row, "level", json_string(polkai_compat_level_name(level)));
    json_object_set_new(row, "versions", json_integer((json_int_t)c->versions.count));
    json_object_set_new(row, "breaks", all);
    cli_print_json(row);
}

static int print_history(const check *c, polkai_compat_level level, const polkai_history *history)
{
    if (c->json) {
        print_history_json(c, level, history);
    } else if (history->first_broken == 0) {
        printf("compatible: %zu version%s keep%s %s\n", c->versions.count, c->versions.count == 1 ? "" : "s", c->versions.count == 1 ? "s" : "",
               polkai_compat_level_name(level));
    } else {
        printf("version %zu (%s) breaks %s\n", history->first_broken, c->versions.items[history->first_broken - 1], polkai_compat_level_name(level));
        for (size_t p = 0; p < history->count; p++)
            print_breaks(&history->pairs[p].breaks, c->versions.items[history->pairs[p].reader - 1], c->versions.items[history->pairs[p].writer - 1]);
    }
    return history->first_broken == 0 ? CLI_OK : CLI_FAILURE;
}

static int check_history(check *c)
{
    polkai_compat_level level;
    polka_error error = { 0 };
    cli_schema *versions = polkai_alloc(c->versions.count * sizeof *versions);
    const polkai_schema **schemas = polkai_alloc(c->versions.count * sizeof *schemas);
    polka_status status = polkai_compat_level_parse(polka_text_of(c->level), &level, &error);
    if (status == POLKA_OK)
        status = cli_schema_find_files(&c->versions, NULL, &error);
    for (size_t i = 0; status == POLKA_OK && i < c->versions.count; i++) {
        status = cli_schema_open(&versions[i], c->versions.items[i], &c->with, &error);
        schemas[i] = versions[i].schema;
    }
    int code = status == POLKA_OK ? CLI_OK : cli_schema_fail(c->json, &error);
    if (status == POLKA_OK) {
        polkai_history history = polkai_compat_history(level, schemas, c->versions.count, &c->arena);
        code = print_history(c, level, &history);
    }
    for (size_t i = 0; i < c->versions.count; i++)
        cli_schema_close(&versions[i]);
    free(schemas);
    free(versions);
    return code;
}

static int run(const cli_command *command, int argc, char **argv)
{
    check c = { 0 };
    const cli_option options[] = {
        { "reader", 'r', CLI_TEXT, &c.reader, "FILE", "the schema that reads" },
        { "writer", 'w', CLI_TEXT, &c.writer, "FILE", "the schema that wrote" },
        { "level", 'l', CLI_TEXT, &c.level, "LEVEL", "BACKWARD, FORWARD, FULL, each also _TRANSITIVE, or NONE: what versions must keep" },
        CLI_WITH_OPTION(c.with), { "format", 0, CLI_TEXT, &c.format, "text|json", "sentences, or one object; default: text" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &c.versions);
    int json = code < 0 ? cli_json_wanted(command, c.format != NULL ? c.format : "text") : 0;
    if (code < 0 && json < 0)
        code = CLI_USAGE;
    bool pair = c.reader != NULL && c.writer != NULL && c.level == NULL && c.versions.count == 0;
    bool history = c.level != NULL && c.reader == NULL && c.writer == NULL && c.versions.count > 0;
    if (code < 0 && !pair && !history)
        code = cli_usage(command, "one of: --reader R --writer W, or --level LEVEL V1 V2 …");
    c.json = json == 1;
    polkai_arena_init(&c.arena, NULL, 0);
    if (code < 0)
        code = pair ? check_pair(&c) : check_history(&c);
    polkai_arena_deinit(&c.arena);
    cli_list_free(&c.versions);
    cli_list_free(&c.with);
    return code;
}

const cli_command cli_schema_check = {
    .name = "schema check", .arguments = "--reader R --writer W | --level LEVEL V1 V2 …", .summary = "can R read what W writes? does each version keep the level?", .run = run,
    .details = "Every break with its path in both schemas and what to change. --format json:\n"
               "  {\"compatible\", \"breaks\": [{\"type\", \"reader_path\", \"writer_path\", \"message\", \"fix\"}]}, and for a history also\n"
               "  \"first_broken\" (the version, from 1, or null), \"level\", \"versions\", and \"reader_version\", \"writer_version\" in each break.\n"
               "BACKWARD: a version reads the one before it; FORWARD: that one reads it; FULL: both; _TRANSITIVE: all before it.\n"
               "Exit: 0 compatible, 1 not, or a schema is invalid, 2 usage.\n",
    .examples = "  polka schema check --reader order.v2.avsc --writer order.v1.avsc\n"
                "  polka schema check --level FULL_TRANSITIVE order.v1.avsc order.v2.avsc order.v3.avsc --format json\n" };
