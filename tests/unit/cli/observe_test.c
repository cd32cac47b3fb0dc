/* Who says and hears what, from records in any order. */
#include <cli/observe.h>

#include <criterion/criterion.h>
#include <stdio.h>

static cli_observed observed;

static void take(const char *source, const char *type, const char *id, const char *cause, int64_t time_ms)
{
    polkai_record record = { .topic = POLKA_TEXT("t"), .timestamp_ms = time_ms };
    polkai_envelope envelope = { .source = polka_text_of(source), .type = polka_text_of(type), .id = polka_text_of(id), .time_ms = time_ms };
    if (cause != NULL)
        envelope.causation_id = polka_text_of(cause);
    cli_observed_take(&observed, &record, &envelope);
}

static uint64_t seen(bool says, const char *service, const char *event)
{
    const cli_seen *found = cli_observed_find(&observed, says, service, event);
    return found == NULL ? 0 : found->count;
}

Test(observed, a_service_hears_what_caused_what_it_says_whichever_was_read_first)
{
    cli_observed_begin(&observed);
    take("/s/shipping", "s.Shipped", "2", "1", 20);
    take("/s/storefront", "s.Placed", "1", NULL, 10);
    take("/s/storefront", "s.Placed", "3", NULL, 30);
    take("/s/shipping", "s.Shipped", "4", "3", 40);
    take("/s/shipping", "s.Shipped", "5", "too old to be there", 50);
    cli_observed_settle(&observed);
    cr_assert_eq(seen(true, "storefront", "s.Placed"), 2);
    cr_assert_eq(seen(true, "shipping", "s.Shipped"), 3);
    cr_assert_eq(seen(false, "shipping", "s.Placed"), 2);
    cr_assert_eq(seen(false, "storefront", "s.Placed"), 0);
    cr_assert_eq(cli_observed_find(&observed, false, "shipping", "s.Placed")->last_ms, 40);
    cli_observed_free(&observed);
}

/* Found: the id of every record was kept, so that a week of a busy cluster did not fit into memory. */
Test(observed, of_more_ids_than_are_kept_the_oldest_go_and_that_is_counted)
{
    char id[16];
    cli_observed_begin(&observed);
    observed.causes.most = 2000;
    for (int i = 0; i < 5000; i++) {
        snprintf(id, sizeof id, "c%d", i);
        take("/s/storefront", "s.Placed", id, NULL, i);
        take("/s/storefront", "s.Placed", id, NULL, i);  /* a copy takes no room */
    }
    cr_assert_eq(observed.causes.count, 2000);
    cr_assert_eq(observed.causes.forgotten, 3000);
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "e%d", i);
        take("/s/shipping", "s.Shipped", id, "c4999", i);
    }
    cr_assert_eq(seen(false, "shipping", "s.Placed"), 1000);
    for (int i = 0; i < 9000; i++)
        take("/s/shipping", "s.Shipped", "same", "never there", i);
    cr_assert_leq(observed.late_capacity, 2000, "effects that wait for their cause are bounded as well");
    take("/s/billing", "s.Billed", "b", "late", 1);
    take("/s/storefront", "s.Placed", "late", NULL, 2);
    cli_observed_settle(&observed);
    cr_assert_eq(seen(false, "billing", "s.Placed"), 1);
    cr_assert_eq(observed.unknown, 9000);
    cli_observed_free(&observed);
}

Test(observed, a_group_hears_what_it_has_a_dead_letter_of)
{
    polkai_header headers[] = { { POLKA_TEXT("polka-letter-id"), { 1, (const uint8_t *)"x" } }, { POLKA_TEXT("polka-consumer-group"), { 5, (const uint8_t *)"ships" } } };
    polkai_record record = { .topic = POLKA_TEXT("t.ships.dlt"), .timestamp_ms = 15, .headers = headers, .header_count = 2 };
    polkai_envelope envelope = { .source = POLKA_TEXT("/s/storefront"), .type = POLKA_TEXT("s.Placed"), .id = POLKA_TEXT("1"), .time_ms = 10 };
    cli_observed_begin(&observed);
    take("/s/storefront", "s.Placed", "1", NULL, 10);
    cli_observed_take(&observed, &record, &envelope);
    cli_observed_settle(&observed);
    cr_assert_eq(seen(false, "ships", "s.Placed"), 1);
    cr_assert_eq(seen(true, "storefront", "s.Placed"), 1, "a letter is not said once more");
    cli_observed_free(&observed);
}

/* What was seen of an event is a chain through rows that move when there are more. */
Test(observed, counts_stay_with_their_service_and_event_however_many_there_are)
{
    enum { SERVICES = 30, EVENTS = 40 };
    char source[20], type[20], id[20], cause[20];
    cli_observed_begin(&observed);
    for (int round = 0; round < 2; round++)
        for (int s = 0; s < SERVICES; s++)
            for (int e = 0; e < EVENTS; e++) {
                snprintf(source, sizeof source, "/s/x%d", s);
                snprintf(type, sizeof type, "s.E%d", e);
                snprintf(id, sizeof id, "%d-%d-%d", round, s, e);
                snprintf(cause, sizeof cause, "%d-%d-%d", round, s, e - 1);
                take(source, type, id, e > 0 ? cause : NULL, round);
            }
    cli_observed_settle(&observed);
    cr_assert_eq(observed.seen_count, SERVICES * EVENTS + SERVICES * (EVENTS - 1));
    for (int s = 0; s < SERVICES; s++)
        for (int e = 0; e < EVENTS; e++) {
            snprintf(source, sizeof source, "x%d", s);
            snprintf(type, sizeof type, "s.E%d", e);
            cr_assert_eq(seen(true, source, type), 2, "%s %s", source, type);
            cr_assert_eq(seen(false, source, type), e < EVENTS - 1 ? 2 : 0, "%s %s", source, type);
        }
    cr_assert_eq(seen(true, "x0", "s.Another") + seen(true, "another", "s.E0"), 0);
    cli_observed_free(&observed);
}
