/* plan.c: manifests and schemas in, topics out. */
#include <cli/activity.h>
#include <cli/plan.h>
#include <cli/settings.h>

#include <base/arena.h>
#include <base/text.h>
#include <stdlib.h>

/* Kafka's default of max.message.bytes, and what a letter's own headers may take (design 5, "dead letter"). */
enum { BROKER_MESSAGE_BYTES = 1048588, LETTER_BYTES = 128 * 1024, ACTIVITY_RETENTION_MS = 7 * 24 * 3600 * 1000 };

static polka_status add(cli_plan *plan, polkai_topic topic, const char *who, polka_error *error)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->items[i].name, topic.name) == 0)
            return POLKA_OK;
    ENSURE(polkai_topic_valid(topic.name), POLKA_MISUSE, error, "bad-name", "%s names the topic '%s', which Kafka refuses: letters, digits, '.', '_' and '-', at most %d",
           who, topic.name, POLKA_TOPIC_MAX);
    topic.name = polkai_strdup(topic.name);
    plan->items = polkai_realloc(plan->items, (plan->count + 1) * sizeof *plan->items);
    plan->items[plan->count++] = topic;
    return POLKA_OK;
}

static bool in_project(const cli_project *project, const char *name)
{
    for (size_t i = 0; i < project->topic_count; i++)
        if (strcmp(project->topics[i].name, name) == 0)
            return true;
    return false;
}

/* One partition, as letters are few; room for what the largest event of the source may be, and the letter's headers. */
static polka_status add_letters(cli_plan *plan, const cli_project *project, const char *source, const char *group, polka_error *error)
{
    char *name AUTO(cli_free_text) = cli_format("%s.%s.dlt", source, group);
    polkai_topic from = cli_project_topic(project, source), topic = cli_project_topic(project, name);
    if (!in_project(project, name)) {
        topic.partitions = 1;
        topic.compacted = false;
        topic.max_message_bytes = -1;
    }
    int64_t needed = (from.max_message_bytes > 0 ? from.max_message_bytes : BROKER_MESSAGE_BYTES) + LETTER_BYTES;
    topic.max_message_bytes = topic.max_message_bytes > needed ? topic.max_message_bytes : needed;
    return add(plan, topic, group, error);
}

static polka_status add_internal(cli_plan *plan, const cli_project *project, const char *name, polka_error *error)
{
    return add(plan, (polkai_topic){ .name = name, .partitions = 1, .replication = project->defaults.replication, .retention_ms = -2,
                                     .max_message_bytes = -1, .compacted = true }, "polka", error);
}

static bool tells_activity(const cli_project *project, const char *name)
{
    const polka_service service = { .name = name, .version = "0" };
    polkai_config *config AUTO(cli_settings_free) = NULL;
    return cli_settings_read(&config, project, &service, NULL) == POLKA_OK && polkai_config_number(config, "activity.enabled") != 0;
}

/* A week, as what it tells of is looked for while it matters; as many partitions as the project's events have. */
static polka_status add_activity(cli_plan *plan, const cli_project *project, const cli_manifests *manifests, polka_error *error)
{
    polkai_topic topic = cli_project_topic(project, CLI_ACTIVITY_TOPIC);
    bool wanted = false;
    for (size_t i = 0; i < manifests->count && !wanted; i++)
        wanted = tells_activity(project, manifests->items[i]->service);
    if (!in_project(project, topic.name)) {
        topic.retention_ms = ACTIVITY_RETENTION_MS;
        topic.compacted = false;
    }
    return wanted ? add(plan, topic, "polka", error) : POLKA_OK;
}

static polka_status add_service(cli_plan *plan, const cli_project *project, const polkai_manifest *manifest, polka_error *error)
{
    for (size_t i = 0; i < manifest->reaction_count; i++) {
        const char *topic = manifest->reactions[i].hears.topic;
        TRY(add(plan, cli_project_topic(project, topic), manifest->service, error));
        TRY(add_letters(plan, project, topic, manifest->group, error));
    }
    for (size_t i = 0; i < manifest->emit_count; i++)
        TRY(add(plan, cli_project_topic(project, manifest->emits[i].topic), manifest->service, error));
    return POLKA_OK;
}

/* A topic of polka.yaml that nobody uses, but whose name is nearly that of one that somebody does, is probably misspelt. */
static void say_unused(const cli_plan *plan, const char *name)
{
    const char **names = polkai_alloc((plan->count + 1) * sizeof *names);
    bool used = false;
    for (size_t i = 0; i < plan->count; i++) {
        names[i] = plan->items[i].name;
        used = used || strcmp(names[i], name) == 0;
    }
    const char *nearest = used ? NULL : polkai_nearest(name, names, plan->count);
    if (nearest != NULL)
        cli_say("polka.yaml: no event and no service of this project uses the topic %s; is %s meant?", name, nearest);
    free(names);
}

static int by_name(const void *a, const void *b) { return strcmp(((const polkai_topic *)a)->name, ((const polkai_topic *)b)->name); }

polka_status cli_plan_make(cli_plan *plan, const cli_project *project, const cli_catalog *catalog, const cli_manifests *manifests, polka_error *error)
{
    *plan = (cli_plan){ 0 };
    TRY(add_activity(plan, project, manifests, error));             /* before its event, where a service reacts to that */
    for (size_t i = 0; catalog != NULL && i < cli_catalog_count(catalog); i++) {
        const cli_event *event = cli_catalog_item(catalog, i);
        TRY(add(plan, cli_project_topic(project, event->topic), event->file, error));
    }
    for (size_t i = 0; i < manifests->count; i++)
        TRY(add_service(plan, project, manifests->items[i], error));
    TRY(add_internal(plan, project, "polka.schemas", error));
    TRY(add_internal(plan, project, "polka.services", error));
    for (size_t i = 0; i < project->topic_count; i++) {
        say_unused(plan, project->topics[i].name);
        TRY(add(plan, project->topics[i], "polka.yaml", error));
    }
    qsort(plan->items, plan->count, sizeof *plan->items, by_name);
    return POLKA_OK;
}

void cli_plan_free(cli_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free((char *)(uintptr_t)plan->items[i].name);
    free(plan->items);
    *plan = (cli_plan){ 0 };
}
