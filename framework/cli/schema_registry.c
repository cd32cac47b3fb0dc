/* schema_registry.c: `polka schema ls|show|level`: what a registry knows. */
#include <cli/registry.h>
#include <cli/schema_registry.h>
#include <cli/terminal.h>

#include <base/arena.h>
#include <base/identity.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* What the three have in common. */
typedef struct {
    const char *url, *format;
    cli_list rest;
    bool json;
    polkai_registry *client;
    polkai_subject_strategy strategy;
    polka_arena arena;
} talk;

#define TALK_OPTIONS(TALK)                                                                                                                    \
    { "registry", 0, CLI_TEXT, &(TALK).url, "URL", "the registry; default: POLKA_SCHEMAS_REGISTRY_URL, or the running `polka dev`" },         \
    { "format", 0, CLI_TEXT, &(TALK).format, "table|json", "default: table on a terminal, else json" }

static polka_status open_talk(talk *with, polka_error *error)
{
    cli_project project AUTO(cli_project_close) = { 0 };
    TRY(cli_project_open(&project, error));
    return cli_registry_open(&with->client, &with->strategy, &project, with->url, error);
}

/* The frame of each: options, at most `most` words, the work, the end. */
static int hold(const cli_command *command, talk *with, const cli_option *options, int argc, char **argv, size_t least, size_t most, polka_status (*work)(talk *with, polka_error *error))
{
    polka_error error = { 0 };
    polkai_arena_init(&with->arena, NULL, 0);
    int code = cli_parse(command, options, argc, argv, &with->rest);
    int json = code < 0 ? cli_json_wanted(command, with->format) : 0;
    if (code < 0 && json < 0)
        code = CLI_USAGE;
    if (code < 0 && (with->rest.count < least || with->rest.count > most))
        code = cli_usage(command, with->rest.count < least ? "what? polka %s %s" : "too many words; polka %s %s", command->name, command->arguments);
    with->json = json == 1;
    if (code < 0) {
        polka_status status = open_talk(with, &error);
        if (status == POLKA_OK)
            status = work(with, &error);
        code = status == POLKA_OK ? CLI_OK : cli_registry_complain(&error);
    }
    polkai_registry_close(with->client);
    polkai_arena_deinit(&with->arena);
    cli_list_free(&with->rest);
    return code;
}

/* ---- ls ---- */

static polka_status print_version(talk *with, const char *subject, int64_t number, polka_error *error)
{
    polkai_registry_version version;
    TRY(polkai_registry_version_of(with->client, subject, number, &with->arena, &version, error));
    if (with->json) {
        cli_print_json(json_pack("{s:s, s:I, s:i}", "subject", version.subject, "version", (json_int_t)version.version, "id", (int)version.id));
        return POLKA_OK;
    }
    cli_print_text(version.subject, strlen(version.subject), 200);
    printf("  version %" PRId64 ", id %" PRId32 "\n", version.version, version.id);
    return POLKA_OK;
}

static polka_status list(talk *with, polka_error *error)
{
    const char *const *subjects;
    const int64_t *versions;
    size_t count;
    if (with->rest.count == 1) {
        TRY(polkai_registry_versions(with->client, with->rest.items[0], &with->arena, &versions, &count, error));
        for (size_t i = 0; i < count; i++)
            TRY(print_version(with, with->rest.items[0], versions[i], error));
        return POLKA_OK;
    }
    TRY(polkai_registry_subjects(with->client, &with->arena, &subjects, &count, error));
    for (size_t i = 0; i < count; i++) {
        polka_status status = print_version(with, subjects[i], 0, error);
        if (status != POLKA_OK && strcmp(error->code, "not-avro") != 0)
            return status;
    }
    return POLKA_OK;
}

static int run_ls(const cli_command *command, int argc, char **argv)
{
    talk with = { 0 };
    const cli_option options[] = { TALK_OPTIONS(with), { 0 } };
    return hold(command, &with, options, argc, argv, 0, 1, list);
}

const cli_command cli_schema_ls = {
    .name = "schema ls", .arguments = "[SUBJECT]", .summary = "the subjects of a registry, or the versions of one", .run = run_ls,
    .details = "Subjects stand with their latest version; subjects of other kinds than Avro are left out.\n",
    .examples = "  polka schema ls\n  polka schema ls shop.OrderPlaced\n  polka schema ls --registry http://localhost:8081 --format json\n" };

/* ---- show ---- */

typedef struct { talk with; const char *id; } showing;

/* SUBJECT or SUBJECT:VERSION; a subject itself may have colons. */
static int64_t split_version(char *subject)
{
    char *colon = strrchr(subject, ':'), *end = NULL;
    int64_t version = colon != NULL ? strtoll(colon + 1, &end, 10) : 0;
    if (colon == NULL || version < 1 || *end != '\0')
        return 0;
    *colon = '\0';
    return version;
}

static polka_status read_id(const char *text, polkai_schema_id *id, polka_error *error)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    *id = (polkai_schema_id){ .id = (int32_t)number };
    id->by_guid = polkai_uuid_read(polka_text_of(text), id->guid);
    if (id->by_guid)
        return POLKA_OK;
    ENSURE(end != text && *end == '\0' && errno == 0 && number >= 0 && number <= INT32_MAX, POLKA_MISUSE, error, "usage", "--id takes a number or a GUID, not '%s'", text);
    return POLKA_OK;
}

static void print_schema(const talk *with, json_t *about_taken, polka_text text)
{
    bool as_object = with->format != NULL && with->json;             /* piped it is the text alone: it goes into a file */
    if (as_object) {
        json_object_set_new(about_taken, "schema", json_stringn(text.data, text.size));
        cli_print_json(about_taken);
        return;
    }
    json_decref(about_taken);
    printf("%.*s\n", TEXT(text));
}

static polka_status show_subject(talk *with, polka_error *error)
{
    polkai_registry_version version;
    char *subject = (char *)(uintptr_t)polkai_arena_text(&with->arena, with->rest.items[0], strlen(with->rest.items[0])).data;
    int64_t number = split_version(subject);
    TRY(polkai_registry_version_of(with->client, subject, number, &with->arena, &version, error));
    print_schema(with, json_pack("{s:s, s:I, s:i}", "subject", version.subject, "version", (json_int_t)version.version, "id", (int)version.id), version.schema.text);
    return POLKA_OK;
}

static polka_status show_id(talk *with, polka_error *error)
{
    const char *name = ((const showing *)with)->id;
    polkai_schema_id id;
    polka_text text;
    TRY(read_id(name, &id, error));
    TRY(polkai_registry_fetch(with->client, &id, &with->arena, &text, error));
    print_schema(with, id.by_guid ? json_pack("{s:s}", "guid", name) : json_pack("{s:i}", "id", (int)id.id), text);
    return POLKA_OK;
}

static polka_status show(talk *with, polka_error *error)
{
    bool by_id = ((const showing *)with)->id != NULL;
    ENSURE(by_id != (with->rest.count == 1), POLKA_MISUSE, error, "usage", "show what? SUBJECT, SUBJECT:VERSION or --id ID");
    return by_id ? show_id(with, error) : show_subject(with, error);
}

static int run_show(const cli_command *command, int argc, char **argv)
{
    showing shown = { 0 };
    const cli_option options[] = { { "id", 0, CLI_TEXT, &shown.id, "ID|GUID", "the schema of that id, in place of a subject" }, TALK_OPTIONS(shown.with), { 0 } };
    return hold(command, &shown.with, options, argc, argv, 0, 1, show);
}

const cli_command cli_schema_show = {
    .name = "schema show", .arguments = "SUBJECT[:VERSION]", .summary = "the text of a schema in a registry", .run = run_show,
    .details = "Prints the text alone; --format json gives an object. By --id a text is self-contained, with what it refers to written out.\n",
    .examples = "  polka schema show shop.OrderPlaced\n  polka schema show shop.OrderPlaced:2 >old.avsc\n  polka schema show --id 17\n" };

/* ---- level ---- */

typedef struct { talk with; const char *set; bool execute; } levelling;

static polka_status level(talk *with, polka_error *error)
{
    const levelling *wanted = (const levelling *)with;
    const char *subject = with->rest.count > 0 ? with->rest.items[0] : NULL, *now;
    bool inherited;
    ENSURE(wanted->set != NULL || !wanted->execute, POLKA_MISUSE, error, "usage", "--execute goes with --set LEVEL");
    if (wanted->set != NULL && wanted->execute)
        TRY(polkai_registry_set_level(with->client, subject, wanted->set, error));
    TRY(polkai_registry_level(with->client, subject, &with->arena, &now, &inherited, error));
    if (with->json)
        cli_print_json(json_pack("{s:s?, s:s, s:b}", "subject", subject, "level", now, "inherited", inherited));
    else
        printf("%s%s\n", now, inherited ? "  (the registry's)" : "");
    if (wanted->set != NULL && !wanted->execute)
        cli_say("would become %s; nothing was done: add --execute", wanted->set);
    return POLKA_OK;
}

static int run_level(const cli_command *command, int argc, char **argv)
{
    levelling wanted = { 0 };
    const cli_option options[] = { { "set", 0, CLI_TEXT, &wanted.set, "LEVEL", "NONE, or BACKWARD, FORWARD, FULL, each also with _TRANSITIVE" },
                                   { "execute", 0, CLI_FLAG, &wanted.execute, NULL, "with --set: do it" }, TALK_OPTIONS(wanted.with), { 0 } };
    return hold(command, &wanted.with, options, argc, argv, 0, 1, level);
}

const cli_command cli_schema_level = {
    .name = "schema level", .arguments = "[SUBJECT]", .summary = "which changes of a schema a registry allows", .run = run_level,
    .details = "Without a subject the registry's own level, which holds for all subjects without one.\n",
    .examples = "  polka schema level\n  polka schema level shop.OrderPlaced --set FULL_TRANSITIVE --execute\n" };
