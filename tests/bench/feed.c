/*
 * feed.c: what stands around the measured programs: topics, orders to read, one order after the other and its price awaited.
 *
 * usage: bench_feed BROKERS topics [P [keep]]    makes bench.orders and bench.prices anew, empty, with P partitions; keep: prices, too
 *        bench_feed BROKERS fill N [compact] [keys=K] [types=T] [days=D] [priced]
 *                                                N orders, of K keys, under T names in turn, as of the last D days evenly, each with its
 *                                                price; prints {"events", "sum", "bytes"}, id and key of the one in the middle, and with
 *                                                keys how long 16 at once would take at least for waiting handlers: "ideal_us"
 *        bench_feed BROKERS ping N               one order in flight, N times; prints {"p50_us", "p99_us", "max_us"}
 *        bench_feed BROKERS await                says "ready", and then when the first price came, in ns of the steady clock
 *        bench_feed BROKERS count                how many prices there are
 */
#include "client.h"
#include "orders.h"

#include <base/arena.h>
#include <base/clock.h>
#include <base/identity.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PARTITIONS = 12, WAIT_MS = 60000, SETTLE_MS = 300, WARM_UP = 200, SEED = 20261122, IDEAL_LANES = 16 };

static int partition_count = PARTITIONS;

/* ---- topics ---- */

static void ask(rd_kafka_t *handle, rd_kafka_queue_t *queue, const char *what)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);
    (void)handle;
    if (event == NULL || rd_kafka_event_error(event) != 0)
        client_die(what, event == NULL ? "no answer" : rd_kafka_event_error_string(event));
    rd_kafka_event_destroy(event);
}

static void delete_topics(rd_kafka_t *handle, rd_kafka_queue_t *queue)
{
    rd_kafka_DeleteTopic_t *old[] = { rd_kafka_DeleteTopic_new("bench.orders"), rd_kafka_DeleteTopic_new("bench.prices") };
    rd_kafka_DeleteTopics(handle, old, 2, NULL, queue);
    ask(handle, queue, "to delete topics");
    rd_kafka_DeleteTopic_destroy_array(old, 2);
}

typedef struct { const char *key, *value; } setting;

static void create_topic(rd_kafka_t *handle, rd_kafka_queue_t *queue, const char *name, int partitions, const setting *settings)
{
    char text[256];
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(name, partitions, -1, text, sizeof text);
    for (; settings->key != NULL; settings++)
        rd_kafka_NewTopic_set_config(made, settings->key, settings->value);
    rd_kafka_CreateTopics(handle, &made, 1, NULL, queue);
    ask(handle, queue, "to create topics");
    rd_kafka_NewTopic_destroy(made);
}

/* The controller answers before the leaders know. */
static void await_leaders(rd_kafka_t *handle, const char *name)
{
    int64_t low, high, end = polkai_clock_real.steady_ns(&polkai_clock_real) + (int64_t)WAIT_MS * 1000000;
    for (int i = 0; i < partition_count;) {
        if (rd_kafka_query_watermark_offsets(handle, name, i, &low, &high, WAIT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
            i++;
        else if (polkai_clock_real.steady_ns(&polkai_clock_real) > end)
            client_die(name, "is not there after it was made");
        else
            nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    }
}

static void topics(const char *brokers, bool keep)
{
    rd_kafka_t *handle = client_producer(brokers, NULL, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
    delete_topics(handle, queue);
    nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);   /* a name that is being deleted cannot be made again at once */
    create_topic(handle, queue, "polka.schemas", 1, (const setting[]){ { "cleanup.policy", "compact" }, { NULL, NULL } });
    create_topic(handle, queue, "bench.orders", partition_count, (const setting[]){ { "retention.ms", "-1" }, { NULL, NULL } });
    /* nobody reads the prices of a load, so the broker may forget them soon */
    create_topic(handle, queue, "bench.prices", partition_count,
                 keep ? (const setting[]){ { "retention.ms", "-1" }, { NULL, NULL } } :
                        (const setting[]){ { "segment.bytes", "16777216" }, { "retention.bytes", "16777216" }, { NULL, NULL } });
    create_topic(handle, queue, "polka.activity", PARTITIONS, (const setting[]){ { "segment.bytes", "16777216" }, { "retention.bytes", "16777216" }, { NULL, NULL } });
    await_leaders(handle, "bench.orders");
    await_leaders(handle, "bench.prices");
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(handle);
}

/* ---- orders ---- */

typedef struct {
    rd_kafka_t *producer;
    rd_kafka_topic_t *topic, *prices;
    polkai_random random;
    polka_text dataschema;
    bool compact, priced;
    unsigned keys, types;                /* 0: every order has its own, the event's own */
    polka_event *names;
    int64_t sum, turn, *delays_us, delay_us;
    int64_t count, span_ms;              /* so many in all, over this time up to now */
    char middle_id[POLKA_UUID_TEXT + 1], middle_key[POLKA_UUID_TEXT + 1];
    size_t bytes;
    orders_order order;
    polka_arena arena;
    uint8_t memory[8192];
} feed;

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    feed *self = opaque;
    (void)handle;
    if (message->err != 0)
        client_die("delivery", rd_kafka_err2str(message->err));
    self->bytes += message->len;
}

static feed *open_feed(const char *brokers, bool compact)
{
    feed *self = polkai_alloc(sizeof *self);
    static char dataschema[64];
    self->producer = client_producer(brokers, delivered, self);
    self->topic = rd_kafka_topic_new(self->producer, "bench.orders", NULL);
    self->prices = rd_kafka_topic_new(self->producer, "bench.prices", NULL);
    self->compact = compact;
    self->dataschema = (polka_text){ (size_t)snprintf(dataschema, sizeof dataschema, "polka:%016" PRIx64, bench_order_placed_event.fingerprint), dataschema };
    polkai_random_seed(&self->random, SEED);
    return self;
}

static void close_feed(feed *self)
{
    if (rd_kafka_flush(self->producer, WAIT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        client_die("flush", "not all was acknowledged");
    rd_kafka_topic_destroy(self->topic);
    rd_kafka_topic_destroy(self->prices);
    rd_kafka_destroy(self->producer);
}

/* What `pricing` would say to it. */
static void send_price(feed *self, const polkai_envelope *cause)
{
    uint8_t uuid[16];
    char id[POLKA_UUID_TEXT + 1];
    polkai_envelope envelope = *cause;
    const bench_order_placed *order = &self->order.order;
    envelope.source = POLKA_TEXT("/bench/pricing");
    envelope.time_ms++;
    envelope.causation_id = cause->id;
    polkai_uuid_v7(uuid, envelope.time_ms, &self->random);
    polkai_uuid_write(id, uuid);
    envelope.id = (polka_text){ POLKA_UUID_TEXT, id };
    client_send(self->producer, self->prices, &bench_order_priced_event,
                &(bench_order_priced){ .order_id = order->order_id, .customer_id = order->customer_id, .total = orders_total(&self->order.order), .currency = order->currency },
                &envelope, self->dataschema, &self->arena, NULL);
}

static int64_t age_ms(const feed *self)
{
    return self->span_ms == 0 ? 0 : (int64_t)((double)self->span_ms * (1.0 - (double)self->turn / (double)self->count));
}

static void send_order(feed *self)
{
    uint8_t uuid[16];
    char id[POLKA_UUID_TEXT + 1];
    polkai_arena_reset(&self->arena, self->memory, sizeof self->memory);
    orders_make(&self->random, &self->order);
    polkai_envelope envelope = { .mode = self->compact ? POLKAI_MODE_COMPACT : POLKAI_MODE_BINARY, .source = POLKA_TEXT("/bench/storefront"),
                                 .time_ms = polkai_clock_real.wall_ms(&polkai_clock_real) - age_ms(self) };
    polkai_uuid_v7(uuid, envelope.time_ms, &self->random);
    polkai_uuid_write(id, uuid);
    envelope.id = envelope.correlation_id = (polka_text){ POLKA_UUID_TEXT, id };
    envelope.traceparent = polkai_envelope_trace((polka_text){ 0, NULL }, envelope.correlation_id, envelope.id, &self->arena);
    self->turn++;
    if (self->keys > 0) {
        unsigned key = (unsigned)(polkai_random_next(&self->random) % self->keys);
        orders_key(&self->order, key, self->turn);
        self->delay_us += orders_delay_us(&self->order.order);
        self->delays_us[key] += orders_delay_us(&self->order.order);
    }
    if (self->turn == self->count / 2) {
        memcpy(self->middle_id, id, sizeof id);
        memcpy(self->middle_key, self->order.order_id, POLKA_UUID_TEXT);
    }
    self->sum += orders_total(&self->order.order);
    const polka_event *event = self->types > 0 ? &self->names[self->turn % self->types] : &bench_order_placed_event;
    client_send(self->producer, self->topic, event, &self->order.order, &envelope, self->dataschema, &self->arena, NULL);
    if (self->priced)
        send_price(self, &envelope);
}

static void read_words(feed *self, int count, char **words)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], "compact") == 0)
            self->compact = true;
        else if (strcmp(words[i], "priced") == 0)
            self->priced = true;
        else if (strncmp(words[i], "keys=", 5) == 0)
            self->keys = (unsigned)strtoul(words[i] + 5, NULL, 10);
        else if (strncmp(words[i], "types=", 6) == 0)
            self->types = (unsigned)strtoul(words[i] + 6, NULL, 10);
        else if (strncmp(words[i], "days=", 5) == 0)
            self->span_ms = strtoll(words[i] + 5, NULL, 10) * 86400000;
        else
            client_die(words[i], "an unknown word");
    }
    self->delays_us = polkai_alloc((self->keys + 1) * sizeof *self->delays_us);
    self->names = polkai_alloc((self->types + 1) * sizeof *self->names);
    for (unsigned i = 0; i < self->types; i++) {
        char name[32];
        snprintf(name, sizeof name, "bench.Type%u", i);
        self->names[i] = bench_order_placed_event;
        self->names[i].name = polkai_strdup(name);
    }
}

/* Of all that is to wait an equal share for each lane, but a key's own not less than its sum. */
static int64_t ideal_us(const feed *self)
{
    int64_t most = self->delay_us / IDEAL_LANES;
    for (unsigned i = 0; i < self->keys; i++)
        most = self->delays_us[i] > most ? self->delays_us[i] : most;
    return most;
}

static void fill(const char *brokers, int64_t count, int word_count, char **words)
{
    feed *self = open_feed(brokers, false);
    read_words(self, word_count, words);
    self->count = count;
    for (int64_t i = 0; i < count; i++) {
        send_order(self);
        while (rd_kafka_outq_len(self->producer) > 50000)
            rd_kafka_poll(self->producer, 10);
        rd_kafka_poll(self->producer, 0);
    }
    close_feed(self);
    printf("{\"events\": %lld, \"sum\": %lld, \"bytes\": %.1f, \"ideal_us\": %lld, \"middle_id\": \"%s\", \"middle_key\": \"%s\"}\n", (long long)count,
           (long long)self->sum, (double)self->bytes / (double)count, (long long)ideal_us(self), self->middle_id, self->middle_key);
}

/* ---- one at a time ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static rd_kafka_t *open_prices(const char *brokers)
{
    rd_kafka_t *consumer = client_consumer(brokers, NULL);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++) {
        int64_t low, high = 0;
        if (rd_kafka_query_watermark_offsets(consumer, "bench.prices", i, &low, &high, WAIT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
            client_die("bench.prices", "no watermarks");
        rd_kafka_topic_partition_list_add(list, "bench.prices", i)->offset = high;
    }
    rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    return consumer;
}

static void await_price(feed *self, rd_kafka_t *consumer)
{
    for (int64_t end = polkai_clock_real.steady_ns(&polkai_clock_real) + (int64_t)WAIT_MS * 1000000;
         polkai_clock_real.steady_ns(&polkai_clock_real) < end;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 1000);
        bool it = message != NULL && message->err == 0 && message->key_len == POLKA_UUID_TEXT &&
                  memcmp(message->key, self->order.order_id, POLKA_UUID_TEXT) == 0;
        if (message != NULL)
            rd_kafka_message_destroy(message);
        if (it)
            return;
    }
    client_die("ping", "no price came");
}

static void ping(const char *brokers, int count)
{
    feed *self = open_feed(brokers, false);
    rd_kafka_t *consumer = open_prices(brokers);
    int64_t *took = polkai_alloc((size_t)count * sizeof *took);
    for (int i = -WARM_UP; i < count; i++) {
        int64_t begin = polkai_clock_real.steady_ns(&polkai_clock_real);
        send_order(self);
        await_price(self, consumer);
        if (i >= 0)
            took[i] = polkai_clock_real.steady_ns(&polkai_clock_real) - begin;
        rd_kafka_poll(self->producer, 0);
    }
    qsort(took, (size_t)count, sizeof *took, by_size);
    printf("{\"rounds\": %d, \"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n", count, (double)took[count / 2] / 1e3,
           (double)took[count * 99 / 100] / 1e3, (double)took[count - 1] / 1e3);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    close_feed(self);
}

/* It reads before it says so: else its own first fetch would be measured, too. */
static void await_first(const char *brokers)
{
    rd_kafka_t *consumer = open_prices(brokers);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, SETTLE_MS);
    if (message != NULL)
        client_die("bench.prices", "there is one before anything was asked for");
    printf("ready\n");
    fflush(stdout);
    for (int64_t end = polkai_clock_real.steady_ns(&polkai_clock_real) + (int64_t)WAIT_MS * 1000000;
         message == NULL && polkai_clock_real.steady_ns(&polkai_clock_real) < end;)
        message = rd_kafka_consumer_poll(consumer, 1000);
    int64_t came_ns = polkai_clock_real.steady_ns(&polkai_clock_real);
    if (message == NULL || message->err != 0)
        client_die("await", message == NULL ? "no price came" : rd_kafka_err2str(message->err));
    printf("%lld\n", (long long)came_ns);
    rd_kafka_message_destroy(message);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
}

static void count_prices(const char *brokers)
{
    rd_kafka_t *consumer = client_consumer(brokers, NULL);
    int64_t total = 0;
    for (int i = 0; i < PARTITIONS; i++) {
        int64_t low, high = 0;
        if (rd_kafka_query_watermark_offsets(consumer, "bench.prices", i, &low, &high, WAIT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
            client_die("bench.prices", "no watermarks");
        total += high;
    }
    printf("%lld\n", (long long)total);
    rd_kafka_destroy(consumer);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[2] : "";
    long long number = argc > 3 ? strtoll(argv[3], NULL, 10) : 0;
    if (strcmp(what, "topics") == 0)
        (partition_count = number > 0 ? (int)number : PARTITIONS), topics(argv[1], argc > 4 && strcmp(argv[4], "keep") == 0);
    else if (strcmp(what, "fill") == 0 && number > 0)
        fill(argv[1], number, argc - 4, argv + 4);
    else if (strcmp(what, "ping") == 0 && number > 0)
        ping(argv[1], (int)number);
    else if (strcmp(what, "await") == 0)
        await_first(argv[1]);
    else if (strcmp(what, "count") == 0)
        count_prices(argv[1]);
    else
        client_die("usage", "bench_feed BROKERS topics [P [keep]] | fill N [compact] [keys=K] [types=T] [days=D] [priced] | ping N | await | count");
    return 0;
}
