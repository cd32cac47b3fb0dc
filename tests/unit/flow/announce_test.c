/* announce_test.c: a service says what it is on polka.services when it starts, and works on when that fails. */
#include "harness.h"

#include <criterion/criterion.h>

static polka_outcome skip(polka_context *ctx, const note *event)
{
    (void)ctx, (void)event;
    return POLKA_SKIP;
}

static const polka_service quiet = {
    .name = "quiet", .version = "1.2.0", .reactions = (const polka_reaction[]){ POLKA_REACT(test_asked, skip), { 0 } } };

static harness *start(polka_status failure)
{
    harness *h = harness_create();
    if (failure != POLKA_OK)
        polkai_memory_fail(h->memory, "polka.services", failure, "UNKNOWN_TOPIC_OR_PART", 1000000);
    harness_start(h, &quiet, (polkai_flow_options){ .manifest_key = POLKA_TEXT("quiet@1.2.0"), .manifest = POLKA_TEXT("{\"polka\":1}") });
    harness_put(h, NULL, "go", NULL);
    harness_turn(h);
    harness_advance_ms(h, 60000);
    return h;
}

Test(announce, a_service_says_once_what_it_is)
{
    harness *h = start(POLKA_OK);
    const polkai_record *record = harness_record(h, "polka.services", 0);
    cr_assert_not_null(record);
    cr_assert_eq(record->key.size, 11u);
    cr_assert_eq(memcmp(record->key.data, "quiet@1.2.0", 11), 0);
    cr_assert_eq(record->value.size, 11u);
    cr_assert_eq(memcmp(record->value.data, "{\"polka\":1}", 11), 0);
    cr_assert_null(harness_record(h, "polka.services", 1));
    harness_stop(h);
    harness_destroy(h);
}

Test(announce, what_nobody_takes_is_told_of_once_and_holds_nothing_back)
{
    static const polka_status failures[] = { POLKA_TRANSIENT, POLKA_POISON };
    for (size_t i = 0; i < 2; i++) {
        harness *h = start(failures[i]);
        cr_assert_not_null(strstr(h->all_logs, "this service is not on polka.services"));
        cr_assert_null(strstr(strstr(h->all_logs, "this service is not on polka.services") + 1, "this service is not on"));
        cr_assert_eq(polkai_flow_count(h->flow).skipped, 1u);
        cr_assert_eq(harness_committed(h, "quiet", "test.asked"), 1);
        cr_assert_eq(polkai_flow_next_due_ms(h->flow), -1);
        harness_stop(h);
        harness_destroy(h);
    }
}
