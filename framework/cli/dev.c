/* dev.c: `polka dev` and `polka run`: a broker, all services as child processes, one log; drains on Ctrl-C. */
#include <cli/child.h>
#include <cli/host.h>
#include <cli/registry.h>
#include <cli/running.h>
#include <cli/terminal.h>

#include <avro/json.h>
#include <base/arena.h>
#include <base/clock.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TURN_MS = 100, DRAIN_MS = 60000, SLOW_MS = 20000 };

typedef struct {
    bool only_run;                       /* polka run: no broker, no topics, no dev.json */
    /* as asked for */
    const char *build_name, *format;
    bool kafka;
    int64_t port, registry_port;
    cli_list names;
    cli_where where;
    /* as found */
    cli_project project;
    cli_build build;
    cli_manifests manifests;
    cli_plan plan;
    cli_host host;
    cli_registry registry;
    cli_console console;
    cli_list arguments;                  /* of every child */
    char *brokers_argument, *config_argument, *registry_argument, *cache_argument;
    size_t count;
    cli_child *children;
    cli_watch *watch;
    int lock;
    int64_t began_ns, stopping_ns;       /* stopping_ns 0: not yet */
    bool announced, slow;
} developer;

static int64_t now_ns(void) { return polkai_clock_real.steady_ns(&polkai_clock_real); }

/* ---- before the services ---- */

static polka_status find_all(developer *dev, polka_error *error)
{
    TRY(cli_project_open(&dev->project, error));
    ENSURE(dev->project.file != NULL || dev->build_name != NULL, POLKA_MISUSE, error, "no-project",
           "there is no polka.yaml in %s or above; go to the project's folder (or make the file: `name: NAME` is enough), or give --build FOLDER", dev->project.root);
    if (!dev->only_run)
        TRY(cli_running_lock(&dev->project, &dev->lock, error));
    TRY(cli_build_open(&dev->build, &dev->project, dev->build_name, error));
    cli_build_say_strangers(&dev->build, &dev->project);
    TRY(cli_build_select(&dev->build, &dev->names, error));
    ENSURE(dev->build.count > 0, POLKA_FATAL, error, "no-services", "%s has no services; declare one with polka_add_service()", dev->build.folder);
    return cli_build_check(&dev->build, error);
}

static polka_status make_plan(developer *dev, polka_error *error)
{
    cli_catalog *catalog = NULL;
    polka_status status = cli_catalog_open(&catalog, &dev->project, error);
    if (status == POLKA_OK)
        status = cli_manifests_describe(&dev->manifests, &dev->project, &dev->build, error);
    if (status == POLKA_OK)
        status = cli_plan_make(&dev->plan, &dev->project, catalog, &dev->manifests, error);
    if (status == POLKA_OK && !dev->only_run)
        status = cli_registry_start(&dev->registry, &dev->project, catalog, dev->registry_port, &dev->console, error);
    cli_catalog_close(catalog);
    return status;
}

static polka_status start_broker(developer *dev, polka_error *error)
{
    cli_host_kind kind = dev->kafka ? CLI_HOST_KAFKA : dev->where.brokers != NULL || dev->only_run ? CLI_HOST_GIVEN : CLI_HOST_EMBEDDED;
    size_t made = 0;
    TRY(cli_host_start(&dev->host, &dev->project, kind, &dev->where, dev->port, error));
    const char *brokers = dev->host.connection.brokers;
    if (dev->only_run)
        return POLKA_OK;
    TRY(cli_host_topics(&dev->host, &dev->plan, &made, error));
    cli_console_say(&dev->console, kind == CLI_HOST_EMBEDDED ? "broker %s, inside this process: nothing there is kept; %zu topics made"
                    : "broker %s; %zu topics made", brokers, made);
    return POLKA_OK;
}

/* ---- services ---- */

/* On a broker that exists, records carry the ids of its own registry: there services keep the one they are configured for. */
static void add_schemas(developer *dev)
{
    if (dev->only_run)
        return;
    dev->cache_argument = cli_format("--schemas.cache=%s/.polka/schemas", dev->project.root);
    cli_list_add(&dev->arguments, dev->cache_argument);
    if (dev->host.kind == CLI_HOST_GIVEN || !cli_registry_wanted(&dev->project, &dev->build))
        return;
    dev->registry_argument = cli_format("--schemas.registry.url=%s", cli_server_url(dev->registry.server));
    cli_list_add(&dev->arguments, dev->registry_argument);
}

static void prepare_children(developer *dev)
{
    int width = 0;
    for (size_t i = 0; i < dev->build.count; i++)
        width = (int)strlen(dev->build.services[i].name) > width ? (int)strlen(dev->build.services[i].name) : width;
    dev->console.width = width > dev->console.width ? width : dev->console.width;
    dev->brokers_argument = cli_format("--brokers=%s", dev->host.connection.brokers);
    cli_list_add(&dev->arguments, dev->brokers_argument);
    cli_list_add(&dev->arguments, "--log.format=json");
    if (dev->host.connection.embedded)
        cli_list_add(&dev->arguments, "--embedded=true");
    if (dev->project.file != NULL) {
        dev->config_argument = cli_format("--config=%s", dev->project.file);
        cli_list_add(&dev->arguments, dev->config_argument);
    }
    add_schemas(dev);
    dev->children = polkai_alloc((dev->build.count + 1) * sizeof *dev->children);
    for (size_t i = 0; i < dev->build.count; i++)
        dev->children[dev->count++] = (cli_child){ .name = dev->build.services[i].name, .path = dev->build.services[i].path, .index = (int)i,
                                                   .session_ms = polkai_kafka_session_ms(dev->host.connection.embedded),
                                                   .settings = dev->project.file, .reading = -1, .backoff_ms = CLI_BACKOFF_MS };
}

/* With the embedded broker gone there is nothing to drain to; with a real one a service finishes what it has begun. */
static polka_status start_child(developer *dev, cli_child *child, polka_error *error)
{
    return cli_child_start(child, dev->arguments.items, dev->host.mock != NULL ? SIGKILL : SIGTERM, error);
}

static polka_status write_running(developer *dev, polka_error *error)
{
    static const char *const kinds[] = { "", "embedded", "kafka", "brokers" };
    char since[25];
    polkai_time_write(since, polkai_clock_real.wall_ms(&polkai_clock_real));
    json_t *services = json_array();
    for (size_t i = 0; i < dev->count; i++)
        json_array_append_new(services, json_pack("{s:s, s:i}", "name", dev->children[i].name, "pid", (int)dev->children[i].pid));
    return cli_running_write(&dev->project, json_pack("{s:o, s:s, s:i, s:s, s:b, s:o, s:s, s:o}", "brokers", polkai_json_text(dev->host.connection.brokers), "registry",
                             cli_server_url(dev->registry.server), "pid", (int)getpid(),
                             "mode", kinds[dev->host.kind], "embedded", dev->host.connection.embedded, "build", polkai_json_text(dev->build.folder), "since", since,
                             "services", services), error);
}

/* An event that is heard but that no service says: where a flow begins. */
static const char *first_event(const developer *dev)
{
    for (size_t i = 0; i < dev->manifests.count; i++)
        for (size_t r = 0; r < dev->manifests.items[i]->reaction_count; r++) {
            const char *event = dev->manifests.items[i]->reactions[r].hears.event;
            bool said = false;
            for (size_t m = 0; m < dev->manifests.count; m++)
                said = said || polkai_manifest_find_emit(dev->manifests.items[m], event) != NULL;
            if (!said)
                return event;
        }
    return NULL;
}

static polka_status announce(developer *dev, polka_error *error)
{
    dev->announced = true;
    if (!dev->only_run)
        TRY(write_running(dev, error));
    const char *event = first_event(dev);
    cli_console_say(&dev->console, "ready after %.1f s: %zu service%s of %s%s%s%s; Ctrl-C drains them", (double)(now_ns() - dev->began_ns) / 1e9, dev->count,
                    dev->count == 1 ? "" : "s", dev->build.folder,
                    event != NULL ? "; try: polka emit " : "", event != NULL ? event : "", event != NULL ? " --sample" : "");
    return POLKA_OK;
}

static void say_slow(developer *dev)
{
    dev->slow = true;
    for (size_t i = 0; i < dev->count; i++)
        if (!dev->children[i].ready && !dev->children[i].refused)
            cli_console_warn(&dev->console, "%s is not ready after %d s; its lines above say why", dev->children[i].name, SLOW_MS / 1000);
}

/* ---- the loop ---- */

static void reap(developer *dev)
{
    for (size_t i = 0; i < dev->count; i++) {
        int state = 0;
        if (dev->children[i].pid > 0 && waitpid(dev->children[i].pid, &state, WNOHANG) == dev->children[i].pid)
            cli_child_ended(&dev->children[i], &dev->console, state, dev->stopping_ns != 0);
    }
}

static void restart_due(developer *dev)
{
    polka_error error = { 0 };
    bool any = false;
    for (size_t i = 0; i < dev->count; i++) {
        cli_child *child = &dev->children[i];
        if (!cli_child_is_due(child, now_ns()))
            continue;
        any = true;
        if (start_child(dev, child, &error) == POLKA_OK)
            continue;
        cli_console_warn(&dev->console, "%s", error.message);
        child->restart_ns = now_ns() + CLI_BACKOFF_MAX_MS * (int64_t)1000000;
    }
    if (any && dev->announced && !dev->only_run && write_running(dev, &error) != POLKA_OK)
        cli_console_warn(&dev->console, "%s", error.message);
}

static void wait_for_lines(developer *dev)
{
    struct pollfd *files = polkai_alloc((dev->count + 1) * sizeof *files);
    int64_t wait_ms = TURN_MS;
    for (size_t i = 0; i < dev->count; i++) {
        files[i] = (struct pollfd){ .fd = dev->children[i].reading, .events = POLLIN };
        int64_t due_ms = dev->children[i].restart_ns == 0 ? TURN_MS : (dev->children[i].restart_ns - now_ns()) / 1000000 + 1;
        wait_ms = due_ms < wait_ms ? due_ms : wait_ms;
    }
    poll(files, dev->count, wait_ms > 0 ? (int)wait_ms : 0);
    for (size_t i = 0; i < dev->count; i++)
        if (files[i].revents != 0)
            cli_child_read(&dev->children[i], &dev->console);
    free(files);
}

static void begin_stop(developer *dev)
{
    dev->stopping_ns = now_ns();
    cli_console_say(&dev->console, "stopping: every service finishes what it has begun (once more: at once)");
    for (size_t i = 0; i < dev->count; i++) {
        dev->children[i].restart_ns = 0;
        dev->children[i].refused = false;
        if (dev->children[i].pid > 0)
            kill(dev->children[i].pid, SIGTERM);
    }
}

static void end_the_stuck(developer *dev)
{
    for (size_t i = 0; i < dev->count; i++)
        if (dev->children[i].pid > 0)
            kill(-dev->children[i].pid, SIGKILL);
    dev->stopping_ns = now_ns();
}

static bool any_running(const developer *dev)
{
    for (size_t i = 0; i < dev->count; i++)
        if (dev->children[i].pid > 0)
            return true;
    return false;
}

/* But for those that cannot run as they are: the others are not held up by them. */
static bool all_ready(const developer *dev)
{
    bool any = false;
    for (size_t i = 0; i < dev->count; i++)
        if (!dev->children[i].ready && !dev->children[i].refused)
            return false;
        else
            any = any || dev->children[i].ready;
    return any;
}

static polka_status serve(developer *dev, polka_error *error)
{
    polka_status status = POLKA_OK;
    for (size_t i = 0; i < dev->count && status == POLKA_OK; i++)
        status = start_child(dev, &dev->children[i], error);
    dev->watch = cli_watch_start(&dev->host, &dev->plan);    /* takes a moment, in which they join their groups */
    while (status == POLKA_OK || any_running(dev)) {
        wait_for_lines(dev);
        reap(dev);
        if (dev->stopping_ns == 0 && (cli_stopped() || status != POLKA_OK))
            begin_stop(dev);
        if (dev->stopping_ns == 0)
            restart_due(dev);
        if (!dev->announced && dev->stopping_ns == 0 && all_ready(dev))
            status = announce(dev, error);
        if (!dev->announced && !dev->slow && now_ns() - dev->began_ns > SLOW_MS * (int64_t)1000000)
            say_slow(dev);
        cli_watch_look(dev->watch, &dev->console);
        if (dev->stopping_ns != 0 && now_ns() - dev->stopping_ns > DRAIN_MS * (int64_t)1000000)
            end_the_stuck(dev);
        if (dev->stopping_ns != 0 && !any_running(dev))
            break;
    }
    return status;
}

static polka_status work(developer *dev, polka_error *error)
{
    TRY(find_all(dev, error));
    TRY(make_plan(dev, error));
    TRY(start_broker(dev, error));
    if (cli_stopped())
        return POLKA_OK;
    prepare_children(dev);
    return serve(dev, error);
}

static bool all_drained(const developer *dev)
{
    bool all = true;
    for (size_t i = 0; i < dev->count; i++)
        all = all && !dev->children[i].undrained;
    return all;
}

static void clean_up(developer *dev)
{
    if (dev->announced && !dev->only_run)
        cli_running_remove(&dev->project);
    cli_watch_stop(dev->watch);
    cli_host_stop(&dev->host);
    cli_registry_stop(&dev->registry);
    for (size_t i = 0; i < dev->count; i++)
        free(dev->children[i].line);
    free(dev->children);
    cli_plan_free(&dev->plan);
    cli_manifests_free(&dev->manifests);
    cli_build_close(&dev->build);
    cli_project_close(&dev->project);
    cli_list_free(&dev->arguments);
    cli_list_free(&dev->names);
    cli_list_free(&dev->where.properties);
    free(dev->brokers_argument);
    free(dev->config_argument);
    free(dev->registry_argument);
    free(dev->cache_argument);
}

static int start(developer *dev, const cli_command *command)
{
    polka_error error = { 0 };
    int json = cli_json_wanted(command, dev->format);
    if (json < 0)
        return CLI_USAGE;
    if (dev->kafka && dev->where.brokers != NULL)
        return cli_usage(command, "--kafka starts a broker, --brokers uses one that exists: one of the two");
    if (dev->port != 0 && !dev->kafka)
        return cli_usage(command, "--port goes with --kafka; the embedded broker chooses its own");
    cli_console_init(&dev->console, json == 1, 0);
    dev->began_ns = now_ns();
    cli_catch_signals();
    int code = work(dev, &error) == POLKA_OK || (cli_stopped() && dev->count == 0) ? CLI_OK : cli_complain(&error);
    if (code == CLI_OK && !all_drained(dev))
        code = CLI_FAILURE;
    return code;
}

static int run_dev(const cli_command *command, int argc, char **argv)
{
    developer dev = { .lock = -1 };
    const cli_option options[] = {
        { "kafka", 0, CLI_FLAG, &dev.kafka, NULL, "on a real Apache Kafka, started here (needs Java 17)" },
        { "port", 0, CLI_COUNT, &dev.port, "N", "of that Kafka" },
        { "brokers", 'b', CLI_TEXT, &dev.where.brokers, "HOST:PORT,...", "on a broker that exists" },
        { "registry-port", 0, CLI_COUNT, &dev.registry_port, "N", "of the schema registry inside; default: 8081, or any when that is taken" },
        { "build", 0, CLI_TEXT, &dev.build_name, "FOLDER|PRESET", "the build whose services are started; default: the newest" },
        { "format", 0, CLI_TEXT, &dev.format, "text|json", "of the log; default: text on a terminal, else json" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &dev.names);
    if (code < 0)
        code = start(&dev, command);
    clean_up(&dev);
    return code;
}

static int run_run(const cli_command *command, int argc, char **argv)
{
    developer dev = { .only_run = true, .lock = -1 };
    const cli_option options[] = {
        { "build", 0, CLI_TEXT, &dev.build_name, "FOLDER|PRESET", "the build whose services are started; default: the newest" },
        { "format", 0, CLI_TEXT, &dev.format, "text|json", "of the log; default: text on a terminal, else json" },
        CLI_WHERE_OPTIONS(dev.where), { 0 } };
    int code = cli_parse(command, options, argc, argv, &dev.names);
    if (code < 0)
        code = start(&dev, command);
    clean_up(&dev);
    return code;
}

const cli_command cli_dev = {
    .name = "dev", .arguments = "[SERVICE…]", .summary = "a broker and all services of the project, with one log", .run = run_dev,
    .details = "Without --kafka or --brokers the broker is inside this process: quick, and nothing there is kept. It is librdkafka's\n"
               "mock, with which Kafka's Java clients from 2.4 on hang. Missing topics are made; none is changed or deleted. A\n"
               "service that ends is started again: at once and then ever more slowly, or after misuse (exit code 2) when its\n"
               "executable or polka.yaml has changed. When all others are ready .polka/dev.json is written, by which the other\n"
               "commands find the broker. A schema registry (Confluent's API) is inside too, on 127.0.0.1, kept in\n"
               ".polka/registry.json; services use it when the project says `framing: confluent` or names one.\n"
               "Ctrl-C drains: exit 0 when all did, 1 otherwise.\n",
    .examples = "  polka dev\n  polka dev payments inventory\n  polka dev --kafka --port 9092\n  polka dev --brokers localhost:9092 --build release\n" };

const cli_command cli_run = {
    .name = "run", .arguments = "[SERVICE…]", .summary = "services of the project on a broker that runs, with one log", .run = run_run,
    .details = "As polka dev, without a broker of its own, without topics and without .polka/dev.json.\n",
    .examples = "  polka run payments\n  polka run --brokers localhost:9092\n" };
