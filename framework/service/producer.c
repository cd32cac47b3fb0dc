/* producer.c: a service value without reactions, for programs that only emit; same configuration, manifest and ids. */
#include <base/error.h>
#include <service/assembly.h>

#include <stdlib.h>
#include <unistd.h>

struct polka_producer {
    polkai_assembly assembly;
};

polka_status polka_producer_open_abi(unsigned abi, polka_producer **producer, const polka_service *service, int argc, char **argv,
                                     polka_error *error)
{
    int code;
    polka_error own;
    error = error != NULL ? error : &own;
    polka_producer *made = polkai_alloc(sizeof *made);
    *producer = NULL;
    /* the log goes to standard error: standard output is the program's own */
    polka_status status = polkai_assembly_init(&made->assembly, abi, service, argc, argv, STDERR_FILENO, error);
    if (status == POLKA_OK && polkai_assembly_print(&made->assembly, &code))
        exit(code);                      /* --describe and its like: the program has nothing to add */
    if (status == POLKA_OK && made->assembly.reacts)
        status = polkai_fail(error, POLKA_MISUSE, "reactions", "service %s has reactions: run it with polka_main; a producer has none", service->name);
    if (status == POLKA_OK)
        status = polkai_assembly_start(&made->assembly, error);
    if (status != POLKA_OK) {
        polkai_assembly_deinit(&made->assembly);
        free(made);
        return status;
    }
    *producer = made;
    return POLKA_OK;
}

void polka_producer_close(polka_producer *producer)
{
    if (producer == NULL || polkai_flow_is_of_parent(producer->assembly.flow))
        return;                          /* of a child: it is the parent's, and goes with the process */
    polka_error error = { 0 };
    polkai_assembly *assembly = &producer->assembly;
    if (polkai_flow_drain(assembly->flow, polkai_config_number(assembly->config, "drain.deadline_ms"), &error) != POLKA_OK)
        LOG_WARN(&assembly->log, "%s", error.message);
    polkai_assembly_finish(assembly);
    polkai_assembly_deinit(assembly);
    free(producer);
}

polka_context *polka_begin(polka_producer *producer)
{
    return polkai_flow_begin(producer->assembly.flow);
}

polka_status polka_commit_take(polka_context *ctx, polka_error *error)
{
    return polkai_flow_commit_take(ctx, error);
}

void polka_abandon_take(polka_context *ctx)
{
    polkai_flow_abandon_take(ctx);
}
