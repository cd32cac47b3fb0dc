/* schemas_threads_test.c: schemas looked for by a thread of its own, while lanes that are threads handle and wait. */
#include "origins.h"

#include <base/error.h>
#include <criterion/criterion.h>
#include <flow/schema/framing.h>
#include <flow/schema/library.h>
#include <inttypes.h>
#include <stdio.h>

enum { LIMIT_MS = 30000, KEYS = 50, EACH = 20, THREADS = 4, SCHEMAS = 3000 };
#define ASKED "{\"type\":\"record\",\"name\":\"test.Asked\",\"fields\":[{\"name\":\"text\",\"type\":\"string\"}]}"

static atomic_uint handled, disorder;
static atomic_int last[KEYS];

static int64_t now_ms(void)
{
    return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000;
}

/* The text is "<key> <number>"; numbers grow within a key. */
static polka_outcome in_order(polka_context *ctx, const note *asked)
{
    int key = 0, number = 0;
    (void)ctx;
    cr_assert_eq(sscanf(asked->text.data, "%d %d", &key, &number), 2);
    if (atomic_exchange(&last[key], number) >= number)
        atomic_fetch_add(&disorder, 1);
    atomic_fetch_add(&handled, 1);
    return POLKA_DONE;
}

static const polka_service orders = { .name = "orders", .version = "1", .reactions = (const polka_reaction[]){ POLKA_REACT(test_asked, in_order), { 0 } } };

static void give(harness *h, int key, int number, const polkai_schema_key *schema)
{
    uint8_t value[80];
    char key_text[16], text[32];
    size_t at = POLKAI_SINGLE_OBJECT_BYTES;
    snprintf(key_text, sizeof key_text, "k%d", key);
    int size = snprintf(text, sizeof text, "%d %d", key, number);
    if (schema->kind == POLKAI_BY_ID) {
        at = POLKAI_CONFLUENT_BYTES;
        polkai_framing_write_id(value, (uint32_t)schema->number);
    } else {
        polkai_framing_write(value, schema->number);
    }
    value[at] = (uint8_t)(size << 1);
    memcpy(value + at + 1, text, (size_t)size);
    polkai_header type = { POLKA_TEXT("ce_type"), { 10, (const uint8_t *)"test.Asked" } };
    harness_put_raw(h, "test.asked", (polka_bytes){ strlen(key_text), (const uint8_t *)key_text },
                    (polka_bytes){ at + 1 + (size_t)size, value }, &type, 1);
}

static void step_until(harness *h, unsigned wanted)
{
    polka_error error = { .status = POLKA_OK };
    for (int64_t until = now_ms() + LIMIT_MS; atomic_load(&handled) < wanted;) {
        cr_assert_lt(now_ms(), until, "only %u of %u; last log: %s", atomic_load(&handled), wanted, h->last_log);
        cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK, "%s", error.message);
    }
}

/* Every third event is of a known schema, every third of one that comes to the topic late, every third of an id. */
Test(schemas_threads, keys_keep_their_order_whatever_schemas_their_events_wait_for)
{
    harness *h = harness_create();
    origins o;
    origins_init(&o, h);
    polkai_schema_key schemas[] = { polkai_schema_by_fingerprint(test_asked_event.fingerprint), polkai_schema_by_fingerprint(fingerprint_of(ASKED)),
                                    { POLKAI_BY_ID, 7, 0 } };
    origins_know(&o, schemas[2], ASKED);
    for (int i = 0; i < KEYS; i++)
        atomic_init(&last[i], -1);
    harness_start(h, &orders, (polkai_flow_options){ .lanes = THREADS, .clock = &polkai_clock_real, .cluster = origins_cluster(&o), .registry = origins_registry(&o) });
    for (int number = 0; number < EACH / 2; number++)
        for (int key = 0; key < KEYS; key++)
            give(h, key, number, &schemas[(key + number) % 3]);
    step_until(h, KEYS / 3);
    origins_announce(&o, schemas[1].number, ASKED);
    for (int number = EACH / 2; number < EACH; number++)
        for (int key = 0; key < KEYS; key++)
            give(h, key, number, &schemas[(key + number) % 3]);
    step_until(h, KEYS * EACH);
    cr_assert_eq(disorder, 0);
    harness_stop(h);
    cr_assert_eq(harness_committed(h, "orders", "test.asked"), KEYS * EACH);
    harness_destroy(h);
    origins_deinit(&o);
}

Test(schemas_threads, a_service_ends_while_its_helper_looks)
{
    for (int i = 0; i < 20; i++) {
        harness *h = harness_create();
        origins o;
        origins_init(&o, h);
        atomic_store(&o.unreachable, i % 2 == 0);
        polkai_schema_key unknown = polkai_schema_by_fingerprint(fingerprint_of(ASKED));
        harness_start(h, &orders, (polkai_flow_options){ .lanes = THREADS, .clock = &polkai_clock_real, .cluster = origins_cluster(&o) });
        for (int key = 0; key < KEYS; key++)
            give(h, key, 0, &unknown);
        polka_error error;
        for (int64_t until = now_ms() + i; now_ms() < until;)
            cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK);
        harness_destroy(h);
        origins_deinit(&o);
    }
}

/* ---- the library itself ---- */

static polkai_library *library;
static atomic_bool all_added;
static atomic_uint found;

static const char *text_of(int i, char out[128])
{
    snprintf(out, 128, "{\"type\":\"record\",\"name\":\"test.Asked\",\"fields\":[{\"name\":\"text\",\"type\":\"string\",\"doc\":\"%d\"}]}", i);
    return out;
}

static void *find_all(void *unused)
{
    unsigned count = 0;
    (void)unused;
    for (bool last_time = false; !last_time;) {
        last_time = atomic_load(&all_added);
        count = 0;
        for (uint64_t i = 0; i < SCHEMAS; i++) {
            polkai_schema_key key = { POLKAI_BY_ID, i, 0 };
            const polkai_reading *reading = polkai_library_find(library, &key, &test_asked_event);
            if (reading == NULL)
                continue;
            count++;
            if (reading->refused != NULL || reading->plan != NULL || reading->writer == NULL)
                return NULL;
        }
    }
    atomic_fetch_add(&found, count);
    return NULL;
}

Test(library, is_read_without_a_lock_while_it_grows)
{
    pthread_t threads[THREADS];
    polka_error error = { .status = POLKA_OK };
    library = polkai_library_create();
    polkai_library_know(library, &test_asked_event);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, find_all, NULL), 0);
    for (int i = 0; i < SCHEMAS; i++) {
        char text[128];
        polkai_schema_key key = { POLKAI_BY_ID, (uint64_t)i, 0 };
        cr_assert_eq(polkai_library_add(library, &key, polka_text_of(text_of(i, text)), &error), POLKA_OK, "%s", error.message);
        cr_assert_not_null(polkai_library_prepare(library, &key, &test_asked_event));
    }
    atomic_store(&all_added, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(found, THREADS * SCHEMAS);
    polkai_library_destroy(library);
}

Test(library, knows_what_is_compiled_in_and_the_names_of_keys)
{
    char text[POLKAI_SCHEMA_KEY_TEXT + 1];
    polka_error error;
    library = polkai_library_create();
    polkai_library_know(library, &test_asked_event);
    polkai_schema_key own = polkai_schema_by_fingerprint(test_asked_event.fingerprint), id = { POLKAI_BY_ID, 4000000000, 0 };
    polkai_schema_key guid = { POLKAI_BY_GUID, UINT64_C(0x8899aabbccddeeff), UINT64_C(0x0011223344556677) };
    cr_assert_null(polkai_library_find(library, &own, &test_asked_event), "not before somebody asks");
    const polkai_reading *reading = polkai_library_prepare(library, &own, &test_asked_event);
    cr_assert(reading != NULL && reading->plan == NULL && reading->writer->version == 1);
    cr_assert_eq(polkai_library_find(library, &own, &test_asked_event), reading);
    cr_assert_str_eq(polkai_library_writer(library, &own)->schema->name, "test.Asked");
    cr_assert_null(polkai_library_prepare(library, &id, &test_asked_event));
    cr_assert_eq(polkai_library_add(library, &(polkai_schema_key){ POLKAI_BY_FINGERPRINT, 1, 0 }, POLKA_TEXT(ASKED), &error), POLKA_POISON);
    cr_assert_str_eq(error.code, "wrong-fingerprint");
    cr_assert_str_eq(polkai_schema_key_text(&own, text), "schema 1111111111111111");
    cr_assert_str_eq(polkai_schema_key_text(&id, text), "schema id 4000000000");
    cr_assert_str_eq(polkai_schema_key_text(&guid, text), "schema GUID 00112233-4455-6677-8899-aabbccddeeff");
    polkai_library_destroy(library);
}
