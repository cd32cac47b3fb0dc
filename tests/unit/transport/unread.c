/* Batches that cannot be read: stepped over as one range, or their partition parked; nothing before or behind them is lost. */
#include <transport/kafka/source.h>

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <endian.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- a batch as nobody writes it, by a request of our own ----------------------------------------- */

enum { PLAIN = 0, GZIP = 1, ZSTD = 4 };
typedef struct { int codec, records; bool bad_checksum; } damage;          /* PLAIN: a batch that has none of its records */
typedef struct { uint8_t bytes[1024]; size_t size; } buffer;

static void put(buffer *to, uint64_t number, size_t bytes)
{
    for (size_t i = bytes; i-- > 0;)
        to->bytes[to->size++] = (uint8_t)(number >> (8 * i));
}

static void put_bytes(buffer *to, const void *from, size_t size)
{
    memcpy(to->bytes + to->size, from, size);
    to->size += size;
}

static uint32_t crc32c(const uint8_t *at, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82f63b78 & -(crc & 1));
    }
    return ~crc;
}

static buffer batch_of(damage how)
{
    buffer body = { .size = 0 }, batch = { .size = 0 };
    put(&body, (uint64_t)how.codec, 2);
    put(&body, (uint64_t)how.records - 1, 4);
    put(&body, 1700000000000, 8);
    put(&body, 1700000000000, 8);
    put(&body, UINT64_MAX, 8);       /* producer's id, epoch, first sequence: none */
    put(&body, UINT64_MAX, 2);
    put(&body, UINT64_MAX, 4);
    put(&body, (uint64_t)how.records, 4);
    for (int i = 0; i < 150 && how.codec != PLAIN; i++)
        put(&body, (uint64_t)(i * 37 + 11), 1);
    put(&batch, 0, 8);
    put(&batch, body.size + 4 + 1 + 4, 4);
    put(&batch, UINT64_MAX, 4);
    put(&batch, 2, 1);
    put(&batch, crc32c(body.bytes, body.size) ^ how.bad_checksum, 4);
    put_bytes(&batch, body.bytes, body.size);
    return batch;
}

static void exchange(const char *address, const buffer *request)
{
    struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1)),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    uint8_t answer[512];
    int door = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(door, (struct sockaddr *)&there, sizeof there), 0);
    cr_assert_eq(write(door, request->bytes, request->size), (ssize_t)request->size);
    cr_assert_gt(read(door, answer, sizeof answer), 4);
    close(door);
}

/* Produce, version 3, to t/0. */
static void produce(const char *address, damage how)
{
    buffer batch = batch_of(how), request = { .size = 4 };
    put(&request, 0, 2);
    put(&request, 3, 2);
    put(&request, 1, 4);
    put(&request, 1, 2);
    put_bytes(&request, "c", 1);
    put(&request, UINT64_MAX, 2);
    put(&request, 1, 2);
    put(&request, 5000, 4);
    put(&request, 1, 4);
    put(&request, 1, 2);
    put_bytes(&request, "t", 1);
    put(&request, 1, 4);
    put(&request, 0, 4);
    put(&request, batch.size, 4);
    put_bytes(&request, batch.bytes, batch.size);
    uint32_t size = htobe32((uint32_t)request.size - 4);
    memcpy(request.bytes, &size, 4);
    exchange(address, &request);
}

/* ---- a topic with holes, and its reader ----------------------------------------------------------- */

typedef struct {
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *mock;
    polkai_sink *sink;
    polkai_source *source;
    const polkai_kafka_property *properties;
    size_t property_count;
    unsigned reported, notices;
    char last[700];
} scene;

static void count_report(void *user, const polkai_report *report)
{
    cr_assert_eq(report->status, POLKA_OK, "%s", report->message);
    ((scene *)user)->reported++;
}

static void hear(void *user, polka_status status, const char *message)
{
    scene *play = user;
    (void)status;
    play->notices++;
    snprintf(play->last, sizeof play->last, "%s", message);
}

static void begin(scene *play)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    play->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    play->mock = rd_kafka_mock_cluster_new(play->owner, 1);
    cr_assert_eq(rd_kafka_mock_topic_create(play->mock, "t", 2, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(play->mock), .embedded = true, .report = count_report, .report_user = play };
    cr_assert_eq(polkai_kafka_sink_open(&play->sink, &options, NULL), POLKA_OK);
}

static void write_good(scene *play, int32_t partition, unsigned count)
{
    unsigned until = play->reported + count;
    for (unsigned i = 0; i < count; i++)
        cr_assert_eq(play->sink->operations->send(play->sink, &(polkai_record){ .topic = POLKA_TEXT("t"), .partition = partition,
                                                  .value = { 1, (const uint8_t *)"v" } }, NULL, NULL), POLKA_OK);
    while (play->reported < until)
        play->sink->operations->poll(play->sink, 20);
}

static void write_bad(scene *play, damage how)
{
    produce(rd_kafka_mock_cluster_bootstraps(play->mock), how);
}

static void join(scene *play, bool parks)
{
    polka_text topic = POLKA_TEXT_INIT("t");
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(play->mock), .group = "g", .embedded = true, .park_unread = parks,
                                     .properties = play->properties, .property_count = play->property_count };
    cr_assert_eq(polkai_kafka_source_open(&play->source, &options, NULL), POLKA_OK);
    ((polkai_kafka_source *)play->source)->unread_ms = 100;
    polkai_start start = { .topics = &topic, .topic_count = 1, .listener = { .user = play, .notice = hear } };
    cr_assert_eq(play->source->operations->start(play->source, &start, NULL), POLKA_OK);
}

static void end(scene *play)
{
    play->source->operations->close(play->source, POLKAI_CLOSE_MS);
    play->sink->operations->close(play->sink, 1000);
    rd_kafka_mock_cluster_destroy(play->mock);
    rd_kafka_destroy(play->owner);
}

/* Reads t/0 to before `end`: "0 1 [2 5) 5". */
static void read_to(scene *play, int64_t end, char *seen, size_t capacity)
{
    size_t used = 0;
    int64_t at = -1;
    for (int64_t limit = polkai_kafka_now_ns() + (int64_t)40 * 1000000000; at < end - 1 && polkai_kafka_now_ns() < limit;) {
        polkai_record record;
        if (play->source->operations->poll(play->source, &record, 1, 100) == 0)
            continue;
        if (record.partition == 0) {
            at = record.offset;
            if (record.unread != NULL)
                used += (size_t)snprintf(seen + used, capacity - used, "[%d %d) ", (int)record.unread->first, (int)record.offset + 1);
            else
                used += (size_t)snprintf(seen + used, capacity - used, "%d ", (int)record.offset);
            cr_assert(record.unread == NULL || (record.value.data == NULL && strcmp(record.unread->code, "unreadable-batch") == 0));
        }
        polkai_record_release(&record);
    }
}

static void step_over(damage how, const char *expected)
{
    scene play = { 0 };
    char seen[256] = "";
    begin(&play);
    write_good(&play, 0, 2);
    write_bad(&play, how);
    write_good(&play, 0, 2);
    join(&play, false);
    read_to(&play, 2 + how.records + 2, seen, sizeof seen);
    cr_assert_str_eq(seen, expected);
    cr_assert_not_null(strstr(play.last, "stepped over"), "%s", play.last);
    end(&play);
}

Test(unread, one_record_with_a_damaged_payload_is_stepped_over, .timeout = 90)
{
    step_over((damage){ GZIP, 1, false }, "0 1 [2 3) 3 4 ");
}

Test(unread, all_records_of_the_batch_are_and_no_other, .timeout = 90)
{
    step_over((damage){ ZSTD, 13, false }, "0 1 [2 15) 15 16 ");
}

Test(unread, a_batch_with_a_wrong_checksum_is_too, .timeout = 90)
{
    step_over((damage){ GZIP, 5, true }, "0 1 [2 7) 7 8 ");
}

/* As compaction leaves them. At the second in a row of so large fetches librdkafka says that it might be too large, and goes on behind it. */
static void begin_with_emptied(scene *play)
{
    static const polkai_kafka_property large = { "fetch.message.max.bytes", "1000000000" };
    *play = (scene){ .properties = &large, .property_count = 1 };
    begin(play);
    write_good(play, 0, 2);
    write_bad(play, (damage){ PLAIN, 3, false });
    write_bad(play, (damage){ PLAIN, 3, false });
    write_good(play, 0, 2);
    join(play, false);
}

/* Found by this test: each of them became a dead letter of records that are not there, 5 s later. */
Test(unread, batches_without_records_are_passed_over_in_silence, .timeout = 90)
{
    scene play;
    char seen[256] = "";
    begin_with_emptied(&play);
    read_to(&play, 10, seen, sizeof seen);
    cr_assert_str_eq(seen, "0 1 8 9 ");
    cr_assert_eq(play.notices, 0, "%s", play.last);
    end(&play);
}

Test(unread, and_too_large_ones_at_which_reading_does_not_go_on_are_stepped_over, .timeout = 90)
{
    scene play;
    char seen[256] = "";
    begin_with_emptied(&play);
    read_to(&play, 10, seen, sizeof seen);
    rd_kafka_topic_partition_list_t *same = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(same, "t", 0)->offset = 5;
    rd_kafka_error_destroy(rd_kafka_seek_partitions(((polkai_kafka_source *)play.source)->client.handle, same, 0));
    rd_kafka_topic_partition_list_destroy(same);
    read_to(&play, 10, seen, sizeof seen);
    cr_assert_str_eq(seen, "[5 8) 8 9 ");
    cr_assert_not_null(strstr(play.last, "stepped over"), "%s", play.last);
    end(&play);
}

/* Found by reading: one was remembered for all partitions, and two that came in turn at the same offsets were dropped for ever. */
Test(unread, too_large_ones_of_two_partitions_in_turn_are_trouble_of_both, .timeout = 60)
{
    scene play = { 0 };
    polkai_record range;
    begin(&play);
    join(&play, false);
    polkai_kafka_source *source = (polkai_kafka_source *)play.source;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(source->client.handle, "t", NULL);
    for (int i = 0; i < 4; i++) {
        rd_kafka_message_t met = { .err = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, .rkt = topic, .partition = i % 2, .offset = 5 + i % 2 };
        cr_expect_eq(polkai_kafka_unread_look(source, &met, &range), POLKAI_KAFKA_DROP);
        cr_expect_eq(play.notices, i < 2 ? 0u : (unsigned)i - 1, "at %d", i);
    }
    cr_expect_not_null(strstr(play.last, "t/1: the batch at offset 6 cannot be read"), "%s", play.last);
    rd_kafka_topic_destroy(topic);
    end(&play);
}

Test(unread, two_in_a_row_and_one_at_the_end_are_three_ranges, .timeout = 90)
{
    scene play = { 0 };
    char seen[256] = "";
    begin(&play);
    write_bad(&play, (damage){ GZIP, 3, false });
    write_bad(&play, (damage){ ZSTD, 4, false });
    write_good(&play, 0, 1);
    write_bad(&play, (damage){ GZIP, 6, false });
    join(&play, false);
    read_to(&play, 14, seen, sizeof seen);
    cr_assert_str_eq(seen, "[0 3) [3 7) 7 [8 14) ");
    write_good(&play, 0, 1);
    read_to(&play, 15, seen, sizeof seen);
    cr_assert_str_eq(seen, "14 ", "and what is written later comes");
    end(&play);
}

/* Found by reading: a broker that answered no probe for 3 s made the range too short, and reading never came past the batch again. */
Test(unread, is_all_stepped_over_though_no_probe_is_answered_in_time, .timeout = 90)
{
    scene play = { 0 };
    char seen[256] = "";
    begin(&play);
    write_good(&play, 0, 2);
    write_bad(&play, (damage){ GZIP, 3, false });
    write_good(&play, 0, 2);
    join(&play, false);
    ((polkai_kafka_source *)play.source)->answer_ms = 0;
    read_to(&play, 7, seen, sizeof seen);
    cr_assert_str_eq(seen, "0 1 [2 3) [3 4) [4 5) 5 6 ");
    end(&play);
}

Test(unread, its_partition_is_parked_where_that_is_wanted_and_the_others_go_on, .timeout = 90)
{
    scene play = { 0 };
    begin(&play);
    write_good(&play, 0, 2);
    write_bad(&play, (damage){ GZIP, 3, false });
    write_good(&play, 0, 2);
    join(&play, true);
    char seen[256] = "";
    read_to(&play, 2, seen, sizeof seen);
    for (int64_t limit = polkai_kafka_now_ns() + (int64_t)30 * 1000000000; strstr(play.last, "parked") == NULL && polkai_kafka_now_ns() < limit;)
        cr_assert_eq(play.source->operations->poll(play.source, &(polkai_record){ 0 }, 1, 100), 0);
    cr_assert_not_null(strstr(play.last, "t/0 is parked at offset 2"), "%s", play.last);
    unsigned told = play.notices;
    play.source->operations->pause(play.source, true);
    play.source->operations->pause(play.source, false);
    write_good(&play, 1, 3);
    polkai_record record;
    unsigned others = 0;
    for (int64_t limit = polkai_kafka_now_ns() + (int64_t)3 * 1000000000; polkai_kafka_now_ns() < limit;) {
        if (play.source->operations->poll(play.source, &record, 1, 100) == 0)
            continue;
        cr_assert_eq(record.partition, 1);
        others++;
        polkai_record_release(&record);
    }
    cr_assert_eq(others, 3);
    cr_assert_eq(play.notices, told, "told once: %s", play.last);
    end(&play);
}
