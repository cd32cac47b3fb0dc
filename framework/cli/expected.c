/* expected.c: where manifests and flow contracts are read for what should follow an event. */
#include <cli/expected.h>

#include <base/arena.h>
#include <cli/build.h>
#include <stdlib.h>

static polka_status read_build(cli_expectation *expected, const cli_project *project, polka_error *error)
{
    cli_build build AUTO(cli_build_close) = { 0 };
    TRY(cli_build_open(&build, project, NULL, error));
    TRY(cli_build_check(&build, error));
    return cli_manifests_describe(&expected->built, project, &build, error);
}

static polka_status read_contracts(cli_expectation *expected, const cli_project *project, polka_error *error)
{
    for (size_t i = 0; i < project->schemas.count; i++) {
        char *schemas AUTO(cli_free_text) = cli_project_path(project, project->schemas.items[i]);
        char *folder AUTO(cli_free_text) = cli_format("%s/flows", schemas);
        TRY(cli_contracts_folder(&expected->contracts, cli_path_shown(folder), false, error));
    }
    return POLKA_OK;
}

/* What services have said themselves goes before what a build says of them. */
static void choose(cli_expectation *made)
{
    size_t count = 0;
    free(made->manifests.items);
    free(made->since_ms);
    made->manifests = (cli_manifests){ .items = polkai_alloc((made->announced.keys.count + made->built.count + 1) * sizeof *made->manifests.items) };
    made->since_ms = polkai_alloc((made->announced.keys.count + made->built.count + 1) * sizeof *made->since_ms);
    for (size_t i = 0; i < made->announced.keys.count; i++)
        if (made->announced.items[i].manifest != NULL) {
            made->since_ms[count] = made->announced.items[i].since_ms;
            made->manifests.items[count++] = made->announced.items[i].manifest;
        }
    for (size_t i = 0; count == 0 && i < made->built.count; i++)
        made->manifests.items[i] = made->built.items[i];
    made->manifests.count = count > 0 ? count : made->built.count;
    cli_expected_forget(&made->expected);
    cli_hearers_use(&made->expected.hearers, made->manifests.items, made->since_ms, made->manifests.count);
}

static bool has_announced(const cli_announced *announced)
{
    for (size_t i = 0; i < announced->keys.count; i++)
        if (announced->items[i].manifest != NULL)
            return true;
    return false;
}

polka_status cli_expectation_open(cli_expectation *made, const cli_project *project, const cli_connection *connection, polkai_admin *admin, polka_error *error)
{
    polka_error without;
    made->built.examine = true;
    TRY(cli_announced_open(&made->announced, connection, admin, error));
    if (!has_announced(&made->announced) && read_build(made, project, &without) != POLKA_OK)
        cli_say("no service has said what it is on " CLI_SERVICES_TOPIC ", and there is no build to ask: what is missing cannot be told");
    TRY(read_contracts(made, project, error));
    made->expected.contract_count = made->contracts.count;
    made->expected.contracts = made->contracts.items;
    made->expected.admin = admin;
    choose(made);
    return POLKA_OK;
}

bool cli_expectation_read_on(cli_expectation *expectation, int64_t now_ms)
{
    bool changed = cli_announced_read_on(&expectation->announced, now_ms);
    if (changed)
        choose(expectation);
    return changed;
}

polka_status cli_expectation_refresh(cli_expectation *expectation, const cli_connection *connection, polkai_admin *admin, polka_error *error)
{
    return cli_announced_refresh(&expectation->announced, connection, admin, error);
}

void cli_expectation_close(cli_expectation *expectation)
{
    cli_expected_free(&expectation->expected);
    free(expectation->manifests.items);
    free(expectation->since_ms);
    cli_announced_close(&expectation->announced);
    cli_manifests_free(&expectation->built);
    cli_contracts_free(&expectation->contracts);
}
