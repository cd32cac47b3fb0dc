/* docs_asyncapi.c: `polka docs asyncapi`: AsyncAPI 3.0, a document a service, or one of them all. */
#include <cli/declared.h>
#include <cli/docs.h>
#include <cli/terminal.h>

#include <base/arena.h>
#include <choreography/asyncapi.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *format;
    bool merged, json;
    cli_list services;                   /* --service */
    cli_declared_where where;
    const cli_project *project;          /* NULL: nothing of it is read */
    size_t written;
} writer;

/* As `polka topics apply` would make it. */
static polkai_asyncapi_topic topic_of(void *user, const char *name)
{
    const writer *write = user;
    if (write->project == NULL)
        return (polkai_asyncapi_topic){ 0 };
    polkai_topic topic = cli_project_topic(write->project, name);
    return (polkai_asyncapi_topic){ .known = true, .partitions = topic.partitions, .replicas = topic.replication, .retention_ms = topic.retention_ms,
                                    .compacted = topic.compacted };
}

/* Documents follow each other as YAML has it, and as JSON lines. */
static void print(writer *write, json_t *document)
{
    polka_arena arena = { 0 };
    polka_buffer out = { .arena = &arena };
    if (write->json) {
        cli_print_json(json_incref(document));
    } else {
        cli_yaml_write(document, &out);
        printf("%s", write->written > 0 ? "---\n" : "");
        fwrite(out.data, 1, out.size, stdout);
    }
    write->written++;
    json_decref(document);
    polkai_arena_deinit(&arena);
}

/* The broker stands in a document only where somebody named it: that of a `polka dev` is another one each time. */
static const char *brokers_of(const writer *write)
{
    return write->where.broker.brokers != NULL ? write->where.broker.brokers : write->project != NULL ? write->project->brokers : NULL;
}

static polka_status write_one(writer *write, const polkai_graph *graph, const char *service, polka_error *error)
{
    json_t *document = NULL;
    polkai_asyncapi_about about = { .service = service, .title = write->project != NULL ? write->project->name : NULL, .brokers = brokers_of(write),
                                    .topic = topic_of, .user = write };
    TRY(polkai_asyncapi_make(&document, graph, &about, error));
    print(write, document);
    return POLKA_OK;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Each service once, by its name. */
static polka_status write_each(writer *write, const polkai_graph *graph, polka_error *error)
{
    const char **names = polkai_alloc((graph->manifest_count + 1) * sizeof *names);
    polka_status status = POLKA_OK;
    for (size_t i = 0; i < graph->manifest_count; i++)
        names[i] = graph->manifests[i]->service;
    if (graph->manifest_count > 0)
        qsort(names, graph->manifest_count, sizeof *names, by_text);
    for (size_t i = 0; status == POLKA_OK && i < graph->manifest_count; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            status = write_one(write, graph, names[i], error);
    free(names);
    return status;
}

static polka_status work(writer *write, polka_error *error)
{
    cli_declared declared AUTO(cli_declared_close) = { 0 };
    polka_status status = POLKA_OK;
    TRY(cli_declared_open(&declared, &write->where, error));
    write->project = declared.project.root != NULL ? &declared.project : NULL;
    if (write->merged)
        return write_one(write, declared.graph, NULL, error);
    if (write->services.count == 0)
        return write_each(write, declared.graph, error);
    for (size_t i = 0; status == POLKA_OK && i < write->services.count; i++)
        status = write_one(write, declared.graph, write->services.items[i], error);
    return status;
}

static int run(const cli_command *command, int argc, char **argv)
{
    writer write = { 0 };
    polka_error error = { 0 };
    const cli_option options[] = { { "service", 's', CLI_LIST, &write.services, "NAME", "the document of this service; default: of each" },
                                   { "merged", 0, CLI_FLAG, &write.merged, NULL, "one document of all services" },
                                   { "format", 0, CLI_TEXT, &write.format, "yaml|json", "default: yaml" },
                                   { "build", 0, CLI_TEXT, &write.where.build, "FOLDER|PRESET", "the build whose services are asked" },
                                   CLI_RUNNING_OPTIONS(write.where), { 0 } };
    int code = cli_parse(command, options, argc, argv, &write.where.paths);
    write.json = write.format != NULL && strcmp(write.format, "json") == 0;
    if (code < 0 && write.format != NULL && !write.json && strcmp(write.format, "yaml") != 0)
        code = cli_usage(command, "--format is yaml or json, not '%s'", write.format);
    if (code < 0 && write.merged && write.services.count > 0)
        code = cli_usage(command, "--merged or --service: all in one document, or one of its own");
    if (code < 0) {
        cli_catch_signals();
        code = work(&write, &error) == POLKA_OK ? CLI_OK : cli_complain(&error);
        fflush(stdout);
    }
    cli_list_free(&write.services);
    cli_list_free(&write.where.paths);
    cli_list_free(&write.where.broker.properties);
    return code;
}

const cli_command cli_docs_asyncapi = {
    .name = "docs asyncapi", .arguments = "[MANIFEST…|DIR] [--service NAME | --merged]", .summary = "AsyncAPI 3.0: a document a service, or one of all", .run = run,
    .details = "Manifests are found as by `polka check`, or by --running at the broker. Topics are channels, events are messages with their\n"
               "Avro schema and the CloudEvents headers, reactions are operations that receive, emissions operations that send. A document of\n"
               "one service has the schemas it was compiled with; the merged one has those of who emits. In a project, channels tell\n"
               "partitions and retention as polka.yaml has them; servers are named when --brokers or settings.brokers names them.\n",
    .examples = "  polka docs asyncapi --service payments > payments.yaml\n"
                "  polka docs asyncapi --merged --format json > shop.json\n"
                "  polka docs asyncapi manifests --service orders\n"
                "  polka docs asyncapi --running --brokers kafka:9092 --merged\n" };
