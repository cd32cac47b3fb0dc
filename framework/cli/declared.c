/* declared.c: gathers, then joins all in one graph. */
#include <cli/declared.h>

#include <base/arena.h>
#include <choreography/contract_known.h>
#include <cli/catalog.h>
#include <cli/own.h>
#include <cli/services.h>

static polka_status ask_build(cli_declared *declared, const cli_declared_where *where, polka_error *error)
{
    cli_build build AUTO(cli_build_close) = { 0 };
    TRY(cli_build_open(&build, &declared->project, where->build, error));
    TRY(cli_build_check(&build, error));
    return cli_manifests_describe(&declared->manifests, &declared->project, &build, error);
}

static polka_status gather_project(cli_declared *declared, const cli_declared_where *where, polka_error *error)
{
    TRY(cli_project_open(&declared->project, error));
    TRY(where->running ? cli_services_read(&declared->manifests, &declared->project, &where->broker, error) : ask_build(declared, where, error));
    for (size_t i = 0; where->flows == NULL && i < declared->project.schemas.count; i++) {
        char *schemas AUTO(cli_free_text) = cli_project_path(&declared->project, declared->project.schemas.items[i]);
        char *folder AUTO(cli_free_text) = cli_format("%s/flows", schemas);
        TRY(cli_contracts_folder(&declared->contracts, cli_path_shown(folder), false, error));
    }
    return POLKA_OK;
}

static polka_status gather(cli_declared *declared, const cli_declared_where *where, polka_error *error)
{
    declared->manifests.examine = true;
    if (where->paths.count == 0)
        TRY(gather_project(declared, where, error));
    for (size_t i = 0; i < where->paths.count; i++)
        TRY(cli_manifests_path(&declared->manifests, where->paths.items[i], error));
    TRY(cli_own_add(&declared->manifests, NULL, error));
    return where->flows != NULL ? cli_contracts_folder(&declared->contracts, where->flows, true, error) : POLKA_OK;
}

/* A manifest that could not be read whole may be the one that knows the event: then nothing is said of it. */
static bool all_readable(const cli_declared *declared)
{
    for (size_t i = 0; i < declared->manifests.count; i++)
        if (declared->manifests.items[i]->problem_count > 0)
            return false;
    return true;
}

/* In a project, an event may have a schema before any service says or hears it; what has neither is a mistake. */
static polka_status know_by_schemas(const cli_declared *declared, polka_error *error)
{
    polka_arena arena = { 0 };
    polkai_names also = { .arena = &arena };
    cli_catalog *catalog = NULL;
    polka_status status = cli_catalog_open(&catalog, &declared->project, error);
    for (size_t i = 0; status == POLKA_OK && i < cli_catalog_count(catalog); i++)
        polkai_names_add(&also, cli_catalog_item(catalog, i)->name);
    for (size_t i = 0; status == POLKA_OK && i < declared->contracts.count; i++)
        status = polkai_contract_known(declared->contracts.items[i], declared->graph, &also, error);
    cli_catalog_close(catalog);
    polkai_arena_deinit(&arena);
    return status;
}

/* Of manifests that were given, the one that knows the event may be missing: that is a gap, which is told of. */
static polka_status know_by_manifests(const cli_declared *declared, polka_error *error)
{
    for (size_t i = 0; i < declared->contracts.count; i++) {
        polka_error unknown;
        TRY(polkai_contract_spelt(declared->contracts.items[i], declared->graph, error));
        if (polkai_contract_known(declared->contracts.items[i], declared->graph, NULL, &unknown) != POLKA_OK)
            cli_say("%s", unknown.message);
    }
    return POLKA_OK;
}

static polka_status check_events(const cli_declared *declared, polka_error *error)
{
    if (declared->contracts.count == 0 || !all_readable(declared))
        return POLKA_OK;
    return declared->project.root != NULL ? know_by_schemas(declared, error) : know_by_manifests(declared, error);
}

polka_status cli_declared_open(cli_declared *declared, const cli_declared_where *where, polka_error *error)
{
    ENSURE(where->paths.count == 0 || where->build == NULL, POLKA_MISUSE, error, "two-sources", "--build says whose services to ask; with manifests given nobody is asked");
    ENSURE(!where->running || (where->paths.count == 0 && where->build == NULL), POLKA_MISUSE, error, "two-sources",
           "--running takes what services have said at the broker, in place of manifests or a build");
    TRY(gather(declared, where, error));
    declared->graph = polkai_graph_create((const polkai_manifest *const *)declared->manifests.items, declared->manifests.count);
    declared->all = (polkai_choreography){ declared->graph, (const polkai_contract *const *)declared->contracts.items, declared->contracts.count };
    return check_events(declared, error);
}

size_t cli_declared_say_problems(const cli_declared *declared)
{
    size_t count = 0;
    for (size_t i = 0; i < declared->manifests.count; i++) {
        if (declared->manifests.items[i]->problem_count == 0)
            continue;
        cli_say("polka: %s: %s; `polka check` tells more", declared->manifests.items[i]->origin, declared->manifests.items[i]->problems[0].message);
        count++;
    }
    return count;
}

void cli_declared_close(cli_declared *declared)
{
    polkai_graph_destroy(declared->graph);
    cli_contracts_free(&declared->contracts);
    cli_manifests_free(&declared->manifests);
    cli_project_close(&declared->project);
    *declared = (cli_declared){ 0 };
}
