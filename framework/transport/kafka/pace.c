/*
 * pace.c: the producer's thread waits a moment behind what it has sent, where it would only spin or send too little.
 *
 * linger.ms is 0, as an event that nobody waits behind is to leave at once. Under load librdkafka then pays for it: with enable.idempotence at
 * most five messages of a partition may be under way, so that behind a batch no second one is sent, and while more wait in the
 * queue its thread polls without a wait and looks at each partition again and again. 400,000 events were 1.1 million calls of poll(2) and
 * 1,087 of sendmsg(2) (2.0.2 on a loaded machine; the newest source does the same).
 * - While little is under way it waits for the answer: a Kafka broker works off one request of a connection at a time, so a second one that
 *   is on its way brings at most the time of the network.
 * - While much is, it rests for as long as a linger of 1 ms would take, so that batches grow; and then goes on without a rest until all
 *   partitions have had their turn, or many of them, so that a topic with a thousand does not wait a second for its round.
 * Where several threads send, their bursts make large batches as it is, and records that wait longer have left the caches of the cores before they are
 * sent: two and four lanes with nine headers lost 10 % by it (2 cores), one lane and inline won 15 to 25 %. So it is for one.
 */
#include <transport/kafka/pace.h>

#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum {
    PRODUCE = 0,                         /* ApiKey */
    MUCH = 128,                          /* messages not acknowledged, to any broker: some 300,000 a second where the answer comes in 0.4 ms */
    ANSWER_NS = 500000,                  /* more than an answer takes in one data centre, and little beside one between two */
    REST_NS = 950000, ROUND_NS = 200000, /* the kernel adds 50,000 to a rest; a round is some ten requests */
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void rest(void)
{
    static _Thread_local int64_t rested_ns;              /* each broker has a thread of its own */
    if (now_ns() - rested_ns < ROUND_NS)
        return;
    nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
    rested_ns = now_ns();
}

static rd_kafka_resp_err_t sent(rd_kafka_t *handle, int socket, const char *broker, int32_t id, int16_t api, int16_t version, int32_t correlation,
                                size_t size, void *opaque)
{
    (void)broker, (void)id, (void)version, (void)correlation, (void)size, (void)opaque;
    if (api == PRODUCE && rd_kafka_outq_len(handle) >= MUCH)
        rest();
    else if (api == PRODUCE)
        ppoll(&(struct pollfd){ .fd = socket, .events = POLLIN }, 1, &(struct timespec){ .tv_nsec = ANSWER_NS }, NULL);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t made(rd_kafka_t *handle, const rd_kafka_conf_t *conf, void *opaque, char *text, size_t size)
{
    (void)conf, (void)opaque, (void)text, (void)size;
    return rd_kafka_interceptor_add_on_request_sent(handle, "polka-pace", sent, NULL);
}

void polkai_kafka_pace(rd_kafka_conf_t *conf)
{
    char linger[32] = "";
    rd_kafka_conf_get(conf, "linger.ms", linger, &(size_t){ sizeof linger });
    if (strtod(linger, NULL) == 0)
        rd_kafka_conf_interceptor_add_on_new(conf, "polka-pace", made, NULL);
}
