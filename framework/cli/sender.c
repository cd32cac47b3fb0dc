/* sender.c: one sink, whose reports come while it is served. */
#include <cli/sender.h>

#include <base/arena.h>
#include <base/identity.h>
#include <cli/terminal.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DEADLINE_MS = 15000,                 /* the broker has answered a moment ago; a new leader may take so long */
    TURN_MS = 50, FULL_MS = 100
};

typedef struct {
    cli_sender *owner;
    char id[POLKA_UUID_TEXT + 1];        /* "": no event */
    uint8_t *value;                      /* the sink borrows it until its report */
    const char *topic;
    int64_t began_ns;
    size_t key_size;
    char key[];
} pending;

static int64_t now_ns(void) { return polkai_clock_real.steady_ns(&polkai_clock_real); }

static void on_report(void *user, const polkai_report *report)
{
    pending *one = report->cookie;
    cli_sender *sender = one->owner;
    (void)user;
    sender->settled++;
    sender->moved_ns = now_ns();
    if (report->status != POLKA_OK && sender->failure.status == POLKA_OK)
        polkai_fail(&sender->failure, report->status, report->code != NULL ? report->code : "not-sent", "%s was not taken by the broker: %s%s%s",
                    one->topic, report->message != NULL ? report->message : "", report->code != NULL ? " " : "", report->code != NULL ? report->code : "");
    if (report->status == POLKA_OK && one->id[0] != '\0')
        cli_print_json(json_pack("{s:s, s:s, s:s, s:i, s:I}", "id", one->id, "correlation_id", one->id, "topic", one->topic, "partition",
                                 (int)report->partition, "offset", (json_int_t)report->offset));
    if (sender->heard != NULL && one->id[0] != '\0')
        sender->heard(sender->user, &(cli_sent){ one->id, one->topic, { one->key_size, one->key }, one->began_ns }, report);
    free(one->value);
    free(one);
}

polka_status cli_sender_open(cli_sender *sender, const cli_connection *connection, polka_error *error)
{
    polkai_kafka_options options = cli_connection_options(connection);
    options.report = on_report;
    options.report_user = sender;
    *sender = (cli_sender){ .brokers = connection->brokers, .moved_ns = now_ns() };
    return polkai_kafka_sink_open(&sender->sink, &options, error);
}

void cli_sender_close(cli_sender *sender)
{
    if (sender->sink != NULL)
        sender->sink->operations->close(sender->sink, 0);
    sender->sink = NULL;
}

bool cli_sender_serve(cli_sender *sender, int timeout_ms)
{
    sender->sink->operations->poll(sender->sink, timeout_ms);
    int64_t now = now_ns();
    if (sender->settled == sender->sent || sender->settled != sender->seen)
        sender->moved_ns = now;
    sender->seen = sender->settled;
    if (now - sender->moved_ns < DEADLINE_MS * (int64_t)1000000)
        return true;
    if (sender->failure.status == POLKA_OK)
        polkai_fail(&sender->failure, POLKA_TRANSIENT, "no-answer", "the broker at %s has taken nothing for %d s: %" PRId64 " of %" PRId64 " records are not acknowledged",
                    sender->brokers, DEADLINE_MS / 1000, sender->sent - sender->settled, sender->sent);
    return false;
}

bool cli_sender_goes_on(const cli_sender *sender) { return !cli_stopped() && sender->failure.status == POLKA_OK; }

polka_status cli_sender_send(cli_sender *sender, polkai_record *record, const char *id, polka_error *error)
{
    pending *one = polkai_alloc(sizeof *one + record->key.size + 1);
    *one = (pending){ .owner = sender, .topic = record->topic.data, .began_ns = now_ns(), .key_size = record->key.size };
    if (record->key.size > 0)
        memcpy(one->key, record->key.data, record->key.size);
    snprintf(one->id, sizeof one->id, "%s", id);
    if (record->value.data != NULL) {    /* else a tombstone */
        one->value = memcpy(polkai_alloc(record->value.size + 1), record->value.data, record->value.size);
        record->value.data = one->value;
    }
    polka_status status;
    while ((status = sender->sink->operations->send(sender->sink, record, one, error)) == POLKA_TRANSIENT && cli_sender_goes_on(sender) &&
           cli_sender_serve(sender, FULL_MS))
        ;                                /* its queue is full */
    if (status == POLKA_OK) {
        sender->sent++;
        return POLKA_OK;
    }
    free(one->value);
    free(one);
    return status;
}

void cli_sender_settle(cli_sender *sender)
{
    while (sender->settled < sender->sent && cli_sender_serve(sender, TURN_MS))
        ;
}
