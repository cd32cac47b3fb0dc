/* schemas_test.c: values of schemas that the service was not built with: found, waited for, given up. */
#include "origins.h"

#include <base/error.h>
#include <criterion/criterion.h>
#include <flow/inner.h>
#include <flow/schema/framing.h>
#include <stdio.h>

/* test.Asked has a made-up fingerprint, so its own text under the true one is a schema from elsewhere. */
#define ASKED "{\"type\":\"record\",\"name\":\"test.Asked\",\"fields\":[{\"name\":\"text\",\"type\":\"string\"}]}"
#define NUMBERED "{\"type\":\"record\",\"name\":\"test.Asked\",\"fields\":[{\"name\":\"text\",\"type\":\"int\"}]}"
#define NOBODYS "{\"type\":\"record\",\"name\":\"test.Nobodys\",\"fields\":[{\"name\":\"text\",\"type\":\"string\"}]}"

static char order[256];
static polka_outcome note_it(polka_context *ctx, const note *asked)
{
    size_t used = strlen(order);
    snprintf(order + used, sizeof order - used, "%.*s ", POLKA_TEXT_ARGS(asked->text));
    polka_emit(ctx, &test_answered_event, &(note){ asked->text }, NULL);
    return POLKA_DONE;
}

static polka_outcome note_any(polka_context *ctx, const polka_any *any)
{
    (void)ctx;
    snprintf(order, sizeof order, "any %s", any->event == NULL ? "-" : any->event->name);
    return POLKA_DONE;
}

static const polka_service answers = { .name = "answers", .domain = "test", .version = "1", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, note_it, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };
static const polka_service takes_all = { .name = "all", .version = "1", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, note_it, .emits = POLKA_EMITS(&test_answered_event)), POLKA_REACT_DEFAULT(note_any), { 0 } } };

static harness *h;
static origins o;
static uint64_t asked_fingerprint;

static void prepare_without_topic(void)
{
    h = harness_create();
    origins_init(&o, h);
    order[0] = '\0';
    asked_fingerprint = fingerprint_of(ASKED);
}

static void prepare(void)
{
    prepare_without_topic();
    origins_create_topic(&o);
}

static void start(const polka_service *service)
{
    harness_start(h, service, (polkai_flow_options){ .cluster = origins_cluster(&o), .registry = origins_registry(&o), .cache = origins_cache(&o) });
}

static void finish(void)
{
    harness_destroy(h);
    origins_deinit(&o);
}

typedef struct { const char *key, *text, *type; polkai_schema_key schema; bool by_header; } put;

/* A body of test.Asked, framed as wanted. type NULL: no CloudEvents headers at all. */
static void give(put of)
{
    uint8_t value[100], header[17];
    size_t at = 0, size = strlen(of.text), count = 0;
    polkai_header headers[3];
    uint32_t id = (uint32_t)of.schema.number;
    if (of.by_header && of.schema.kind == POLKAI_BY_ID) {
        polkai_framing_write_id(header, id);
        headers[count++] = (polkai_header){ POLKA_TEXT("__value_schema_id"), { 5, header } };
    } else if (of.by_header) {
        header[0] = 1;
        for (int i = 0; i < 8; i++) {
            header[1 + i] = (uint8_t)(of.schema.guid_high >> (56 - 8 * i));
            header[9 + i] = (uint8_t)(of.schema.number >> (56 - 8 * i));
        }
        headers[count++] = (polkai_header){ POLKA_TEXT("__value_schema_id"), { 17, header } };
    } else if (of.schema.kind == POLKAI_BY_ID) {
        polkai_framing_write_id(value, id);
        at = POLKAI_CONFLUENT_BYTES;
    } else {
        polkai_framing_write(value, of.schema.number);
        at = POLKAI_SINGLE_OBJECT_BYTES;
    }
    value[at] = (uint8_t)(size << 1);
    memcpy(value + at + 1, of.text, size);
    if (of.type != NULL) {
        headers[count++] = (polkai_header){ POLKA_TEXT("ce_type"), { strlen(of.type), (const uint8_t *)of.type } };
        headers[count++] = (polkai_header){ POLKA_TEXT("ce_id"), { size, (const uint8_t *)of.text } };
    }
    harness_put_raw(h, "test.asked", (polka_bytes){ of.key == NULL ? 0 : strlen(of.key), (const uint8_t *)of.key },
                    (polka_bytes){ at + 1 + size, value }, headers, count);
}

static put unknown(const char *key, const char *text)
{
    return (put){ key, text, "test.Asked", polkai_schema_by_fingerprint(asked_fingerprint), false };
}

static put by_id(const char *key, const char *text, uint32_t id)
{
    return (put){ key, text, "test.Asked", { POLKAI_BY_ID, id, 0 }, false };
}

static void letters(size_t count, const char *part)
{
    cr_assert_eq(polkai_memory_count(h->memory, "test.asked.answers.dlt", 0), count, "%zu dead letters; last log: %s",
                 polkai_memory_count(h->memory, "test.asked.answers.dlt", 0), h->last_log);
    if (count == 0)
        return;
    polka_text message = harness_header(h, harness_record(h, "test.asked.answers.dlt", count - 1), "polka-error-message");
    cr_assert_not_null(memmem(message.data, message.size, part, strlen(part)), "'%s' is not in '%.*s'", part, POLKA_TEXT_ARGS(message));
}

static void done(const char *expected)
{
    cr_assert_str_eq(order, expected, "last log: %s", h->last_log);
}

/* ---- the topic ---- */

Test(schemas, reads_what_polka_schemas_knows_at_once)
{
    prepare();
    origins_announce(&o, asked_fingerprint, ASKED);
    start(&answers);
    give(unknown("k", "one"));
    harness_turn(h);
    done("one ");
    cr_assert_eq(o.kept_count, 1, "it is kept on disk");
    finish();
}

Test(schemas, asks_nobody_while_all_schemas_are_compiled_in)
{
    prepare();
    start(&answers);
    harness_put(h, "k", "one", NULL);
    harness_turn(h);
    done("one ");
    cr_assert(o.admins == 0 && o.sources == 0 && o.fetches == 0);
    finish();
}

Test(schemas, an_event_waits_for_its_schema_with_its_key_while_others_flow)
{
    prepare();
    start(&answers);
    give(unknown("k", "one"));
    harness_put(h, "k", "two", NULL);
    harness_put(h, "other", "three", NULL);
    harness_turn(h);
    done("three ");
    harness_advance_ms(h, 20000);
    done("three ");
    origins_announce(&o, asked_fingerprint, ASKED);
    give(unknown("k", "four"));
    harness_advance_ms(h, 31000);
    done("three one two four ");
    letters(0, "");
    finish();
}

Test(schemas, gives_up_after_the_configured_time_and_not_before)
{
    prepare();
    start(&answers);
    give(unknown("k", "one"));
    harness_put(h, "k", "two", NULL);
    harness_advance_ms(h, 59900);
    done("");
    letters(0, "");
    harness_advance_ms(h, 200);
    done("two ");
    letters(1, "it did not come to polka.schemas within 60 s");
    cr_assert(polka_text_equal(harness_header(h, harness_record(h, "test.asked.answers.dlt", 0), "polka-error-code"), POLKA_TEXT("schema-not-found")));
    finish();
}

Test(schemas, those_that_waited_behind_are_given_up_with_the_first)
{
    prepare();
    start(&answers);
    for (int i = 0; i < 20; i++)
        give(unknown("k", "one"));
    harness_advance_ms(h, 59900);
    unsigned before = o.admins;
    harness_advance_ms(h, 200);
    letters(20, "polka.schemas");
    cr_assert_eq(o.admins, before + 1, "they were here when the topic was read for the last time: no look for each of them");
    finish();
}

Test(schemas, what_comes_after_it_was_given_up_is_owed_a_look)
{
    prepare();
    start(&answers);
    give(unknown("k", "one"));
    harness_advance_ms(h, 61000);
    letters(1, "polka.schemas");
    unsigned before = o.admins;
    give(unknown("k", "two"));
    harness_advance_ms(h, 100);
    letters(2, "polka.schemas");
    cr_assert_gt(o.admins, before);
    origins_announce(&o, asked_fingerprint, ASKED);
    give(unknown("k", "three"));
    harness_advance_ms(h, 100);
    done("three ");
    finish();
}

Test(schemas, waits_without_limit_while_the_topic_cannot_be_read)
{
    prepare();
    start(&answers);
    give(unknown("k", "one"));
    harness_advance_ms(h, 40000);                        /* the time before and after the outage is not added up */
    o.unreachable = true;
    harness_advance_ms(h, 3600000);
    letters(0, "");
    o.unreachable = false;
    harness_advance_ms(h, 59000);
    letters(0, "");
    origins_announce(&o, asked_fingerprint, ASKED);
    harness_advance_ms(h, 31000);
    done("one ");
    finish();
}

/* It once counted as empty: a minute after the first unknown schema all events of that schema were dead letters. */
Test(schemas, waits_without_limit_while_there_is_no_topic_and_says_how_to_make_it)
{
    prepare_without_topic();
    start(&answers);
    give(unknown("k", "one"));
    harness_advance_ms(h, 3600000);
    letters(0, "");
    cr_assert_not_null(strstr(h->last_log, "polka.schemas does not exist; create it: polka topics apply --execute"), "last log: %s", h->last_log);
    origins_create_topic(&o);
    harness_advance_ms(h, 31000);
    letters(0, "");
    harness_advance_ms(h, 61000);
    letters(1, "it did not come to polka.schemas within 60 s");
    finish();
}

Test(schemas, an_event_goes_on_at_once_when_its_schema_is_found)
{
    prepare();
    o.unreachable = true;
    start(&answers);
    give(unknown("k", "one"));
    harness_advance_ms(h, 600000);                       /* event and helper try again each half minute by now */
    o.unreachable = false;
    origins_announce(&o, asked_fingerprint, ASKED);
    for (int i = 0; i < 400 && o.kept_count == 0; i++)
        harness_advance_ms(h, 100);
    cr_assert_eq(o.kept_count, 1);
    done("one ");
    finish();
}

Test(schemas, reads_the_topic_on_from_where_it_ended)
{
    prepare();
    for (int i = 0; i < 100; i++)
        origins_announce(&o, fingerprint_of(NOBODYS), NOBODYS);
    start(&answers);
    give(unknown("k", "one"));
    harness_turn(h);
    cr_assert_eq(o.from, 0);
    cr_assert_eq(o.sources, 1);
    harness_advance_ms(h, 5000);
    cr_assert_eq(o.sources, 1, "with nothing new there is nothing to read");
    origins_announce(&o, asked_fingerprint, ASKED);
    harness_advance_ms(h, 30000);
    done("one ");
    cr_assert_eq(o.from, 100);
    finish();
}

Test(schemas, refuses_a_schema_under_a_wrong_key_and_says_where)
{
    prepare();
    start(&answers);
    origins_announce(&o, asked_fingerprint, NOBODYS);
    origins_announce(&o, asked_fingerprint, "no JSON");
    origins_announce(&o, asked_fingerprint, NULL);
    give(unknown("k", "one"));
    harness_turn(h);
    done("");
    cr_assert_not_null(strstr(h->all_logs, "polka.schemas/0/0 is left out: its key is"), "%s", h->all_logs);
    cr_assert_not_null(strstr(h->all_logs, "polka.schemas/0/1 is left out"), "%s", h->all_logs);
    origins_announce(&o, asked_fingerprint, ASKED);
    origins_announce(&o, asked_fingerprint, NOBODYS);
    harness_advance_ms(h, 1000);
    done("one ");
    finish();
}

Test(schemas, takes_from_disk_what_the_topic_no_longer_has)
{
    prepare();
    polkai_schema_cache cache = origins_cache(&o);
    cache.keep(cache.user, asked_fingerprint, POLKA_TEXT(ASKED));
    start(&answers);
    give(unknown("k", "one"));
    harness_turn(h);
    done("one ");
    cr_assert_eq(o.admins, 0);
    finish();
}

Test(schemas, passes_over_a_wrong_schema_on_disk)
{
    prepare();
    polkai_schema_cache cache = origins_cache(&o);
    cache.keep(cache.user, asked_fingerprint, POLKA_TEXT(NOBODYS));
    origins_announce(&o, asked_fingerprint, ASKED);
    start(&answers);
    give(unknown("k", "one"));
    harness_turn(h);
    done("one ");
    finish();
}

Test(schemas, a_value_that_cannot_become_the_event_is_poison_and_says_who_wrote_it)
{
    prepare();
    origins_announce(&o, fingerprint_of(NUMBERED), NUMBERED);
    start(&answers);
    give((put){ "k", "", "test.Asked", polkai_schema_by_fingerprint(fingerprint_of(NUMBERED)), false });       /* the number 0 */
    harness_turn(h);
    char part[100];
    snprintf(part, sizeof part, "version 1 of test.Asked cannot read what was written with schema %016" PRIx64, fingerprint_of(NUMBERED));
    letters(1, part);
    cr_assert(polka_text_equal(harness_header(h, harness_record(h, "test.asked.answers.dlt", 0), "polka-error-code"), POLKA_TEXT("schema-mismatch")));
    finish();
}

Test(schemas, the_limits_of_the_service_hold_for_values_of_other_versions)
{
    const char *padded = "{\"type\":\"record\",\"name\":\"test.Asked\",\"fields\":[{\"name\":\"text\",\"type\":\"string\"},"
                         "{\"name\":\"nothing\",\"type\":{\"type\":\"array\",\"items\":\"null\"}}]}";
    prepare();
    uint8_t value[POLKAI_SINGLE_OBJECT_BYTES + 4] = { 0 };
    polka_bytes bytes = { sizeof value, value };
    polkai_header type = { POLKA_TEXT("ce_type"), { 10, (const uint8_t *)"test.Asked" } };
    polkai_framing_write(value, fingerprint_of(padded));
    value[POLKAI_SINGLE_OBJECT_BYTES] = 2;               /* "a", then a block of ten, and the end of the array */
    value[POLKAI_SINGLE_OBJECT_BYTES + 1] = 'a';
    value[POLKAI_SINGLE_OBJECT_BYTES + 2] = 20;
    origins_announce(&o, fingerprint_of(padded), padded);
    harness_start(h, &answers, (polkai_flow_options){ .cluster = origins_cluster(&o), .limits = { .empty_items = 10 } });
    harness_put_raw(h, "test.asked", (polka_bytes){ 0, NULL }, bytes, &type, 1);
    harness_turn(h);
    done("a ");
    harness_stop(h);
    harness_start(h, &answers, (polkai_flow_options){ .cluster = origins_cluster(&o), .limits = { .empty_items = 9 } });
    harness_put_raw(h, "test.asked", (polka_bytes){ 0, NULL }, bytes, &type, 1);
    harness_turn(h);
    letters(1, "more than 9 items that take no bytes");
    finish();
}

Test(schemas, without_a_cluster_to_ask_an_unknown_schema_is_poison_at_once)
{
    prepare();
    harness_start(h, &answers, (polkai_flow_options){ 0 });
    give(unknown("k", "one"));
    give(by_id("k", "two", 7));
    harness_turn(h);
    letters(2, "schema id 7 of a schema registry, and none is configured");
    finish();
}

/* ---- the registry ---- */

Test(schemas, reads_an_id_of_the_registry_and_asks_once)
{
    prepare();
    origins_know(&o, (polkai_schema_key){ POLKAI_BY_ID, 7, 0 }, ASKED);
    start(&answers);
    give(by_id("k", "one", 7));
    give(by_id("l", "two", 7));
    harness_turn(h);
    give(by_id("k", "three", 7));
    harness_turn(h);
    done("one two three ");
    cr_assert_eq(o.fetches, 1);
    cr_assert_eq(o.admins, 0, "an id is not looked for on polka.schemas");
    finish();
}

Test(schemas, with_the_registry_down_known_ids_flow_and_an_unknown_one_waits_without_limit)
{
    prepare();
    origins_know(&o, (polkai_schema_key){ POLKAI_BY_ID, 7, 0 }, ASKED);
    origins_know(&o, (polkai_schema_key){ POLKAI_BY_ID, 8, 0 }, ASKED);
    start(&answers);
    give(by_id("k", "one", 7));
    harness_turn(h);
    polkai_fail(&o.down, POLKA_TRANSIENT, "registry-unreachable", "nobody answers");
    give(by_id("k", "two", 8));
    give(by_id("k", "three", 7));
    give(by_id("l", "four", 7));
    harness_advance_ms(h, 3600000);
    done("one four ");
    letters(0, "");
    o.down.status = POLKA_OK;
    harness_advance_ms(h, 31000);
    done("one four two three ");
    finish();
}

Test(schemas, waits_when_the_registry_refuses_to_answer)
{
    prepare();
    start(&answers);
    polkai_fail(&o.down, POLKA_MISUSE, "registry-denied", "401");
    give(by_id("k", "one", 7));
    harness_advance_ms(h, 3600000);
    letters(0, "");
    cr_assert_not_null(strstr(h->last_log, "401"), "%s", h->last_log);
    finish();
}

Test(schemas, dead_letters_only_an_id_that_the_registry_says_does_not_exist)
{
    prepare();
    start(&answers);
    give(by_id("k", "one", 7));
    harness_turn(h);
    letters(1, "schema id 7: Schema 7 not found (40403)");
    origins_know(&o, (polkai_schema_key){ POLKAI_BY_ID, 7, 0 }, ASKED);
    give(by_id("k", "two", 7));
    harness_turn(h);
    done("two ");
    finish();
}

Test(schemas, a_text_of_the_registry_that_is_no_schema_is_poison)
{
    prepare();
    origins_know(&o, (polkai_schema_key){ POLKAI_BY_ID, 7, 0 }, "{\"type\":\"nonsense\"}");
    start(&answers);
    give(by_id("k", "one", 7));
    harness_turn(h);
    letters(1, "schema id 7");
    finish();
}

Test(schemas, reads_the_id_or_guid_of_a_header_and_the_whole_value_as_its_body)
{
    prepare();
    polkai_schema_key guid = { POLKAI_BY_GUID, UINT64_C(0x8899aabbccddeeff), UINT64_C(0x0011223344556677) };
    origins_know(&o, (polkai_schema_key){ POLKAI_BY_ID, 7, 0 }, ASKED);
    origins_know(&o, guid, ASKED);
    start(&answers);
    give((put){ "k", "one", "test.Asked", { POLKAI_BY_ID, 7, 0 }, true });
    give((put){ "k", "two", "test.Asked", guid, true });
    harness_turn(h);
    done("one two ");
    finish();
}

Test(schemas, a_wrong_schema_header_is_poison)
{
    prepare();
    start(&answers);
    polkai_header header[] = { { POLKA_TEXT("ce_type"), { 10, (const uint8_t *)"test.Asked" } },
                               { POLKA_TEXT("__value_schema_id"), { 3, (const uint8_t *)"\0\0\1" } } };
    harness_put_raw(h, "test.asked", (polka_bytes){ 0, NULL }, (polka_bytes){ 2, (const uint8_t *)"\2a" }, header, 2);
    harness_turn(h);
    letters(1, "header __value_schema_id has 3 bytes");
    finish();
}

Test(schemas, a_record_without_a_type_has_the_name_of_its_schema)
{
    prepare();
    origins_know(&o, (polkai_schema_key){ POLKAI_BY_ID, 7, 0 }, ASKED);
    origins_know(&o, (polkai_schema_key){ POLKAI_BY_ID, 8, 0 }, NOBODYS);
    start(&answers);
    give((put){ "k", "one", NULL, { POLKAI_BY_ID, 7, 0 }, false });
    give((put){ "k", "two", NULL, { POLKAI_BY_ID, 7, 0 }, true });
    give((put){ "k", "three", NULL, { POLKAI_BY_ID, 8, 0 }, true });
    give((put){ "k", "four", NULL, polkai_schema_by_fingerprint(asked_fingerprint), false });
    harness_turn(h);
    done("one two ");
    cr_assert_eq(polkai_flow_count(h->flow).unknown_types, 1);
    origins_announce(&o, asked_fingerprint, ASKED);
    harness_advance_ms(h, 1000);
    done("one two four ");
    letters(0, "");
    finish();
}

Test(schemas, a_record_without_type_and_schema_is_given_up_and_tells_no_reaction)
{
    prepare();
    start(&answers);
    give((put){ "k", "one", NULL, polkai_schema_by_fingerprint(asked_fingerprint), false });
    harness_put(h, "k", "two", NULL);
    harness_advance_ms(h, 60100);
    letters(1, "the record has no ce_type: the value was written with schema");
    cr_assert(polka_text_equal(harness_header(h, harness_record(h, "test.asked.answers.dlt", 0), "polka-handler"), POLKA_TEXT("-")));
    done("two ");
    harness_advance_ms(h, 1000);
    cr_assert_eq(harness_committed(h, "answers", "test.asked"), 2);
    finish();
}

/* Found by reading: while the registry was away each look at such a record took memory that stood until the end of its wait. */
Test(schemas, a_record_without_a_type_keeps_nothing_of_a_look_in_vain)
{
    prepare();
    o.unreachable = true;
    start(&answers);
    give((put){ "k", "one", NULL, polkai_schema_by_fingerprint(asked_fingerprint), false });
    harness_advance_ms(h, 100000);
    const uint8_t *after_some = h->flow->made->arena.at;
    harness_advance_ms(h, 3600000);
    cr_expect_eq(h->flow->made->arena.at, after_some);
    cr_expect_eq(polkai_flow_count(h->flow).in_flight, 1u);
    o.unreachable = false;
    origins_announce(&o, asked_fingerprint, ASKED);
    harness_advance_ms(h, 31000);
    done("one ");
    finish();
}

Test(schemas, the_default_reaction_takes_what_nobody_can_tell_the_type_of)
{
    prepare();
    start(&takes_all);
    give((put){ "k", "one", NULL, polkai_schema_by_fingerprint(asked_fingerprint), false });
    harness_turn(h);
    done("");
    harness_advance_ms(h, 60100);
    done("any -");
    finish();
}

Test(schemas, what_waits_when_the_service_ends_is_left_to_the_next_owner)
{
    prepare();
    start(&answers);
    give(unknown("k", "one"));
    harness_put(h, "k", "two", NULL);
    harness_turn(h);
    harness_stop(h);
    cr_assert_leq(harness_committed(h, "answers", "test.asked"), 0);
    origins_announce(&o, asked_fingerprint, ASKED);
    start(&answers);
    harness_turn(h);
    done("one two ");
    finish();
}

/* ---- writing with ids ---- */

static void start_confluent(void)
{
    harness_start(h, &answers, (polkai_flow_options){ .confluent = true, .registry = origins_registry(&o) });
}

static void answered_with(size_t index, uint32_t id)
{
    const polkai_record *record = harness_record(h, "test.answers", index);
    cr_assert_not_null(record, "last log: %s", h->last_log);
    uint8_t frame[POLKAI_CONFLUENT_BYTES];
    char schema[100];
    polkai_framing_write_id(frame, id);
    cr_assert(record->value.size > sizeof frame && memcmp(record->value.data, frame, sizeof frame) == 0);
    cr_assert_eq(record->value.data[5], (record->value.size - 6) << 1);
    snprintf(schema, sizeof schema, "http://registry:8081/schemas/ids/%" PRIu32, id);
    cr_assert(polka_text_equal(harness_header(h, record, "ce_dataschema"), polka_text_of(schema)));
}

Test(enrolment, frames_what_is_emitted_with_the_id_of_its_schema)
{
    prepare();
    start_confluent();
    harness_put(h, "k", "one", NULL);
    harness_turn(h);
    answered_with(0, 41);
    cr_assert_str_eq(o.enrolled[0], "test.answers test.Answered");
    cr_assert_eq(polkai_memory_count(h->memory, "polka.schemas", 0), 0);
    finish();
}

Test(enrolment, with_the_registry_down_emissions_wait_and_leave_in_order_when_it_is_back)
{
    prepare();
    polkai_fail(&o.down, POLKA_TRANSIENT, "registry-unreachable", "nobody answers");
    start_confluent();
    cr_assert_not_null(strstr(h->last_log, "waits until the registry has given an id"), "%s", h->last_log);
    harness_put(h, "k", "one", NULL);
    harness_put(h, "k", "two", NULL);
    harness_advance_ms(h, 3600000);
    cr_assert_eq(polkai_memory_count(h->memory, "test.answers", 0), 0);
    o.down.status = POLKA_OK;
    harness_advance_ms(h, 31000);
    answered_with(0, 41);
    answered_with(1, 41);
    cr_assert_eq(harness_record(h, "test.answers", 0)->value.data[6], 'o');
    done("one two ");
    finish();
}

Test(enrolment, ids_from_disk_suffice_while_the_registry_is_down)
{
    prepare();
    polkai_fail(&o.down, POLKA_TRANSIENT, "registry-unreachable", "nobody answers");
    o.enrolled_before = 77;
    start_confluent();
    harness_put(h, "k", "one", NULL);
    harness_turn(h);
    answered_with(0, 77);
    finish();
}

static polka_status start_fails(polkai_flow_options options, polka_error *error)
{
    polkai_source *source;
    polkai_sink *sink;
    options.service = &answers;
    options.clock = &h->clock;
    options.log = &h->log;
    TRY(polkai_flow_create(&h->flow, &options, error));
    TRY(polkai_memory_source_open(&source, h->memory, "answers", error));
    TRY(polkai_memory_sink_open(&sink, h->memory, polkai_flow_report, h->flow, error));
    polka_status status = polkai_flow_start(h->flow, source, sink, error);
    polkai_flow_destroy(h->flow);
    h->flow = NULL;
    return status;
}

Test(enrolment, a_refused_schema_keeps_the_service_from_starting_in_the_registrys_words)
{
    prepare();
    polka_error error;
    polkai_fail(&o.refuses, POLKA_MISUSE, "registry-refused", "Schema being registered is incompatible with an earlier schema (409)");
    cr_assert_eq(start_fails((polkai_flow_options){ .confluent = true, .registry = origins_registry(&o) }, &error), POLKA_MISUSE);
    cr_assert_not_null(strstr(error.message, "does not take the schema of test.Answered: Schema being registered is incompatible"), "%s", error.message);
    cr_assert_eq(start_fails((polkai_flow_options){ .enrol = true, .registry = origins_registry(&o) }, &error), POLKA_MISUSE);
    finish();
}

Test(enrolment, a_refusal_that_comes_late_stops_the_service)
{
    prepare();
    polka_error error = { .status = POLKA_OK };
    polkai_fail(&o.down, POLKA_TRANSIENT, "registry-unreachable", "nobody answers");
    start_confluent();
    o.down.status = POLKA_OK;
    polkai_fail(&o.refuses, POLKA_MISUSE, "registry-refused", "incompatible");
    h->now_ns += 1000000000;
    cr_assert_eq(polkai_flow_step(h->flow, 0, NULL, &error), POLKA_MISUSE);
    cr_assert_not_null(strstr(error.message, "incompatible"));
    finish();
}

Test(enrolment, single_object_framing_does_not_wait_for_the_registry)
{
    prepare();
    polkai_fail(&o.down, POLKA_TRANSIENT, "registry-unreachable", "nobody answers");
    harness_start(h, &answers, (polkai_flow_options){ .announce = true, .enrol = true, .registry = origins_registry(&o) });
    harness_put(h, "k", "one", NULL);
    harness_turn(h);
    harness_advance_ms(h, 100);
    cr_assert(polka_text_equal(harness_text(harness_record(h, "test.answers", 0)), POLKA_TEXT("one")));
    cr_assert_eq(polkai_memory_count(h->memory, "polka.schemas", 0), 1);
    o.down.status = POLKA_OK;
    harness_advance_ms(h, 31000);
    cr_assert_eq(o.enrolments, 1);
    finish();
}

Test(enrolment, confluent_framing_without_a_registry_is_misuse)
{
    prepare();
    polka_error error;
    cr_assert_eq(start_fails((polkai_flow_options){ .confluent = true }, &error), POLKA_MISUSE);
    cr_assert_not_null(strstr(error.message, "schemas.registry"));
    finish();
}
