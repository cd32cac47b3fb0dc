/*
 * unread.c: batches that cannot be read. librdkafka asks for such a batch again for ever, and its partition stands still
 * (a damaged payload, a checksum that is wrong, a codec it does not know, librdkafka#5260). When the same batch has failed
 * for a while, its end is looked for: at an offset inside it reading fails at the same first offset, behind it it does not.
 * The range is given to the owner as one record without bytes, and reading goes on behind it; or the partition is parked.
 *
 * Whatever follows such an error is not believed: after a wrong checksum librdkafka goes on reading in the middle of the batch
 * (2.0.2 and 2.15.1), takes what it finds there for an offset, and begins anew at the start of the partition when there is no such
 * offset. So the partition is held between two tries, and nothing of it passes that is not where it has to be.
 *
 * Only at what "might be too large" it goes on by itself in most cases: so it calls batches of which compaction has left no record, once
 * it has met some. They are in nobody's way; it is trouble when the same offset comes again.
 */
#include <transport/kafka/source.h>

#include <base/arena.h>
#include <base/error.h>
#include <stdio.h>
#include <stdlib.h>

enum { SURE_TIMES = 4, NONSENSE_MOST = 100, LEFT_OVER_MOST = 10, AGAIN_MS = 500, ANSWER_MS = 3000, HIGH_MS = 1000 };

typedef enum { FAILING = 1, SEARCHING, BEHIND, PARKED } phase;          /* BEHIND: the range is given, and nothing of what follows has come yet */

struct polkai_kafka_trouble {
    polkai_kafka_trouble *next;
    polka_text topic;                    /* borrowed from the source */
    int32_t partition;
    phase phase;
    int64_t base;                        /* the batch, as librdkafka names it: by its first offset */
    int64_t first;                       /* of its records that were not read before */
    int64_t since_ns, seek_ns;           /* seek_ns: when to ask again, or until when to wait for what comes of a probe */
    unsigned times;                      /* it was asked for */
    bool asked;                          /* and nothing has come yet */
    int64_t inside, outside, probe, step;                /* inside: the last offset known to be; outside: the first known not to be, -1: none yet */
    unsigned nonsense;                   /* answers in a row that cannot be one to the probe; BEHIND: errors of the batch itself */
    char why[200];
};

/* Each says that bytes which did come cannot be read. The last three give the offset that was asked for, and not the batch's first. */
static const struct { rd_kafka_resp_err_t code; bool by_offset; } unreadable[] = {
    { RD_KAFKA_RESP_ERR__BAD_COMPRESSION, false },
    { RD_KAFKA_RESP_ERR__BAD_MSG, false },
    { RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED, false },
    { RD_KAFKA_RESP_ERR_INVALID_MSG, true },
    { RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, true },
    { RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, true },
};

static bool is_unreadable(rd_kafka_resp_err_t code)
{
    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++)
        if (unreadable[i].code == code)
            return true;
    return false;
}

static bool is_inside(const polkai_kafka_trouble *trouble, const rd_kafka_message_t *message)
{
    if (message->offset == trouble->base)
        return true;
    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++)
        if (unreadable[i].code == message->err && unreadable[i].by_offset)
            return message->offset == trouble->probe;
    return false;
}

/* ---- one partition -------------------------------------------------------------------------------- */

static rd_kafka_topic_partition_list_t *only(const polkai_kafka_trouble *trouble, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, trouble->topic.data, trouble->partition)->offset = offset;
    return list;
}

static void free_list(rd_kafka_topic_partition_list_t **list)
{
    rd_kafka_topic_partition_list_destroy(*list);
}

/* Else librdkafka goes on by itself, wherever it takes itself to be, as often as it can. */
static void hold(polkai_kafka_source *source, const polkai_kafka_trouble *trouble)
{
    rd_kafka_topic_partition_list_t *list AUTO(free_list) = only(trouble, RD_KAFKA_OFFSET_INVALID);
    polkai_kafka_pause_for(source, list, POLKAI_KAFKA_UNREADABLE);
}

static void let_go(polkai_kafka_source *source, const polkai_kafka_trouble *trouble)
{
    rd_kafka_topic_partition_list_t *list AUTO(free_list) = only(trouble, RD_KAFKA_OFFSET_INVALID);
    polkai_kafka_resume_for(source, list, POLKAI_KAFKA_UNREADABLE);
}

/* What was fetched before does not come any more: librdkafka numbers what it asks for. */
static void seek(polkai_kafka_source *source, polkai_kafka_trouble *trouble, int64_t offset, int wait_ms)
{
    rd_kafka_topic_partition_list_t *list AUTO(free_list) = only(trouble, offset);
    let_go(source, trouble);
    rd_kafka_error_t *failure = rd_kafka_seek_partitions(source->client.handle, list, 0);
    if (failure != NULL)
        rd_kafka_error_destroy(failure);
    trouble->probe = offset;
    trouble->asked = true;
    trouble->seek_ns = polkai_kafka_now_ns() + (int64_t)wait_ms * 1000000;
}

static polkai_kafka_trouble *find(const polkai_kafka_source *source, const rd_kafka_message_t *message)
{
    polkai_kafka_trouble *at = source->troubles;
    while (at != NULL && (at->partition != message->partition || strcmp(at->topic.data, rd_kafka_topic_name(message->rkt)) != 0))
        at = at->next;
    return at;
}

static void forget(polkai_kafka_source *source, const polkai_kafka_trouble *trouble)
{
    polkai_kafka_trouble **at = &source->troubles;
    while (*at != trouble)
        at = &(*at)->next;
    *at = trouble->next;
    free((void *)(uintptr_t)trouble);
}

/* Behind what we read last, or where we began: inside the batch, when it was read once before. */
static int64_t first_of(polkai_kafka_source *source, polkai_kafka_trouble *trouble)
{
    rd_kafka_topic_partition_list_t *list AUTO(free_list) = only(trouble, RD_KAFKA_OFFSET_INVALID);
    rd_kafka_resp_err_t code = rd_kafka_position(source->client.handle, list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || list->elems[0].offset < 0)
        code = rd_kafka_committed(source->client.handle, list, ANSWER_MS);
    return code != RD_KAFKA_RESP_ERR_NO_ERROR || list->elems[0].offset < trouble->base ? trouble->base : list->elems[0].offset;
}

static bool seems_emptied(polkai_kafka_source *source, const rd_kafka_message_t *message)
{
    if (message->err != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return false;
    const polkai_position now = { polkai_kafka_name_of(source, rd_kafka_topic_name(message->rkt)), message->partition, message->offset };
    size_t at = 0;
    while (at < source->emptied_count && (source->emptied[at].partition != now.partition || source->emptied[at].topic.data != now.topic.data))
        at++;
    bool again = at < source->emptied_count && source->emptied[at].offset == now.offset;
    if (at == source->emptied_count)
        source->emptied = polkai_realloc(source->emptied, ++source->emptied_count * sizeof now);
    source->emptied[at] = now;
    return !again;
}

static void begin(polkai_kafka_source *source, const rd_kafka_message_t *message)
{
    polkai_kafka_trouble *trouble = polkai_alloc(sizeof *trouble);
    trouble->topic = polkai_kafka_name_of(source, rd_kafka_topic_name(message->rkt));
    trouble->partition = message->partition;
    trouble->phase = FAILING;
    trouble->base = message->offset;
    trouble->since_ns = polkai_kafka_now_ns();
    trouble->first = first_of(source, trouble);
    trouble->times = 1;
    trouble->seek_ns = trouble->since_ns + (int64_t)AGAIN_MS * 1000000;
    snprintf(trouble->why, sizeof trouble->why, "%s", rd_kafka_message_errstr(message));
    trouble->next = source->troubles;
    source->troubles = trouble;
    hold(source, trouble);
    char text[512];
    snprintf(text, sizeof text, "%s/%d: the batch at offset %" PRId64 " cannot be read (%s); trying again for %d s", trouble->topic.data,
             (int)trouble->partition, trouble->base, trouble->why, source->unread_ms / 1000);
    polkai_kafka_tell(source, POLKA_TRANSIENT, text);
}

/* ---- the search for the end of the batch ---------------------------------------------------------- */

/* The end of the partition: behind it nothing may be asked for, or reading would begin anew where auto.offset.reset says. */
static int64_t end_of(polkai_kafka_source *source, const polkai_kafka_trouble *trouble)
{
    int64_t low, high = -1;
    if (rd_kafka_get_watermark_offsets(source->client.handle, trouble->topic.data, trouble->partition, &low, &high) != RD_KAFKA_RESP_ERR_NO_ERROR || high < 0)
        if (rd_kafka_query_watermark_offsets(source->client.handle, trouble->topic.data, trouble->partition, &low, &high, HIGH_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return -1;
    return high;
}

static void step_over(polkai_kafka_source *source, polkai_kafka_trouble *trouble, polkai_record *range)
{
    char text[512];
    snprintf(text, sizeof text, "the records from offset %" PRId64 " to %" PRId64 " are in a batch that cannot be read: %s", trouble->first,
             trouble->outside - 1, trouble->why);
    polkai_record_make_unread(range, trouble->topic, trouble->partition, trouble->first, trouble->outside, "unreadable-batch", text);
    seek(source, trouble, trouble->outside, 0);
    snprintf(text, sizeof text, "%s/%d: offsets %" PRId64 " to %" PRId64 " cannot be read and are stepped over; reading goes on at %" PRId64,
             trouble->topic.data, (int)trouble->partition, trouble->first, trouble->outside - 1, trouble->outside);
    polkai_kafka_tell(source, POLKA_TRANSIENT, text);
    trouble->phase = BEHIND;
    trouble->nonsense = 0;
}

/* Doubling steps until an offset is outside, then halves between. True: the range has been written. */
static bool search(polkai_kafka_source *source, polkai_kafka_trouble *trouble, polkai_record *range)
{
    if (trouble->outside < 0) {
        int64_t end = end_of(source, trouble), next = trouble->inside + trouble->step;
        trouble->step *= 2;
        if (end < 0 || next < end) {
            seek(source, trouble, next, source->answer_ms);
            return false;
        }
        trouble->outside = end > trouble->inside ? end : trouble->inside + 1;
    }
    if (trouble->outside - trouble->inside > 1) {
        seek(source, trouble, trouble->inside + (trouble->outside - trouble->inside) / 2, source->answer_ms);
        return false;
    }
    step_over(source, trouble, range);
    return true;
}

static void park(polkai_kafka_source *source, polkai_kafka_trouble *trouble)
{
    char text[640];
    trouble->phase = PARKED;
    hold(source, trouble);
    snprintf(text, sizeof text, "%s/%d is parked at offset %" PRId64 ", at a batch that cannot be read (%s); the other partitions go on. It is read again after "
             "a restart; unreadable_batch: step-over makes a dead letter of it", trouble->topic.data, (int)trouble->partition, trouble->first, trouble->why);
    polkai_kafka_tell(source, POLKA_TRANSIENT, text);
}

static bool begin_search(polkai_kafka_source *source, polkai_kafka_trouble *trouble, int64_t from, polkai_record *range)
{
    trouble->phase = SEARCHING;
    trouble->nonsense = 0;
    trouble->first = trouble->inside = from;
    trouble->outside = -1;
    trouble->step = 1;
    return search(source, trouble, range);
}

/* It has failed again where it must not. True: the range has been written. */
static bool failed_again(polkai_kafka_source *source, polkai_kafka_trouble *trouble, polkai_record *range)
{
    if (++trouble->times < SURE_TIMES || polkai_kafka_now_ns() - trouble->since_ns < (int64_t)source->unread_ms * 1000000) {
        trouble->seek_ns = polkai_kafka_now_ns() + (int64_t)AGAIN_MS * 1000000;
        hold(source, trouble);
        return false;
    }
    if (source->park_unread) {
        park(source, trouble);
        return false;
    }
    return begin_search(source, trouble, trouble->first, range);
}

/* ---- what comes ----------------------------------------------------------------------------------- */

/* The first thing behind the probe; or what is left of where librdkafka had gone to by itself, which overtakes a seek at times (2.0.2). */
static bool is_answer(const polkai_kafka_trouble *trouble, const rd_kafka_message_t *message, bool inside)
{
    if (inside || trouble->nonsense > NONSENSE_MOST)
        return true;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return message->offset >= trouble->probe;
    return message->offset > trouble->base && message->offset <= trouble->probe;
}

/* What has come of the last seek, a record or an error. True: the range has been written. */
static bool answered(polkai_kafka_source *source, polkai_kafka_trouble *trouble, const rd_kafka_message_t *message, polkai_record *range)
{
    bool inside = message->err != RD_KAFKA_RESP_ERR_NO_ERROR && is_inside(trouble, message);
    if (!trouble->asked || trouble->phase == PARKED)
        return false;                    /* librdkafka by itself */
    trouble->asked = false;
    if (trouble->phase == FAILING)
        return failed_again(source, trouble, range);
    if (!is_answer(trouble, message, inside)) {
        trouble->nonsense++;
        seek(source, trouble, trouble->probe, ANSWER_MS);
        return false;
    }
    trouble->nonsense = 0;
    if (inside)
        trouble->inside = trouble->probe;
    else
        trouble->outside = trouble->probe;
    return search(source, trouble, range);
}

/*
 * The next batch cannot be read either; or it is still the same one, as a broker took too long for its answer to a probe: then the rest is
 * a range of its own. All else is what librdkafka had gone to by itself.
 */
static polkai_kafka_passage look_behind(polkai_kafka_source *source, polkai_kafka_trouble *trouble, const rd_kafka_message_t *message, polkai_record *range)
{
    bool is_record = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!is_record && message->offset == trouble->base && ++trouble->nonsense > LEFT_OVER_MOST)
        return begin_search(source, trouble, trouble->outside, range) ? POLKAI_KAFKA_INSTEAD : POLKAI_KAFKA_DROP;
    if (message->offset < trouble->outside || (!is_record && message->offset > end_of(source, trouble))) {
        seek(source, trouble, trouble->outside, 0);
        return POLKAI_KAFKA_DROP;
    }
    forget(source, trouble);
    if (is_record)
        return POLKAI_KAFKA_PASS;
    begin(source, message);
    return POLKAI_KAFKA_DROP;
}

polkai_kafka_passage polkai_kafka_unread_look(polkai_kafka_source *source, const rd_kafka_message_t *message, polkai_record *range)
{
    if (!source->grouped || message->rkt == NULL)
        return POLKAI_KAFKA_PASS;
    bool is_record = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    polkai_kafka_trouble *trouble = find(source, message);
    if (!is_record && !is_unreadable(message->err))
        return POLKAI_KAFKA_PASS;
    if (trouble == NULL) {
        if (!is_record && !seems_emptied(source, message))
            begin(source, message);
        return is_record ? POLKAI_KAFKA_PASS : POLKAI_KAFKA_DROP;
    }
    if (trouble->phase == BEHIND)
        return look_behind(source, trouble, message, range);
    if (is_record && trouble->phase == FAILING && message->offset == trouble->first) {
        forget(source, trouble);         /* it could be read after all */
        return POLKAI_KAFKA_PASS;
    }
    return answered(source, trouble, message, range) ? POLKAI_KAFKA_INSTEAD : POLKAI_KAFKA_DROP;
}

bool polkai_kafka_unread_turn(polkai_kafka_source *source, polkai_record *range)
{
    int64_t now = polkai_kafka_now_ns();
    for (polkai_kafka_trouble *at = source->troubles; at != NULL; at = at->next) {
        if (at->phase == PARKED || at->phase == BEHIND || now < at->seek_ns)
            continue;
        if (polkai_kafka_is_paused(source, at->topic.data, at->partition, POLKAI_KAFKA_ALL_PAUSED | POLKAI_KAFKA_HELD) || source->client.outage.down) {
            /* nothing comes, and that says nothing */
            at->seek_ns = now + (int64_t)ANSWER_MS * 1000000;
            continue;
        }
        if (at->phase == FAILING) {
            seek(source, at, at->first, ANSWER_MS);
            continue;
        }
        at->asked = false;               /* nothing is there, so the batch is not */
        at->outside = at->probe;
        if (search(source, at, range))
            return true;
    }
    return false;
}

/* ---- the end of an assignment --------------------------------------------------------------------- */

void polkai_kafka_unread_forget(polkai_kafka_source *source, const rd_kafka_topic_partition_list_t *partitions)
{
    source->emptied_count = 0;           /* they may be met once more with good reason */
    for (polkai_kafka_trouble *at = source->troubles, *next; at != NULL; at = next) {
        next = at->next;
        if (partitions != NULL && rd_kafka_topic_partition_list_find(partitions, at->topic.data, at->partition) == NULL)
            continue;
        if (partitions != NULL)
            let_go(source, at);
        forget(source, at);
    }
}
