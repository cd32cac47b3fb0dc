/* What only the Kafka transport has: what it says when nobody answers, and what becomes of records that are refused. */
#include <transport/broker.h>
#include <transport/kafka/source.h>

#include <arpa/inet.h>
#include <base/arena.h>
#include <criterion/criterion.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- nobody answers ------------------------------------------------------------------------------- */

typedef struct { unsigned down, back; char first[600]; } heard;

static void listen_to(void *user, polka_status status, const char *message)
{
    heard *all = user;
    if (status == POLKA_OK)
        all->back++;
    else if (all->down++ == 0)
        snprintf(all->first, sizeof all->first, "%s", message);
}

/* A door on a port of our choice that leads to the mock, which has ports of its own choice only. */
typedef struct { int door; const char *to; atomic_bool stop; pthread_t thread; } forwarder;

static int connect_to(const char *address)
{
    struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1)) };
    inet_pton(AF_INET, "127.0.0.1", &there.sin_addr);
    int made = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(made, (struct sockaddr *)&there, sizeof there), 0);
    return made;
}

static void copy_both_ways(forwarder *self, int in, int out)
{
    char bytes[65536];
    struct pollfd both[] = { { in, POLLIN, 0 }, { out, POLLIN, 0 } };
    while (!atomic_load(&self->stop)) {
        if (poll(both, 2, 50) <= 0)
            continue;
        for (int i = 0; i < 2; i++) {
            if (both[i].revents == 0)
                continue;
            ssize_t size = read(both[i].fd, bytes, sizeof bytes);
            if (size <= 0 || write(both[1 - i].fd, bytes, (size_t)size) != size)
                return;
        }
    }
}

static void *forward(void *user)
{
    forwarder *self = user;
    struct pollfd door = { self->door, POLLIN, 0 };
    while (!atomic_load(&self->stop)) {
        if (poll(&door, 1, 50) <= 0)
            continue;
        int in = accept(self->door, NULL, NULL), out = connect_to(self->to);
        copy_both_ways(self, in, out);
        close(in);
        close(out);
    }
    return NULL;
}

static int free_port(void)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof any;
    int made = socket(AF_INET, SOCK_STREAM, 0);
    bind(made, (struct sockaddr *)&any, sizeof any);
    getsockname(made, (struct sockaddr *)&any, &size);
    close(made);
    return ntohs(any.sin_port);
}

static void open_door(forwarder *self, int port)
{
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    self->door = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(self->door, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    cr_assert_eq(bind(self->door, (struct sockaddr *)&here, sizeof here), 0);
    listen(self->door, 16);
    pthread_create(&self->thread, NULL, forward, self);
}

static bool poll_until(polkai_source *source, const unsigned *wanted)
{
    polkai_record record;
    for (int64_t end = polkai_kafka_now_ns() + (int64_t)15 * 1000000000; *wanted == 0 && polkai_kafka_now_ns() < end;)
        if (source->operations->poll(source, &record, 1, 100) > 0)
            polkai_record_release(&record);
    return *wanted > 0;
}

Test(outage, is_told_once_with_the_address_and_its_end_too, .timeout = 60)
{
    polkai_broker *broker;
    forwarder door = { 0 };
    heard all = { 0 };
    cr_assert_eq(polkai_broker_mock_start(&broker, NULL), POLKA_OK);
    cr_assert_eq(polkai_broker_topic(broker, "t", 1, NULL), POLKA_OK);
    char address[32];
    int port = free_port();
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    polkai_source *source;
    polka_text topic = POLKA_TEXT_INIT("t");
    polkai_start start = { .topics = &topic, .topic_count = 1, .listener = { .user = &all, .notice = listen_to } };
    cr_assert_eq(polkai_kafka_source_open(&source, &(polkai_kafka_options){ .brokers = address, .group = "g", .embedded = true }, NULL), POLKA_OK);
    cr_assert_eq(source->operations->start(source, &start, NULL), POLKA_OK);
    cr_assert(poll_until(source, &all.down));
    cr_assert_not_null(strstr(all.first, address), "%s", all.first);
    cr_assert_not_null(strstr(all.first, "Connection refused"), "%s", all.first);
    polkai_record record;
    for (int i = 0; i < 20; i++)         /* 2 s of failing again and again are no news */
        source->operations->poll(source, &record, 1, 100);
    cr_assert_eq(all.down, 1);
    cr_assert_eq(all.back, 0);
    door.to = polkai_broker_address(broker);
    open_door(&door, port);
    cr_assert(poll_until(source, &all.back));
    cr_assert_eq(all.down, 1);
    source->operations->close(source, POLKAI_CLOSE_MS);
    atomic_store(&door.stop, true);
    pthread_join(door.thread, NULL);
    close(door.door);
    polkai_broker_stop(broker);
}

static void note_status(void *user, const polkai_report *report)
{
    *(polka_status *)user = report->status;
}

Test(outage, what_was_not_sent_by_the_end_is_reported_as_to_be_sent_again, .timeout = 60)
{
    polka_status status = POLKA_OK;
    polkai_kafka_options options = { .brokers = "127.0.0.1:1", .report = note_status, .report_user = &status };
    polkai_sink *sink;
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, NULL), POLKA_OK);
    polkai_record record = { .topic = POLKA_TEXT("t"), .partition = -1, .value = { 1, (const uint8_t *)"v" } };
    cr_assert_eq(sink->operations->send(sink, &record, NULL, NULL), POLKA_OK);
    cr_assert_eq(sink->operations->poll(sink, 300), 0, "it is kept, and not given up");
    sink->operations->close(sink, 0);
    cr_assert_eq(status, POLKA_TRANSIENT);
}

/* ---- what is not written is not acknowledged ------------------------------------------------------ */

typedef struct { unsigned count, ok; char code[40]; } outcome;

static void note_outcome(void *user, const polkai_report *report)
{
    outcome *all = user;
    all->count++;
    all->ok += report->status == POLKA_OK;
    if (report->status != POLKA_OK)
        snprintf(all->code, sizeof all->code, "%s", report->code);
}

/* A mock whose ways can be changed, and a client that owns it. */
static rd_kafka_mock_cluster_t *mock_of(rd_kafka_t **owner)
{
    *owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
    return rd_kafka_mock_cluster_new(*owner, 1);
}

static void send_at(polkai_sink *sink, const char *value)
{
    polkai_record record = { .topic = POLKA_TEXT("t"), .partition = 0, .value = { 1, (const uint8_t *)value } };
    cr_assert_eq(sink->operations->send(sink, &record, NULL, NULL), POLKA_OK);
}

static void await_outcomes(polkai_sink *sink, const outcome *all, unsigned count)
{
    for (int64_t end = polkai_kafka_now_ns() + (int64_t)15 * 1000000000; all->count < count && polkai_kafka_now_ns() < end;)
        sink->operations->poll(sink, 50);
    cr_assert_eq(all->count, count);
}

Test(acknowledgement, of_a_later_record_is_none_of_an_earlier_one, .timeout = 60)
{
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *mock = mock_of(&owner);
    outcome all = { 0 };
    cr_assert_eq(rd_kafka_mock_topic_create(mock, "t", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(mock), .report = note_outcome, .report_user = &all };
    polkai_sink *sink;
    polkai_admin *admin;
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, NULL), POLKA_OK);
    cr_assert_eq(polkai_kafka_admin_open(&admin, &options, NULL), POLKA_OK);
    send_at(sink, "a");                  /* so that all connections are there */
    await_outcomes(sink, &all, 1);
    /* the broker takes its time and refuses the first of two batches that are under way together, as one that is not leader yet */
    rd_kafka_mock_broker_set_rtt(mock, 1, 300);
    rd_kafka_mock_push_request_errors(mock, 0, 1, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    send_at(sink, "b");
    sink->operations->poll(sink, 100);
    send_at(sink, "c");
    await_outcomes(sink, &all, 3);
    polkai_extent extent = { .topic = POLKA_TEXT("t"), .partition = 0 };
    rd_kafka_mock_broker_set_rtt(mock, 1, 0);
    cr_assert_eq(admin->operations->watermarks(admin, &extent, 1, NULL), POLKA_OK);
    cr_assert_eq(extent.high, 3, "what was not written was sent again");
    cr_assert_eq(all.ok, 3);
    admin->operations->close(admin);
    sink->operations->close(sink, 1000);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
}

/* ---- a producer that met a fatal error ------------------------------------------------------------ */

Test(producer, is_made_anew_after_a_fatal_error_and_what_it_had_is_given_back, .timeout = 60)
{
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *mock = mock_of(&owner);
    outcome all = { 0 };
    cr_assert_eq(rd_kafka_mock_topic_create(mock, "t", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(mock), .embedded = true, .report = note_outcome, .report_user = &all };
    polkai_sink *sink;
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, NULL), POLKA_OK);
    send_at(sink, "a");
    await_outcomes(sink, &all, 1);
    /* as a broker that lost, in a crash, what it had acknowledged */
    rd_kafka_mock_push_request_errors(mock, 0, 1, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    send_at(sink, "b");
    await_outcomes(sink, &all, 2);
    cr_assert_eq(all.ok, 1);
    cr_assert_neq(*all.code, '\0', "b is given back, to be sent again");
    polkai_record record = { .topic = POLKA_TEXT("t"), .partition = 0, .value = { 1, (const uint8_t *)"b" } };
    polka_status status = POLKA_TRANSIENT;
    for (int64_t end = polkai_kafka_now_ns() + (int64_t)15 * 1000000000; status == POLKA_TRANSIENT && polkai_kafka_now_ns() < end;) {
        status = sink->operations->send(sink, &record, NULL, NULL);
        sink->operations->poll(sink, 10);
    }
    cr_assert_eq(status, POLKA_OK, "and the producer made anew takes it");
    await_outcomes(sink, &all, 3);
    cr_assert_eq(all.ok, 2);
    sink->operations->close(sink, 1000);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
}

/* ---- a batch that is refused ---------------------------------------------------------------------- */

enum { OF_A_BATCH = 40 };
typedef struct { unsigned count, poison; int64_t offset[OF_A_BATCH]; char code[40], message[200]; } told;

static void note_offset(void *user, const polkai_report *report)
{
    told *all = user;
    all->count++;
    all->poison += report->status == POLKA_POISON;
    all->offset[(uintptr_t)report->cookie] = report->offset;
    if (report->status == POLKA_OK)
        return;
    snprintf(all->code, sizeof all->code, "%s", report->code);
    snprintf(all->message, sizeof all->message, "%s", report->message);
}

/* `count` records in one batch, to a broker that refuses so many batches, for `why`. */
static void send_one_batch(told *all, uintptr_t count, size_t refusals, rd_kafka_resp_err_t why)
{
    const rd_kafka_resp_err_t refusal[] = { why, why, why };
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *mock = mock_of(&owner);
    rd_kafka_mock_topic_create(mock, "t", 1, 1);
    rd_kafka_mock_push_request_errors_array(mock, 0, refusals, refusal);
    polkai_kafka_property slow = { "linger.ms", "200" };
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(mock), .embedded = true, .report = note_offset, .report_user = all,
                                     .properties = &slow, .property_count = 1 };
    polkai_sink *sink;
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, NULL), POLKA_OK);
    polkai_header header = { POLKA_TEXT_INIT("h"), { 1, (const uint8_t *)"v" } };
    polkai_record record = { .topic = POLKA_TEXT("t"), .partition = 0, .key = { 1, (const uint8_t *)"k" }, .value = { 1, (const uint8_t *)"v" },
                             .headers = &header, .header_count = 1 };
    for (uintptr_t i = 0; i < count; i++)
        cr_assert_eq(sink->operations->send(sink, &record, (void *)i, NULL), POLKA_OK);
    for (int64_t end = polkai_kafka_now_ns() + (int64_t)15 * 1000000000; all->count < count && polkai_kafka_now_ns() < end;)
        sink->operations->poll(sink, 50);
    sink->operations->close(sink, 1000);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
    cr_assert_eq(all->count, count);
}

Test(refusal, of_a_batch_is_none_of_its_records, .timeout = 60)
{
    told all = { 0 };
    send_one_batch(&all, OF_A_BATCH, 3, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    cr_assert_eq(all.poison, 0, "%s", all.code);
    for (int i = 0; i < OF_A_BATCH; i++)
        cr_assert_eq(all.offset[i], i, "in their order");
}

Test(refusal, of_a_record_without_company_is_its_own, .timeout = 60)
{
    told all = { 0 };
    send_one_batch(&all, 1, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    cr_assert_eq(all.poison, 1);
    cr_assert_str_eq(all.code, "MSG_SIZE_TOO_LARGE");
}

/* Somebody can still grant it: whose event it is waits, and says to whom it is to be granted. */
Test(refusal, for_a_missing_right_is_not_for_good, .timeout = 60)
{
    told all = { 0 };
    send_one_batch(&all, 1, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    cr_assert_eq(all.poison, 0);
    cr_assert_str_eq(all.code, "TOPIC_AUTHORIZATION_FAILED");
    cr_assert_str_eq(all.message, "User:ANONYMOUS needs the right WRITE on t");
}

/* ---- fetching ahead ------------------------------------------------------------------------------- */

/* Takes a queue only once it is full, or all the rest is in it. */
static size_t read_by_full_queues(polkai_source *source, size_t full, size_t wanted, int64_t within_ns)
{
    static polkai_record records[64];
    rd_kafka_queue_t *queue = ((polkai_kafka_source *)source)->queue;
    size_t total = 0;
    for (int64_t end = polkai_kafka_now_ns() + within_ns; total < wanted && polkai_kafka_now_ns() < end;) {
        size_t length = rd_kafka_queue_length(queue);
        if (length < full && total + length < wanted) {
            sched_yield();
            continue;
        }
        for (size_t count = 1; count > 0; total += count) {
            count = source->operations->poll(source, records, 64, 0);
            for (size_t k = 0; k < count; k++)
                polkai_record_release(&records[k]);
        }
    }
    return total;
}

/* 20 queues full: librdkafka 2.0.2 sleeps a second at each, unless its brokers are woken. */
static void fetch_with_small_queues(polkai_kafka_property limit)
{
    enum { RECORDS = 1280, BYTES = 1024 };
    static uint8_t value[BYTES];
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *mock = mock_of(&owner);
    outcome all = { 0 };
    cr_assert_eq(rd_kafka_mock_topic_create(mock, "t", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    polkai_kafka_property small[] = { limit, { "fetch.message.max.bytes", "65536" }, { "batch.num.messages", "16" } };
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(mock), .embedded = true, .report = note_outcome, .report_user = &all,
                                     .properties = small + 2, .property_count = 1 };
    polkai_sink *sink;
    polkai_source *source;
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, NULL), POLKA_OK);
    for (int i = 0; i < RECORDS; i++)
        cr_assert_eq(sink->operations->send(sink, &(polkai_record){ .topic = POLKA_TEXT("t"), .value = { BYTES, value } }, NULL, NULL), POLKA_OK);
    await_outcomes(sink, &all, RECORDS);
    options.properties = small;
    options.property_count = 2;
    cr_assert_eq(polkai_kafka_source_open(&source, &options, NULL), POLKA_OK);
    polkai_position from = { POLKA_TEXT("t"), 0, POLKAI_OFFSET_START };
    cr_assert_eq(source->operations->start(source, &(polkai_start){ .positions = &from, .position_count = 1 }, NULL), POLKA_OK);
    cr_assert_eq(read_by_full_queues(source, 64, RECORDS, (int64_t)10 * 1000000000), RECORDS);
    source->operations->close(source, POLKAI_CLOSE_MS);
    sink->operations->close(sink, 1000);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
}

Test(prefetch, goes_on_while_a_queue_full_of_bytes_is_taken, .timeout = 60)
{
    fetch_with_small_queues((polkai_kafka_property){ "queued.max.messages.kbytes", "64" });
}

Test(prefetch, goes_on_while_a_queue_full_of_records_is_taken, .timeout = 60)
{
    fetch_with_small_queues((polkai_kafka_property){ "queued.min.messages", "64" });
}

/* ---- what waits in line while a producer is made anew ---- */

enum { IN_LINE = 12, AGAIN_NS = 10000000 };
typedef struct { size_t done, order[2 * IN_LINE]; bool failed[2 * IN_LINE]; int64_t failed_ns; } lined_reports;

static void note_lined(void *user, const polkai_report *report)
{
    lined_reports *all = user;
    size_t index = (size_t)(uintptr_t)report->cookie;
    if (report->status == POLKA_OK) {
        all->order[all->done++] = index;
        return;
    }
    all->failed[index] = true;
    all->failed_ns = polkai_kafka_now_ns();
}

static polka_status send_lined(polkai_sink *sink, size_t index)
{
    polka_error error;
    polkai_record record = { .topic = POLKA_TEXT("t"), .partition = 0, .key = { 1, (const uint8_t *)"k" }, .value = { 1, (const uint8_t *)"v" } };
    return sink->operations->send(sink, &record, (void *)(uintptr_t)index, &error);
}

/* As flow/send.c: what failed goes again in its order, ten milliseconds later. */
static void send_lined_again(polkai_sink *sink, lined_reports *all)
{
    if (all->failed_ns == 0 || polkai_kafka_now_ns() < all->failed_ns + AGAIN_NS)
        return;
    for (size_t i = 0; i < 2 * IN_LINE; i++)
        if (all->failed[i] && send_lined(sink, i) == POLKA_OK)
            all->failed[i] = false;
        else if (all->failed[i])
            return;
}

static void await_lined(polkai_sink *sink, lined_reports *all, size_t wanted)
{
    for (int64_t end = polkai_kafka_now_ns() + 20000000000; all->done < wanted && polkai_kafka_now_ns() < end;) {
        sink->operations->poll(sink, 5);
        send_lined_again(sink, all);
    }
    cr_assert_eq(all->done, wanted);
}

Test(sink, keeps_the_order_of_a_key_in_line_when_its_producer_is_made_anew, .timeout = 60)
{
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *mock = mock_of(&owner);
    lined_reports all = { 0 };
    polkai_kafka_property slow = { "linger.ms", "50" };
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(mock), .embedded = true, .report = note_lined, .report_user = &all,
                                     .properties = &slow, .property_count = 1 };
    polkai_sink *sink;
    rd_kafka_mock_topic_create(mock, "t", 1, 1);
    rd_kafka_mock_push_request_errors(mock, 0, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, NULL), POLKA_OK);
    for (size_t i = 0; i < IN_LINE; i++)                 /* one batch, refused for its size: the topic has a line from here on */
        send_lined(sink, i);
    await_lined(sink, &all, IN_LINE);
    rd_kafka_mock_push_request_errors(mock, 0, 1, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    for (size_t i = IN_LINE; i < 2 * IN_LINE; i++)
        send_lined(sink, i);
    await_lined(sink, &all, 2 * IN_LINE);
    for (size_t i = 0; i < 2 * IN_LINE; i++)
        cr_expect_eq(all.order[i], i, "%zu came at %zu", all.order[i], i);
    sink->operations->close(sink, 1000);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
}
