/* schema_register.c: `polka schema register`: what the project's schemas would become in a registry, and with --execute do. */
#include <cli/registry.h>
#include <cli/schema_registry.h>
#include <cli/terminal.h>

#include <avro/json.h>
#include <base/arena.h>
#include <stdio.h>
#include <stdlib.h>

enum { REFERENCES_MAX = 64 };

typedef struct {
    const char *url, *subject, *format;
    cli_list names, references;
    bool execute, json;
    /* as it goes */
    polkai_registry *client;
    polkai_subject_strategy strategy;
    polka_arena arena;
    polkai_registry_reference read_references[REFERENCES_MAX];
    polka_status status;                 /* the first failure that ends it all */
    polka_error error;
    size_t changed, refused;
} registration;

static void print(const registration *work, const char *subject, const char *action, int64_t version, int64_t id, const char *note)
{
    if (!work->json) {
        char known[48] = "";
        if (id > 0)
            snprintf(known, sizeof known, version > 0 ? "  id %" PRId64 ", version %" PRId64 : "  id %" PRId64, id, version);
        printf("%-10s %s%s%s%s\n", action, subject, known, *note != '\0' ? "  " : "", note);
        return;
    }
    json_t *row = json_pack("{s:o, s:s, s:o}", "subject", polkai_json_text(subject), "action", action, "note", polkai_json_text(note));
    json_object_set_new(row, "version", version > 0 ? json_integer(version) : json_null());
    json_object_set_new(row, "id", id > 0 ? json_integer(id) : json_null());
    cli_print_json(row);
}

static void refuse(registration *work, const char *subject, const char *words)
{
    work->refused++;
    print(work, subject, "refused", 0, 0, words);
}

/* The error, and the registry's words whole when it has not room for them. */
static void refuse_as_it_says(registration *work, const char *subject)
{
    const char *words = polkai_registry_words(work->client);
    refuse(work, subject, *words == '\0' ? work->error.message : polkai_arena_format(&work->arena, "%s\n%s", work->error.message, words).data);
}

static polka_status enter(registration *work, const char *subject, const polkai_registry_schema *schema)
{
    int32_t id;
    polka_status status = polkai_registry_register(work->client, subject, schema, &id, &work->error);
    if (status == POLKA_MISUSE && strcmp(work->error.code, "registry-refused") == 0) {
        refuse_as_it_says(work, subject);
        return POLKA_OK;
    }
    TRY(status);
    work->changed++;
    print(work, subject, "registered", 0, id, "");
    return POLKA_OK;
}

/* What registering would do: the registry is asked whether the schema fits. */
static polka_status foresee(registration *work, const char *subject, const polkai_registry_schema *schema)
{
    bool compatible = true;
    const char *words = "";
    polka_status status = polkai_registry_check(work->client, subject, -1, schema, &work->arena, &compatible, &words, &work->error);
    if (status == POLKA_MISUSE && strcmp(work->error.code, "registry-refused") == 0) {
        refuse_as_it_says(work, subject);
        return POLKA_OK;
    }
    if (status != POLKA_POISON)          /* "no such subject": its first version fits */
        TRY(status);
    if (!compatible) {
        refuse(work, subject, *words != '\0' ? words : "the registry says: incompatible");
        return POLKA_OK;
    }
    work->changed++;
    print(work, subject, "register", 0, 0, "");
    return POLKA_OK;
}

static polka_status treat(registration *work, const char *subject, polka_text text)
{
    polkai_registry_version version;
    const polkai_registry_schema schema = { .text = text, .references = work->read_references, .reference_count = work->references.count };
    polka_status status = polkai_registry_lookup(work->client, subject, &schema, &work->arena, &version, &work->error);
    if (status == POLKA_OK) {
        print(work, subject, "keep", version.version, version.id, "");
        return POLKA_OK;
    }
    if (status != POLKA_POISON && strcmp(work->error.code, "registry-refused") != 0)
        return status;
    return work->execute ? enter(work, subject, &schema) : foresee(work, subject, &schema);
}

static void treat_schema(void *user, const polkai_schema *schema, const char *topic)
{
    registration *work = user;
    char *text AUTO(cli_free_text) = polkai_schema_text(schema);
    const char *subject = work->subject != NULL ? work->subject : polkai_registry_subject(work->strategy, topic, schema->name, &work->arena);
    if (work->status == POLKA_OK && !cli_stopped())
        work->status = treat(work, subject, polka_text_of(text));
}

/* NAME=SUBJECT:VERSION */
static polka_status read_references(registration *work, polka_error *error)
{
    ENSURE(work->references.count <= REFERENCES_MAX, POLKA_MISUSE, error, "usage", "at most %d references", REFERENCES_MAX);
    for (size_t i = 0; i < work->references.count; i++) {
        char *text = (char *)(uintptr_t)polkai_arena_text(&work->arena, work->references.items[i], strlen(work->references.items[i])).data;
        char *equals = strchr(text, '='), *colon = equals != NULL ? strrchr(equals, ':') : NULL, *end = NULL;
        int64_t version = colon != NULL ? strtoll(colon + 1, &end, 10) : 0;
        ENSURE(version > 0 && *end == '\0', POLKA_MISUSE, error, "usage", "--reference takes NAME=SUBJECT:VERSION, not '%s'", work->references.items[i]);
        *equals = *colon = '\0';
        work->read_references[i] = (polkai_registry_reference){ text, equals + 1, version };
    }
    return POLKA_OK;
}

static bool is_file(const char *name) { return strchr(name, '/') != NULL || (strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".avsc") == 0); }

/* A file whose types may stand in other subjects goes as it is; the registry reads it. */
static polka_status treat_file_as_it_is(registration *work, const char *path, polka_error *error)
{
    json_error_t where;
    json_t *json = json_load_file(path, JSON_DECODE_ANY, &where);
    ENSURE(json != NULL, POLKA_POISON, error, "bad-schema", "%s:%d: %s", path, where.line, where.text);
    char *text AUTO(cli_free_text) = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
    ENSURE(work->subject != NULL, POLKA_MISUSE, error, "usage", "with --reference the subject is not told by the file: give --subject");
    work->status = treat(work, work->subject, polka_text_of(text));
    return POLKA_OK;
}

static polka_status treat_files(registration *work, polka_error *error)
{
    const polkai_schema **schemas = polkai_alloc((work->names.count + 1) * sizeof *schemas);
    polkai_schema_set *set = polkai_schema_set_create();
    polka_status status = polkai_schema_read_files(set, work->names.items, work->names.count, schemas, error);
    for (size_t i = 0; status == POLKA_OK && i < work->names.count; i++) {
        const char *topic = schemas[i]->name != NULL ? json_string_value(polkai_schema_attribute(schemas[i], "polka.topic")) : NULL;
        if (work->subject == NULL && schemas[i]->name == NULL)
            status = polkai_fail(error, POLKA_MISUSE, "usage", "%s has no name, so its subject is not known: give --subject", work->names.items[i]);
        else
            treat_schema(work, schemas[i], topic != NULL ? topic : schemas[i]->name);
    }
    polkai_schema_set_destroy(set);
    free(schemas);
    return status;
}

static polka_status treat_events(registration *work, cli_catalog *catalog, polka_error *error)
{
    if (work->names.count == 0)
        cli_catalog_versions(catalog, treat_schema, work);
    for (size_t i = 0; i < work->names.count; i++) {
        const cli_event *event;
        TRY(cli_catalog_event(catalog, work->names.items[i], &event, error));
        treat_schema(work, event->schema, event->topic);
    }
    return POLKA_OK;
}

static polka_status treat_all(registration *work, const cli_project *project, polka_error *error)
{
    bool files = work->names.count > 0 && is_file(work->names.items[0]);
    cli_catalog *catalog = NULL;
    if (work->references.count > 0)
        return treat_file_as_it_is(work, work->names.items[0], error);
    if (files)
        return treat_files(work, error);
    polka_status status = cli_catalog_open(&catalog, project, error);
    if (status == POLKA_OK)
        status = treat_events(work, catalog, error);
    cli_catalog_close(catalog);
    return status;
}

static polka_status work_through(registration *work, polka_error *error)
{
    cli_project project AUTO(cli_project_close) = { 0 };
    TRY(cli_project_open(&project, error));
    TRY(read_references(work, error));
    TRY(cli_registry_open(&work->client, &work->strategy, &project, work->url, error));
    TRY(treat_all(work, &project, error));
    if (work->status != POLKA_OK)
        *error = work->error;
    return work->status;
}

static int finish(const registration *work)
{
    if (work->refused > 0)
        cli_say("%zu refused", work->refused);
    if (work->execute)
        cli_say("%zu registered", work->changed);
    else if (work->changed > 0)
        cli_say("%zu would be registered; nothing was done: add --execute", work->changed);
    return work->refused > 0 ? CLI_FAILURE : CLI_OK;
}

static int check_usage(const cli_command *command, const registration *work)
{
    if (work->subject != NULL && work->names.count != 1)
        return cli_usage(command, "--subject goes with one event or file");
    if (work->references.count > 0 && (work->names.count != 1 || !is_file(work->names.items[0])))
        return cli_usage(command, "--reference goes with one file");
    return -1;
}

static int run(const cli_command *command, int argc, char **argv)
{
    registration work = { 0 };
    polka_error error = { 0 };
    const cli_option options[] = {
        { "execute", 0, CLI_FLAG, &work.execute, NULL, "do it; without it the registry is only asked" },
        { "registry", 0, CLI_TEXT, &work.url, "URL", "the registry; default: POLKA_SCHEMAS_REGISTRY_URL, or the running `polka dev`" },
        { "subject", 0, CLI_TEXT, &work.subject, "NAME", "in place of what schemas.subject makes of it" },
        { "reference", 0, CLI_LIST, &work.references, "NAME=SUBJECT:VERSION", "where a type stands that the file does not define; may be given often" },
        { "format", 0, CLI_TEXT, &work.format, "table|json", "default: table on a terminal, else json" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &work.names);
    int json = code < 0 ? cli_json_wanted(command, work.format) : 0;
    code = code < 0 && json < 0 ? CLI_USAGE : code < 0 ? check_usage(command, &work) : code;
    work.json = json == 1;
    polkai_arena_init(&work.arena, NULL, 0);
    if (code < 0) {
        cli_catch_signals();
        code = work_through(&work, &error) == POLKA_OK ? cli_stopped() ? CLI_STOPPED : finish(&work) : cli_registry_complain(&error);
    }
    polkai_registry_close(work.client);
    polkai_arena_deinit(&work.arena);
    cli_list_free(&work.names);
    cli_list_free(&work.references);
    return code;
}

const cli_command cli_schema_register = {
    .name = "schema register", .arguments = "[EVENT…|FILE…]", .summary = "schemas of the project into a registry", .run = run,
    .details = "Without names all versions of all events, the oldest first. A subject is the event's full name, or as schemas.subject says.\n"
               "What a registry refuses is said in its own words; exit 1 then.\n",
    .examples = "  polka schema register\n  polka schema register shop.OrderPlaced --execute\n"
                "  polka schema register order.avsc --registry https://registry:8081 --subject shop.orders-value --execute\n" };
