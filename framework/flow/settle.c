/*
 * settle.c: what becomes of an event after its handler: one table from (outcome, error class) to the next step, and the steps.
 */
#include <base/error.h>
#include <base/plant.h>
#include <base/text.h>
#include <flow/transaction.h>
#include <side/deadletter/letter.h>

#include <time.h>

enum { REASON_BYTES = 2048 };

typedef enum { TO_SEND = 1, TO_SKIP, TO_RETRY, TO_LETTER, TO_WAIT, TO_STOP } next_step;
typedef struct { next_step step; bool keep_emissions; const char *error_class, *code; } verdict;

/* What a handler answered. */
static const verdict on_outcome[] = {
    [0]           = { TO_STOP,   false, "misuse", "no-outcome" },
    [POLKA_DONE]  = { TO_SEND,   true,  NULL, NULL },
    [POLKA_SKIP]  = { TO_SKIP,   false, NULL, NULL },
    [POLKA_RETRY] = { TO_RETRY,  false, "handler", "attempts-used-up" },
    [POLKA_DEAD]  = { TO_LETTER, false, "handler", "dead" },
};

/* What the framework met; it wins over the answer. */
static const verdict on_error[] = {
    [POLKA_TRANSIENT] = { TO_WAIT,   false, NULL, NULL },
    [POLKA_POISON]    = { TO_LETTER, false, "poison", NULL },
    [POLKA_MISUSE]    = { TO_STOP,   false, "misuse", NULL },
    [POLKA_FATAL]     = { TO_STOP,   false, "fatal", NULL },
};

static int64_t now_ns(const polka_context *unit)
{
    return unit->flow->options.clock->steady_ns(unit->flow->options.clock);
}

static void drop_emissions(polka_context *unit)
{
    unit->first = unit->last = unit->to_send = NULL;
}

static void skip(polka_context *unit)
{
    unit->state = UNIT_SETTLED;
    polkai_meter_add(&unit->worker->skipped, 1);
    polkai_meter_ended(unit, POLKAI_REACTION_SKIPPED, NULL);
}

/* ---- steps ---- */

static void retry(polka_context *unit, const verdict *by)
{
    polka_retry_policy policy = polkai_retry_policy_complete(unit->reaction->retry);
    polkai_retry_decision decision = polkai_retry_decide(&policy, unit->attempt, polkai_random_unit(&unit->worker->random));
    polka_text reason = unit->reason.data != NULL ? unit->reason : POLKA_TEXT("the handler answered POLKA_RETRY without a reason");
    if (!decision.retry) {
        polkai_settle_letter(unit, by->error_class, by->code, reason);
        return;
    }
    polkai_context_log(unit, POLKAI_LOG_WARN, "attempt %u of %u failed: %.*s; the next in %" PRId64 " ms", unit->attempt, policy.attempts,
                       POLKA_TEXT_ARGS(reason), decision.delay_ns / 1000000);
    polkai_count(unit->flow, COUNT_RETRIES);
    polkai_meter_ended(unit, POLKAI_REACTION_RETRIED, NULL);
    unit->attempt++;
    unit->state = UNIT_WAITING;
    unit->due_ns = now_ns(unit) + decision.delay_ns;
}

/* The framework could not reach something: again without limit, and without counting attempts. */
static void wait_for_it(polka_context *unit)
{
    unit->outages++;
    unit->due_ns = now_ns(unit) + polkai_retry_outage_ns(unit->outages, 0.5);
}

void polkai_settle_stop(polkai_flow *flow, const polka_error *error)
{
    pthread_mutex_lock(&flow->lock);
    if (!atomic_load(&flow->failed))
        flow->failure = *error;
    atomic_store(&flow->failed, true);
    pthread_mutex_unlock(&flow->lock);
    polkai_flow_stop(flow);
}

static void stop(polka_context *unit, const verdict *by)
{
    polka_error error;
    if (unit->error != NULL)
        error = *unit->error;
    else
        polkai_fail(&error, POLKA_MISUSE, by->code, "%s returned no outcome; return POLKA_DONE, POLKA_SKIP, polka_retry(…) or polka_dead(…)",
                    unit->reaction->function != NULL ? unit->reaction->function : "the handler");
    polkai_error_where(&error, "reaction %s, event %.*s at %.*s/%" PRId32 "/%" PRId64, polkai_reaction_name(unit->reaction),
                       POLKA_TEXT_ARGS(unit->cause.id), POLKA_TEXT_ARGS(unit->delivery->record.topic), unit->delivery->record.partition,
                       unit->delivery->record.offset);
    polkai_settle_stop(unit->flow, &error);
    unit->delivery->dropped = true;      /* its offset stays where it is */
    unit->state = UNIT_SETTLED;
}

/* For as long as the poll thread asks, and hears of it: some seconds at most (membership.c). */
static int fence_once_known(const polkai_partition *partition)
{
    int fence;
    while ((fence = atomic_load(&partition->fenced)) == POLKAI_DOUBTED)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    return fence;
}

static bool is_fenced(const polkai_delivery *delivery)
{
    if (delivery->partition == NULL || atomic_load(&delivery->partition->fenced) == POLKAI_OURS)
        return false;
    return fence_once_known(delivery->partition) == POLKAI_FENCED && !POLKAI_PLANT(stale_send);
}

/* Another member has the partition: nothing is sent for it any more, and whatever the handler answered, the event is handled again there. */
static void drop(polka_context *unit)
{
    unit->delivery->dropped = true;
    unit->state = UNIT_SETTLED;
}

/* All sizes are looked at before the first emission is sent, so that no reaction is half sent. */
static polka_status check_sizes(polka_context *unit, polka_error *error)
{
    size_t most = unit->flow->options.max_event_bytes;
    if (unit->flow->transact != NULL && polkai_transact_refusal(unit, false, error))
        return error->status;            /* the broker has said so: the transaction with them was aborted */
    for (const polkai_sending *each = unit->first; each != NULL; each = each->next) {
        size_t bytes = each->record.value.size + each->record.key.size;
        ENSURE(bytes <= most, POLKA_POISON, error, "emission-too-large",
               "an emission of %s has %zu bytes; at most %zu are sent (emit.max_bytes)", each->target->event->name, bytes, most);
    }
    return POLKA_OK;
}

/* Dead letters say when it failed first. */
static void note_failure(polka_context *unit)
{
    if (unit->first_failed_ms == 0)
        unit->first_failed_ms = polka_now_ms(unit);
}

static void send_emissions(polka_context *unit)
{
    polka_error error;
    if (check_sizes(unit, &error) != POLKA_OK) {
        note_failure(unit);
        drop_emissions(unit);
        polkai_settle_letter(unit, "poison", error.code, polkai_arena_text(unit->arena, error.message, strlen(error.message)));
        return;
    }
    polkai_meter_add(&unit->worker->done, 1);
    if (unit->worker->meter != NULL)
        polkai_meter_ended(unit, POLKAI_REACTION_DONE, NULL);
    unit->to_send = unit->first;
    unit->outages = 0;
    polkai_settle_send(unit);
}

void polkai_settle(polka_context *unit, polka_outcome outcome)
{
    verdict by = unit->error != NULL ? on_error[unit->error->status] : on_outcome[(unsigned)outcome <= POLKA_DEAD ? outcome : 0];
    if (by.step != TO_SEND)
        note_failure(unit);
    if (!by.keep_emissions)
        drop_emissions(unit);
    if (by.step != TO_STOP && is_fenced(unit->delivery)) {
        drop(unit);
        return;
    }
    switch (by.step) {
    case TO_SEND:
        send_emissions(unit);
        return;
    case TO_SKIP:
        skip(unit);
        return;
    case TO_RETRY:
        retry(unit, &by);
        return;
    case TO_LETTER:
        if (unit->error != NULL)
            polkai_settle_letter(unit, by.error_class, unit->error->code, polka_text_of(unit->error->message));
        else
            polkai_settle_letter(unit, by.error_class, by.code, unit->reason.data != NULL ? unit->reason
                                 : POLKA_TEXT("the handler answered POLKA_DEAD without a reason"));
        return;
    case TO_WAIT:
        unit->state = UNIT_WAITING;
        wait_for_it(unit);
        return;
    case TO_STOP:
        stop(unit, &by);
        return;
    }
}

/* ---- sending ---- */

/* A letter is made of what stands behind its sending, so that it can be made again without its value. */
static polkai_letter *letter_of(polkai_sending *sending)
{
    return (polkai_letter *)(sending + 1);
}

static void append(polka_context *unit, polkai_sending *sending)
{
    if (unit->last == NULL)
        unit->first = sending;
    else
        unit->last->next = sending;
    unit->last = sending;
}

/* Two headers of the letter carry it, and a header is read up to 8 KiB and as UTF-8 only. */
static polka_text readable(polka_text message, polka_arena *arena)
{
    if (message.size <= REASON_BYTES && polkai_utf8_valid(message.data, message.size))
        return polkai_arena_text(arena, message.data, message.size);
    char *text = polka_arena_alloc(arena, REASON_BYTES + 8);
    return (polka_text){ polkai_text_escape(text, REASON_BYTES + 8, message.data, message.size, REASON_BYTES), text };
}

/* A letter borrows the headers of its record until it is acknowledged: they stay, or come back to stay. */
static void own_headers(polkai_delivery *delivery)
{
    polkai_record *record = &delivery->record;
    if (delivery->lettered)
        return;
    delivery->lettered = true;
    polkai_record_headers(record, &delivery->arena);
    polkai_header *own = polka_arena_alloc(&delivery->arena, record->header_count * sizeof *own);
    if (record->header_count > 0)
        memcpy(own, record->headers, record->header_count * sizeof *own);
    record->headers = own;
}

/* Exactly-once: the transaction with this letter was aborted, as the letter was too large. */
static void letter_once_refused(polka_context *unit, polkai_sending *sending)
{
    polka_error error;
    if (unit->flow->transact != NULL && polkai_transact_refusal(unit, true, &error) && polkai_refused_for_size(error.code))
        polkai_letter_without_value(sending, unit->arena);
}

void polkai_settle_letter(polka_context *unit, const char *error_class, const char *code, polka_text message)
{
    message = readable(message, unit->arena);
    own_headers(unit->delivery);
    const polkai_record *record = &unit->delivery->record;
    polkai_sending *sending = polkai_arena_zeroed(unit->arena, 1, sizeof *sending + sizeof(polkai_letter));
    *letter_of(sending) = (polkai_letter){
        .record = record, .group = unit->flow->options.group, .error_class = error_class, .code = polkai_arena_text(unit->arena, code, strlen(code)).data,
        .reaction = unit->reaction == NULL ? POLKA_TEXT("-") : polka_text_of(polkai_reaction_name(unit->reaction)),
        .message = message, .attempts = unit->attempt, .first_failed_ms = unit->first_failed_ms };
    sending->kind = SENDING_LETTER;
    sending->delivery = unit->delivery;
    sending->unit = unit;
    polkai_letter_write(letter_of(sending), unit->arena, &sending->record);
    if (POLKAI_PLANT(letter_truncated) && sending->record.value.size > 0)
        sending->record.value.size--;
    letter_once_refused(unit, sending);
    append(unit, sending);
    polkai_count(unit->flow, COUNT_DEAD);
    polkai_meter_ended(unit, POLKAI_REACTION_DEAD, code);
    polkai_context_log(unit, POLKAI_LOG_WARN, "dead letter (%s) of %.*s/%" PRId32 "/%" PRId64 " to %.*s: %.*s", code, POLKA_TEXT_ARGS(record->topic),
                       record->partition, polkai_record_first(record), POLKA_TEXT_ARGS(sending->record.topic), POLKA_TEXT_ARGS(message));
    unit->letter = unit->to_send = sending;
    polkai_settle_send(unit);
}

void polkai_settle_lost(polka_context *unit, const char *message)
{
    note_failure(unit);
    if (is_fenced(unit->delivery))
        drop(unit);
    else
        polkai_settle_letter(unit, "handler", POLKAI_DEADLINE_EXCEEDED, polka_text_of(message));
}

void polkai_letter_without_value(polkai_sending *sending, polka_arena *arena)
{
    letter_of(sending)->without_value = sending->without_value = true;
    polkai_letter_write(letter_of(sending), arena, &sending->record);
}

/* One that has not left borrows from the record; exactly-once it leaves only with its transaction, long after its unit has settled. */
void polkai_letter_again(polka_context *unit)
{
    if (unit->letter != NULL && (unit->flow->transact != NULL || (unit->state == UNIT_HOLDING && unit->to_send == unit->letter)))
        polkai_letter_write(letter_of(unit->letter), unit->arena, &unit->letter->record);
}

static void hold(polka_context *unit)
{
    unit->state = UNIT_HOLDING;
    wait_for_it(unit);
}

/* An emission that can never be sent: what went before it is on its way, so the letter says so. */
static void refuse(polka_context *unit, polkai_sending *sending, const polka_error *error)
{
    unsigned sent = 0;
    for (const polkai_sending *each = unit->first; each != sending; each = each->next)
        sent++;
    polka_text message = polkai_arena_format(unit->arena, "the emission of %s was refused (%s); %u before it were sent", sending->target->event->name,
                                             error->message, sent);
    note_failure(unit);
    polkai_settle_letter(unit, "poison", error->code, message);
}

void polkai_settle_refused(polka_context *unit)
{
    unsigned sent = 0;
    if (is_fenced(unit->delivery)) {     /* at the end of the flow, too: its source is gone, and with it the name of the topic */
        drop(unit);
        return;
    }
    for (const polkai_sending *each = unit->first; each != NULL; each = each->next)
        sent += !each->refused;
    polka_text message = polkai_arena_format(unit->arena, "the emission of %s was refused by the broker: %s; %u others of this reaction were sent",
                                             unit->refused->target->event->name, unit->refused_error->message, sent);
    note_failure(unit);
    polkai_settle_letter(unit, "poison", unit->refused_error->code, message);
    if (unit->state != UNIT_HOLDING)
        return;
    atomic_fetch_add(&unit->delivery->pending, 1);       /* no lane has it any more: it waits in the line of failed sends */
    unit->state = UNIT_SETTLED;
    polkai_send_wait_in_line(unit->flow, unit->letter);
}

/* A letter that can never be sent as it is goes without its value; if even that is refused, nothing advances. */
static void letter_refused(polka_context *unit, polkai_sending *sending, const polka_error *error)
{
    if (!sending->without_value && sending->record.value.data != NULL && polkai_refused_for_size(error->code)) {
        polkai_letter_without_value(sending, unit->arena);
        polkai_settle_send(unit);
        return;
    }
    polkai_context_log(unit, POLKAI_LOG_ERROR, "the dead letter topic %.*s takes no letter: %s; the event waits", POLKA_TEXT_ARGS(sending->record.topic),
                       error->message);
    hold(unit);
}

static bool may_leave(polka_context *unit, const polkai_sending *sending)
{
    if (sending->target == NULL)
        return true;
    return polkai_send_is_announced(unit->flow, sending->target) && atomic_load(sending->target->held) == 0;
}

static void count_sent(polka_context *unit, const polkai_sending *sending)
{
    if (unit->worker->meter != NULL && sending->target != NULL)
        polkai_meter_sent(unit, sending->target);
}

void polkai_settle_send(polka_context *unit)
{
    polkai_delivery *delivery = unit->delivery;
    if (is_fenced(delivery)) {
        drop(unit);
        return;
    }
    if (unit->to_send != NULL)
        polkai_walk_own_texts(delivery);
    for (; unit->to_send != NULL; unit->to_send = unit->to_send->next) {
        polkai_sending *sending = unit->to_send;
        polka_error error;
        if (!may_leave(unit, sending)) {
            hold(unit);
            return;
        }
        if (unit->flow->transact != NULL) {
            count_sent(unit, sending);   /* it leaves with its transaction */
            continue;
        }
        atomic_fetch_add(&delivery->pending, 1);
        polka_status status = polkai_send_now(unit->flow, sending, &error);
        if (status == POLKA_OK) {
            unit->outages = 0;           /* a queue that is full again is not the same outage */
            count_sent(unit, sending);
            continue;
        }
        atomic_fetch_sub(&delivery->pending, 1);
        if (status == POLKA_POISON && unit->flow->tracing != NULL)
            polkai_trace_sent(sending, &(polkai_report){ .status = status, .partition = -1, .offset = -1, .code = error.code, .message = error.message });
        if (status == POLKA_POISON && sending->kind == SENDING_EMISSION)
            refuse(unit, sending, &error);
        else if (status == POLKA_POISON)
            letter_refused(unit, sending, &error);
        else if (status == POLKA_TRANSIENT)
            hold(unit);
        else {
            polkai_settle_stop(unit->flow, &error);
            delivery->dropped = true;
            unit->state = UNIT_SETTLED;
        }
        return;
    }
    unit->state = UNIT_SETTLED;
}
