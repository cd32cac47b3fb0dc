/* assembly.h: configuration, log, transports and corridor of one process, put together; for a program and for a producer. */
#ifndef POLKA_SERVICE_ASSEMBLY_H
#define POLKA_SERVICE_ASSEMBLY_H

#include <flow/flow.h>
#include <flow/origins.h>
#include <service/breaker.h>
#include <service/config.h>
#include <service/pages.h>
#include <service/tracing.h>

typedef struct {
    const polka_service *service;
    polkai_config *config;
    polkai_log log;
    polkai_origins *origins;             /* the registry, and what is kept on disk */
    polkai_breaker *breaker;             /* NULL: no count is kept */
    polkai_flow *flow;                   /* NULL for a command that only prints */
    polkai_pages *pages;                 /* NULL: none are shown */
    polkai_trace *trace;                 /* NULL: nothing is traced */
    char *manifest, *manifest_key;       /* as sent to polka.services; they outlive the flow */
    bool reacts;
    bool ready;                          /* was said */
    void (*stuck)(void *user, const polka_error *error);             /* of the program: see polkai_flow_options; set before the start */
    void (*replacing)(void *user, bool begins);
    void *stuck_user;                    /* of both */
    bool abandoned;                      /* a lane may still run in the flow: it is not freed */
} polkai_assembly;

/*
 * polkai_assembly_init: ABI, service value, configuration, flow; connects to nothing. `descriptor` takes the log.
 * errors: MISUSE; the assembly is then empty, and deinit is fine.
 */
polka_status polkai_assembly_init(polkai_assembly *assembly, unsigned abi, const polka_service *service, int argc, char **argv, int descriptor,
                                  polka_error *error);
void polkai_assembly_deinit(polkai_assembly *assembly);

/* polkai_assembly_start: opens sink and, for a service that reacts, source; starts the flow. Does not wait for the broker. */
polka_status polkai_assembly_start(polkai_assembly *assembly, polka_error *error);

/* polkai_assembly_finish: after the drain: the traces of it leave, in what is left of its deadline. */
void polkai_assembly_finish(polkai_assembly *assembly);

/* polkai_assembly_print: --describe, --help, --version, config: prints on standard output. *code is the exit code. False: run. */
bool polkai_assembly_print(polkai_assembly *assembly, int *code);

/* polkai_exit_code: design, "exit codes of a service". */
int polkai_exit_code(const polka_error *error);

#endif
