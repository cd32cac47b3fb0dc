/*
 * build.h: the services that a build made, as polka_add_service() wrote them to <build>/polka/services.json.
 *
 * Which build: --build; else the one this `polka` lies in (<build>/bin) when it is of this project; else what the
 * project file's `build` says; else the newest below <root>/build; else the one this `polka` lies in.
 */
#ifndef POLKA_CLI_BUILD_H
#define POLKA_CLI_BUILD_H

#include <cli/project.h>

typedef struct { char *name, *path; } cli_service;
typedef struct {
    char *folder;
    size_t count;
    cli_service *services;
} cli_build;

/* cli_build_open. errors: FATAL "no-build" with how to build; MISUSE "bad-services" for a file that is not as it should be. */
polka_status cli_build_open(cli_build *build, const cli_project *project, const char *wanted, polka_error *error);
void cli_build_close(cli_build *build);

/* cli_build_say_strangers: polka.yaml has settings for a service that the build does not have; probably misspelt. */
void cli_build_say_strangers(const cli_build *build, const cli_project *project);

/* cli_build_select keeps the services in `names` only (none: all). errors: MISUSE with the nearest name. */
polka_status cli_build_select(cli_build *build, const cli_list *names, polka_error *error);

/* cli_build_check: is each executable there? errors: FATAL "no-executable" with how to build it. */
polka_status cli_build_check(const cli_build *build, polka_error *error);

/* cli_own_folder: the folder of this executable. new; NULL: unknown. */
char *cli_own_folder(void);

#endif
