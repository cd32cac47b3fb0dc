/* topics.c: `polka topics plan|apply`: what the project needs against what the broker has. Nothing is ever deleted or changed. */
#include <cli/plan.h>
#include <cli/reader.h>
#include <cli/terminal.h>

#include <avro/json.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *build, *format;
    cli_list files;
    bool execute, json, apply;
    size_t created, differing;
} planner;

static void say_differences(char *out, size_t capacity, const polkai_topic *wanted, const polkai_topic *found)
{
    size_t used = 0;
    out[0] = '\0';
#define DIFFERS(CONDITION, ...)                                                                  \
    if (used < capacity && (CONDITION)) {                                                        \
        used += (size_t)snprintf(out + used, capacity - used, "%s", used > 0 ? ", " : "");       \
        if (used < capacity)                                                                     \
            used += (size_t)snprintf(out + used, capacity - used, __VA_ARGS__);                  \
    }
    DIFFERS(found->partitions > 0 && wanted->partitions > 0 && found->partitions != wanted->partitions, "partitions %" PRId32 ", wanted %" PRId32,
            found->partitions, wanted->partitions)
    DIFFERS(found->replication > 0 && wanted->replication > 0 && found->replication != wanted->replication, "replication %" PRId32 ", wanted %" PRId32,
            found->replication, wanted->replication)
    DIFFERS(found->retention_ms != -2 && wanted->retention_ms != -2 && found->retention_ms != wanted->retention_ms,
            "retention %" PRId64 " ms, wanted %" PRId64 " ms", found->retention_ms, wanted->retention_ms)
    DIFFERS(found->max_message_bytes > 0 && wanted->max_message_bytes > 0 && found->max_message_bytes < wanted->max_message_bytes,
            "max.message.bytes %" PRId64 ", wanted %" PRId64, found->max_message_bytes, wanted->max_message_bytes)
    /* a broker that tells no retention (the mock) tells no compaction either */
    DIFFERS((found->retention_ms != -2 || found->max_message_bytes > 0 || found->compacted) && found->compacted != wanted->compacted, "%s, wanted %s",
            found->compacted ? "compacted" : "not compacted", wanted->compacted ? "compacted" : "not compacted")
#undef DIFFERS
}

static json_t *number_json(int64_t number, int64_t none) { return number == none ? json_null() : json_integer(number); }

static void print(const planner *plan, const polkai_topic *topic, const char *action, const char *note)
{
    if (plan->json) {
        json_t *row = json_pack("{s:s, s:s}", "topic", topic->name, "action", action);
        json_object_set_new(row, "partitions", number_json(topic->partitions, -1));
        json_object_set_new(row, "replication", number_json(topic->replication, -1));
        json_object_set_new(row, "retention_ms", number_json(topic->retention_ms, -2));
        json_object_set_new(row, "max_message_bytes", number_json(topic->max_message_bytes, -1));
        json_object_set_new(row, "compacted", json_boolean(topic->compacted));
        json_object_set_new(row, "note", *note != '\0' ? polkai_json_text(note) : json_null());
        cli_print_json(row);
        return;
    }
    char settings[96];
    snprintf(settings, sizeof settings, "%" PRId32 " partitions%s", topic->partitions, topic->compacted ? ", compacted" : "");
    if (topic->retention_ms >= 0)
        snprintf(settings + strlen(settings), sizeof settings - strlen(settings), ", %" PRId64 " h", topic->retention_ms / 3600000);
    printf("%-8s %-44s %s%s%s\n", action, topic->name, settings, *note != '\0' ? "; has " : "", note);
}

static polka_status treat(planner *plan, polkai_admin *admin, const polkai_topic *topic, const polkai_topic *there, size_t count, polka_error *error)
{
    char note[256];
    for (size_t i = 0; i < count; i++) {
        if (strcmp(there[i].name, topic->name) != 0)
            continue;
        say_differences(note, sizeof note, topic, &there[i]);
        plan->differing += note[0] != '\0';
        print(plan, topic, note[0] != '\0' ? "differs" : "keep", note);
        return POLKA_OK;
    }
    if (plan->apply && plan->execute)
        TRY(admin->operations->create(admin, topic, error));
    plan->created++;
    print(plan, topic, plan->apply && plan->execute ? "created" : "create", "");
    return POLKA_OK;
}

static polka_status compare(planner *plan, const cli_plan *wanted, const cli_connection *connection, polka_error *error)
{
    polkai_admin *admin = NULL;
    polkai_topic *there = NULL;
    size_t count = 0;
    TRY(cli_admin_open(&admin, connection, error));
    polka_status status = admin->operations->topics(admin, &there, &count, error);
    if (status == POLKA_OK)
        status = admin->operations->settings(admin, there, count, error);
    for (size_t i = 0; status == POLKA_OK && i < wanted->count && !cli_stopped(); i++)
        status = treat(plan, admin, &wanted->items[i], there, count, error);
    free(there);
    admin->operations->close(admin);
    return status;
}

static polka_status gather(planner *plan, const cli_project *project, cli_manifests *manifests, polka_error *error)
{
    cli_build build AUTO(cli_build_close) = { 0 };
    for (size_t i = 0; i < plan->files.count; i++)
        TRY(cli_manifests_path(manifests, plan->files.items[i], error));
    if (plan->files.count > 0)
        return POLKA_OK;
    TRY(cli_build_open(&build, project, plan->build, error));
    TRY(cli_build_check(&build, error));
    return cli_manifests_describe(manifests, project, &build, error);
}

static polka_status work(planner *plan, const cli_where *where, polka_error *error)
{
    cli_project project AUTO(cli_project_close) = { 0 };
    cli_connection connection AUTO(cli_connection_free) = { 0 };
    cli_manifests manifests AUTO(cli_manifests_free) = { 0 };
    cli_plan wanted AUTO(cli_plan_free) = { 0 };
    cli_catalog *catalog = NULL;
    polka_status status = cli_project_open(&project, error);
    if (status == POLKA_OK)
        status = cli_catalog_open(&catalog, &project, error);
    if (status == POLKA_OK)
        status = gather(plan, &project, &manifests, error);
    if (status == POLKA_OK)
        status = cli_plan_make(&wanted, &project, catalog, &manifests, error);
    if (status == POLKA_OK)
        status = cli_connection_find(&connection, &project, where, error);
    if (status == POLKA_OK)
        status = compare(plan, &wanted, &connection, error);
    cli_catalog_close(catalog);
    return status;
}

static int finish(const planner *plan)
{
    if (plan->apply && plan->execute)
        cli_say("%zu topics created", plan->created);
    else if (plan->created > 0)
        cli_say("%zu topics would be created; %s", plan->created, plan->apply ? "nothing was done: add --execute" : "do it: polka topics apply --execute");
    if (plan->differing > 0)
        cli_say("%zu topics are not as planned; polka does not change topics that exist", plan->differing);
    return plan->differing > 0 ? CLI_FAILURE : CLI_OK;
}

static int run(const cli_command *command, int argc, char **argv)
{
    planner plan = { 0 };
    cli_where where = { 0 };
    cli_list rest = { 0 };
    polka_error error = { 0 };
    const cli_option options[] = {
        { "execute", 0, CLI_FLAG, &plan.execute, NULL, "apply: create what is missing; without it apply only says what it would do" },
        { "build", 0, CLI_TEXT, &plan.build, "FOLDER|PRESET", "the build whose services are asked" },
        { "manifest", 'm', CLI_LIST, &plan.files, "PATH", "a manifest, or a folder of them, in place of a build; may be given often" },
        { "format", 0, CLI_TEXT, &plan.format, "table|json", "default: table on a terminal, else json" },
        CLI_WHERE_OPTIONS(where), { 0 } };
    int code = cli_parse(command, options, argc, argv, &rest);
    int json = code < 0 ? cli_json_wanted(command, plan.format) : 0;
    if (code < 0 && json < 0)
        code = CLI_USAGE;
    plan.json = json == 1;
    plan.apply = rest.count > 0 && strcmp(rest.items[0], "apply") == 0;
    if (code < 0 && (rest.count != 1 || (!plan.apply && strcmp(rest.items[0], "plan") != 0)))
        code = cli_usage(command, "plan or apply?");
    if (code < 0 && plan.execute && !plan.apply)
        code = cli_usage(command, "plan changes nothing; --execute goes with apply");
    if (code < 0) {
        cli_catch_signals();
        code = work(&plan, &where, &error) == POLKA_OK ? cli_stopped() ? CLI_STOPPED : finish(&plan) : cli_complain(&error);
    }
    cli_list_free(&plan.files);
    cli_list_free(&where.properties);
    cli_list_free(&rest);
    return code;
}

const cli_command cli_topics = {
    .name = "topics", .arguments = "plan|apply", .summary = "the topics the project needs, against what the broker has", .run = run,
    .details = "Needed are the topics of all events, <topic>.<group>.dlt for each group that reads a topic, polka.schemas and\n"
               "polka.services (both compacted), and polka.activity (a week) where activity.enabled is set. Partitions, retention and the like come from polka.yaml. What exists is never\n"
               "changed or deleted; exit 1 when something that exists is not as planned.\n",
    .examples = "  polka topics plan\n"
                "  polka topics apply --execute --brokers kafka:9092\n"
                "  polka topics plan --manifest payments.json --manifest orders.json\n" };
