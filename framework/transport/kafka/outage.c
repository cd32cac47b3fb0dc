/*
 * outage.c: tells the owner when no broker answers, with the address and the reason, and when one does again.
 *
 * librdkafka says when the last connection went down, but never when one came up, so while all are down a metadata
 * request that may not wait is tried now and then: it fails at once with _TRANSPORT as long as nobody is connected.
 */
#include <transport/kafka/client.h>

#include <stdio.h>

enum { SECOND = 1000000000, LOOK_MS = 250, REPEAT_S = 10, REPEAT_DOWN_S = 30, REASON_S = 2 };

/* A connection that a broker closed is made again at once; only when that fails there is something to tell. */
static bool is_plain_disconnect(const char *reason)
{
    return strstr(reason, ": Disconnected (after") != NULL;
}

static void tell_down(polkai_kafka_client *client, int64_t now)
{
    polkai_kafka_outage *outage = &client->outage;
    char text[600];
    if (!outage->told)
        snprintf(text, sizeof text, "no broker answers at %s (%s); trying again until one does. Is it running, and is the address right?",
                 client->brokers, outage->reason);
    else
        snprintf(text, sizeof text, "still no broker answers at %s after %d s (%s)", client->brokers,
                 (int)((now - outage->since_ns) / SECOND), outage->reason);
    outage->told = true;
    outage->told_ns = now;
    if (client->reached != NULL)
        client->reached(client->owner, false);
    client->notice(client->owner, POLKA_TRANSIENT, text);
}

static void keep_reason(polkai_kafka_outage *outage, const char *reason)
{
    snprintf(outage->reason, sizeof outage->reason, "%s", reason);
    char *state = strstr(outage->reason, " (after ");
    if (state != NULL)
        *state = '\0';                   /* "(after 0ms in state CONNECT)" tells a user nothing */
}

/* A condition that is not about a connection: told as it is, at most every ten seconds. */
static void tell_other(polkai_kafka_client *client, rd_kafka_resp_err_t code, const char *reason, int64_t now)
{
    polkai_kafka_outage *outage = &client->outage;
    char text[600];
    if (outage->told_ns != 0 && now - outage->told_ns < (int64_t)REPEAT_S * SECOND)
        return;
    outage->told_ns = now;
    snprintf(text, sizeof text, "%s: %s", rd_kafka_err2name(code), reason);
    client->notice(client->owner, POLKA_TRANSIENT, text);
}

static void one_broker(polkai_kafka_client *client, const char *reason, int64_t now)
{
    polkai_kafka_outage *outage = &client->outage;
    if (is_plain_disconnect(reason))
        return;
    keep_reason(outage, reason);
    if (outage->down) {
        if (!outage->told)
            tell_down(client, now);
        return;
    }
    /* the others may answer: ALL_BROKERS_DOWN follows at once when they do not */
    outage->failed_ns = now;
}

static void fatal(polkai_kafka_client *client, rd_kafka_t *handle)
{
    char text[512], message[600];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(handle, text, sizeof text);
    snprintf(message, sizeof message, "librdkafka cannot go on: %s: %s; the service has to start again", rd_kafka_err2name(code), text);
    client->notice(client->owner, POLKA_FATAL, message);
}

void polkai_kafka_outage_error(rd_kafka_t *handle, int code, const char *reason, void *opaque)
{
    polkai_kafka_client *client = opaque;
    polkai_kafka_outage *outage = &client->outage;
    int64_t now = polkai_kafka_now_ns();
    switch (code) {
    case RD_KAFKA_RESP_ERR__FATAL:
        fatal(client, handle);
        return;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        if (outage->down)
            return;
        outage->down = true;
        outage->since_ns = outage->looked_ns = now;
        if (outage->reason[0] != '\0')
            tell_down(client, now);
        return;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
        one_broker(client, reason, now);
        return;
    default:
        tell_other(client, (rd_kafka_resp_err_t)code, reason, now);
    }
}

static bool is_connected(polkai_kafka_client *client)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(client->handle, 0, NULL, &metadata, 1);
    if (metadata != NULL)
        rd_kafka_metadata_destroy(metadata);
    return code != RD_KAFKA_RESP_ERR__TRANSPORT;         /* _TIMED_OUT: somebody was asked, which is all we want to know */
}

static void tell_back(polkai_kafka_client *client, int64_t now)
{
    polkai_kafka_outage *outage = &client->outage;
    char text[600];
    snprintf(text, sizeof text, "a broker answers again at %s after %.1f s", client->brokers, (double)(now - outage->since_ns) / SECOND);
    bool told = outage->told;
    *outage = (polkai_kafka_outage){ 0 };
    if (told && client->reached != NULL)
        client->reached(client->owner, true);
    if (told)
        client->notice(client->owner, POLKA_OK, text);
}

/*
 * One broker of several: told when the connection still fails a moment later, at most every ten seconds. Or all of them:
 * librdkafka compares two counters when a broker goes down, and is silent when the one for the coordinator changes in between.
 */
static void look_at_one(polkai_kafka_client *client, int64_t now)
{
    polkai_kafka_outage *outage = &client->outage;
    char text[600];
    if (now - outage->failed_ns < SECOND / 10 || outage->reason[0] == '\0')
        return;
    if (!is_connected(client)) {
        outage->down = true;
        outage->since_ns = outage->failed_ns;
        outage->looked_ns = now;
        tell_down(client, now);
        return;
    }
    snprintf(text, sizeof text, "a broker does not answer (%s); the others do", outage->reason);
    outage->reason[0] = '\0';
    if (outage->told_ns != 0 && now - outage->told_ns < (int64_t)REPEAT_S * SECOND)
        return;
    outage->told_ns = now;
    client->notice(client->owner, POLKA_TRANSIENT, text);
}

void polkai_kafka_outage_look(polkai_kafka_client *client)
{
    polkai_kafka_outage *outage = &client->outage;
    if (!outage->down && outage->reason[0] == '\0')
        return;
    int64_t now = polkai_kafka_now_ns();
    if (!outage->down) {
        look_at_one(client, now);
        return;
    }
    if (now - outage->looked_ns < (int64_t)LOOK_MS * 1000000)
        return;
    outage->looked_ns = now;
    if (is_connected(client)) {
        tell_back(client, now);
        return;
    }
    if (!outage->told && now - outage->since_ns < (int64_t)REASON_S * SECOND)
        return;
    if (!outage->told)                   /* librdkafka 2.15.1 gives no reason where connections are taken and nothing is answered on them */
        keep_reason(outage, "connections are not answered");
    else if (now - outage->told_ns < (int64_t)REPEAT_DOWN_S * SECOND)
        return;
    tell_down(client, now);
}
