/*
 * raw_hop.c: the hop as one writes it by hand on librdkafka, well: one thread, batches of polls, nothing allocated on the way,
 * a bound on what is in flight, offsets committed every half second and only behind acknowledgements.
 *
 * It has the work in common with Polka: the codec, the envelope (read with its checks, and written), the ids that repeat.
 * It is spared what only a framework does: routes, retries, dead letters, keys that wait, rebalances.
 *
 * usage: bench_raw BROKERS GROUP EVENTS(0: until a signal) [react] [bare] [compact] [avro-c] [few] [busy=MICROSECONDS] [in-flight=N]
 *        [transaction-ms=N] [transaction-events=N] [key=value of librdkafka …]
 * bare: no headers; avro-c: its codec in place of the generated one; few: four headers; busy: what a handler takes, which emits nothing then;
 * transaction-…: exactly once, a commit so often
 */
#include <base/arena.h>
#include <base/clock.h>
#include <base/identity.h>
#include <flow/schema/framing.h>

#include "classic.h"
#include "client.h"
#include "measure.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 512, PARTITIONS = 4096, COMMIT_NS = 500000000, BUSY_MS = 5, IDLE_MS = 250, MEMORY = 8192, HALF_BYTES = 4 << 20, HALF_RECORDS = 10000 };

typedef struct {
    rd_kafka_t *consumer, *producer;
    rd_kafka_topic_t *prices;
    polka_text dataschema;
    bool react, bare, compact, classic, few;
    int64_t busy_us, transaction_ns, transaction_events, in_transaction, transaction_due_ns;
    int64_t wanted, handled;
    uint64_t in_flight, in_flight_most;
    int64_t done[PARTITIONS], committed[PARTITIONS];   /* next offset; the prices of a partition are acknowledged in its order */
    int64_t commit_due_ns;
    size_t taken_bytes, taken_records;   /* since the leaders were woken */
    polka_arena arena;
    uint8_t memory[MEMORY];
} hop;

static volatile sig_atomic_t asked;

static void on_signal(int number)
{
    asked = number;
}

/* The orders of a partition have their prices in the same partition of the other topic: the key and the count are the same. */
static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    (void)handle;
    hop *self = opaque;
    if (message->err != 0)
        client_die("delivery", rd_kafka_err2str(message->err));
    if (self->transaction_ns == 0)
        self->done[message->partition] = (int64_t)(intptr_t)message->_private + 1;
    self->in_flight--;
}

static void emit_classic(hop *self, const bench_order_priced *price, polkai_envelope *envelope, const rd_kafka_message_t *message)
{
    uint8_t bytes[512];
    polkai_framing_write(bytes, bench_order_priced_event.fingerprint);
    size_t size = classic_write(price, bytes + POLKAI_SINGLE_OBJECT_BYTES, sizeof bytes - POLKAI_SINGLE_OBJECT_BYTES);
    if (size == 0)
        client_die("encode", "avro-c cannot write it");
    polka_bytes key = { price->order_id.size, (const uint8_t *)price->order_id.data };
    client_send_bytes(self->producer, self->prices, &bench_order_priced_event, key, (polka_bytes){ POLKAI_SINGLE_OBJECT_BYTES + size, bytes }, envelope,
                      self->dataschema, self->few, &self->arena, (void *)(intptr_t)message->offset);
}

static void emit(hop *self, const bench_order_placed *order, int64_t total, const polkai_envelope *cause, const rd_kafka_message_t *message)
{
    bench_order_priced price = { .order_id = order->order_id, .customer_id = order->customer_id, .total = total, .currency = order->currency };
    polka_text parts[] = { cause->source, cause->id, POLKA_TEXT("pricing"), POLKA_TEXT("bench.OrderPlaced"), POLKA_TEXT("bench.OrderPriced"),
                           POLKA_TEXT("0") };
    uint8_t uuid[16];
    char id[POLKA_UUID_TEXT + 1];
    polkai_uuid_derived(uuid, parts, sizeof parts / sizeof *parts);
    polkai_uuid_write(id, uuid);
    polkai_envelope envelope = {
        .mode = self->compact ? POLKAI_MODE_COMPACT : POLKAI_MODE_BINARY, .id = { POLKA_UUID_TEXT, id }, .source = POLKA_TEXT("/bench/pricing"),
        .correlation_id = cause->correlation_id.data != NULL ? cause->correlation_id : cause->id, .causation_id = cause->id,
        .time_ms = polkai_clock_real.wall_ms(&polkai_clock_real), .hops = cause->hops + 1, .attempt = 1 };
    envelope.traceparent = polkai_envelope_trace(cause->traceparent, envelope.correlation_id, envelope.id, &self->arena);
    if (self->classic)
        emit_classic(self, &price, &envelope, message);
    else
        client_send(self->producer, self->prices, &bench_order_priced_event, &price, &envelope, self->dataschema, &self->arena,
                    (void *)(intptr_t)message->offset);
    self->in_flight++;
    if (self->transaction_ns > 0) {
        self->done[message->partition] = message->offset + 1;        /* the transaction takes both, or neither */
        self->in_transaction++;
    }
}

static void read_order(hop *self, polka_bytes body, classic_order *read)
{
    polka_error error;
    if (self->classic && !classic_read(body, read))
        client_die("decode", "avro-c cannot read it");
    if (!self->classic && bench_order_placed_event.codec->decode(body, &self->arena, &read->order, &error) != POLKA_OK)
        client_die("decode", error.message);
}

static void handle(hop *self, rd_kafka_message_t *message)
{
    polka_error error;
    polkai_envelope cause;
    polka_bytes body;
    polkai_schema_key key;
    classic_order read;
    int64_t total;
    polkai_record record = { .topic = POLKA_TEXT("bench.orders"), .partition = message->partition, .offset = message->offset,
                             .value = { message->len, message->payload } };
    polkai_arena_reset(&self->arena, self->memory, sizeof self->memory);
    if (!self->bare) {
        client_headers(message, &record, &self->arena);
        if (polkai_envelope_open(&record, POLKA_TEXT("kafka"), &self->arena, &cause, &error) != POLKA_OK)
            client_die("envelope", error.message);
        if (!polka_text_equal(cause.type, POLKA_TEXT("bench.OrderPlaced")))
            client_die("type", cause.type.data);
    }
    if (polkai_framing_read(record.value, &key, &body, &error) != POLKA_OK)
        client_die("framing", error.message);
    if (key.kind != POLKAI_BY_FINGERPRINT || key.number != bench_order_placed_event.fingerprint)
        client_die("framing", "another schema");
    read_order(self, body, &read);
    self->handled = measure_event(&read.order, &total);
    measure_busy(self->busy_us);
    if (self->react)
        self->done[message->partition] = message->offset + 1;
    else
        emit(self, &read.order, total, &cause, message);
}

static void commit(hop *self, bool wait)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++) {
        if (self->done[i] == self->committed[i])
            continue;
        rd_kafka_topic_partition_list_add(list, "bench.orders", i)->offset = self->done[i];
        self->committed[i] = self->done[i];
    }
    rd_kafka_resp_err_t code = list->cnt == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_commit(self->consumer, list, !wait);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        client_die("commit", rd_kafka_err2str(code));
}

/* ---- exactly once ---- */

static void must(rd_kafka_error_t *failure, const char *what)
{
    if (failure != NULL)
        client_die(what, rd_kafka_error_string(failure));
}

static void commit_transaction(hop *self)
{
    if (self->in_transaction == 0)
        return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++) {
        if (self->done[i] != self->committed[i])
            rd_kafka_topic_partition_list_add(list, "bench.orders", i)->offset = self->done[i];
        self->committed[i] = self->done[i];
    }
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(self->consumer);
    must(rd_kafka_send_offsets_to_transaction(self->producer, list, group, -1), "send_offsets_to_transaction");
    must(rd_kafka_commit_transaction(self->producer, -1), "commit_transaction");
    must(rd_kafka_begin_transaction(self->producer), "begin_transaction");
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(list);
    self->in_transaction = 0;
}

static void commit_transaction_when_due(hop *self, int64_t now_ns)
{
    if (now_ns < self->transaction_due_ns && (self->transaction_events == 0 || self->in_transaction < self->transaction_events))
        return;
    commit_transaction(self);
    self->transaction_due_ns = now_ns + self->transaction_ns;
}

/* As framework/transport/kafka/prefetch.c, and for its reason: without it both sides sleep more than they work. */
static void keep_fetching(hop *self)
{
    rd_kafka_topic_partition_list_t *all;
    if ((self->taken_bytes < HALF_BYTES && self->taken_records < HALF_RECORDS) || rd_kafka_assignment(self->consumer, &all) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    self->taken_bytes = self->taken_records = 0;
    for (int i = 0; i < all->cnt; i++)
        all->elems[i].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_offsets_for_times(self->consumer, all, 100);
    rd_kafka_topic_partition_list_destroy(all);
}

/* Handles what is there, at most a batch; waits for the first. */
static int take_batch(hop *self, int timeout_ms)
{
    int count = 0;
    rd_kafka_message_t *message = rd_kafka_consumer_poll(self->consumer, 0);
    if (message == NULL && timeout_ms > 0)
        message = rd_kafka_consumer_poll(self->consumer, timeout_ms);
    while (message != NULL) {
        self->taken_bytes += message->len;
        self->taken_records++;
        if (message->err == 0)
            handle(self, message);
        else
            fprintf(stderr, "%s\n", rd_kafka_message_errstr(message));
        rd_kafka_message_destroy(message);
        bool full = self->transaction_events > 0 && self->in_transaction >= self->transaction_events;
        message = ++count < BATCH && !full && self->in_flight < self->in_flight_most ? rd_kafka_consumer_poll(self->consumer, 0) : NULL;
    }
    return count;
}

static bool is_finished(const hop *self)
{
    return asked != 0 || (self->wanted > 0 && self->handled >= self->wanted);
}

static void run(hop *self)
{
    while (!is_finished(self)) {
        if (self->in_flight < self->in_flight_most)
            take_batch(self, self->in_flight > 0 ? BUSY_MS : IDLE_MS);
        else
            rd_kafka_poll(self->producer, 1);
        rd_kafka_poll(self->producer, 0);
        keep_fetching(self);
        int64_t now_ns = polkai_clock_real.steady_ns(&polkai_clock_real);
        if (self->transaction_ns > 0) {
            commit_transaction_when_due(self, now_ns);
        } else if (now_ns >= self->commit_due_ns) {
            commit(self, false);
            self->commit_due_ns = now_ns + COMMIT_NS;
        }
    }
    if (self->transaction_ns > 0)
        commit_transaction(self);
    while (self->in_flight > 0)
        rd_kafka_poll(self->producer, 1);
    if (self->transaction_ns == 0)
        commit(self, true);
    measure_end();
}

static void read_arguments(hop *self, int count, char **words)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], "react") == 0)
            self->react = true;
        else if (strcmp(words[i], "bare") == 0)
            self->react = self->bare = true;
        else if (strcmp(words[i], "compact") == 0)
            self->compact = true;
        else if (strcmp(words[i], "avro-c") == 0)
            self->classic = true;
        else if (strcmp(words[i], "few") == 0)
            self->few = true;
        else if (strncmp(words[i], "busy=", 5) == 0)
            self->react = (self->busy_us = strtoll(words[i] + 5, NULL, 10)) >= 0;
        else if (strncmp(words[i], "transaction-ms=", 15) == 0)
            self->transaction_ns = strtoll(words[i] + 15, NULL, 10) * 1000000;
        else if (strncmp(words[i], "transaction-events=", 19) == 0)
            self->transaction_events = strtoll(words[i] + 19, NULL, 10);
        else if (strncmp(words[i], "in-flight=", 10) == 0)
            self->in_flight_most = strtoull(words[i] + 10, NULL, 10);
        else if (!client_set(words[i]))
            client_die(words[i], "an unknown word");
    }
}

static void open_all(hop *self, const char *brokers, const char *group)
{
    if (self->transaction_ns > 0 && !(client_set("transactional.id=bench-raw") && client_set("retry.backoff.ms=10") && client_set("message.timeout.ms=50000")))
        client_die("settings", "too many");
    self->producer = client_producer(brokers, delivered, self);
    if (self->transaction_ns > 0) {
        must(rd_kafka_init_transactions(self->producer, 30000), "init_transactions");
        must(rd_kafka_begin_transaction(self->producer), "begin_transaction");
    }
    self->consumer = client_consumer(brokers, group);
    self->prices = rd_kafka_topic_new(self->producer, "bench.prices", NULL);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, "bench.orders", RD_KAFKA_PARTITION_UA);
    if (rd_kafka_subscribe(self->consumer, topics) != RD_KAFKA_RESP_ERR_NO_ERROR)
        client_die("subscribe", "bench.orders");
    rd_kafka_topic_partition_list_destroy(topics);
}

int main(int argc, char **argv)
{
    static hop self = { .in_flight_most = 10000 };
    static char dataschema[64];
    if (argc < 4)
        client_die("usage", "bench_raw BROKERS GROUP EVENTS [react] [bare] [compact] [avro-c] [few] [busy=US] [in-flight=N] [transaction-ms=N] [transaction-events=N] [key=value …]");
    self.wanted = strtoll(argv[3], NULL, 10);
    read_arguments(&self, argc - 4, argv + 4);
    sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_signal }, NULL);
    self.dataschema = (polka_text){ (size_t)snprintf(dataschema, sizeof dataschema, "polka:%016" PRIx64, bench_order_priced_event.fingerprint), dataschema };
    classic_open();
    open_all(&self, argv[1], argv[2]);
    run(&self);
    measure_print();
    rd_kafka_consumer_close(self.consumer);
    rd_kafka_topic_destroy(self.prices);
    rd_kafka_destroy(self.consumer);
    rd_kafka_destroy(self.producer);
    return 0;
}
