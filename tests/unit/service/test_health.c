/* What a service answers on /livez, /readyz and /startupz: the table, and a program that is asked from outside in every state. */
#include "child.h"

#include <service/health.h>

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(health, .fini = child_remove_folder);

/* ---- the table ---- */

#define MS(N) ((int64_t)(N) * 1000000)
enum { STILL = POLKAI_HEALTH_STILL_MS };

static void answers(const char *when, polkai_pulse pulse, int64_t now_ms, bool live, bool ready, bool started)
{
    cr_expect_eq(polkai_health_of(POLKAI_HEALTH_LIVE, &pulse, MS(now_ms)).count == 0, live, "live: %s", when);
    cr_expect_eq(polkai_health_of(POLKAI_HEALTH_READY, &pulse, MS(now_ms)).count == 0, ready, "ready: %s", when);
    cr_expect_eq(polkai_health_of(POLKAI_HEALTH_STARTED, &pulse, MS(now_ms)).count == 0, started, "started: %s", when);
}

Test(health, is_one_table_of_what_is_and_what_is_asked)
{
    const int64_t now = 10000000;
    polkai_pulse well = { .turned_ns = MS(now - 10), .assigned = true, .joined = true, .reached = true };
    polkai_pulse at;
    answers("all is well", well, now, true, true, true);
    answers("resources are being opened, since long", (polkai_pulse){ .reached = true }, now, true, false, false);
    at = well, at.assigned = at.joined = false;
    answers("no assignment yet", at, now, true, false, false);
    at = well, at.reached = false;
    answers("brokers are away", at, now, true, false, true);
    at = well, at.joined = at.reached = false;
    answers("brokers are away for so long that the partitions were lost", at, now, true, false, true);
    at = well, at.turned_ns = MS(now - STILL);
    answers("the loop turned just in time", at, now, true, true, true);
    at = well, at.turned_ns = MS(now - STILL - 1);
    answers("the loop stands still", at, now, false, false, true);
    at = well, at.stopping = true;
    answers("it was asked to stop", at, now, true, false, true);
    at = well, at.stopping = true, at.turned_ns = MS(now - STILL - 1), at.drain_until_ns = MS(now + 1);
    answers("a drain that takes long and has its time", at, now, true, false, true);
    at.drain_until_ns = MS(now - STILL - 1);
    answers("a drain that is over its time, and does not end", at, now, false, false, true);
}

Test(health, gives_every_reason_at_once)
{
    polkai_pulse pulse = { .turned_ns = 1, .stopping = true };
    polkai_health health = polkai_health_of(POLKAI_HEALTH_READY, &pulse, MS(STILL) + 2);
    cr_assert_eq(health.count, 4u);
    cr_expect_str_eq(health.reasons[0], "the poll loop stands still");
    cr_expect_str_eq(health.reasons[3], "no broker answers");
}

/* ---- from outside ---- */

Test(health, of_a_service_whose_broker_is_away_is_alive_and_not_ready)
{
    child program = child_start(ARGUMENTS(NOWHERE, HTTP));
    unsigned port = child_port(&program);
    cr_assert(child_read_until(&program, "no broker answers"), "%s", program.text);
    child_says(port, "/livez", "200", "\r\n\r\n{\"status\":\"ok\"}\n");
    child_says(port, "/readyz", "503", "{\"status\":\"unavailable\",\"why\":[\"not in the consumer group yet\",\"no broker answers\"]}\n");
    child_says(port, "/startupz", "503", "{\"status\":\"unavailable\",\"why\":[\"not in the consumer group yet\"]}\n");
    kill(program.pid, SIGTERM);
    cr_expect_eq(child_end(&program), 0, "%s", program.text);
}

/* A handler that takes for ever (for the test), on a lane or on the poll thread itself; then a drain that waits for it. */
static void busy_and_draining(char *lanes)
{
    polkai_broker *broker;
    char *brokers = child_broker_with(&broker, (const char *const[]){ "one" }, 1);
    sample_blocks = true;
    child program = child_start(ARGUMENTS("--brokers", brokers, "--embedded", "--app.tenant", "t", "--drain.deadline_ms", "2s", "--lanes", lanes, HTTP));
    unsigned port = child_port(&program);
    cr_assert(child_read_until(&program, "blocked"), "%s", program.text);
    child_says(port, "/livez", "200", "ok");
    child_says(port, "/readyz", "200", "ok");
    child_says(port, "/startupz", "200", "ok");
    kill(program.pid, SIGTERM);
    if (strcmp(lanes, "inline") != 0)                    /* its loop is in the handler, and says nothing any more */
        cr_assert(child_read_until(&program, "\"state\":\"draining\""), "%s", program.text);
    const char *ready;
    while (strncmp(ready = child_get(port, "/readyz"), "HTTP/1.1 503", 12) != 0)
        cr_assert_eq(strncmp(ready, "HTTP/1.1 200", 12), 0, "%s", ready);
    cr_expect_not_null(strstr(ready, "stopping: what has begun is finished"), "%s", ready);
    child_says(port, "/livez", "200", "ok");
    child_says(port, "/startupz", "200", "ok");
    kill(program.pid, SIGKILL);
    child_end(&program);
    polkai_broker_stop(broker);
}

Test(health, of_a_service_with_a_busy_handler_is_well_until_it_drains) { busy_and_draining("1"); }
Test(health, of_a_service_that_is_busy_on_its_poll_thread_is_well_until_it_drains) { busy_and_draining("inline"); }

Test(health, is_no_longer_ready_when_the_broker_goes_and_alive_all_the_same)
{
    polkai_broker *broker;
    char *brokers = child_broker_with(&broker, (const char *const[]){ "one" }, 1);
    child program = child_start(ARGUMENTS("--brokers", brokers, "--embedded", "--app.tenant", "t", HTTP));
    unsigned port = child_port(&program);
    cr_assert(child_read_until(&program, "\"state\":\"ready\""), "%s", program.text);
    child_says(port, "/readyz", "200", "ok");
    polkai_broker_stop(broker);
    cr_assert(child_read_until(&program, "no broker answers"), "%s", program.text);
    child_says(port, "/livez", "200", "ok");
    const char *ready;                   /* the notice of the producer may be a moment earlier than the consumer's */
    while (strncmp(ready = child_get(port, "/readyz"), "HTTP/1.1 503", 12) != 0)
        cr_assert_eq(strncmp(ready, "HTTP/1.1 200", 12), 0, "%s", ready);
    cr_expect_not_null(strstr(ready, "\"no broker answers\""), "%s", ready);
    child_says(port, "/startupz", "200", "ok");
    kill(program.pid, SIGTERM);
    child_end(&program);
}

Test(health, survives_what_is_no_request)
{
    char much[20000];
    child program = child_start(ARGUMENTS(NOWHERE, HTTP));
    unsigned port = child_port(&program);
    child_says(port, "/", "404", "Here are: /livez /readyz");
    child_says(port, "/livez/../readyz", "404", "");
    child_says(port, "/livez?verbose=1", "200", "ok");
    cr_expect_not_null(strstr(child_ask(port, "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"), "405"));
    cr_expect_not_null(strstr(child_ask(port, "HEAD /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "200"));
    child_ask(port, "\x16\x03\x01\x02\r\n\r\n");
    snprintf(much, sizeof much, "GET /%0*d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 16000, 7);
    child_ask(port, much);
    child_says(port, "/livez", "200", "ok");
    kill(program.pid, SIGTERM);
    cr_expect_eq(child_end(&program), 0, "%s", program.text);
}

Test(health, refuses_an_address_and_a_port_it_cannot_have)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char port[8], message[100];
    int taken = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(taken, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(taken, 1), 0);
    getsockname(taken, (struct sockaddr *)&at, &(socklen_t){ sizeof at });
    snprintf(port, sizeof port, "%u", ntohs(at.sin_port));
    snprintf(message, sizeof message, "http.port %s of http.address 127.0.0.1 cannot be listened on: Address already in use", port);
    child first = child_start(ARGUMENTS(NOWHERE, "--http.port", port, "--http.address", "127.0.0.1"));
    cr_expect_eq(child_end(&first), 2);
    cr_expect_not_null(strstr(first.text, message), "%s", first.text);
    child second = child_start(ARGUMENTS(NOWHERE, "--http.port", "0", "--http.address", "localhost"));
    cr_expect_eq(child_end(&second), 2);
    cr_expect_not_null(strstr(second.text, "http.address 'localhost' is no address of a machine"), "%s", second.text);
    close(taken);
}
