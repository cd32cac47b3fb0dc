/*
 * declared.h: the choreography as it is declared: manifests and flow contracts of the paths a command was given, or of the
 * project when it was given none; then nothing of the project is read, not even polka.yaml. Or, for commands that offer it, of
 * the services that run.
 */
#ifndef POLKA_CLI_DECLARED_H
#define POLKA_CLI_DECLARED_H

#include <choreography/check.h>
#include <cli/collect.h>
#include <cli/connection.h>

typedef struct {
    const char *flows, *build;           /* --flows, --build; NULL: not given */
    cli_list paths;                      /* MANIFEST… or DIR */
    bool running;                        /* what services have said of themselves on polka.services, in place of a build */
    cli_where broker;                    /* where that is */
} cli_declared_where;
#define CLI_DECLARED_OPTIONS(WHERE)                                                                                          \
    { "flows", 0, CLI_TEXT, &(WHERE).flows, "FOLDER", "flow contracts; default: `flows` in the project's schema folders" },  \
    { "build", 0, CLI_TEXT, &(WHERE).build, "FOLDER|PRESET", "the build whose services are asked" }
#define CLI_RUNNING_OPTIONS(WHERE)                                                                                           \
    { "running", 0, CLI_FLAG, &(WHERE).running, NULL, "what services have said of themselves on polka.services, in place of a build" }, \
    CLI_WHERE_OPTIONS((WHERE).broker)

typedef struct {
    cli_manifests manifests;
    cli_contracts contracts;
    polkai_graph *graph;
    polkai_choreography all;             /* of these three */
    cli_project project;                 /* open when no paths were given */
} cli_declared;

/* cli_declared_open. errors: as collect.h; MISUSE for an event of a flow that nobody knows. Close it also after an error. */
polka_status cli_declared_open(cli_declared *declared, const cli_declared_where *where, polka_error *error);
/* cli_declared_say_problems: a line on stderr for each manifest that could not be read whole, and how many; check tells of them itself. */
size_t cli_declared_say_problems(const cli_declared *declared);
void cli_declared_close(cli_declared *declared);

#endif
