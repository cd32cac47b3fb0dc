/* can_deploy.c: `polka can-deploy`: does a new version go with what runs, in both directions? */
#include <cli/pair_row.h>
#include <cli/services.h>
#include <cli/terminal.h>

#include <base/arena.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *who, *format;            /* SERVICE[@VERSION] */
    cli_list manifest, against;
    cli_where where;
    bool json;
    const polkai_manifest *candidate;
    size_t pairs, broken;
} deploy;

/* ---- the candidate ---- */

static bool fits(const char *who, const polkai_manifest *manifest)
{
    size_t size = strlen(manifest->service);
    if (strncmp(who, manifest->service, size) != 0)
        return false;
    return who[size] == '\0' || (who[size] == '@' && strcmp(who + size + 1, manifest->version) == 0);
}

static polka_status ensure_readable(const polkai_manifest *manifest, polka_error *error)
{
    ENSURE(manifest->problem_count == 0, POLKA_POISON, error, "bad-manifest", "%s: %s", manifest->origin, manifest->problems[0].message);
    return POLKA_OK;
}

static polka_status choose(deploy *plan, const cli_manifests *offered, polka_error *error)
{
    for (size_t i = 0; i < offered->count; i++) {
        const polkai_manifest *one = offered->items[i];
        if (!fits(plan->who, one))
            continue;
        ENSURE(plan->candidate == NULL, POLKA_MISUSE, error, "two-candidates", "%s fits %s %s and %s %s: say which, SERVICE@VERSION", plan->who,
               plan->candidate->service, plan->candidate->version, one->service, one->version);
        plan->candidate = one;
    }
    if (plan->candidate != NULL)
        return ensure_readable(plan->candidate, error);
    TRY(ensure_readable(offered->items[0], error));
    return polkai_fail(error, POLKA_MISUSE, "no-candidate", "%s is no manifest of %s, but of %s %s", offered->items[0]->origin, plan->who,
                       offered->items[0]->service, offered->items[0]->version);
}

/* ---- against what runs ---- */

static void visit(void *context, const polkai_pair *pair)
{
    deploy *plan = context;
    bool writes = pair->writer->manifest == plan->candidate, reads = pair->reader->manifest == plan->candidate;
    if (!writes && !reads)
        return;
    plan->pairs++;
    if (pair->verdict == POLKAI_PAIR_COMPATIBLE)
        return;
    polka_arena arena = { 0 };
    plan->broken++;
    if (plan->json) {
        json_t *row = cli_pair_json(pair, &arena);
        json_object_set_new(row, "candidate", json_string(writes && reads ? "both" : writes ? "writer" : "reader"));
        cli_print_json(row);
    } else {
        cli_pair_print(pair, &arena);
    }
    polkai_arena_deinit(&arena);
}

static bool is_replaced(const deploy *plan, const polkai_manifest *one)
{
    return strcmp(one->service, plan->candidate->service) == 0 && strcmp(one->version, plan->candidate->version) == 0;
}

/* Older versions of the same service stay: they run on during the deploy, and what they wrote is still in the topics. */
static void compare(deploy *plan, const cli_manifests *running)
{
    const polkai_manifest **all = polkai_alloc((running->count + 2) * sizeof *all);
    size_t count = 0;
    polka_arena arena = { 0 };
    all[count++] = plan->candidate;
    for (size_t i = 0; i < running->count; i++)
        if (!is_replaced(plan, running->items[i]))
            all[count++] = running->items[i];
    polkai_graph *graph = polkai_graph_create(all, count);
    polkai_pairs_each(graph, &arena, visit, plan);
    fflush(stdout);
    polkai_arena_deinit(&arena);
    polkai_graph_destroy(graph);
    free(all);
    cli_say("%s %s %s be deployed: %zu of %zu pair%s with %zu manifest%s break", plan->candidate->service, plan->candidate->version,
            plan->broken > 0 ? "cannot" : "can", plan->broken, plan->pairs, plan->pairs == 1 ? "" : "s", count - 1, count == 2 ? "" : "s");
}

static polka_status add_paths(cli_manifests *manifests, const cli_list *paths, polka_error *error)
{
    for (size_t i = 0; i < paths->count; i++)
        TRY(cli_manifests_path(manifests, paths->items[i], error));
    return POLKA_OK;
}

/* What the services that run have said of themselves on polka.services. */
static polka_status read_running(const deploy *plan, cli_manifests *running, polka_error *error)
{
    cli_project project AUTO(cli_project_close) = { 0 };
    TRY(cli_project_open(&project, error));
    return cli_services_read(running, &project, &plan->where, error);
}

static polka_status work(deploy *plan, polka_error *error)
{
    cli_manifests offered AUTO(cli_manifests_free) = { .examine = true }, running AUTO(cli_manifests_free) = { .examine = true };
    TRY(add_paths(&offered, &plan->manifest, error));
    TRY(choose(plan, &offered, error));
    TRY(plan->against.count > 0 ? add_paths(&running, &plan->against, error) : read_running(plan, &running, error));
    for (size_t i = 0; i < running.count; i++)                           /* nothing can be promised about one that cannot be read */
        TRY(ensure_readable(running.items[i], error));
    compare(plan, &running);
    return POLKA_OK;
}

static int run(const cli_command *command, int argc, char **argv)
{
    deploy plan = { 0 };
    polka_error error = { 0 };
    cli_list rest = { 0 };
    const cli_option options[] = { { "manifest", 'm', CLI_LIST, &plan.manifest, "PATH", "the new version: a manifest, its program, or a folder that has it" },
                                   { "against", 0, CLI_LIST, &plan.against, "PATH", "what runs: a folder of manifests, or one; default: what runs at the broker" },
                                   CLI_WHERE_OPTIONS(plan.where),
                                   { "format", 0, CLI_TEXT, &plan.format, "text|json", "default: text on a terminal, else json" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &rest);
    int json = code < 0 ? cli_json_wanted(command, plan.format) : 0;
    code = code < 0 && json < 0 ? CLI_USAGE : code;
    plan.json = json == 1;
    if (code < 0 && rest.count != 1)
        code = cli_usage(command, "which service? SERVICE or SERVICE@VERSION");
    if (code < 0 && plan.manifest.count == 0)
        code = cli_usage(command, "what does the new version say? --manifest PATH");
    if (code < 0 && plan.against.count > 0 && plan.where.brokers != NULL)
        code = cli_usage(command, "--against or --brokers: what runs is said by the one or by the other");
    if (code < 0) {
        cli_catch_signals();
        plan.who = rest.items[0];
        code = work(&plan, &error) != POLKA_OK ? cli_complain(&error) : plan.broken > 0 ? CLI_FAILURE : CLI_OK;
    }
    cli_list_free(&plan.manifest);
    cli_list_free(&plan.against);
    cli_list_free(&plan.where.properties);
    cli_list_free(&rest);
    return code;
}

const cli_command cli_can_deploy = {
    .name = "can-deploy", .arguments = "SERVICE[@VERSION] --manifest PATH [--against FOLDER]",
    .summary = "does a new version go with what runs, in both directions?", .run = run,
    .details = "The new version's emissions are held against the reactions of what runs, and its reactions against the emissions of what\n"
               "runs; other versions of the same service count too, as they run on during the deploy. Printed are the pairs that break.\n"
               "What runs is said by --against, or else by the topic polka.services, where each service says what it is when it starts.\n"
               "Exit 0: it can be deployed; 1: it cannot.\n",
    .examples = "  polka can-deploy payments --manifest build/dev/bin/payments --brokers kafka:9092\n"
                "  polka can-deploy payments --manifest build/dev/bin/payments --against manifests\n"
                "  polka can-deploy payments@1.1.0 --manifest payments.json --against manifests --format json\n" };
