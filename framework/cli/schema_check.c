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

static void print_break(const polkai_break *one, const char *reader_path, const char *writer_path)
{
    printf("  %s: reader %s, writer %s\n    %s\n    %s\n", one->type, reader_path, writer_path, one->message, one->fix);
}

static void print_breaks(const polkai_breaks *breaks, const char *reader, const char *writer)
{
    printf("not compatible: %s cannot read all that %s writes\n", reader, writer);
    for (size_t i = 0; i < breaks->count; i++)
        print_break(&breaks->items[i], breaks->items[i].reader_path, breaks->items[i].writer_path);
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

static bool is_new_reader(const polkai_history_pair *pair)
{
    return pair->reader > pair->writer;
}

/* The break of `pair` that says what `one` says, of the other pair, with the new version on the same side; NULL: it has none. Where it stands in the old version does not count. */
static const polkai_break *same_break(const polkai_history_pair *pair, const polkai_history_pair *other, const polkai_break *one)
{
    for (size_t i = 0; i < pair->breaks.count && is_new_reader(pair) == is_new_reader(other); i++) {
        const polkai_break *each = &pair->breaks.items[i];
        bool same_place = strcmp(is_new_reader(pair) ? each->reader_path : each->writer_path, is_new_reader(pair) ? one->reader_path : one->writer_path) == 0;
        if (same_place && strcmp(each->type, one->type) == 0 && strcmp(each->message, one->message) == 0 && strcmp(each->fix, one->fix) == 0)
            return each;
    }
    return NULL;
}

/* Where one break has its like: the old versions, "v2.avsc, v1.avsc", how many, and the break's places in them. */
typedef struct { polka_text versions, paths; size_t count; bool said; } concerned;

static concerned find_concerned(check *c, const polkai_history *history, size_t first, const polkai_break *one)
{
    concerned found = { .versions = { 0, "" }, .paths = { 0, "" } };
    const char *last_path = NULL;
    for (size_t p = 0; p < history->count; p++) {
        const polkai_history_pair *pair = &history->pairs[p];
        const polkai_break *like = same_break(pair, &history->pairs[first], one);
        if (like == NULL)
            continue;
        const char *version = c->versions.items[(is_new_reader(pair) ? pair->writer : pair->reader) - 1], *path = is_new_reader(pair) ? like->writer_path : like->reader_path;
        found.said = found.said || p < first;
        found.versions = polkai_arena_format(&c->arena, "%s%s%s", found.versions.data, found.count++ > 0 ? ", " : "", version);
        if (last_path == NULL)
            found.paths = polka_text_of(path);
        else if (strcmp(path, last_path) != 0)
            found.paths = polkai_arena_format(&c->arena, "%s, in %s %s", found.paths.data, version, path);
        last_path = path;
    }
    return found;
}

/* Each break once, under the versions that it concerns: the same one against every older version says no more. */
static void print_pairs(check *c, const polkai_history *history)
{
    for (size_t p = 0; p < history->count; p++) {
        const polkai_history_pair *pair = &history->pairs[p];
        polka_text headed = { 0, "" };
        for (size_t i = 0; i < pair->breaks.count; i++) {
            const polkai_break *one = &pair->breaks.items[i];
            concerned old = find_concerned(c, history, p, one);
            if (old.said)
                continue;
            if (!polka_text_equal(headed, old.versions) && is_new_reader(pair))
                printf("not compatible: %s cannot read all that %s write%s\n", c->versions.items[pair->reader - 1], old.versions.data, old.count == 1 ? "s" : "");
            else if (!polka_text_equal(headed, old.versions))
                printf("not compatible: %s cannot read all that %s writes\n", old.versions.data, c->versions.items[pair->writer - 1]);
            headed = old.versions;
            print_break(one, is_new_reader(pair) ? one->reader_path : old.paths.data, is_new_reader(pair) ? old.paths.data : one->writer_path);
        }
    }
}

static int print_history(check *c, polkai_compat_level level, const polkai_history *history)
{
    if (c->json) {
        print_history_json(c, level, history);
    } else if (history->first_broken == 0) {
        printf("compatible: %zu version%s keep%s %s\n", c->versions.count, c->versions.count == 1 ? "" : "s", c->versions.count == 1 ? "s" : "",
               polkai_compat_level_name(level));
    } else {
        printf("version %zu (%s) breaks %s\n", history->first_broken, c->versions.items[history->first_broken - 1], polkai_compat_level_name(level));
        print_pairs(c, history);
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
