/* What only the memory transport has: planted failures, order of arrival across topics, time that does not move by itself. */
#include <transport/memory/memory.h>

#include <criterion/criterion.h>

typedef struct { unsigned count; polka_status status[16]; char code[16][32]; uintptr_t cookie[16]; } told;

static void tell(void *user, const polkai_report *report)
{
    told *all = user;
    cr_assert_lt(all->count, 16);
    all->status[all->count] = report->status;
    all->cookie[all->count] = (uintptr_t)report->cookie;
    strcpy(all->code[all->count++], report->code);
}

static int64_t still(const polkai_clock *clock)
{
    (void)clock;
    return 5000;
}

static const polkai_clock virtual_clock = { still, still, NULL };

static void send(polkai_sink *sink, const char *topic, const char *key, uintptr_t cookie)
{
    polkai_record record = { .topic = polka_text_of(topic), .partition = -1, .key = { strlen(key), (const uint8_t *)key },
                             .value = { 1, (const uint8_t *)"v" } };
    cr_assert_eq(sink->operations->send(sink, &record, (void *)cookie, NULL), POLKA_OK);
}

Test(memory, a_planted_failure_is_reported_as_often_as_asked_and_the_record_is_not_there)
{
    told reports = { 0 };
    polkai_memory *memory = polkai_memory_create(&virtual_clock, 1);
    polkai_sink *sink;
    cr_assert_eq(polkai_memory_sink_open(&sink, memory, tell, &reports, NULL), POLKA_OK);
    polkai_memory_fail(memory, "t", POLKA_TRANSIENT, "planted", 1);
    send(sink, "other", "k", 1);
    send(sink, "t", "k", 2);
    send(sink, "t", "k", 3);
    cr_assert_eq(sink->operations->poll(sink, 0), 3);
    cr_assert_eq(reports.status[0], POLKA_OK);
    cr_assert_eq(reports.status[1], POLKA_TRANSIENT);
    cr_assert_str_eq(reports.code[1], "planted");
    cr_assert_eq(reports.cookie[1], 2);
    cr_assert_eq(reports.status[2], POLKA_OK);
    cr_assert_eq(polkai_memory_count(memory, "t", 0), 1);
    sink->operations->close(sink, 0);
    polkai_memory_destroy(memory);
}

Test(memory, a_planted_failure_can_be_taken_back)
{
    told reports = { 0 };
    polkai_memory *memory = polkai_memory_create(&virtual_clock, 1);
    polkai_sink *sink;
    cr_assert_eq(polkai_memory_sink_open(&sink, memory, tell, &reports, NULL), POLKA_OK);
    polkai_memory_fail(memory, NULL, POLKA_POISON, "planted", 100);
    polkai_memory_fail(memory, NULL, POLKA_OK, NULL, 0);
    send(sink, "t", "k", 1);
    cr_assert_eq(sink->operations->poll(sink, 0), 1);
    cr_assert_eq(reports.status[0], POLKA_OK);
    sink->operations->close(sink, 0);
    polkai_memory_destroy(memory);
}

Test(memory, gives_records_of_several_topics_in_the_order_they_were_sent)
{
    polkai_memory *memory = polkai_memory_create(&virtual_clock, 3);
    polkai_sink *sink;
    polkai_source *source;
    cr_assert_eq(polkai_memory_sink_open(&sink, memory, NULL, NULL, NULL), POLKA_OK);
    cr_assert_eq(polkai_memory_source_open(&source, memory, "g", NULL), POLKA_OK);
    polka_text topics[] = { POLKA_TEXT_INIT("a"), POLKA_TEXT_INIT("b") };
    cr_assert_eq(source->operations->start(source, &(polkai_start){ .topics = topics, .topic_count = 2 }, NULL), POLKA_OK);
    const char *order[] = { "b", "a", "b", "b", "a" };
    for (size_t i = 0; i < 5; i++)
        send(sink, order[i], &"key"[i % 3], i);
    polkai_record records[8];
    size_t count = source->operations->poll(source, records, 8, 0);
    cr_assert_eq(count, 5);
    for (size_t i = 0; i < count; i++) {
        cr_assert_str_eq(records[i].topic.data, order[i]);
        polkai_record_release(&records[i]);
    }
    source->operations->close(source, POLKAI_CLOSE_MS);
    sink->operations->close(sink, 0);
    polkai_memory_destroy(memory);
}

Test(memory, never_waits_on_a_virtual_clock, .timeout = 5)
{
    polkai_memory *memory = polkai_memory_create(&virtual_clock, 1);
    polkai_source *source;
    cr_assert_eq(polkai_memory_source_open(&source, memory, "g", NULL), POLKA_OK);
    polka_text topic = POLKA_TEXT_INIT("a");
    cr_assert_eq(source->operations->start(source, &(polkai_start){ .topics = &topic, .topic_count = 1 }, NULL), POLKA_OK);
    polkai_record record;
    cr_assert_eq(source->operations->poll(source, &record, 1, 3600000), 0);
    source->operations->close(source, POLKAI_CLOSE_MS);
    polkai_memory_destroy(memory);
}

Test(memory, a_new_member_gets_nothing_that_the_old_one_still_holds)
{
    polkai_memory *memory = polkai_memory_create(&virtual_clock, 2);
    polkai_sink *sink;
    polkai_source *old, *new;
    cr_assert_eq(polkai_memory_sink_open(&sink, memory, NULL, NULL, NULL), POLKA_OK);
    cr_assert_eq(polkai_memory_source_open(&old, memory, "g", NULL), POLKA_OK);
    cr_assert_eq(polkai_memory_source_open(&new, memory, "g", NULL), POLKA_OK);
    polka_text topic = POLKA_TEXT_INIT("a");
    polkai_start start = { .topics = &topic, .topic_count = 1 };
    polkai_record records[4];
    cr_assert_eq(old->operations->start(old, &start, NULL), POLKA_OK);
    cr_assert_eq(old->operations->poll(old, records, 4, 0), 0);
    cr_assert_eq(new->operations->start(new, &start, NULL), POLKA_OK);
    for (int32_t p = 0; p < 2; p++)
        cr_assert_eq(sink->operations->send(sink, &(polkai_record){ .topic = topic, .partition = p }, NULL, NULL), POLKA_OK);
    cr_assert_eq(new->operations->poll(new, records, 4, 0), 0);
    cr_assert_eq(old->operations->poll(old, records, 4, 0), 1);
    cr_assert_eq(new->operations->poll(new, records + 1, 3, 0), 1);
    cr_assert_neq(records[0].partition, records[1].partition);
    polkai_record_release(&records[0]);
    polkai_record_release(&records[1]);
    old->operations->close(old, POLKAI_CLOSE_MS);
    new->operations->close(new, POLKAI_CLOSE_MS);
    sink->operations->close(sink, 0);
    polkai_memory_destroy(memory);
}
