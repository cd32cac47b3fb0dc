/* can_deploy.c: `polka can-deploy`: does a new version go with what runs, in both directions, and with what is in the topics? */
#include <cli/own.h>
#include <cli/pair_row.h>
#include <cli/services.h>
#include <cli/terminal.h>
#include <cli/written.h>

#include <avro/json.h>
#include <base/arena.h>
#include <base/clock.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *who, *format;            /* SERVICE[@VERSION] */
    cli_list manifest, against;
    cli_where where;
    bool json;
    const polkai_manifest *candidate;
    int64_t since_ms;                    /* records so old at most; -1: not given */
    size_t manifests, pairs, broken;     /* with what runs */
    size_t schemas, unreadable;          /* of records; the second: that the candidate cannot read */
    cli_list broken_with;                /* SERVICE@VERSION; new texts */
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

static void note_broken(deploy *plan, const polkai_manifest *with)
{
    char *name = cli_format("%s@%s", with->service, with->version);
    size_t i = 0;
    while (i < plan->broken_with.count && strcmp(plan->broken_with.items[i], name) != 0)
        i++;
    if (i == plan->broken_with.count)
        cli_list_add(&plan->broken_with, name);
    else
        free(name);
}

static void free_broken(deploy *plan)
{
    for (size_t i = 0; i < plan->broken_with.count; i++)
        free((char *)plan->broken_with.items[i]);
    cli_list_free(&plan->broken_with);
}

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
    note_broken(plan, (writes ? pair->reader : pair->writer)->manifest);
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
    plan->manifests = count - 1;
}

/* ---- against what is in the topics ---- */

static void print_written(const deploy *plan, const polkai_pair *pair, const cli_written_schema *one, polka_arena *arena)
{
    char last[25];
    polkai_time_write(last, one->last_ms);
    if (!plan->json) {
        cli_pair_print(pair, arena);
        printf("  %sfound%s %" PRIu64 " record%s, the first at partition %" PRId32 ", offset %" PRId64 ", the last of %s\n", cli_dim(), cli_plain(), one->records,
               one->records == 1 ? "" : "s", one->partition, one->offset, last);
        return;
    }
    json_t *row = cli_pair_json(pair, arena);
    json_object_set_new(row, "candidate", json_string("reader"));
    json_object_set_new(row, "writer", json_null());
    json_object_set_new(row, "writer_version", json_null());
    json_object_set_new(row, "written", json_pack("{s:o, s:o, s:I, s:i, s:I, s:s}", "topic", polkai_json_text(one->topic), "schema", polkai_json_text(pair->writer->manifest->version), "records",
                                                  (json_int_t)one->records, "partition", (int)one->partition, "offset", (json_int_t)one->offset, "last", last));
    cli_print_json(row);
}

/* Who wrote them may be long gone: they stand for themselves. */
static void judge(deploy *plan, const polkai_graph *graph, const cli_written_schema *one, const polkai_party *reader)
{
    char name[POLKAI_SCHEMA_KEY_TEXT + 1];
    polka_arena arena = { 0 };
    polkai_manifest records = { .service = polkai_arena_format(&arena, "records on %s", one->topic).data, .version = polkai_schema_key_text(&one->key, name) };
    polkai_manifest_event as = { .event = one->event, .topic = one->topic, .schema = one->schema->json };
    polkai_party writer = { .manifest = &records, .as = &as, .topic = reader->topic, .schema = one->schema };
    polkai_pair pair = { .event = polkai_graph_find(graph, one->event), .writer = &writer, .reader = reader, .breaks = polkai_compat_check(one->schema, reader->schema, &arena) };
    pair.verdict = pair.breaks.count > 0 ? POLKAI_PAIR_INCOMPATIBLE : POLKAI_PAIR_COMPATIBLE;
    plan->unreadable += pair.breaks.count > 0;
    if (pair.breaks.count > 0)
        print_written(plan, &pair, one, &arena);
    polkai_arena_deinit(&arena);
}

static void say_scanned(const deploy *plan, const cli_written *written)
{
    cli_say("records read: %" PRIu64 ", of %zu schema%s of events that %s hears", written->records, written->count, written->count == 1 ? "" : "s", plan->candidate->service);
    if (written->older > 0)
        cli_say("left out: %" PRIu64 " older records%s", written->older, plan->since_ms < 0 ? "; --since reads all that are so old at most" : "");
    if (written->unreadable > 0)
        cli_say("not judged: %" PRIu64 " records that do not say their schema", written->unreadable);
    if (written->others > 0)
        cli_say("not judged: %" PRIu64 " records of still more schemas", written->others);
}

static void judge_all(deploy *plan, const cli_written *written)
{
    polkai_graph *graph = polkai_graph_create(&plan->candidate, 1);
    for (size_t i = 0; i < written->count; i++) {
        const cli_written_schema *one = &written->items[i];
        plan->schemas++;
        if (one->schema == NULL)
            cli_say("not judged: %" PRIu64 " records of %s on %s: %s", one->records, one->event != NULL ? one->event : "an event that is not told", one->topic, one->reason);
        for (size_t h = 0; one->schema != NULL && one->event != NULL && h < graph->hear_count; h++)
            if (graph->hears[h].schema != NULL && strcmp(graph->hears[h].as->event, one->event) == 0 && strcmp(graph->hears[h].topic, one->topic) == 0)
                judge(plan, graph, one, &graph->hears[h]);
    }
    polkai_graph_destroy(graph);
}

static polka_status compare_written(deploy *plan, const cli_project *project, polka_error *error)
{
    cli_connection connection AUTO(cli_connection_free) = { 0 };
    cli_written written AUTO(cli_written_free) = { 0 };
    int64_t now_ms = polkai_clock_real.wall_ms(&polkai_clock_real), since_ms = plan->since_ms < 0 ? -1 : plan->since_ms > now_ms ? 0 : now_ms - plan->since_ms;
    TRY(cli_connection_find(&connection, project, &plan->where, error));
    TRY(cli_written_read(&written, plan->candidate, project, &connection, since_ms, error));
    if (cli_stopped())
        return POLKA_OK;
    say_scanned(plan, &written);
    judge_all(plan, &written);
    return POLKA_OK;
}

static void conclude(const deploy *plan)
{
    fflush(stdout);
    cli_say("%s %s %s be deployed: %zu of %zu pair%s with %zu manifest%s break", plan->candidate->service, plan->candidate->version,
            plan->broken + plan->unreadable > 0 ? "cannot" : "can", plan->broken, plan->pairs, plan->pairs == 1 ? "" : "s", plan->manifests, plan->manifests == 1 ? "" : "s");
    if (plan->schemas > 0)
        cli_say("of %zu schema%s that records in the topics have it cannot read %zu", plan->schemas, plan->schemas == 1 ? "" : "s", plan->unreadable);
}

/* A version that was announced stays so until somebody takes it back; the group says that the service runs, not which version. */
static void hint_at_old(const deploy *plan, const cli_manifests *running)
{
    for (size_t i = 0; i < running->count; i++) {
        const polkai_manifest *one = running->items[i];
        char *name AUTO(cli_free_text) = cli_format("%s@%s", one->service, one->version);
        size_t versions = 0;
        bool breaks = false;
        for (size_t k = 0; k < running->count; k++)
            versions += strcmp(running->items[k]->service, one->service) == 0;
        for (size_t k = 0; k < plan->broken_with.count; k++)
            breaks = breaks || strcmp(plan->broken_with.items[k], name) == 0;
        if (breaks && versions > 1)
            cli_say("%s is announced in %zu versions; if %s no longer runs: polka manifests forget %s --execute", one->service, versions, one->version, name);
    }
}

static polka_status add_paths(cli_manifests *manifests, const cli_list *paths, polka_error *error)
{
    for (size_t i = 0; i < paths->count; i++)
        TRY(cli_manifests_path(manifests, paths->items[i], error));
    return POLKA_OK;
}

static polka_status compare_all(deploy *plan, cli_manifests *running, polka_error *error)
{
    TRY(cli_own_add(running, plan->candidate, error));
    for (size_t i = 0; i < running->count; i++)                          /* nothing can be promised about one that cannot be read */
        TRY(ensure_readable(running->items[i], error));
    compare(plan, running);
    return POLKA_OK;
}

/* What the services that run have said of themselves on polka.services, and what is in the topics beside them. */
static polka_status compare_at_broker(deploy *plan, polka_error *error)
{
    cli_project project AUTO(cli_project_close) = { 0 };
    cli_manifests running AUTO(cli_manifests_free) = { .examine = true };
    TRY(cli_project_open(&project, error));
    TRY(cli_services_read(&running, &project, &plan->where, error));
    TRY(compare_all(plan, &running, error));
    hint_at_old(plan, &running);
    return compare_written(plan, &project, error);
}

static polka_status compare_given(deploy *plan, polka_error *error)
{
    cli_manifests running AUTO(cli_manifests_free) = { .examine = true };
    TRY(add_paths(&running, &plan->against, error));
    return compare_all(plan, &running, error);
}

static polka_status work(deploy *plan, polka_error *error)
{
    cli_manifests offered AUTO(cli_manifests_free) = { .examine = true };
    TRY(add_paths(&offered, &plan->manifest, error));
    TRY(choose(plan, &offered, error));
    TRY(plan->against.count > 0 ? compare_given(plan, error) : compare_at_broker(plan, error));
    if (!cli_stopped())
        conclude(plan);
    return POLKA_OK;
}

static int run(const cli_command *command, int argc, char **argv)
{
    deploy plan = { .since_ms = -1 };
    polka_error error = { 0 };
    cli_list rest = { 0 };
    const cli_option options[] = { { "manifest", 'm', CLI_LIST, &plan.manifest, "PATH", "the new version: a manifest, its program, or a folder that has it" },
                                   { "against", 0, CLI_LIST, &plan.against, "PATH", "what runs: a folder of manifests, or one; default: what runs at the broker" },
                                   { "since", 0, CLI_DURATION, &plan.since_ms, "DURATION", "records so old at most; default: the newest million of each partition" },
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
    if (code < 0 && plan.against.count > 0 && plan.since_ms >= 0)
        code = cli_usage(command, "--since is how far back the topics are read, and with --against they are not");
    if (code < 0) {
        cli_catch_signals();
        plan.who = rest.items[0];
        code = work(&plan, &error) != POLKA_OK ? cli_complain(&error) : cli_stopped() ? CLI_STOPPED : plan.broken + plan.unreadable > 0 ? CLI_FAILURE : CLI_OK;
    }
    free_broken(&plan);
    cli_list_free(&plan.manifest);
    cli_list_free(&plan.against);
    cli_list_free(&plan.where.properties);
    cli_list_free(&rest);
    return code;
}

const cli_command cli_can_deploy = {
    .name = "can-deploy", .arguments = "SERVICE[@VERSION] --manifest PATH [--against FOLDER]",
    .summary = "does a new version go with what runs, and with what is in the topics?", .run = run,
    .details = "The new version's emissions are held against the reactions of what runs, and its reactions against the emissions of what\n"
               "runs; other versions of the same service count too, as they run on during the deploy. Printed are the pairs that break.\n"
               "What runs is said by --against, or else by the topic polka.services, where each service says what it is when it starts. At a\n"
               "broker its reactions are also held against the records that are in their topics: each schema that these were written with.\n"
               "Exit 0: it can be deployed; 1: it cannot.\n",
    .examples = "  polka can-deploy payments --manifest build/dev/bin/payments --brokers kafka:9092 --since 7d\n"
                "  polka can-deploy payments --manifest build/dev/bin/payments --against manifests\n"
                "  polka can-deploy payments@1.1.0 --manifest payments.json --against manifests --format json\n" };
