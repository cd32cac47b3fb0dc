/* What main.c gives the rest of the command line, and a project without a registry. */
#include <cli/cli.h>
#include <cli/registry.h>

void cli_say(const char *format, ...) { (void)format; }
bool cli_stopped(void) { return false; }

polka_status cli_registry_open(polkai_registry **client, polkai_subject_strategy *strategy, const cli_project *project, const char *url, polka_error *error)
{
    (void)client, (void)strategy, (void)project, (void)url;
    return polkai_fail(error, POLKA_TRANSIENT, "no-registry", "no schema registry");
}
