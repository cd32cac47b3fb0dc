/* A record: null is not empty, the last header of a name counts, and what is kept outlives its original. */
#include <base/arena.h>
#include <base/error.h>
#include <transport/record.h>

#include <criterion/criterion.h>

static unsigned released;

static void count_release(polkai_record *record)
{
    (void)record;
    released++;
}

static void two_headers(polkai_record *record, polka_arena *arena)
{
    polkai_header *headers = polka_arena_alloc(arena, 2 * sizeof *headers);
    headers[0] = (polkai_header){ POLKA_TEXT_INIT("a"), { 1, (const uint8_t *)"1" } };
    headers[1] = (polkai_header){ POLKA_TEXT_INIT("a"), { 0, NULL } };
    record->headers = headers;
    record->header_count = 2;
}

static polkai_record sample(uint8_t *value)
{
    return (polkai_record){ .topic = POLKA_TEXT("t"), .partition = 3, .offset = 7, .timestamp_ms = 9, .key = { 0, (const uint8_t *)"" },
                            .value = { 2, value }, .read_headers = two_headers, .release = count_release };
}

Test(record, the_last_header_of_a_name_counts)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    polkai_record record = sample((uint8_t *)"xy");
    polkai_record_headers(&record, &arena);
    const polkai_header *header = polkai_record_header(&record, POLKA_TEXT("a"));
    cr_assert_not_null(header);
    cr_assert_null(header->value.data);
    cr_assert_null(polkai_record_header(&record, POLKA_TEXT("b")));
}

Test(record, is_released_once_however_often_it_is_asked)
{
    released = 0;
    polkai_record record = sample((uint8_t *)"xy");
    polkai_record_release(&record);
    polkai_record_release(&record);
    cr_assert_eq(released, 1);
}

Test(record, kept_is_a_copy_with_headers_and_gives_the_original_back)
{
    uint8_t value[2] = "xy";
    released = 0;
    polkai_record record = sample(value);
    polkai_record_keep(&record);
    cr_assert_eq(released, 1);
    memset(value, 0, sizeof value);
    polkai_record_keep(&record);         /* again changes nothing */
    cr_assert_eq(released, 1);
    cr_assert_arr_eq(record.value.data, "xy", 2);
    cr_assert_eq(record.partition, 3);
    cr_assert_eq(record.offset, 7);
    cr_assert_eq(record.timestamp_ms, 9);
    cr_assert_eq(record.header_count, 2);
    cr_assert_arr_eq(record.headers[0].value.data, "1", 1);
    cr_assert_eq(record.headers[0].name.data[1], '\0');
    cr_assert_null(record.headers[1].value.data);
    polkai_record_release(&record);
}

Test(record, kept_null_stays_null_and_empty_stays_empty)
{
    polkai_record record = sample(NULL);
    record.value.size = 0;
    polkai_record_keep(&record);
    cr_assert_null(record.value.data);
    cr_assert_not_null(record.key.data);
    cr_assert_eq(record.key.size, 0);
    polkai_record_release(&record);
}

Test(record, that_stands_for_a_range_keeps_its_texts_itself)
{
    polkai_record record;
    char code[] = "unreadable", message[] = "why";
    polkai_record_make_unread(&record, POLKA_TEXT("t"), 2, 5, 9, code, message);
    memset(code, 'x', sizeof code - 1);
    memset(message, 'x', sizeof message - 1);
    polkai_record_keep(&record);
    cr_assert_eq(polkai_record_first(&record), 5);
    cr_assert_eq(record.offset, 8);
    cr_assert_null(record.value.data);
    cr_assert_str_eq(record.unread->code, "unreadable");
    cr_assert_str_eq(record.unread->message, "why");
    polkai_record_release(&record);
    polkai_record plain = sample(NULL);
    cr_assert_eq(polkai_record_first(&plain), 7);
}
