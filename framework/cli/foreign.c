/* foreign.c: looks in the library, then where schemas come from. */
#include <cli/foreign.h>

#include <base/arena.h>
#include <base/clock.h>
#include <cli/registry.h>
#include <flow/origins.h>
#include <flow/schema/topic.h>
#include <stdlib.h>

enum { ASK_AGAIN_MS = 1000, GIVE_UP_MS = 5000 };

struct cli_foreign {
    const cli_connection *connection;
    const cli_project *project;
    polkai_origins *origins;             /* of the registry; NULL: not asked for yet */
    polkai_schema_cluster cluster;
    polkai_library *library;
    polkai_schema_topic *topic;
    int64_t asked_ns, until_ns;          /* when polka.schemas was read last (0: never); when to stop reading it */
    polka_error outage;                  /* of that time */
};

static int64_t now_ns(void) { return polkai_clock_real.steady_ns(&polkai_clock_real); }

static polka_status open_source(void *user, polkai_source **source, polka_error *error)
{
    polkai_kafka_options options = cli_connection_options(user);
    return polkai_kafka_source_open(source, &options, error);
}

static polka_status open_admin(void *user, polkai_admin **admin, polka_error *error)
{
    polkai_kafka_options options = cli_connection_options(user);
    return polkai_kafka_admin_open(admin, &options, error);
}

cli_foreign *cli_foreign_create(const cli_connection *connection, const cli_project *project)
{
    cli_foreign *made = polkai_alloc(sizeof *made);
    made->connection = connection;
    made->project = project;
    made->library = polkai_library_create();
    if (connection == NULL)
        return made;
    made->cluster = (polkai_schema_cluster){ (void *)(uintptr_t)connection, open_source, open_admin };
    made->topic = polkai_schema_topic_create(&made->cluster, &polkai_clock_real, &connection->log);
    return made;
}

void cli_foreign_destroy(cli_foreign *foreign)
{
    if (foreign == NULL)
        return;
    polkai_schema_topic_destroy(foreign->topic);
    polkai_origins_destroy(foreign->origins);
    polkai_library_destroy(foreign->library);
    free(foreign);
}

static bool is_over(void *user)
{
    return cli_stopped() || now_ns() > ((cli_foreign *)user)->until_ns;
}

static polka_status look_on_topic(cli_foreign *foreign, uint64_t fingerprint, polka_text *text, polka_error *error)
{
    ENSURE(foreign->topic != NULL, POLKA_POISON, error, "schema-not-found", "fingerprint %016" PRIx64 " is not in the project's schemas", fingerprint);
    *text = polkai_schema_topic_find(foreign->topic, fingerprint);
    if (text->data == NULL && (foreign->asked_ns == 0 || now_ns() - foreign->asked_ns >= ASK_AGAIN_MS * (int64_t)1000000)) {
        foreign->until_ns = now_ns() + GIVE_UP_MS * (int64_t)1000000;
        foreign->outage.status = POLKA_OK;
        (void)!polkai_schema_topic_read(foreign->topic, is_over, foreign, &foreign->outage);
        foreign->asked_ns = now_ns();
        *text = polkai_schema_topic_find(foreign->topic, fingerprint);
    }
    ENSURE(text->data != NULL, POLKA_POISON, error, "schema-not-found", "fingerprint %016" PRIx64 " is neither in the project's schemas nor on " POLKAI_SCHEMA_TOPIC "%s%s",
           fingerprint, foreign->outage.status != POLKA_OK ? ": " : "", foreign->outage.status != POLKA_OK ? foreign->outage.message : "");
    return POLKA_OK;
}

static polka_status open_registry(cli_foreign *foreign, polka_error *error)
{
    polkai_registry *client = NULL;
    polkai_subject_strategy strategy;
    if (foreign->origins != NULL)
        return POLKA_OK;
    TRY(cli_registry_open(&client, &strategy, foreign->project, NULL, error));
    char *folder AUTO(cli_free_text) = cli_project_path(foreign->project, ".polka/schemas");
    foreign->origins = polkai_origins_create(&(polkai_origins_options){ .registry = client, .cache = folder, .subject = strategy });
    return POLKA_OK;
}

static polka_status ask_registry(cli_foreign *foreign, const polkai_schema_key *key, polka_arena *arena, polka_text *text, polka_error *error)
{
    char name[POLKAI_SCHEMA_KEY_TEXT + 1];
    polkai_schema_key_text(key, name);
    ENSURE(foreign->project != NULL, POLKA_POISON, error, "schema-not-found", "%s of a schema registry, and none is asked", name);
    polka_status status = open_registry(foreign, error);
    if (status == POLKA_OK) {
        polkai_schema_registry registry = polkai_origins_registry(foreign->origins);
        status = registry.fetch(registry.user, key, arena, text, error);
    }
    if (status != POLKA_OK)
        polkai_error_where(error, "%s", name);
    return status;
}

polka_status cli_foreign_schema(cli_foreign *foreign, const polkai_schema_key *key, const polkai_schema **schema, polka_error *error)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    polka_text text;
    polkai_arena_init(&arena, NULL, 0);
    const polkai_writer_schema *writer = polkai_library_writer(foreign->library, key);
    if (writer == NULL) {
        if (key->kind == POLKAI_BY_FINGERPRINT)
            TRY(look_on_topic(foreign, key->number, &text, error));
        else
            TRY(ask_registry(foreign, key, &arena, &text, error));
        TRY(polkai_library_add(foreign->library, key, text, error));
        writer = polkai_library_writer(foreign->library, key);
    }
    *schema = writer->schema;
    return POLKA_OK;
}
