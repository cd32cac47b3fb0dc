/* settings.h: what polka.yaml and the environment say to a service, as the service itself reads it. */
#ifndef POLKA_CLI_SETTINGS_H
#define POLKA_CLI_SETTINGS_H

#include <cli/project.h>
#include <service/config.h>

/* cli_settings_read: *config is new, and borrows `service`. errors: as a service's own settings. NULL error: nobody asks why. */
polka_status cli_settings_read(polkai_config **config, const cli_project *project, const polka_service *service, polka_error *error);
void cli_settings_free(polkai_config **config);          /* for AUTO */

#endif
