/* settings.c: a service's configuration without its program: file and environment, no flags. */
#include <cli/settings.h>

#include <unistd.h>

polka_status cli_settings_read(polkai_config **config, const cli_project *project, const polka_service *service, polka_error *error)
{
    char program[] = "polka", *file AUTO(cli_free_text) = cli_format("--config=%s", project->file != NULL ? project->file : "/dev/null");
    char *argv[] = { program, file, NULL };
    polka_error own = { 0 };
    polka_status status = polkai_config_create(config, service, project->file != NULL ? 2 : 1, argv, environ, &own);
    if (error != NULL)
        *error = own;
    return status;
}

void cli_settings_free(polkai_config **config) { polkai_config_destroy(*config); }
