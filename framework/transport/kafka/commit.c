/*
 * commit.c: offsets are committed by one request at a time.
 *
 * librdkafka sends a commit again by itself when the coordinator answers that it is still loading or that the request timed out inside it, a back-off
 * later, and holds back no other meanwhile: the one made after it lands first, and the older offsets on top of it (both 2.0.2 and 2.15.1). So the
 * next one is made when the one before is answered. librdkafka answers each: after a session without a coordinator with _WAIT_COORD.
 */
#include <transport/kafka/source.h>

#include <base/error.h>
#include <stdio.h>

#define UNRELEASED_MEMBER_EPOCH ((rd_kafka_resp_err_t)110)       /* FENCED_MEMBER_EPOCH, not named by releases before KIP-848 */

enum { SILENT_MS = 500, SHARE = 2 };     /* SHARE: of the time that a commit may take, one half goes to the one before */

typedef rd_kafka_topic_partition_list_t list;

static void free_list(list **partitions)
{
    rd_kafka_topic_partition_list_destroy(*partitions);
}

int64_t polkai_kafka_patience_ms(const polkai_kafka_source *self, int64_t usual_ms)
{
    return polkai_kafka_silent(&self->client) && usual_ms > SILENT_MS ? SILENT_MS : usual_ms;
}

/* ---- answers -------------------------------------------------------------------------------------- */

static void tell(polkai_kafka_source *self, rd_kafka_resp_err_t code)
{
    char text[256];
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__NO_OFFSET || code == RD_KAFKA_RESP_ERR__DESTROY)
        return;
    snprintf(text, sizeof text, "offsets of %s were not committed: %s; the next commit covers them", rd_kafka_name(self->client.handle), rd_kafka_err2str(code));
    if (self->listener.uncommitted != NULL)
        self->listener.uncommitted(self->listener.user);
    polkai_kafka_tell(self, POLKA_TRANSIENT, text);
}

/* The error of a commit as a whole, or of the first partition that failed. */
static rd_kafka_resp_err_t result_of(rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    const list *partitions = rd_kafka_event_topic_partition_list(event);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && partitions != NULL && i < partitions->cnt; i++)
        code = partitions->elems[i].err;
    return code;
}

/* The next answer; false: none within that time. `number` is that of its request. */
static bool take_answer(polkai_kafka_source *self, int64_t wait_ms, uintptr_t *number, rd_kafka_resp_err_t *code)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(self->answers, wait_ms < 0 ? 0 : (int)wait_ms);
    if (event == NULL)
        return false;
    self->unanswered--;
    *number = (uintptr_t)rd_kafka_event_opaque(event);
    *code = result_of(event);
    rd_kafka_event_destroy(event);
    return true;
}

/* The one before may have landed on top of the last, also when it is answered with an error: whoever has the newest offsets makes them good. */
static void tell_overtaken(polkai_kafka_source *self)
{
    if (!self->overtaken || self->unanswered > 0)
        return;
    self->overtaken = false;
    polkai_kafka_tell(self, POLKA_TRANSIENT, "a commit was made before the one before it was answered, and that may have set offsets back; they are committed again");
}

void polkai_kafka_commit_look(polkai_kafka_source *self)
{
    uintptr_t number;
    rd_kafka_resp_err_t code;
    while (self->unanswered > 0 && take_answer(self, 0, &number, &code))
        tell(self, code);
    tell_overtaken(self);
}

static int64_t left_ms(int64_t until_ns)
{
    return (until_ns - polkai_kafka_now_ns()) / 1000000;
}

static void wait_for_all(polkai_kafka_source *self, int64_t until_ns)
{
    uintptr_t number;
    rd_kafka_resp_err_t code;
    while (self->unanswered > 0 && take_answer(self, left_ms(until_ns), &number, &code))
        tell(self, code);
}

static rd_kafka_resp_err_t wait_for(polkai_kafka_source *self, uintptr_t own, int64_t until_ns)
{
    uintptr_t number;
    rd_kafka_resp_err_t code;
    while (take_answer(self, left_ms(until_ns), &number, &code)) {
        if (number == own) {
            self->client.silent_ns = 0;
            return code;
        }
        tell(self, code);
    }
    self->client.silent_ns = polkai_kafka_now_ns();
    return RD_KAFKA_RESP_ERR__TIMED_OUT;
}

/* ---- requests ------------------------------------------------------------------------------------- */

static void ignore(rd_kafka_t *handle, rd_kafka_resp_err_t code, list *partitions, void *opaque)
{
    (void)handle, (void)code, (void)partitions, (void)opaque;        /* the event says it; without a function its opaque is not kept */
}

/* Answered by a queue of our own: rd_kafka_commit waits without limit for a coordinator that is gone. */
static rd_kafka_resp_err_t ask(polkai_kafka_source *self, const polkai_position *positions, size_t count)
{
    list *partitions AUTO(free_list) = polkai_kafka_list_of(positions, count);
    if (self->answers == NULL)
        self->answers = rd_kafka_queue_new(self->client.handle);
    self->asked++;
    rd_kafka_resp_err_t code = rd_kafka_commit_queue(self->client.handle, partitions, self->answers, ignore, (void *)self->asked);
    self->unanswered += code == RD_KAFKA_RESP_ERR_NO_ERROR;
    return code;
}

/* Of a group that has gone on without us. STALE_MEMBER_EPOCH is not among them: that of a member who has only not heard of the next epoch yet. */
static bool is_stale(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID ||
           code == UNRELEASED_MEMBER_EPOCH;
}

static polka_status commit_and_wait(polkai_kafka_source *self, const polkai_position *positions, size_t count, int timeout_ms, polka_error *error)
{
    int64_t began_ns = polkai_kafka_now_ns(), patience_ns = polkai_kafka_patience_ms(self, timeout_ms) * 1000000;
    wait_for_all(self, began_ns + patience_ns / SHARE);  /* then it goes in any case: it may be the last */
    self->overtaken = self->overtaken || self->unanswered > 0;
    rd_kafka_resp_err_t code = ask(self, positions, count);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = wait_for(self, self->asked, began_ns + patience_ns);
    ENSURE(!is_stale(code), POLKA_TRANSIENT, error, POLKAI_COMMIT_STALE, "offsets were not committed: %s", rd_kafka_err2str(code));
    ENSURE(code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__NO_OFFSET, code == RD_KAFKA_RESP_ERR__FATAL ? POLKA_FATAL : POLKA_TRANSIENT,
           error, rd_kafka_err2name(code), "offsets were not committed: %s", rd_kafka_err2str(code));
    return POLKA_OK;
}

polka_status polkai_kafka_commit(polkai_source *source, const polkai_position *positions, size_t count, int timeout_ms, polka_error *error)
{
    polkai_kafka_source *self = (polkai_kafka_source *)source;
    ENSURE(self->grouped, POLKA_MISUSE, error, "no-group", "a source without a group has nothing to commit to");
    if (timeout_ms > 0)
        return count == 0 ? POLKA_OK : commit_and_wait(self, positions, count, timeout_ms, error);
    polkai_kafka_commit_look(self);
    ENSURE(self->unanswered == 0, POLKA_TRANSIENT, error, POLKAI_COMMIT_UNANSWERED, "offsets were not committed: the commit before has no answer yet");
    if (count > 0)
        tell(self, ask(self, positions, count));
    return POLKA_OK;
}
