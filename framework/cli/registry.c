/* registry.c: a registry of the project's own, and where commands look for one. */
#include <cli/registry.h>

#include <base/arena.h>
#include <cli/running.h>
#include <cli/settings.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- settings ---- */

static const char *setting(const polkai_config *config, const char *name) { return polkai_config_text(config, name); }

static bool wants(const cli_project *project, const char *name)
{
    const polka_service service = { .name = name, .version = "0" };
    polkai_config *config AUTO(cli_settings_free) = NULL;
    if (cli_settings_read(&config, project, &service, NULL) != POLKA_OK)
        return false;                    /* the service itself says what is wrong */
    return *setting(config, "schemas.registry.url") != '\0' || strcmp(setting(config, "framing"), "confluent") == 0;
}

bool cli_registry_wanted(const cli_project *project, const cli_build *build)
{
    for (size_t i = 0; i < build->count; i++)
        if (wants(project, build->services[i].name))
            return true;
    return false;
}

static polkai_subject_strategy strategy_of(const polkai_config *config)
{
    return (polkai_subject_strategy)polkai_config_number(config, "schemas.subject");     /* the words of the property stand in this order */
}

/* ---- under `polka dev` ---- */

typedef struct {
    cli_ledger *ledger;
    const cli_console *console;
    polkai_subject_strategy strategy;
    size_t count;
} seeding;

static void seed(void *user, const polkai_schema *schema, const char *topic)
{
    seeding *all = user;
    polka_error error = { 0 };
    polka_arena arena AUTO(polkai_arena_deinit);
    cli_entry entry AUTO(cli_entry_free) = { 0 };
    char *text AUTO(cli_free_text) = polkai_schema_text(schema);
    int64_t id;
    polkai_arena_init(&arena, NULL, 0);
    const char *subject = polkai_registry_subject(all->strategy, topic, schema->name, &arena);
    polka_status status = cli_entry_read(&entry, all->ledger, polka_text_of(text), NULL, &error);
    if (status == POLKA_OK)
        status = cli_ledger_register(all->ledger, subject, &entry, &id, &error);
    all->count += status == POLKA_OK;
    if (status != POLKA_OK)
        cli_console_warn(all->console, "registry: %s; polka schema level %s --set NONE --execute allows it", error.message, subject);
}

static polka_status open_ledger(cli_registry *registry, const cli_project *project, const cli_console *console, polka_error *error)
{
    bool aside;
    char *path AUTO(cli_free_text) = cli_format("%s/.polka/registry.json", project->root);
    TRY(cli_ledger_open(&registry->ledger, path, &aside, error));
    if (aside)
        cli_console_warn(console, "registry: %s was not what polka dev wrote; it is %s.broken now, and what it knew is registered anew", path, path);
    return POLKA_OK;
}

polka_status cli_registry_start(cli_registry *registry, const cli_project *project, cli_catalog *catalog, int64_t port, const cli_console *console, polka_error *error)
{
    const polka_service service = { .name = "polka", .version = "0" };
    polkai_config *config AUTO(cli_settings_free) = NULL;
    seeding all = { .ledger = &registry->ledger, .console = console };
    if (cli_settings_read(&config, project, &service, NULL) == POLKA_OK)
        all.strategy = strategy_of(config);
    TRY(open_ledger(registry, project, console, error));
    cli_catalog_versions(catalog, seed, &all);
    TRY(cli_server_start(&registry->server, &registry->ledger, port, error));
    cli_console_say(console, "schema registry %s; %zu schemas of the project", cli_server_url(registry->server), all.count);
    return POLKA_OK;
}

void cli_registry_stop(cli_registry *registry)
{
    cli_server_stop(registry->server);
    cli_ledger_close(&registry->ledger);
    *registry = (cli_registry){ 0 };
}

/* ---- for commands ---- */

static const char *choose(const polkai_config *config, const cli_running *running, const char *url)
{
    const polkai_config_value *value = polkai_config_find(config, "schemas.registry.url");
    const char *configured = value->text.size > 0 ? value->text.data : NULL;
    if (url != NULL)
        return url;
    if (configured != NULL && strncmp(value->origin, "environment", 11) == 0)
        return configured;
    return running->registry != NULL ? running->registry : configured;
}

polka_status cli_registry_open(polkai_registry **client, polkai_subject_strategy *strategy, const cli_project *project, const char *url, polka_error *error)
{
    const polka_service service = { .name = "polka", .version = "0" };
    polkai_config *config AUTO(cli_settings_free) = NULL;
    cli_running running AUTO(cli_running_free) = cli_running_read(project);
    TRY(cli_settings_read(&config, project, &service, error));
    *strategy = strategy_of(config);
    const char *chosen = choose(config, &running, url);
    ENSURE(chosen != NULL, POLKA_TRANSIENT, error, "no-registry", "no schema registry: `polka dev` does not run in %s (or is not ready yet); start it, or set "
           "POLKA_SCHEMAS_REGISTRY_URL or settings.schemas.registry.url of polka.yaml; commands under `polka schema` take --registry URL too", project->root);
    return polkai_registry_open(client, &(polkai_registry_options){ .urls = chosen, .user = setting(config, "schemas.registry.user"),
        .password = setting(config, "schemas.registry.password"), .token = setting(config, "schemas.registry.token"), .ca = setting(config, "schemas.registry.ca"),
        .certificate = setting(config, "schemas.registry.certificate"), .key = setting(config, "schemas.registry.key") }, error);
}

polka_status cli_registry_framing(const cli_project *project, bool *confluent, bool *look_up, polka_error *error)
{
    const polka_service service = { .name = "polka", .version = "0" };
    polkai_config *config AUTO(cli_settings_free) = NULL;
    TRY(cli_settings_read(&config, project, &service, error));
    *confluent = polkai_config_number(config, "framing") == 1;
    *look_up = polkai_config_number(config, "schemas.register") == 1;
    return POLKA_OK;
}

int cli_registry_complain(const polka_error *error)
{
    bool usage = error->status == POLKA_MISUSE && strncmp(error->code, "registry-", 9) != 0;
    cli_say("polka: %s", error->message);
    return usage ? CLI_USAGE : error->status == POLKA_TRANSIENT ? CLI_UNREACHABLE : CLI_FAILURE;
}
