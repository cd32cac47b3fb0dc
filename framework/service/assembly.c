/* assembly.c: the only place that chooses concrete kinds: Kafka for the transport, the real clock, the process's environment. */
#include <base/arena.h>
#include <base/error.h>
#include <polka/wire.h>
#include <service/assembly.h>
#include <service/check.h>
#include <service/manifest.h>
#include <service/report.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int polkai_exit_code(const polka_error *error)
{
    static const struct { const char *code; int exit; } codes[] = { { "handler-stuck", 4 }, { "drain-deadline", 5 } };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(error->code, codes[i].code) == 0)
            return codes[i].exit;
    return error->status == POLKA_OK ? 0 : error->status == POLKA_MISUSE ? 2 : error->status == POLKA_FATAL ? 3 : 1;
}

/* ---- what the flow tells ---- */

static void say_state(const polkai_assembly *assembly, polka_text state, const char *message)
{
    polkai_log_write(&assembly->log, POLKAI_LOG_INFO, &(polkai_log_fields){ .state = state }, "%s", message);
}

static void on_ready(void *user)
{
    polkai_assembly *assembly = user;
    if (!assembly->ready)
        say_state(assembly, POLKA_TEXT("ready"), "ready");
    assembly->ready = true;
}

static void on_notice(void *user, polka_status status, const char *message)
{
    const polkai_assembly *assembly = user;
    /* what stops the flow comes back from its next step, and is logged there */
    if (status == POLKA_OK || status == POLKA_TRANSIENT)
        polkai_log_write(&assembly->log, status == POLKA_OK ? POLKAI_LOG_INFO : POLKAI_LOG_WARN, NULL, "%s", message);
}

static void on_stuck(void *user, const polka_error *error)
{
    const polkai_assembly *assembly = user;
    assembly->stuck(assembly->stuck_user, error);
}

static void on_replacing(void *user, bool begins)
{
    const polkai_assembly *assembly = user;
    assembly->replacing(assembly->stuck_user, begins);
}

/* ---- the cluster ---- */

static polkai_kafka_options kafka_options(const polkai_assembly *assembly)
{
    const polkai_config *config = assembly->config;
    return (polkai_kafka_options){
        .brokers = polkai_config_text(config, "brokers"),
        .client_id = polkai_config_text(config, "client_id"),
        .properties = config->kafka,
        .origins = config->kafka_origins,
        .property_count = config->kafka_count,
        .log = &assembly->log,
        .embedded = polkai_config_number(config, "embedded") != 0,
        .park_unread = polkai_config_number(config, "unreadable_batch") != 0,
        .paced = assembly->reacts && polkai_config_number(config, "lanes") <= 1,
    };
}

/* What looks for schemas reads without a group, beside the service's own source. */
static polka_status open_schema_source(void *user, polkai_source **source, polka_error *error)
{
    polkai_kafka_options options = kafka_options(user);
    return polkai_kafka_source_open(source, &options, error);
}

static polka_status open_schema_admin(void *user, polkai_admin **admin, polka_error *error)
{
    polkai_kafka_options options = kafka_options(user);
    return polkai_kafka_admin_open(admin, &options, error);
}

/* ---- the registry ---- */

static polka_status open_origins(polkai_assembly *assembly, polka_error *error)
{
    const polkai_config *config = assembly->config;
    polkai_registry *registry = NULL;
    polkai_registry_options options = {
        .urls = polkai_config_text(config, "schemas.registry.url"),
        .user = polkai_config_text(config, "schemas.registry.user"),
        .password = polkai_config_text(config, "schemas.registry.password"),
        .token = polkai_config_text(config, "schemas.registry.token"),
        .ca = polkai_config_text(config, "schemas.registry.ca"),
        .certificate = polkai_config_text(config, "schemas.registry.certificate"),
        .key = polkai_config_text(config, "schemas.registry.key"),
    };
    if (options.urls != NULL && options.urls[0] != '\0')             /* libcurl is loaded for this, and for nothing else */
        TRY(polkai_registry_open(&registry, &options, error));
    assembly->origins = polkai_origins_create(&(polkai_origins_options){
        .registry = registry,
        .cache = polkai_config_text(config, "schemas.cache"),
        .look_up = polkai_config_number(config, "schemas.register") == 1,
        .subject = (polkai_subject_strategy)polkai_config_number(config, "schemas.subject"),
        .log = &assembly->log,
    });
    return POLKA_OK;
}

/* ---- create ---- */

/* What the service says of itself on polka.services: the same bytes as --describe. */
static polka_status write_manifest(polkai_assembly *assembly, polka_error *error)
{
    json_t *manifest;
    const polka_service *service = assembly->service;
    TRY(polkai_manifest_write(service, polkai_config_text(assembly->config, "group"), &manifest, error));
    assembly->manifest = json_dumps(manifest, JSON_COMPACT);
    json_decref(manifest);
    size_t size = strlen(service->name) + strlen(service->version) + 2;
    assembly->manifest_key = polkai_alloc(size);
    snprintf(assembly->manifest_key, size, "%s@%s", service->name, service->version);
    return POLKA_OK;
}

/* A handler that was given up must not be the poll thread; and that nothing of it leaves is shown for what is sent at once, not for transactions. */
static polka_status check_deadline_action(const polkai_config *config, polka_error *error)
{
    bool replaces = polkai_config_number(config, "deadline.action") == 1;
    ENSURE(!replaces || polkai_config_number(config, "lanes") > 0, POLKA_MISUSE, error, "bad-combination",
           "deadline.action replace-lane needs lanes that are threads, and lanes is inline: set lanes to 1 or more, or deadline.action to exit");
    ENSURE(!replaces || polkai_config_number(config, "delivery") == 0, POLKA_MISUSE, error, "bad-combination",
           "deadline.action replace-lane does not go with delivery exactly-once: set delivery to at-least-once, or deadline.action to exit");
    return POLKA_OK;
}

static polkai_trace *open_trace(const polkai_assembly *assembly)
{
    const polkai_config *config = assembly->config;
    return polkai_trace_open(&(polkai_trace_options){ .service = assembly->service, .client_id = polkai_config_text(config, "client_id"),
                                                      .group = assembly->reacts ? polkai_config_text(config, "group") : NULL, .log = &assembly->log,
                                                      .environment = environ });
}

static polka_status create_flow(polkai_assembly *assembly, polka_error *error)
{
    TRY(check_deadline_action(assembly->config, error));
    if (polkai_config_number(assembly->config, "manifest.sent") != 0)
        TRY(write_manifest(assembly, error));
    polkai_config *config = assembly->config;
    unsigned attempts = (unsigned)polkai_config_number(config, "breaker.attempts");
    if (assembly->reacts && attempts > 0)
        assembly->breaker = polkai_breaker_open(polkai_config_text(config, "breaker.folder"), polkai_config_text(config, "group"), attempts, &assembly->log);
    polkai_flow_options options = {
        .service = assembly->service,
        .group = polkai_config_text(config, "group"),
        .lanes = (unsigned)polkai_config_number(config, "lanes"),
        .in_flight_events = (unsigned)polkai_config_number(config, "in_flight.events"),
        .in_flight_bytes = (size_t)polkai_config_number(config, "in_flight.bytes"),
        .uncommitted_events = (uint64_t)polkai_config_number(config, "in_flight.uncommitted"),
        .max_event_bytes = (size_t)polkai_config_number(config, "emit.max_bytes"),
        .commit_interval_ms = polkai_config_number(config, "commit.interval_ms"),
        .transaction_interval_ms = polkai_config_number(config, "transaction.interval_ms"),
        .transaction_events = (size_t)polkai_config_number(config, "transaction.events"),
        .drain_deadline_ms = polkai_config_number(config, "drain.deadline_ms"),
        .replace_lanes = polkai_config_number(config, "deadline.action") == 1,
        .compact_envelope = polkai_config_number(config, "envelope") == 1,
        .metered = assembly->reacts && polkai_config_number(config, "http.port") >= 0,
        .activity = assembly->reacts && polkai_config_number(config, "activity.enabled") != 0,
        .tracing = polkai_trace_for_flow(assembly->trace),
        .announce = true,
        .confluent = polkai_config_number(config, "framing") == 1,
        .enrol = polkai_config_number(config, "schemas.register") == 0,
        .registry = polkai_origins_registry(assembly->origins),
        .cache = polkai_origins_cache(assembly->origins),
        .manifest_key = polka_text_of(assembly->manifest_key),
        .manifest = polka_text_of(assembly->manifest),
        .cluster = { assembly, open_schema_source, open_schema_admin },
        .breaker = polkai_breaker_for_flow(assembly->breaker),
        .schema_missing_ms = polkai_config_number(config, "schemas.missing_ms"),
        .limits = { (unsigned)polkai_config_number(config, "avro.max_depth"), (uint64_t)polkai_config_number(config, "avro.max_empty_items") },
        .clock = &polkai_clock_real,
        .log = &assembly->log,
        .settings = polkai_config_settings(config),
        .ready = on_ready,
        .notice = on_notice,
        .stuck = on_stuck,
        .replacing = on_replacing,
        .user = assembly,
    };
    polka_read_limits = (polka_reading_limits){ options.limits.depth, options.limits.empty_items };
    return polkai_flow_create(&assembly->flow, &options, error);
}

polka_status polkai_assembly_init(polkai_assembly *assembly, unsigned abi, const polka_service *service, int argc, char **argv, int descriptor,
                                  polka_error *error)
{
    *assembly = (polkai_assembly){ .service = service };
    TRY(polkai_abi_check(abi, argc > 0 ? argv[0] : "this program", error));
    TRY(polkai_service_check(service, error));
    TRY(polkai_config_create(&assembly->config, service, argc, argv, environ, error));
    const polkai_config *config = assembly->config;
    assembly->reacts = service->reactions != NULL && (service->reactions[0].event != NULL || service->reactions[0].any != NULL);
    polkai_log_init(&assembly->log, descriptor, (polkai_log_level)(polkai_config_number(config, "log.level") + 1),
                    (polkai_log_format)polkai_config_number(config, "log.format"), service->name);
    if (config->arguments.command != POLKAI_COMMAND_RUN)
        return POLKA_OK;
    TRY(polkai_config_require(config, error));
    TRY(polkai_kafka_check(error));
    TRY(open_origins(assembly, error));
    assembly->trace = open_trace(assembly);
    return create_flow(assembly, error);
}

void polkai_assembly_deinit(polkai_assembly *assembly)
{
    if (assembly->abandoned)
        return;                          /* its lanes read flow, log and configuration: the process ends soon */
    polkai_pages_close(assembly->pages);
    polkai_flow_destroy(assembly->flow);
    polkai_trace_close(assembly->trace);
    polkai_breaker_close(assembly->breaker);
    polkai_origins_destroy(assembly->origins);
    polkai_config_destroy(assembly->config);
    free(assembly->manifest);
    free(assembly->manifest_key);
    *assembly = (polkai_assembly){ 0 };
}

/* ---- start ---- */

static void announce_start(const polkai_assembly *assembly)
{
    const polka_service *service = assembly->service;
    long long lanes = (long long)polkai_config_number(assembly->config, "lanes");
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    LOG_INFO(&assembly->log, "%s %s on polka %s, librdkafka %s: brokers %s, group %s, lanes %s", service->name, service->version, POLKA_VERSION,
             polkai_kafka_version(), polkai_config_text(assembly->config, "brokers"), polkai_config_text(assembly->config, "group"),
             lanes == 0 ? "inline" : polkai_config_text(assembly->config, "lanes"));
    for (const polka_reaction *row = service->reactions; assembly->reacts && (row->event != NULL || row->any != NULL); row++)
        LOG_INFO(&assembly->log, "%s", polkai_report_reaction(row, &arena));
}

static polka_status open_source(polkai_assembly *assembly, const polkai_kafka_options *options, polkai_source **source, polka_error *error)
{
    if (!assembly->reacts)
        return POLKA_OK;
    if (polkai_config_number(assembly->config, "delivery") == 1) {
        polkai_transaction *transaction;
        TRY(polkai_kafka_transaction_open(&transaction, options, error));
        polkai_flow_transact_take(assembly->flow, transaction);
    }
    return polkai_kafka_source_open(source, options, error);
}

polka_status polkai_assembly_start(polkai_assembly *assembly, polka_error *error)
{
    polkai_sink *sink = NULL;
    polkai_source *source = NULL;
    polkai_kafka_options options = kafka_options(assembly);
    options.group = polkai_config_text(assembly->config, "group");
    options.report = polkai_flow_report;
    options.report_user = assembly->flow;
    if (assembly->reacts)
        announce_start(assembly);
    polkai_trace_start(assembly->trace);
    if (assembly->reacts)
        TRY(polkai_pages_open(&assembly->pages, assembly->config, assembly->flow, assembly->trace, &assembly->log, error));
    TRY(polkai_kafka_sink_open(&sink, &options, error));
    if (open_source(assembly, &options, &source, error) != POLKA_OK) {
        sink->operations->close(sink, 0);
        return error->status;
    }
    return polkai_flow_start(assembly->flow, source, sink, error);
}

void polkai_assembly_finish(polkai_assembly *assembly)
{
    int64_t until_ns = polkai_flow_pulse(assembly->flow).drain_until_ns, left_ns = until_ns - polkai_clock_real.steady_ns(&polkai_clock_real);
    polkai_trace_finish(assembly->trace, left_ns > 0 ? left_ns / 1000000 : 0);
}

/* ---- commands that only print ---- */

static int describe(const polkai_assembly *assembly)
{
    json_t *manifest;
    polka_error error;
    if (polkai_manifest_write(assembly->service, polkai_config_text(assembly->config, "group"), &manifest, &error) != POLKA_OK) {
        fprintf(stderr, "%s: %s\n", assembly->service->name, error.message);
        return polkai_exit_code(&error);
    }
    /* for people indented, for programs a line */
    json_dumpf(manifest, stdout, isatty(STDOUT_FILENO) == 1 ? JSON_INDENT(2) : JSON_COMPACT);
    fputc('\n', stdout);
    json_decref(manifest);
    return 0;
}

bool polkai_assembly_print(polkai_assembly *assembly, int *code)
{
    const polkai_config *config = assembly->config;
    polkai_format format = config->arguments.format;
    *code = 0;
    switch (config->arguments.command) {
    case POLKAI_COMMAND_RUN: return false;
    case POLKAI_COMMAND_DESCRIBE: *code = describe(assembly); break;
    case POLKAI_COMMAND_HELP: polkai_report_help(config, stdout); break;
    case POLKAI_COMMAND_VERSION: polkai_report_version(config, stdout); break;
    case POLKAI_COMMAND_REFERENCE: polkai_report_reference(config, stdout); break;
    case POLKAI_COMMAND_CONFIG:
        polkai_report_config(config, format == POLKAI_FORMAT_JSON || (format == POLKAI_FORMAT_AUTO && isatty(STDOUT_FILENO) != 1), stdout);
        break;
    }
    if ((fflush(stdout) != 0 || ferror(stdout)) && *code == 0) {
        fprintf(stderr, "%s: standard output cannot be written\n", assembly->service->name);
        *code = 1;
    }
    return true;
}
