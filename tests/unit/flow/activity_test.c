/* activity_test.c: what is told on polka.activity, read by its schema; and that the work does not depend on it. */
#include "harness.h"

#include <avro/canonical.h>
#include <avro/json.h>
#include <avro/schema.h>
#include <base/error.h>
#include <flow/activity.h>
#include <flow/meter.h>
#include <flow/schema/framing.h>

#include <criterion/criterion.h>
#include <stdlib.h>

static harness *h;

/* Takes as many milliseconds as its number says, and then does what its first letter says. */
static polka_outcome by_letter(polka_context *ctx, const note *asked)
{
    h->now_ns += atoll(asked->text.data + 1) * 1000000;
    switch (asked->text.data[0]) {
    case 's': return POLKA_SKIP;
    case 'd': return polka_dead(ctx, "as asked");
    case 'r': return polka_caused_by(ctx)->attempt == 1 ? polka_retry(ctx, "once more") : POLKA_DONE;
    case 'e': polka_emit(ctx, &test_answered_event, asked, NULL); return POLKA_DONE;
    default: return POLKA_DONE;
    }
}

static const polka_service telling = { .name = "telling", .domain = "test", .version = "1", .group = "tellers", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, by_letter, .retry = { .attempts = 3, .first_delay_ms = 100 }), { 0 } } };
static const polka_service emitting = { .name = "emitting", .domain = "test", .version = "1", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, by_letter, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };

/* The value of the index-th record, as JSON by the schema that polka.schemas has of it; "": there is none. */
static const char *told(size_t index)
{
    const polkai_record *record = harness_record(h, POLKAI_ACTIVITY_TOPIC, index), *announced = harness_record(h, "polka.schemas", 0);
    const polkai_schema *schema;
    polka_error error = { .status = POLKA_OK };
    json_t *value;
    if (record == NULL)
        return "";
    polkai_schema_set *set = polkai_schema_set_create();
    cr_assert_eq(polkai_schema_parse(set, (polka_text){ announced->value.size, (const char *)announced->value.data }, NULL, &schema, &error), POLKA_OK,
                 "%s", error.message);
    cr_assert(polkai_framing_is_of(record->value, polkai_schema_fingerprint(schema)));
    cr_assert_eq(polkai_json_decode(POLKAI_JSON_PLAIN, schema, (polka_bytes){ record->value.size - POLKAI_SINGLE_OBJECT_BYTES,
                                    record->value.data + POLKAI_SINGLE_OBJECT_BYTES }, &value, &error), POLKA_OK, "%s", error.message);
    char *text = json_dumps(value, JSON_COMPACT);
    const char *kept = polkai_arena_text(&h->arena, text, strlen(text)).data;
    free(text);
    json_decref(value);
    polkai_schema_set_destroy(set);
    return kept;
}

#define TOLD(INDEX, ...)                                                                                                                     \
    do {                                                                                                                                     \
        const char *wanted[] = { __VA_ARGS__ };                                                                                              \
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)                                                                          \
            cr_expect_not_null(strstr(told(INDEX), wanted[i]), "record %d has no %s: %s", INDEX, wanted[i], told(INDEX));                     \
    } while (0)

static void begin(polkai_flow_options options)
{
    h = harness_create();
    options.announce = true;
    harness_start(h, &telling, options);
}

Test(activity, tells_what_became_of_each_event_how_long_it_took_and_at_which_attempt)
{
    begin((polkai_flow_options){ .activity = true });
    const char *notes[] = { "o5", "s0", "d11000", "r7" };
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        harness_put(h, "k", notes[i], notes[i]);
    harness_turn(h);
    harness_advance_ms(h, 1000);
    harness_turn(h);
    TOLD(0, "\"event_id\":\"o5\"", "\"event_type\":\"test.Asked\"", "\"service\":\"telling\"", "\"group\":\"tellers\"", "\"reaction\":\"test.Asked\"",
         "\"topic\":\"test.asked\",\"partition\":0,\"offset\":0", "\"took_us\":5000", "\"attempts\":1", "\"outcome\":\"DONE\",\"code\":null",
         "\"begun\":\"2026-01-01T00:00:01.000");
    TOLD(1, "\"event_id\":\"s0\"", "\"took_us\":0", "\"outcome\":\"SKIPPED\"");
    TOLD(2, "\"event_id\":\"d11000\"", "\"took_us\":11000000", "\"outcome\":\"DEAD\",\"code\":\"dead\"");
    TOLD(3, "\"event_id\":\"r7\"", "\"attempts\":1", "\"outcome\":\"RETRIED\",\"code\":null");
    TOLD(4, "\"event_id\":\"r7\"", "\"took_us\":7000", "\"attempts\":2", "\"outcome\":\"DONE\"");
    cr_expect_null(harness_record(h, POLKAI_ACTIVITY_TOPIC, 5));
    cr_expect_not(polka_text_equal(harness_header(h, harness_record(h, POLKAI_ACTIVITY_TOPIC, 3), "ce_id"),
                                   harness_header(h, harness_record(h, POLKAI_ACTIVITY_TOPIC, 4), "ce_id")), "an attempt is told of by itself");
    harness_destroy(h);
}

/* What the broker refuses for good is told of behind what the handler did: the same attempt, perhaps in the same moment. */
Test(activity, of_an_emission_that_is_refused_is_told_behind_what_its_handler_did)
{
    h = harness_create();
    harness_start(h, &emitting, (polkai_flow_options){ .activity = true });
    polkai_memory_fail(h->memory, "test.answers", POLKA_POISON, "INVALID_RECORD", 1);
    harness_put(h, "k", "e0", NULL);
    harness_turn(h);
    harness_advance_ms(h, 1000);
    TOLD(0, "\"attempts\":1", "\"outcome\":\"DONE\"");
    TOLD(1, "\"attempts\":1", "\"outcome\":\"DEAD\",\"code\":\"INVALID_RECORD\"");
    cr_expect_not(polka_text_equal(harness_header(h, harness_record(h, POLKAI_ACTIVITY_TOPIC, 0), "ce_id"),
                                   harness_header(h, harness_record(h, POLKAI_ACTIVITY_TOPIC, 1), "ce_id")));
    harness_destroy(h);
}

Test(activity, is_of_the_flow_of_its_event_and_has_an_id_of_its_own)
{
    begin((polkai_flow_options){ .activity = true });
    polkai_header headers[] = { { POLKA_TEXT("ce_id"), { 1, (const uint8_t *)"1" } }, { POLKA_TEXT("ce_source"), { 2, (const uint8_t *)"/s" } },
                                { POLKA_TEXT("ce_type"), { 10, (const uint8_t *)"test.Asked" } }, { POLKA_TEXT("ce_correlationid"), { 4, (const uint8_t *)"flow" } } };
    uint8_t value[POLKAI_SINGLE_OBJECT_BYTES + 3] = { [POLKAI_SINGLE_OBJECT_BYTES] = 4, 'o', '1' };
    polkai_framing_write(value, test_asked_event.fingerprint);
    for (int i = 0; i < 2; i++)
        harness_put_raw(h, "test.asked", (polka_bytes){ 1, (const uint8_t *)"k" }, (polka_bytes){ sizeof value, value }, headers, 4);
    harness_turn(h);
    const polkai_record *first = harness_record(h, POLKAI_ACTIVITY_TOPIC, 0), *second = harness_record(h, POLKAI_ACTIVITY_TOPIC, 1);
    cr_assert(first != NULL && second != NULL);
    cr_expect(first->key.size == 4 && memcmp(first->key.data, "flow", 4) == 0, "one flow is in one partition");
    const struct { const char *name, *value; } wanted[] = { { "ce_type", "polka.ReactionEnded" }, { "ce_source", "/test/telling" }, { "ce_correlationid", "flow" },
                                                            { "ce_causationid", "1" } };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        cr_expect(polka_text_equal(harness_header(h, first, wanted[i].name), polka_text_of(wanted[i].value)), "%s", wanted[i].name);
    cr_expect_not(polka_text_equal(harness_header(h, first, "ce_id"), harness_header(h, second, "ce_id")), "handled twice, told of twice");
    harness_destroy(h);
}

Test(activity, of_a_record_that_cannot_be_read_is_told_as_well_and_of_itself_nothing)
{
    begin((polkai_flow_options){ .activity = true });
    harness_put_raw(h, "test.asked", (polka_bytes){ 0, NULL }, (polka_bytes){ 3, (const uint8_t *)"???" }, NULL, 0);
    harness_turn(h);
    TOLD(0, "\"reaction\":\"-\"", "\"took_us\":null", "\"outcome\":\"DEAD\",\"code\":\"unknown-framing\"");
    harness_destroy(h);

    polka_event own = test_asked_event;
    own.topic = POLKAI_ACTIVITY_TOPIC;
    const polka_reaction reactions[] = { { .polka_row = 1, .event = &own, .handler = (polka_function)by_letter, .function = "by_letter" }, { 0 } };
    const polka_service reader = { .name = "reader", .version = "1", .reactions = reactions };
    h = harness_create();
    harness_start(h, &reader, (polkai_flow_options){ .activity = true });
    uint8_t value[POLKAI_SINGLE_OBJECT_BYTES + 3] = { [POLKAI_SINGLE_OBJECT_BYTES] = 4, 'o', '1' };
    polkai_header type = { POLKA_TEXT("ce_type"), { 10, (const uint8_t *)"test.Asked" } };
    polkai_framing_write(value, test_asked_event.fingerprint);
    harness_put_raw(h, POLKAI_ACTIVITY_TOPIC, (polka_bytes){ 0, NULL }, (polka_bytes){ sizeof value, value }, &type, 1);
    harness_turn(h);
    cr_expect_eq(polkai_flow_count(h->flow).done, 1u);
    cr_expect_null(harness_record(h, POLKAI_ACTIVITY_TOPIC, 1), "else it would never end");
    harness_destroy(h);
}

Test(activity, is_not_told_unless_it_is_asked_for)
{
    begin((polkai_flow_options){ .metered = true });
    harness_put(h, "k", "o1", NULL);
    harness_turn(h);
    cr_expect_eq(polkai_flow_count(h->flow).done, 1u);
    cr_expect_null(harness_record(h, POLKAI_ACTIVITY_TOPIC, 0));
    cr_expect_null(harness_record(h, "polka.schemas", 0));
    harness_destroy(h);
}

Test(activity, that_cannot_be_sent_is_dropped_and_counted_and_the_event_is_done_all_the_same)
{
    polkai_flow_reading reading;
    begin((polkai_flow_options){ .activity = true });
    polkai_memory_fail(h->memory, POLKAI_ACTIVITY_TOPIC, POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000);
    for (int i = 0; i < 3; i++)
        harness_put(h, "k", "o1", NULL);
    harness_turn(h);
    polkai_meter_read_flow(h->flow, &h->arena, &reading);
    cr_expect(reading.activity_told == 0 && reading.activity_dropped == 3, "%llu, %llu", (unsigned long long)reading.activity_told,
              (unsigned long long)reading.activity_dropped);
    cr_expect_eq(polkai_flow_count(h->flow).done, 3u);
    cr_expect_eq(polkai_flow_count(h->flow).emitted, 0u);
    cr_expect_not_null(strstr(h->all_logs, "what reactions did is not on polka.activity"));
    harness_stop(h);
    cr_expect_eq(harness_committed(h, "telling", "test.asked"), 3);
    harness_destroy(h);
}

/* Found by reading: it stood in line with failed sends, and what waited there for a moment waited as long as that topic was missing. */
Test(activity, whose_schema_no_topic_takes_is_announced_again_beside_all_sends)
{
    h = harness_create();
    polkai_memory_fail(h->memory, "polka.schemas", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000000);
    harness_start(h, &emitting, (polkai_flow_options){ .activity = true });
    harness_advance_ms(h, 100000);
    cr_expect_null(h->flow->waiting_first, "nothing stands in line");
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "_MSG_TIMED_OUT", 1);
    harness_put(h, "k", "e0", NULL);
    harness_turn(h);
    cr_expect_null(harness_record(h, "test.answers", 0));
    harness_advance_ms(h, 1000);
    cr_expect_not_null(harness_record(h, "test.answers", 0), "sent again within a second");
    polkai_memory_fail(h->memory, "polka.schemas", POLKA_OK, NULL, 0);
    harness_advance_ms(h, 31000);
    cr_expect_not_null(harness_record(h, "polka.schemas", 0));
    harness_advance_ms(h, 100000);
    cr_expect_null(harness_record(h, "polka.schemas", 1), "and once it is there no more");
    harness_destroy(h);
}

/* ---- a sink that takes what is told, and acknowledges nothing of it until it is closed ---- */

enum { UNDER_WAY = 10000, TOO_MANY = 3 };
typedef struct { polkai_sink sink; polkai_sink *under; bool full; size_t held; void *cookies[UNDER_WAY + TOO_MANY]; } deaf_sink;

static polka_status deaf_send(polkai_sink *sink, const polkai_record *record, void *cookie, polka_error *error)
{
    deaf_sink *self = (deaf_sink *)sink;
    bool activity = polka_text_equal(record->topic, POLKA_TEXT(POLKAI_ACTIVITY_TOPIC));
    ENSURE(!self->full || !(activity || polka_text_equal(record->topic, POLKA_TEXT("polka.schemas"))), POLKA_TRANSIENT, error, "queue-full",
           "the queue has no room");
    if (!activity)
        return self->under->operations->send(self->under, record, cookie, error);
    cr_assert_lt(self->held, (size_t)(UNDER_WAY + TOO_MANY));
    self->cookies[self->held++] = cookie;
    return POLKA_OK;
}

static size_t deaf_poll(polkai_sink *sink, int timeout_ms)
{
    polkai_sink *under = ((deaf_sink *)sink)->under;
    return under->operations->poll(under, timeout_ms);
}

static void deaf_prepare(polkai_sink *sink, const polka_text *topics, size_t count) { (void)sink, (void)topics, (void)count; }

static int closed_within_ms;

static void deaf_close(polkai_sink *sink, int timeout_ms)
{
    deaf_sink *self = (deaf_sink *)sink;
    closed_within_ms = timeout_ms;
    for (size_t i = 0; i < self->held; i++)
        polkai_flow_report(h->flow, &(polkai_report){ .cookie = self->cookies[i], .status = POLKA_TRANSIENT, .code = "TIMED_OUT", .message = "closed" });
    self->under->operations->close(self->under, timeout_ms);
}

static const polkai_sink_operations deaf_operations = { deaf_send, deaf_poll, deaf_prepare, deaf_close };
static deaf_sink deaf = { .sink = { &deaf_operations } };

static void start_deaf(void)
{
    polka_error error = { .status = POLKA_OK };
    polkai_source *source;
    h = harness_create();
    const polkai_flow_options options = { .service = &telling, .activity = true, .clock = &h->clock, .log = &h->log, .seed = 7 };
    cr_assert_eq(polkai_flow_create(&h->flow, &options, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(polkai_memory_source_open(&source, h->memory, "tellers", &error), POLKA_OK);
    cr_assert_eq(polkai_memory_sink_open(&deaf.under, h->memory, polkai_flow_report, h->flow, &error), POLKA_OK);
    cr_assert_eq(polkai_flow_start(h->flow, source, &deaf.sink, &error), POLKA_OK, "%s", error.message);
}

Test(activity, that_the_sink_does_not_take_is_told_of_and_holds_no_event_back)
{
    deaf.full = true;
    start_deaf();
    for (int i = 0; i < 2; i++)
        harness_put(h, "k", "o0", NULL);
    harness_turn(h);
    const char *told = strstr(h->all_logs, "polka.activity: the queue has no room");
    cr_assert_not_null(told, "%s", h->all_logs);
    cr_expect_null(strstr(told + 1, "polka.activity: the queue"), "once a minute: %s", h->all_logs);
    cr_expect_eq(polkai_flow_count(h->flow).done, 2u);
    cr_expect_null(harness_record(h, "polka.schemas", 0));
    deaf.full = false;
    harness_advance_ms(h, 31000);
    cr_expect_not_null(harness_record(h, "polka.schemas", 0), "its schema is announced as soon as it is taken");
    harness_destroy(h);
}

Test(activity, that_is_not_acknowledged_takes_bounded_memory_and_holds_no_event_back)
{
    polkai_flow_reading reading;
    start_deaf();
    for (int i = 0; i < UNDER_WAY + TOO_MANY; i++)
        harness_put(h, "k", "o0", NULL);
    harness_turn(h);
    polkai_meter_read_flow(h->flow, &h->arena, &reading);
    cr_expect(reading.activity_told == 0 && reading.activity_dropped == TOO_MANY && deaf.held == UNDER_WAY, "%llu, %zu",
              (unsigned long long)reading.activity_dropped, deaf.held);
    cr_expect_eq(polkai_flow_count(h->flow).done, (uint64_t)(UNDER_WAY + TOO_MANY));
    cr_expect_not_null(strstr(h->all_logs, "polka.activity: too many records are not acknowledged yet"), "%s", h->all_logs);
    harness_stop(h);
    cr_expect_gt(closed_within_ms, 0, "at the end it is waited for a moment");
    cr_expect_eq(harness_committed(h, "tellers", "test.asked"), UNDER_WAY + TOO_MANY);
    harness_destroy(h);
}
