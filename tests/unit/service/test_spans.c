/* What waits between lanes and exporter, and how a span looks as OTLP. */
#include <base/arena.h>
#include <base/error.h>
#include <service/otlp.h>
#include <service/span_queue.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define TRACE "0af7651916cd43dd8448eb211c80319c"

static polka_arena arena;

static void begin(void) { polkai_arena_init(&arena, NULL, 0); }
static void end(void) { polkai_arena_deinit(&arena); }

TestSuite(spans, .init = begin, .fini = end);

/* ---- the queue ---- */

static const polkai_span whole = {
    .kind = POLKAI_SPAN_PROCESS, .context = { TRACE, "b7ad6b7169203331" }, .parent = { TRACE, "00f067aa0ba902b7" }, .link = { TRACE, "00f067aa0ba902b7" },
    .began_ns = 1000, .ended_ns = 3500, .topic = POLKA_TEXT_INIT("shop.orders"), .type = POLKA_TEXT_INIT("shop.OrderPlaced"), .id = POLKA_TEXT_INIT("id-1"),
    .conversation = POLKA_TEXT_INIT("flow-1"), .key = POLKA_TEXT_INIT("A-1"), .partition = 2, .offset = INT64_C(9007199254740993),
    .reaction = POLKA_TEXT_INIT("shop.OrderPlaced"), .outcome = POLKA_TEXT_INIT("done"), .attempt = 1 };

Test(spans, keep_their_own_copy_of_each_text_while_they_wait)
{
    char topic[] = "a topic", long_text[2000], key[65];
    memset(long_text, 'x', sizeof long_text);
    memset(key, 'k', sizeof key);
    memcpy(long_text + 199, "\xc3\xa9", 2);              /* a character on the border of what a message may have */
    polkai_span_queue *queue = polkai_span_queue_create(4);
    polkai_span span = whole;
    span.topic = polka_text_of(topic);
    span.message = span.id = (polka_text){ sizeof long_text, long_text };
    span.key = (polka_text){ sizeof key, key };
    cr_assert(polkai_span_queue_put(queue, &span));
    memset(topic, '!', sizeof topic);
    const polkai_span *first = polkai_span_queue_first(queue);
    cr_assert_not_null(first);
    cr_expect(polka_text_equal(first->topic, POLKA_TEXT("a topic")));
    cr_expect_eq(first->id.size, 100u);
    cr_expect_eq(first->message.size, 199u, "cut before the character, not inside of it");
    cr_expect_null(first->key.data, "a key that is cut would be another one");
    cr_expect_null(first->error.data);
    cr_expect_str_eq(first->context.span, whole.context.span);
    polkai_span_queue_destroy(queue);
}

Test(spans, that_find_no_room_are_refused_in_queues_of_every_size)
{
    static const size_t sizes[] = { 1, 2, 3, 512 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        polkai_span_queue *queue = polkai_span_queue_create(sizes[i]);
        for (unsigned round = 0; round < 5; round++) {
            size_t put = 0, taken = 0;
            polkai_span span = whole;
            for (; span.attempt = (unsigned)put, polkai_span_queue_put(queue, &span); put++)
                ;
            cr_expect_eq(put, sizes[i]);
            cr_expect_eq(polkai_span_queue_count(queue), sizes[i]);
            for (const polkai_span *first; (first = polkai_span_queue_first(queue)) != NULL; taken++) {
                cr_expect_eq(first->attempt, taken, "in their order");
                polkai_span_queue_drop_first(queue);
            }
            cr_expect_eq(taken, put);
        }
        polkai_span_queue_destroy(queue);
    }
}

enum { PUTTERS = 4, OF_EACH = 20000 };
typedef struct { polkai_span_queue *queue; unsigned number; uint64_t dropped; } putter;

static void *put_many(void *user)
{
    putter *self = user;
    polkai_span span = whole;
    span.partition = (int32_t)self->number;
    for (unsigned i = 0; i < OF_EACH; i++) {
        char text[24];
        snprintf(text, sizeof text, "%u/%u", self->number, i);
        span.offset = i;
        span.id = polka_text_of(text);
        self->dropped += !polkai_span_queue_put(self->queue, &span);
    }
    return NULL;
}

Test(spans, of_many_threads_arrive_whole_or_are_counted_as_dropped)
{
    pthread_t threads[PUTTERS];
    putter putters[PUTTERS];
    polkai_span_queue *queue = polkai_span_queue_create(64);
    int64_t last[PUTTERS] = { -1, -1, -1, -1 };
    uint64_t taken = 0, dropped = 0;
    for (unsigned i = 0; i < PUTTERS; i++) {
        putters[i] = (putter){ queue, i, 0 };
        pthread_create(&threads[i], NULL, put_many, &putters[i]);
    }
    unsigned joined = 0;
    for (;;) {
        const polkai_span *first = polkai_span_queue_first(queue);
        if (first != NULL) {
            char text[24];
            snprintf(text, sizeof text, "%d/%lld", (int)first->partition, (long long)first->offset);
            cr_assert(polka_text_equal(first->id, polka_text_of(text)), "%.*s is not %s", POLKA_TEXT_ARGS(first->id), text);
            cr_assert(first->offset > last[first->partition], "in the order of its thread");
            last[first->partition] = first->offset;
            polkai_span_queue_drop_first(queue);
            taken++;
        } else if (joined < PUTTERS) {
            pthread_join(threads[joined], NULL);
            dropped += putters[joined++].dropped;
        } else {
            break;
        }
    }
    cr_expect_eq(taken + dropped, (uint64_t)PUTTERS * OF_EACH, "%llu and %llu", (unsigned long long)taken, (unsigned long long)dropped);
    polkai_span_queue_destroy(queue);
}

/* Found by reading: whoever lost a race for a place took that for a full queue. */
Test(spans, of_many_threads_are_dropped_only_where_there_is_no_room)
{
    pthread_t threads[PUTTERS];
    putter putters[PUTTERS];
    polkai_span_queue *queue = polkai_span_queue_create((size_t)PUTTERS * OF_EACH);
    uint64_t dropped = 0;
    for (unsigned i = 0; i < PUTTERS; i++) {
        putters[i] = (putter){ queue, i, 0 };
        pthread_create(&threads[i], NULL, put_many, &putters[i]);
    }
    for (unsigned i = 0; i < PUTTERS; i++) {
        pthread_join(threads[i], NULL);
        dropped += putters[i].dropped;
    }
    cr_expect_eq(dropped, 0u);
    cr_expect_eq(polkai_span_queue_count(queue), (size_t)PUTTERS * OF_EACH);
    polkai_span_queue_destroy(queue);
}

/* ---- OTLP ---- */

static const polkai_attribute resource[] = { { POLKA_TEXT_INIT("service.name"), POLKA_TEXT_INIT("pay\"ments") }, { POLKA_TEXT_INIT("bad"), POLKA_TEXT_INIT("\xff") } };
static const polkai_otlp otlp = { .resource = resource, .resource_count = 2, .client_id = POLKA_TEXT_INIT("payments"), .group = POLKA_TEXT_INIT("g"),
                                  .epoch_ns = INT64_C(1764150000000000000) };

static void writes(const polkai_span *span, const char *expected)
{
    polka_buffer out = { .arena = &arena };
    polkai_otlp_span(&otlp, span, true, &out);
    cr_expect(out.size == strlen(expected) && memcmp(out.data, expected, out.size) == 0, "%.*s\nis not\n%s", (int)out.size, (const char *)out.data, expected);
}

#define TEXT_IS(NAME, VALUE) "{\"key\":\"" NAME "\",\"value\":{\"stringValue\":\"" VALUE "\"}}"
#define NUMBER_IS(NAME, VALUE) "{\"key\":\"" NAME "\",\"value\":{\"intValue\":\"" VALUE "\"}}"

Test(spans, are_written_field_by_field_as_otlp_has_them)
{
    writes(&whole,
           "{\"traceId\":\"" TRACE "\",\"spanId\":\"b7ad6b7169203331\",\"parentSpanId\":\"00f067aa0ba902b7\",\"flags\":769,\"name\":\"process shop.orders\",\"kind\":5,"
           "\"startTimeUnixNano\":\"1764150000000001000\",\"endTimeUnixNano\":\"1764150000000003500\",\"attributes\":["
           TEXT_IS("messaging.system", "kafka") "," TEXT_IS("messaging.operation.name", "process") "," TEXT_IS("messaging.operation.type", "process") ","
           TEXT_IS("messaging.destination.name", "shop.orders") "," TEXT_IS("messaging.destination.partition.id", "2") ","
           NUMBER_IS("messaging.kafka.offset", "9007199254740993") "," TEXT_IS("messaging.kafka.message.key", "A-1") "," TEXT_IS("messaging.client.id", "payments") ","
           TEXT_IS("messaging.consumer.group.name", "g") "," TEXT_IS("messaging.message.id", "id-1") "," TEXT_IS("messaging.message.conversation_id", "flow-1") ","
           TEXT_IS("cloudevents.event_type", "shop.OrderPlaced") "," TEXT_IS("polka.reaction", "shop.OrderPlaced") "," TEXT_IS("polka.outcome", "done") ","
           NUMBER_IS("polka.attempt", "1") "],\"links\":[{\"traceId\":\"" TRACE "\",\"spanId\":\"00f067aa0ba902b7\",\"flags\":769}],\"status\":{}}");
}

Test(spans, of_a_send_that_failed_are_of_a_producer_and_say_why)
{
    writes(&(polkai_span){ .kind = POLKAI_SPAN_SEND, .context = { TRACE, "b7ad6b7169203331" }, .began_ns = 5, .ended_ns = 4, .topic = POLKA_TEXT("t"), .partition = -1,
                           .offset = -1, .id = POLKA_TEXT("i"), .conversation = POLKA_TEXT("c"), .key = POLKA_TEXT("\xff"), .type = POLKA_TEXT("a.B"),
                           .error = POLKA_TEXT("MSG_SIZE_TOO_LARGE"), .message = POLKA_TEXT("a \"quote\"\n") },
           "{\"traceId\":\"" TRACE "\",\"spanId\":\"b7ad6b7169203331\",\"flags\":257,\"name\":\"send t\",\"kind\":4,\"startTimeUnixNano\":\"1764150000000000005\","
           "\"endTimeUnixNano\":\"1764150000000000005\",\"attributes\":[" TEXT_IS("messaging.system", "kafka") "," TEXT_IS("messaging.operation.name", "send") ","
           TEXT_IS("messaging.operation.type", "send") "," TEXT_IS("messaging.destination.name", "t") "," TEXT_IS("messaging.client.id", "payments") ","
           TEXT_IS("messaging.message.id", "i") "," TEXT_IS("messaging.message.conversation_id", "c") "," TEXT_IS("cloudevents.event_type", "a.B") ","
           TEXT_IS("error.type", "MSG_SIZE_TOO_LARGE") "],\"links\":[],\"status\":{\"code\":2,\"message\":\"a \\\"quote\\\"\\n\"}}");
}

Test(spans, make_a_request_of_their_resource_and_themselves)
{
    static const char begins[] = "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"pay\\\"ments\"}}]},"
                                 "\"scopeSpans\":[{\"scope\":{\"name\":\"polka\",\"version\":\"";
    polka_buffer out = { .arena = &arena };
    polkai_otlp_begin(&otlp, &out);
    cr_expect_eq(strncmp((const char *)out.data, begins, sizeof begins - 1), 0, "%.*s", (int)out.size, (const char *)out.data);
    polkai_otlp_end(&out);
    cr_expect_eq(memcmp(out.data + out.size - 6, "]}]}]}", 6), 0);
}

Test(spans, that_a_collector_rejects_are_known_from_its_answer_whatever_it_is)
{
    static const struct { const char *answer; int64_t rejected; const char *reason; } cases[] = {
        { "{}", 0, "" },
        { "{\"partialSuccess\":{}}", 0, "" },
        { "{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"too old\"}}", 3, "too old" },
        { "{\"partialSuccess\":{\"rejectedSpans\":3}}", 3, "" },
        { "{\"partialSuccess\":{\"rejectedSpans\":\"0\",\"errorMessage\":\"slow down\"}}", 0, "slow down" },
        { "{\"partialSuccess\":{\"rejectedSpans\":-7}}", 0, "" },
        { "{\"partialSuccess\":{\"rejectedSpans\":[],\"errorMessage\":{}}}", 0, "" },
        { "{\"partialSuccess\":7}", 0, "" },
        { "[7]", 0, "" },
        { "", 0, "" },
        { "{\"partialSuccess\":{\"rejectedSpans\":\"9", 0, "" },
        { "<html>", 0, "" },
        { "{\"partialSuccess\":{\"rejectedSpans\":1,\"errorMessage\":\"\\u001b[31mred\"}}", 1, "\\x1b[31mred" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char reason[200];
        cr_expect_eq(polkai_otlp_rejected(polka_text_of(cases[i].answer), reason, sizeof reason), cases[i].rejected, "%s", cases[i].answer);
        cr_expect_str_eq(reason, cases[i].reason);
    }
}
