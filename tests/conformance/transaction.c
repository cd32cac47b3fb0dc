/* What every transaction promises: records and offsets together or not at all, and going back to what is committed. */
#include "stage.h"

#include <base/error.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RECORDS = 10, QUIET_MS = 300 };

typedef struct {
    stage *at;
    reports *told;
    polkai_sink *sink;
    const char *in, *out, *group;
    told member;                         /* of the group, which reads `in` */
    polkai_source *source;
    polkai_transaction *transaction;
    polka_error error;
} scene;

static void join(scene *play)
{
    play->source = stage_source(play->at, play->group);
    start_group(play->source, &play->member, play->in);
}

static scene *scene_of(int64_t most_bytes)
{
    scene *play = calloc(1, sizeof *play);
    play->at = stage_open();
    play->told = calloc(1, sizeof(reports));
    play->sink = stage_sink(play->at, play->told);
    play->in = stage_topic(play->at, 1);
    play->out = stage_topic_taking(play->at, 1, most_bytes);
    play->group = stage_name(play->at, "group");
    for (uintptr_t i = 0; i < RECORDS; i++) {
        char text[16];
        snprintf(text, sizeof text, "in-%d", (int)i);
        send_one(play->sink, &(polkai_record){ .topic = polka_text_of(play->in), .partition = 0, .value = { strlen(text), (const uint8_t *)text } }, i);
        await_reports(play->sink, play->told, (size_t)i + 1);
    }
    join(play);
    play->transaction = stage_transaction(play->at, play->group);
    return play;
}

static void end(scene *play)
{
    play->transaction->operations->close(play->transaction);
    play->source->operations->close(play->source, POLKAI_CLOSE_MS);
    play->sink->operations->close(play->sink, 1000);
    stage_close(play->at);
    free(play->told);
    free(play);
}

static bool skipped(void)
{
    stage *at = stage_open();
    bool can = stage_can(at, CAN_TRANSACT);
    stage_close(at);
    return !can;
}

/* ---- steps ---- */

static void must(scene *play, polkai_transaction_verdict found, polkai_transaction_verdict wanted, const char *what)
{
    cr_assert_eq(found, wanted, "%s: %d, not %d: %s", what, (int)found, (int)wanted, play->error.message);
}

static void begin(scene *play)
{
    must(play, play->transaction->operations->begin(play->transaction, &play->error), POLKAI_TRANSACTION_DONE, "begin");
}

static void send_text(scene *play, const char *text, uintptr_t cookie)
{
    polkai_record record = record_of(play->out, "k", text);
    must(play, play->transaction->operations->send(play->transaction, &record, (void *)cookie, &play->error), POLKAI_TRANSACTION_DONE, "send");
}

static polkai_membership *membership_of(scene *play)
{
    polkai_membership *membership;
    ASSERT_OK(play->source->operations->membership(play->source, &membership, error));
    return membership;
}

static polkai_transaction_verdict send_offset(scene *play, int64_t offset, const polkai_membership *membership)
{
    polkai_position position = { polka_text_of(play->in), 0, offset };
    return play->transaction->operations->offsets(play->transaction, &position, 1, membership, &play->error);
}

static void offset(scene *play, int64_t at, polkai_membership *membership)
{
    must(play, send_offset(play, at, membership), POLKAI_TRANSACTION_DONE, "offsets");
}

static void commit(scene *play)
{
    must(play, play->transaction->operations->commit(play->transaction, &play->error), POLKAI_TRANSACTION_DONE, "commit");
}

static void abort_it(scene *play)
{
    must(play, play->transaction->operations->abort(play->transaction, &play->error), POLKAI_TRANSACTION_DONE, "abort");
}

/*
 * Behind a record that was refused another producer may have to go on. Also right behind a commit: until its markers are written the
 * coordinator does not take the next transaction up, says INVALID_TXN_STATE to who aborts it, and to librdkafka that is fatal.
 */
static void abort_and_go_on(scene *play)
{
    polkai_transaction_verdict verdict = play->transaction->operations->abort(play->transaction, &play->error);
    while (verdict == POLKAI_TRANSACTION_RENEW || verdict == POLKAI_TRANSACTION_AGAIN)
        verdict = play->transaction->operations->init(play->transaction, &play->error);
    must(play, verdict, POLKAI_TRANSACTION_DONE, "after an abort");
}

static int64_t committed(scene *play)
{
    polkai_admin *admin = stage_admin(play->at);
    polkai_position position = { polka_text_of(play->in), 0, -1001 };
    ASSERT_OK(admin->operations->committed(admin, &(polkai_progress){ play->group, &position, 1 }, 1, error));
    admin->operations->close(admin);
    return position.offset;
}

/* Kafka answers the end of a transaction before its marker stands with the group's offsets, and until then tells the ones before. */
static void await_committed(scene *play, int64_t offset)
{
    int64_t end_ms = now_ms() + 20000, found = committed(play);
    for (const struct timespec moment = { 0, 10 * 1000000 }; found != offset && now_ms() < end_ms; found = committed(play))
        nanosleep(&moment, NULL);
    cr_assert_eq(found, offset, "%" PRId64 " is committed", found);
}

/* The committed texts of `out`, one after the other, and nothing more for a moment. */
static void expect_out(scene *play, const char *texts)
{
    char found[512] = "";
    polkai_source *reader = stage_source(play->at, NULL);
    polkai_position from = { polka_text_of(play->out), 0, POLKAI_OFFSET_START };
    start_at(reader, &from, 1);
    int64_t end = now_ms() + 20000;
    for (int64_t quiet = end; now_ms() < end && now_ms() < quiet;) {
        polkai_record record;
        if (reader->operations->poll(reader, &record, 1, 50) == 1) {
            snprintf(found + strlen(found), sizeof found - strlen(found), "%.*s ", (int)record.value.size, (const char *)record.value.data);
            polkai_record_release(&record);
        }
        if (quiet == end && strlen(found) >= strlen(texts))
            quiet = now_ms() + QUIET_MS;
    }
    reader->operations->close(reader, POLKAI_CLOSE_MS);
    cr_assert_str_eq(found, texts);
}

static void read_in(scene *play, size_t count)
{
    polkai_record records[RECORDS];
    read_records(play->source, &play->member, records, count);
    release_all(records, count);
}

static void expect_next(scene *play, int64_t wanted)
{
    polkai_record record;
    read_records(play->source, &play->member, &record, 1);
    cr_assert_eq(record.offset, wanted, "%" PRId64 " and not %" PRId64, record.offset, wanted);
    polkai_record_release(&record);
}

/* ---- the promises ---- */

/* A text is committed, and another one sent in the next transaction. */
static scene *scene_with_one_committed(void)
{
    scene *play = scene_of(4194304);
    begin(play);
    send_text(play, "a", 1);
    commit(play);
    begin(play);
    send_text(play, "another", 2);
    return play;
}

/* The end of `out`: as a reader is told it when it has read the one record that it gets, and as the broker answers who asks for it. */
typedef struct { int64_t told, asked; } ends;

static ends ends_of(scene *play)
{
    polkai_admin *admin = stage_admin(play->at);
    polkai_extent extent = { polka_text_of(play->out), 0, 0, 0 };
    size_t records;
    int64_t reached = end_of(play->at, play->out, &records);
    ASSERT_OK(admin->operations->watermarks(admin, &extent, 1, error));
    cr_assert_eq(records, 1);
    admin->operations->close(admin);
    return (ends){ reached, extent.high };
}

/* What ends a transaction, or was aborted, has offsets that nobody gets: by records alone the end would never be seen. */
Test(transaction, a_reader_is_told_the_end_of_a_partition_behind_what_nobody_gets, .timeout = 60)
{
    if (skipped())
        return;
    scene *play = scene_with_one_committed();
    abort_and_go_on(play);
    ends found = ends_of(play);
    cr_assert_eq(found.told, found.asked, "%" PRId64 " and not %" PRId64, found.told, found.asked);
    end(play);
}

/* And what is still open is no end yet: whoever asks for it gets as far as anybody can read. */
Test(transaction, the_end_that_is_asked_for_is_before_what_is_not_committed_yet, .timeout = 60)
{
    if (skipped())
        return;
    scene *play = scene_with_one_committed();
    ends found = ends_of(play);
    cr_assert_geq(found.told, found.asked, "%" PRId64 " and not %" PRId64, found.told, found.asked);
    abort_and_go_on(play);
    end(play);
}

Test(transaction, shows_records_and_offsets_together_when_it_commits)
{
    if (skipped())
        return;
    scene *play = scene_of(4194304);
    read_in(play, 3);
    polkai_membership *membership = membership_of(play);
    begin(play);
    send_text(play, "a", 1);
    send_text(play, "b", 2);
    offset(play, 2, membership);
    expect_out(play, "");
    cr_assert_lt(committed(play), 0);
    commit(play);
    expect_out(play, "a b ");
    await_committed(play, 2);
    membership->release(membership);
    end(play);
}

Test(transaction, that_is_aborted_is_never_seen_and_the_next_one_is)
{
    if (skipped())
        return;
    scene *play = scene_of(4194304);
    read_in(play, 3);
    polkai_membership *membership = membership_of(play);
    begin(play);
    send_text(play, "never", 1);
    offset(play, 3, membership);
    abort_it(play);
    cr_assert_lt(committed(play), 0);
    begin(play);
    send_text(play, "a", 1);
    offset(play, 1, membership);
    commit(play);
    expect_out(play, "a ");
    await_committed(play, 1);
    membership->release(membership);
    end(play);
}

Test(transaction, that_is_open_is_ended_by_the_next_init)
{
    if (skipped())
        return;
    scene *play = scene_of(4194304);
    read_in(play, 3);
    polkai_membership *membership = membership_of(play);
    begin(play);
    send_text(play, "never", 1);
    offset(play, 3, membership);
    polkai_transaction_verdict verdict;
    do
        verdict = play->transaction->operations->init(play->transaction, &play->error);
    while (verdict == POLKAI_TRANSACTION_AGAIN);
    must(play, verdict, POLKAI_TRANSACTION_DONE, "init");
    begin(play);
    send_text(play, "a", 1);
    offset(play, 1, membership);
    commit(play);
    expect_out(play, "a ");
    await_committed(play, 1);
    membership->release(membership);
    end(play);
}

Test(transaction, of_offsets_alone_moves_them)
{
    if (skipped())
        return;
    scene *play = scene_of(4194304);
    read_in(play, 3);
    polkai_membership *membership = membership_of(play);
    begin(play);
    offset(play, 3, membership);
    commit(play);
    await_committed(play, 3);
    membership->release(membership);
    end(play);
}

Test(transaction, of_an_earlier_generation_is_refused_and_aborted)
{
    if (skipped())
        return;
    scene *play = scene_of(4194304);
    read_in(play, 3);
    polkai_membership *stale = membership_of(play);
    play->source->operations->close(play->source, POLKAI_CLOSE_MS);
    play->member = (told){ 0 };
    join(play);
    read_in(play, 3);
    begin(play);
    send_text(play, "never", 1);
    must(play, send_offset(play, 3, stale), POLKAI_TRANSACTION_ABORT, "offsets of an earlier generation");
    abort_it(play);
    polkai_membership *membership = membership_of(play);
    begin(play);
    send_text(play, "a", 1);
    offset(play, 1, membership);
    commit(play);
    expect_out(play, "a ");
    await_committed(play, 1);
    stale->release(stale);
    membership->release(membership);
    end(play);
}

/* scene_of, where records of more than so many bytes are refused; NULL: not here. */
static scene *scene_that_refuses_above(int64_t bytes)
{
    stage *at = stage_open();
    bool can = stage_can(at, CAN_TRANSACT) && stage_can(at, CAN_REFUSE_LARGE);
    stage_close(at);
    return can ? scene_of(bytes) : NULL;
}

/* Where batches are refused whole it takes some transactions until the one record is known. */
Test(transaction, names_the_record_that_is_refused_for_good)
{
    scene *play = scene_that_refuses_above(20000);
    if (play == NULL)
        return;
    char *large = calloc(1, 30001);
    memset(large, 'x', 30000);
    unsigned tries = 0;
    for (; play->transaction->refused == NULL && tries < 20; tries++) {
        begin(play);
        for (uintptr_t i = 1; i <= 20; i++) {
            polkai_record record = record_of(play->out, "k", i == 13 ? large : "small");
            polkai_transaction_verdict verdict = play->transaction->operations->send(play->transaction, &record, (void *)i, &play->error);
            if (verdict != POLKAI_TRANSACTION_DONE)
                break;
        }
        must(play, play->transaction->operations->commit(play->transaction, &play->error), POLKAI_TRANSACTION_ABORT, "commit");
        if (play->transaction->refused == NULL)
            abort_and_go_on(play);
    }
    cr_assert_eq((uintptr_t)play->transaction->refused, 13, "after %u transactions: %s", tries, play->error.message);
    cr_assert_str_eq(play->error.code, "MSG_SIZE_TOO_LARGE");
    abort_and_go_on(play);
    expect_out(play, "");
    free(large);
    end(play);
}

/* Found by reading: what the broker refuses has used up sequence numbers, and it missed them in the next transaction for the same partition. */
Test(transaction, behind_one_whose_record_was_refused_is_committed_at_once)
{
    scene *play = scene_that_refuses_above(20000);
    if (play == NULL)
        return;
    char *large = calloc(1, 30001);
    memset(large, 'x', 30000);
    begin(play);
    send_text(play, "a", 1);
    commit(play);
    begin(play);
    send_text(play, large, 2);
    must(play, play->transaction->operations->commit(play->transaction, &play->error), POLKAI_TRANSACTION_ABORT, "commit");
    cr_assert_eq((uintptr_t)play->transaction->refused, 2, "%s", play->error.message);
    abort_and_go_on(play);
    begin(play);
    send_text(play, "b", 3);
    commit(play);
    expect_out(play, "a b ");
    free(large);
    end(play);
}

static polkai_transaction_verdict send_filled(scene *play, char *text, size_t size, uintptr_t cookie)
{
    memset(text, 'x', size);
    polkai_record record = { .topic = polka_text_of(play->out), .partition = 0, .value = { size, (const uint8_t *)text } };
    return play->transaction->operations->send(play->transaction, &record, (void *)cookie, &play->error);
}

/* Found by measuring: what was under way behind it was waited for, 10 s and longer, and only the abort ends that. */
Test(transaction, is_to_be_aborted_at_once_when_more_is_under_way_behind_a_refused_record)
{
    scene *play = scene_that_refuses_above(1000000);
    if (play == NULL)
        return;
    char *text = calloc(1, 2000000);
    begin(play);
    polkai_transaction_verdict verdict = send_filled(play, text, 2000000, 1);
    for (uintptr_t i = 2; i <= 6 && verdict == POLKAI_TRANSACTION_DONE; i++)
        verdict = send_filled(play, text, 900000, i);
    int64_t began = now_ms();
    if (verdict == POLKAI_TRANSACTION_DONE)
        verdict = play->transaction->operations->commit(play->transaction, &play->error);
    must(play, verdict, POLKAI_TRANSACTION_ABORT, "commit");
    cr_assert_lt(now_ms() - began, 5000);
    abort_and_go_on(play);
    free(text);
    end(play);
}

/* ---- going back ---- */

static void commit_and_go_back(scene *play, const polkai_position *partition, int64_t to)
{
    polkai_membership *membership = membership_of(play);
    begin(play);
    offset(play, to, membership);
    commit(play);
    membership->release(membership);
    ASSERT_OK(play->source->operations->rewind(play->source, partition, 1, 10000, error));
    expect_next(play, to);
}

Test(rewind, reads_again_from_what_is_committed_and_nothing_from_before)
{
    if (skipped())
        return;
    scene *play = scene_of(4194304);
    polkai_position partition = { polka_text_of(play->in), 0, -1 };
    read_in(play, 3);
    ASSERT_OK(play->source->operations->rewind(play->source, &partition, 1, 10000, error));
    expect_next(play, 0);                /* nothing is committed: from the beginning */
    read_in(play, 5);
    commit_and_go_back(play, &partition, 4);
    expect_next(play, 5);
    end(play);
}

/* Found by reading: with auto.offset.reset=latest what was read after the start, and not committed yet, was gone with the first abort. */
Test(rewind, goes_to_the_offset_that_is_given_where_nothing_is_committed)
{
    if (skipped())
        return;
    scene *play = scene_of(4194304);
    polkai_position partition = { polka_text_of(play->in), 0, 2 };
    read_in(play, 4);
    ASSERT_OK(play->source->operations->rewind(play->source, &partition, 1, 10000, error));
    expect_next(play, 2);
    commit_and_go_back(play, &partition, 4);
    end(play);
}
