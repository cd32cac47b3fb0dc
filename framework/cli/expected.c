/* expected.c: where manifests and flow contracts are read for what should follow an event. */
#include <cli/expected.h>

#include <base/arena.h>
#include <cli/build.h>
#include <cli/services.h>

static polka_status read_build(cli_expectation *expected, const cli_project *project, polka_error *error)
{
    cli_build build AUTO(cli_build_close) = { 0 };
    TRY(cli_build_open(&build, project, NULL, error));
    TRY(cli_build_check(&build, error));
    return cli_manifests_describe(&expected->manifests, project, &build, error);
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

polka_status cli_expectation_open(cli_expectation *made, const cli_project *project, const cli_connection *connection, polkai_admin *admin, polka_error *error)
{
    polka_error without;
    made->manifests.examine = true;
    polka_status status = cli_services_known(&made->manifests, connection, admin, error);
    if (status == POLKA_TRANSIENT)
        return status;
    if (made->manifests.count == 0 && read_build(made, project, &without) != POLKA_OK)
        cli_say("no service has said what it is on " CLI_SERVICES_TOPIC ", and there is no build to ask: what is missing cannot be told");
    TRY(read_contracts(made, project, error));
    made->expected = (cli_expected){ .contract_count = made->contracts.count, .contracts = made->contracts.items, .admin = admin };
    cli_hearers_use(&made->expected.hearers, made->manifests.items, made->manifests.count);
    return POLKA_OK;
}

void cli_expectation_close(cli_expectation *expectation)
{
    cli_expected_free(&expectation->expected);
    cli_manifests_free(&expectation->manifests);
    cli_contracts_free(&expectation->contracts);
}
