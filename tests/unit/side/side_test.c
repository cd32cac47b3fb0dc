#include <base/arena.h>
#include <side/parking/parking.h>
#include <side/retry/policy.h>

#include <criterion/criterion.h>
#include <stdio.h>

/* ---- retry ---- */

Test(retry, grows_its_delay_by_the_factor_up_to_the_most)
{
    polka_retry_policy policy = { .attempts = 6, .first_delay_ms = 100, .max_delay_ms = 500, .factor = 2 };
    static const int64_t expected_ms[] = { 100, 200, 400, 500, 500 };
    for (unsigned attempt = 1; attempt <= 5; attempt++) {
        polkai_retry_decision decision = polkai_retry_decide(&policy, attempt, 1.0);
        cr_assert(decision.retry);
        cr_assert_eq(decision.delay_ns, expected_ms[attempt - 1] * 1000000);
        cr_assert_eq(polkai_retry_decide(&policy, attempt, 0.0).delay_ns, expected_ms[attempt - 1] * 500000);
    }
    cr_assert(!polkai_retry_decide(&policy, 6, 0.5).retry);
}

Test(retry, means_no_retry_by_one_attempt)
{
    polka_retry_policy policy = polkai_retry_policy_complete((polka_retry_policy){ .attempts = 1 });
    cr_assert(!polkai_retry_decide(&policy, 1, 0.5).retry);
}

Test(retry, completes_zero_by_the_documented_defaults)
{
    polka_retry_policy policy = polkai_retry_policy_complete((polka_retry_policy){ 0 });
    cr_assert_eq(policy.attempts, 5);
    cr_assert_eq(policy.first_delay_ms, 100);
    cr_assert_eq(policy.max_delay_ms, 30000);
    cr_assert_float_eq(policy.factor, 2.0, 1e-9);
}

Test(retry, of_an_outage_never_waits_longer_than_thirty_seconds)
{
    cr_assert_eq(polkai_retry_outage_ns(1, 1.0), 10000000);
    cr_assert_eq(polkai_retry_outage_ns(1000000, 1.0), 30000000000);
}

/* ---- parking ---- */

typedef struct { polkai_parked parked; polkai_record record; int number; } item;

static item make(const char *key, int32_t partition, int number, int64_t due_ns)
{
    item made = { .record = { .topic = POLKA_TEXT("t"), .partition = partition, .key = { key == NULL ? 0 : strlen(key), (const uint8_t *)key } }, .number = number };
    made.parked.due_ns = due_ns;
    return made;
}

static polkai_parked *parked(item *from)
{
    from->parked.record = &from->record;
    return &from->parked;
}

Test(parking, gives_a_key_back_in_order_when_it_is_due)
{
    polkai_parking *parking = polkai_parking_create();
    item first = make("a", 0, 1, 100), second = make("a", 0, 2, 0), third = make("a", 0, 3, 0), other = make("b", 0, 4, 50);
    polkai_parking_park(parking, parked(&first));
    cr_assert(polkai_parking_follow(parking, parked(&second)));
    cr_assert(polkai_parking_follow(parking, parked(&third)));
    cr_assert(!polkai_parking_follow(parking, parked(&other)));
    polkai_parking_park(parking, parked(&other));
    cr_assert_eq(polkai_parking_keys(parking), 2);
    cr_assert_eq(polkai_parking_count(parking), 4);
    cr_assert_eq(polkai_parking_next_due_ns(parking), 50);
    cr_assert_null(polkai_parking_due(parking, 49));
    cr_assert_eq(polkai_parking_due(parking, 50), &other.parked);
    polkai_parked *due = polkai_parking_due(parking, 100);
    cr_assert(due == &first.parked && due->next == &second.parked && due->next->next == &third.parked && due->next->next->next == NULL);
    cr_assert_eq(polkai_parking_count(parking), 0);
    polkai_parking_destroy(parking);
}

Test(parking, keeps_equal_keys_of_two_partitions_apart)
{
    polkai_parking *parking = polkai_parking_create();
    item first = make("a", 0, 1, 100), second = make("a", 1, 2, 0);
    polkai_parking_park(parking, parked(&first));
    cr_assert(!polkai_parking_follow(parking, parked(&second)));
    polkai_parking_destroy(parking);
}

Test(parking, lets_a_record_without_key_wait_alone)
{
    polkai_parking *parking = polkai_parking_create();
    item first = make(NULL, 0, 1, 100), second = make(NULL, 0, 2, 0);
    polkai_parking_park(parking, parked(&first));
    cr_assert(!polkai_parking_follow(parking, parked(&second)));
    polkai_parking_destroy(parking);
}

static bool of_partition_one(const polkai_parked *at, void *user)
{
    (void)user;
    return at->record->partition == 1;
}

Test(parking, sweeps_out_what_is_wanted_and_keeps_the_rest)
{
    enum { MANY = 500 };
    polkai_parking *parking = polkai_parking_create();
    static item items[MANY];
    static char keys[MANY][8];
    for (int i = 0; i < MANY; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        items[i] = make(keys[i], i % 2, i, MANY - i);
        polkai_parking_park(parking, parked(&items[i]));
    }
    size_t swept = 0;
    for (polkai_parked *at = polkai_parking_sweep(parking, of_partition_one, NULL); at != NULL; at = at->next, swept++)
        cr_assert_eq(at->record->partition, 1);
    cr_assert_eq(swept, MANY / 2);
    int64_t before = 0;
    for (polkai_parked *at; (at = polkai_parking_due(parking, INT64_MAX)) != NULL; before = at->due_ns)
        cr_assert_gt(at->due_ns, before);
    polkai_parking_destroy(parking);
}
