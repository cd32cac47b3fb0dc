/*
 * metrics.c: which figures there are, with their names and what they mean. One function a family or a table of families, as a family's
 * samples stand together. Names are Prometheus' (base units, _total), those of lag also kafka_exporter's, so that its dashboards work.
 */
#include <service/metrics.h>

#include <dirent.h>
#include <flow/meter.h>
#include <pthread.h>
#include <service/exposition.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <transport/kafka/kafka.h>
#include <unistd.h>

typedef struct {
    polkai_flow *flow;
    const polka_service *service;
    polka_text name, group;
    polka_arena *arena;
    polkai_exposition out;
    polkai_reaction_reading *reactions;
    size_t reaction_count;
    polkai_flow_reading reading;
} writing;

/* ---- labels ---- */

#define LABEL(NAME, VALUE) { (NAME), (VALUE) }
#define END { NULL, { 0, NULL } }

static polka_text or_dash(const char *text) { return text == NULL ? POLKA_TEXT("-") : polka_text_of(text); }

static polka_text name_of(const polka_reaction *reaction)
{
    if (reaction == NULL)
        return POLKA_TEXT("-");
    return reaction->name != NULL ? polka_text_of(reaction->name) : or_dash(reaction->event != NULL ? reaction->event->name : NULL);
}

static polka_text event_of(const polka_reaction *reaction) { return or_dash(reaction == NULL || reaction->event == NULL ? NULL : reaction->event->name); }

static polka_text number(const writing *w, int64_t value) { return polkai_arena_format(w->arena, "%lld", (long long)value); }

/* ---- by reaction ---- */

typedef struct { const char *name, *type, *help; double (*of)(const polkai_reaction_reading *reading); bool without_reaction; } reaction_family;

static double retries_of(const polkai_reaction_reading *r) { return (double)r->retries; }
static double dead_of(const polkai_reaction_reading *r) { return (double)r->dead; }
static double running_of(const polkai_reaction_reading *r) { return r->running; }
static double running_seconds_of(const polkai_reaction_reading *r) { return (double)r->running_ns / 1e9; }
static double deadline_of(const polkai_reaction_reading *r) { return (double)r->deadline_ms / 1e3; }

static const reaction_family reaction_families[] = {
    { "polka_retries_total", "counter", "Attempts of handlers that failed and are made again.", retries_of, false },
    { "polka_dead_letters_total", "counter", "Events that became dead letters; reaction - is a record whose type could not be told.", dead_of, true },
    { "polka_handlers_running", "gauge", "Handlers that run now.", running_of, false },
    { "polka_handler_running_seconds", "gauge", "How long the handler that runs longest runs now.", running_seconds_of, false },
    { "polka_handler_deadline_seconds", "gauge", "How long a handler may run; one that runs longer ends the service.", deadline_of, false },
};

static void write_reactions(writing *w)
{
    for (size_t k = 0; k < sizeof reaction_families / sizeof *reaction_families; k++) {
        const reaction_family *family = &reaction_families[k];
        polkai_exposition_family(&w->out, family->name, family->type, family->help);
        for (size_t i = 0; i < w->reaction_count; i++) {
            const polkai_reaction_reading *at = &w->reactions[i];
            const polkai_label labels[] = { LABEL("service", w->name), LABEL("reaction", name_of(at->reaction)), LABEL("event", event_of(at->reaction)), END };
            if (at->reaction != NULL || family->without_reaction)
                polkai_exposition_sample(&w->out, "", labels, family->of(at));
        }
    }
}

static void write_handled(writing *w)
{
    polkai_exposition_family(&w->out, "polka_events_handled_total", "counter", "Events that a reaction has finished, without those that became dead letters.");
    for (size_t i = 0; i + 1 < w->reaction_count; i++) {
        const polkai_reaction_reading *at = &w->reactions[i];
        const struct { polka_text outcome; uint64_t count; } rows[] = { { POLKA_TEXT("done"), at->done }, { POLKA_TEXT("skipped"), at->skipped } };
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
            const polkai_label labels[] = { LABEL("service", w->name), LABEL("reaction", name_of(at->reaction)), LABEL("event", event_of(at->reaction)),
                                            LABEL("outcome", rows[k].outcome), END };
            polkai_exposition_sample(&w->out, "", labels, (double)rows[k].count);
        }
    }
}

static bool declares(const polka_reaction *reaction, const polka_event *event)
{
    for (size_t i = 0; reaction != NULL && i < reaction->emits.count; i++)
        if (reaction->emits.items[i] == event)
            return true;
    return false;
}

static void write_emitted(writing *w)
{
    uint64_t count;
    const polka_event *event;
    polkai_exposition_family(&w->out, "polka_events_emitted_total", "counter",
                             "Events that reactions emitted: handed to the producer, or ready for their transaction.");
    for (size_t i = 0; i < w->reaction_count; i++)
        for (size_t k = 0; (event = polkai_meter_emitted(w->flow, i, k, &count)) != NULL; k++) {
            const polka_reaction *reaction = w->reactions[i].reaction;
            const polkai_label labels[] = { LABEL("service", w->name), LABEL("reaction", name_of(reaction)), LABEL("event", polka_text_of(event->name)),
                                            LABEL("topic", polka_text_of(event->topic)), END };
            if (declares(reaction, event))
                polkai_exposition_sample(&w->out, "", labels, (double)count);
        }
}

static void write_took(writing *w)
{
    polkai_exposition_family(&w->out, "polka_handler_duration_seconds", "histogram", "How long a handler took, each attempt for itself.");
    for (size_t i = 0; i + 1 < w->reaction_count; i++) {
        const polkai_reaction_reading *at = &w->reactions[i];
        polkai_label labels[] = { LABEL("service", w->name), LABEL("reaction", name_of(at->reaction)), LABEL("event", event_of(at->reaction)), END, END };
        uint64_t sum = 0;
        for (size_t k = 0; k <= POLKAI_METER_BOUNDS; k++) {
            sum += at->took[k];
            labels[3] = (polkai_label){ "le", k == POLKAI_METER_BOUNDS ? POLKA_TEXT("+Inf")
                                                                       : polkai_arena_format(w->arena, "%g", (double)polkai_meter_bounds_ns[k] / 1e9) };
            polkai_exposition_sample(&w->out, "_bucket", labels, (double)sum);
        }
        labels[3] = (polkai_label)END;
        polkai_exposition_sample(&w->out, "_sum", labels, (double)at->took_ns / 1e9);
        polkai_exposition_sample(&w->out, "_count", labels, (double)sum);
    }
}

/* ---- by partition ---- */

typedef struct { const char *name, *help; double (*of)(const polkai_partition_reading *reading); enum { OF_SERVICE, OF_GROUP, OF_NOBODY } whose; } partition_family;

/* Below 0: not known, and not written. */
static double lag_after(int64_t end, int64_t offset) { return end < 0 || offset < 0 ? -1 : end < offset ? 0 : (double)(end - offset); }
static double lag_of(const polkai_partition_reading *p) { return lag_after(p->end, p->done); }
static double group_lag_of(const polkai_partition_reading *p) { return lag_after(p->end, p->committed); }
static double done_of(const polkai_partition_reading *p) { return (double)p->done; }
static double committed_of(const polkai_partition_reading *p) { return (double)p->committed; }
static double end_of(const polkai_partition_reading *p) { return (double)p->end; }
static double in_flight_of(const polkai_partition_reading *p) { return (double)p->in_flight; }
static double held_of(const polkai_partition_reading *p) { return p->held; }

static const partition_family partition_families[] = {
    { "polka_consumer_lag", "Records behind the last one that is done with all before it, as of the last answer of the broker; marks of transactions count.", lag_of, OF_SERVICE },
    { "polka_partition_done_offset", "The offset before which all is done.", done_of, OF_SERVICE },
    { "polka_partition_in_flight", "Events from the oldest that is not done to the newest that was taken.", in_flight_of, OF_SERVICE },
    { "polka_partition_held", "1 while it is not read, as in_flight.uncommitted is used up and its oldest event has not ended.", held_of, OF_SERVICE },
    { "kafka_consumergroup_lag", "As kafka_exporter: the end of the partition less the committed offset; of the partitions of this member.", group_lag_of, OF_GROUP },
    { "kafka_consumergroup_current_offset", "As kafka_exporter: the committed offset; of the partitions of this member.", committed_of, OF_GROUP },
    { "kafka_topic_partition_current_offset", "As kafka_exporter: the end of the partition; of the partitions of this member.", end_of, OF_NOBODY },
};

static void write_partitions(writing *w)
{
    for (size_t k = 0; k < sizeof partition_families / sizeof *partition_families; k++) {
        const partition_family *family = &partition_families[k];
        polkai_exposition_family(&w->out, family->name, "gauge", family->help);
        for (size_t i = 0; i < w->reading.partition_count; i++) {
            const polkai_partition_reading *at = &w->reading.partitions[i];
            const polkai_label labels[] = { LABEL("topic", at->topic), LABEL("partition", number(w, at->partition)),
                                            { family->whose == OF_SERVICE ? "service" : family->whose == OF_GROUP ? "consumergroup" : NULL,
                                              family->whose == OF_SERVICE ? w->name : w->group }, END };
            if (family->of(at) >= 0)
                polkai_exposition_sample(&w->out, "", labels, family->of(at));
        }
    }
}

/* ---- of the whole service ---- */

static void one(writing *w, const char *name, const char *type, const char *help, double value)
{
    polkai_exposition_family(&w->out, name, type, help);
    polkai_exposition_sample(&w->out, "", (const polkai_label[]){ LABEL("service", w->name), END }, value);
}

static void write_service(writing *w, bool ready)
{
    const polkai_flow_reading *r = &w->reading;
    polkai_exposition_family(&w->out, "polka_build_info", "gauge", "1; which service and which Polka.");
    polkai_exposition_sample(&w->out, "", (const polkai_label[]){ LABEL("service", w->name), LABEL("service_version", or_dash(w->service->version)),
                                                                  LABEL("version", POLKA_TEXT(POLKA_VERSION)),
                                                                  LABEL("librdkafka", polka_text_of(polkai_kafka_version())), END }, 1);
    one(w, "polka_ready", "gauge", "1 when /readyz answers 200.", ready);
    one(w, "polka_events_received_total", "counter", "Records taken from Kafka.", (double)r->received);
    one(w, "polka_events_unknown_total", "counter", "Records of event types that nobody here reacts to; skipped.", (double)r->unknown_types);
    one(w, "polka_tombstones_total", "counter", "Records without a value; skipped.", (double)r->tombstones);
    one(w, "polka_sends_repeated_total", "counter", "Emissions and dead letters that were sent again, as they were not acknowledged.", (double)r->sends_repeated);
    one(w, "polka_events_in_flight", "gauge", "Events taken and not done; at most in_flight.events.", (double)r->in_flight);
    one(w, "polka_events_in_flight_bytes", "gauge", "Bytes of them; at most in_flight.bytes.", (double)r->in_flight_bytes);
    one(w, "polka_events_waiting", "gauge", "Events that wait for another attempt, a schema or an event before them of their key.", (double)r->waiting_events);
    one(w, "polka_keys_waiting", "gauge", "Keys of them.", (double)r->waiting_keys);
    one(w, "polka_commits_total", "counter", "Commits of offsets that were made, or transactions that were committed.", (double)r->commits);
    one(w, "polka_commit_errors_total", "counter", "Commits of offsets or transactions that failed; they are made again.", (double)r->commits_failed);
    if (r->activity) {
        one(w, "polka_activity_records_total", "counter", "Records of what reactions did that polka.activity has taken.", (double)r->activity_told);
        one(w, "polka_activity_dropped_total", "counter", "Those that it has not, and that nobody sends again.", (double)r->activity_dropped);
    }
    static const struct { polka_text kind; size_t at; } kinds[] = { { { 8, "assigned" }, offsetof(polkai_flow_reading, assigned) },
                                                                    { { 7, "revoked" }, offsetof(polkai_flow_reading, revoked) },
                                                                    { { 4, "lost" }, offsetof(polkai_flow_reading, lost) } };
    polkai_exposition_family(&w->out, "polka_rebalances_total", "counter", "Times that partitions were assigned, given up, or lost.");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        polkai_exposition_sample(&w->out, "", (const polkai_label[]){ LABEL("service", w->name), LABEL("kind", kinds[i].kind), END },
                                 (double)*(const uint64_t *)((const char *)r + kinds[i].at));
}

/* ---- of the process ---- */

static double entries_of(const char *path)
{
    DIR *folder = opendir(path);
    double count = 0;
    if (folder == NULL)
        return 0;
    for (const struct dirent *at; (at = readdir(folder)) != NULL;)
        count += at->d_name[0] != '.';
    closedir(folder);
    return count - 1;                    /* this one */
}

/* Since the machine was booted, in seconds; field 22 of stat, counted behind the name, which may hold anything. */
static double started_at(void)
{
    char text[1024] = "";
    FILE *file = fopen("/proc/self/stat", "r");
    if (file == NULL)
        return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtod(at, NULL) / (double)sysconf(_SC_CLK_TCK);
}

static double clock_seconds(clockid_t which)
{
    struct timespec now = { 0, 0 };
    clock_gettime(which, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double begun_s;

static void look_when_begun(void) { begun_s = clock_seconds(CLOCK_REALTIME) - clock_seconds(CLOCK_BOOTTIME) + started_at(); }

/* Once: alerts take another value for another start, also one that differs because somebody has set the clock, or by what passes between two looks at it. */
static double start_seconds(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, look_when_begun);
    return begun_s;
}

static double resident_bytes(void)
{
    unsigned long long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL)
        return 0;
    int found = fscanf(file, "%llu %llu", &size, &resident);
    fclose(file);
    return found == 2 ? (double)resident * (double)sysconf(_SC_PAGESIZE) : 0;
}

static void write_process(writing *w)
{
    const struct { const char *name, *type, *help; double value; } rows[] = {
        { "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", clock_seconds(CLOCK_PROCESS_CPUTIME_ID) },
        { "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", resident_bytes() },
        { "process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.", start_seconds() },
        { "process_open_fds", "gauge", "Number of open file descriptors.", entries_of("/proc/self/fd") },
        { "process_threads", "gauge", "Number of threads.", entries_of("/proc/self/task") + 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        polkai_exposition_family(&w->out, rows[i].name, rows[i].type, rows[i].help);
        polkai_exposition_sample(&w->out, "", NULL, rows[i].value);
    }
}

/* ---- of tracing ---- */

static void write_traces(writing *w, const polkai_exporter_counts *count)
{
    const struct { polka_text reason; uint64_t count; } dropped[] = { { POLKA_TEXT("queue-full"), count->dropped_full }, { POLKA_TEXT("refused"), count->dropped_refused },
                                                                      { POLKA_TEXT("unreached"), count->dropped_unreached } };
    one(w, "polka_trace_spans_exported_total", "counter", "Spans that the collector has taken.", (double)count->exported);
    polkai_exposition_family(&w->out, "polka_trace_spans_dropped_total", "counter",
                             "Spans that were lost: the queue was full, the collector refused them, or it was not reached in time.");
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        polkai_exposition_sample(&w->out, "", (const polkai_label[]){ LABEL("service", w->name), LABEL("reason", dropped[i].reason), END }, (double)dropped[i].count);
}

polka_text polkai_metrics_write(const polkai_metrics_of *of, polka_arena *arena)
{
    polkai_flow *flow = of->flow;
    writing w = { .flow = flow, .service = of->service, .name = polka_text_of(of->service->name), .group = polka_text_of(of->group), .arena = arena,
                  .out = { .text = { .arena = arena } }, .reaction_count = polkai_meter_reactions(flow) };
    w.reactions = polkai_arena_zeroed(arena, w.reaction_count + 1, sizeof *w.reactions);
    for (size_t i = 0; i < w.reaction_count; i++)
        w.reactions[i] = polkai_meter_read(flow, i);
    polkai_meter_read_flow(flow, arena, &w.reading);
    write_service(&w, of->ready);
    write_handled(&w);
    write_emitted(&w);
    write_reactions(&w);
    write_took(&w);
    write_partitions(&w);
    if (of->traces != NULL)
        write_traces(&w, of->traces);
    write_process(&w);
    return (polka_text){ w.out.text.size, (const char *)w.out.text.data };
}
