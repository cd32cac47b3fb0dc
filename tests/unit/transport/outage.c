/* What is told of brokers of which librdkafka only says that all are down. */
#include <transport/kafka/client.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

enum { LIMIT_MS = 20000, REASON_MS = 2000 };

typedef struct { unsigned told, reached, unreached; char first[600]; } heard;

static void notice(void *owner, polka_status status, const char *message)
{
    heard *all = owner;
    (void)status;
    if (all->told++ == 0)
        snprintf(all->first, sizeof all->first, "%s", message);
}

static void reached(void *owner, bool answers)
{
    heard *all = owner;
    *(answers ? &all->reached : &all->unreached) += 1;
}

/* Found on librdkafka 2.15.1: where connections are taken and nothing is answered on them it gives no reason, and nothing was told at all. */
Test(outage, without_a_reason_is_told_all_the_same)
{
    heard all = { 0 };
    char text[256];
    polkai_kafka_client client = { .brokers = (char *)(uintptr_t)"127.0.0.1:1", .notice = notice, .reached = reached, .owner = &all };
    client.handle = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, text, sizeof text);            /* it has no brokers at all */
    cr_assert_not_null(client.handle, "%s", text);
    int64_t began_ns = polkai_kafka_now_ns();
    polkai_kafka_outage_error(client.handle, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down", &client);
    polkai_kafka_outage_look(&client);
    cr_expect_eq(all.told, 0u, "a reason may still come");
    for (int64_t until = polkai_kafka_now_ns() + (int64_t)LIMIT_MS * 1000000; all.told == 0 && polkai_kafka_now_ns() < until;) {
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
        polkai_kafka_outage_look(&client);
    }
    cr_expect_eq(all.told, 1u);
    cr_expect_geq((polkai_kafka_now_ns() - began_ns) / 1000000, REASON_MS, "it is waited for");
    cr_expect(all.unreached == 1 && all.reached == 0);
    cr_expect_not_null(strstr(all.first, "no broker answers at 127.0.0.1:1"), "%s", all.first);
    rd_kafka_destroy(client.handle);
}
