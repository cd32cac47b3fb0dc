/* bench.c: `polka bench`: how fast this cluster and this machine are with a service of Polka. */
#include <cli/bench.h>
#include <cli/terminal.h>

#include <base/clock.h>
#include <base/random.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARTITIONS = 12, KEEP_MS = 3600000, BYTES_MOST = 1 << 19 };

typedef struct { cli_bench bench; int64_t partitions; bool execute, json; } asked;

static void print(const asked *self, const cli_bench_figure *figure)
{
    bool hops = figure->per_second == 0;
    if (self->json && hops)
        cli_print_json(json_pack("{s:s, s:I, s:f, s:f}", "row", figure->row, "events", (json_int_t)figure->events, "p50_us", figure->p50_us, "p99_us",
                                 figure->p99_us));
    else if (self->json)
        cli_print_json(json_pack("{s:s, s:I, s:f, s:f}", "row", figure->row, "events", (json_int_t)figure->events, "events_per_second", figure->per_second,
                                 "cpu_us_per_event", figure->cpu_us));
    else if (hops)
        printf("%-16s p50 %.0f us, p99 %.0f us (%" PRId64 " events, one in flight)\n", figure->row, figure->p50_us, figure->p99_us, figure->events);
    else
        printf("%-16s %.0f events/s, %.2f us of CPU each (%" PRId64 " events)\n", figure->row, figure->per_second, figure->cpu_us, figure->events);
    fflush(stdout);
}

static polka_status make_topics(const asked *self, polkai_admin *admin, polka_error *error)
{
    for (size_t i = 0; i < sizeof cli_bench_topics / sizeof *cli_bench_topics; i++) {
        polkai_topic topic = { .name = cli_bench_topics[i], .partitions = (int32_t)self->partitions, .replication = -1, .retention_ms = KEEP_MS,
                               .max_message_bytes = -1 };
        TRY(admin->operations->create(admin, &topic, error));
    }
    polkai_topic schemas = { .name = "polka.schemas", .partitions = 1, .replication = -1, .retention_ms = -2, .max_message_bytes = -1, .compacted = true };
    return admin->operations->create(admin, &schemas, error);
}

static polka_status measure(asked *self, polkai_admin *admin, polka_error *error)
{
    cli_bench_figure figure;
    cli_bench *bench = &self->bench;
    setenv("OTEL_SDK_DISABLED", "true", 1);              /* else what is measured would be the exporter, too */
    cli_say("emitting %" PRId64 " events of %" PRId64 " bytes", bench->events, bench->bytes);
    TRY(cli_bench_emit(bench, &figure, error));
    for (int row = 0; row < 3 && !cli_stopped(); row++) {
        print(self, &figure);
        cli_say("%s", row == 0 ? "reacting to them" : row == 1 ? "reacting to them, and emitting one for each" : "two hops, one event in flight");
        TRY(row < 2 ? cli_bench_react(bench, row == 1, &figure, error) : cli_bench_hops(bench, admin, &figure, error));
    }
    if (!cli_stopped())
        print(self, &figure);
    return POLKA_OK;
}

static polka_status work(asked *self, const cli_where *where, polka_error *error)
{
    cli_project project AUTO(cli_project_close) = { 0 };
    cli_connection connection AUTO(cli_connection_free) = { 0 };
    polkai_admin *admin = NULL;
    TRY(cli_project_open(&project, error));
    TRY(cli_connection_find(&connection, &project, where, error));
    if (!self->execute) {
        cli_say("at %s, 'polka bench --execute' would make %s and %s (%" PRId64 " partitions, kept for %d h) and polka.schemas where they are\n"
                "missing, write %" PRId64 " events of %" PRId64 " bytes to each, and read them in consumer groups of its own; nothing was done",
                connection.brokers, cli_bench_topics[0], cli_bench_topics[1], self->partitions, KEEP_MS / 3600000, self->bench.events, self->bench.bytes);
        return POLKA_OK;
    }
    ENSURE(!connection.embedded, POLKA_MISUSE, error, "embedded", "the broker inside `polka dev` says nothing about a Kafka: polka dev --kafka, or --brokers");
    TRY(cli_admin_open(&admin, &connection, error));
    self->bench.connection = &connection;
    cli_bench_words(&self->bench);
    polka_status status = make_topics(self, admin, error);
    if (status == POLKA_OK)
        status = measure(self, admin, error);
    cli_bench_free(&self->bench);
    admin->operations->close(admin);
    return status;
}

static int run(const cli_command *command, int argc, char **argv)
{
    polkai_random random;
    polkai_random_seed_entropy(&random);
    asked self = { .bench = { .lanes = "1", .envelope = "cloudevents", .events = 100000, .bytes = 150, .pings = 1000,
                              .run = (int64_t)(polkai_random_next(&random) >> 1) }, .partitions = PARTITIONS };
    const char *format = NULL;
    cli_where where = { 0 };
    polka_error error = { 0 };
    const cli_option options[] = {
        { "execute", 0, CLI_FLAG, &self.execute, NULL, "make the topics and write; without it nothing is done" },
        { "events", 'n', CLI_COUNT, &self.bench.events, "N", "of each row; default 100000" },
        { "bytes", 0, CLI_COUNT, &self.bench.bytes, "N", "of each event's payload; default 150" },
        { "pings", 0, CLI_COUNT, &self.bench.pings, "N", "events of the two-hop row; default 1000" },
        { "partitions", 0, CLI_COUNT, &self.partitions, "N", "of topics that are made; default 12" },
        { "lanes", 0, CLI_TEXT, &self.bench.lanes, "N|inline", "of the measured service; default 1" },
        { "envelope", 0, CLI_TEXT, &self.bench.envelope, "cloudevents|compact", "default cloudevents" },
        { "format", 0, CLI_TEXT, &format, "text|json", "default: text on a terminal, else json" },
        CLI_WHERE_OPTIONS(where), { 0 } };
    int code = cli_parse_listing(command, options, argc, argv, &format, &self.json);
    if (code < 0 && (self.bench.events < 1 || self.bench.pings < 1 || self.partitions < 1 || self.bench.bytes > BYTES_MOST))
        code = cli_usage(command, "--events, --pings and --partitions are 1 or more, --bytes at most %d", BYTES_MOST);
    if (code < 0) {
        cli_catch_signals();
        code = work(&self, &where, &error) == POLKA_OK ? cli_stopped() ? CLI_STOPPED : CLI_OK : cli_complain(&error);
    }
    cli_list_free(&where.properties);
    return code;
}

const cli_command cli_bench_command = {
    .name = "bench", .arguments = "", .summary = "how fast this cluster and this machine are with a service", .run = run,
    .details = "Emits events by a producer, reads them by a service that only reacts and by one that emits one for each, and sends one at a time\n"
               "to a service and back. Rates count from the first event to the last, all acknowledged; CPU is that of this process, all\n"
               "threads. The topics polka.bench.asked and polka.bench.answered stay, and are empty again after an hour.\n",
    .examples = "  polka bench --brokers kafka:9092                     what it would do\n"
                "  polka bench --brokers kafka:9092 --execute\n"
                "  polka bench --execute --lanes 4 --envelope compact -n 1000000\n" };
