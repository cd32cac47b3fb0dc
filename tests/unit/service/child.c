/* child.c: see child.h. */
#include "child.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

const polka_service *child_service = &sample_service;

/* Of this test alone; what is left of it goes with the test. */
static char own_folder[64];

const char *child_folder(void)
{
    if (*own_folder == '\0') {
        snprintf(own_folder, sizeof own_folder, "/tmp/polka-breaker-XXXXXX");
        cr_assert_not_null(mkdtemp(own_folder));
    }
    return own_folder;
}

void child_remove_folder(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/payments.ends", own_folder);
    if (*own_folder != '\0') {
        unlink(path);
        rmdir(own_folder);
    }
}

child child_start(char **argv)
{
    int ends[2], argc = 0;
    child made = { 0 };
    while (argv[argc] != NULL)
        argc++;
    cr_assert_eq(pipe(ends), 0);
    const char *folder = child_folder();
    made.pid = fork();
    if (made.pid == 0) {
        setenv("POLKA_BREAKER_FOLDER", folder, 1);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        alarm(60);
        exit(polka_main(child_service, argc, argv));
    }
    close(ends[1]);
    made.pipe = ends[0];
    return made;
}

static unsigned count_of(const child *from, const char *what)
{
    unsigned count = 0;
    for (const char *at = from->text; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

bool child_read_count(child *from, const char *what, unsigned count)
{
    while (what == NULL || count_of(from, what) < count) {
        ssize_t got = read(from->pipe, from->text + from->size, OUTPUT - 1 - from->size);
        if (got <= 0)
            return what == NULL;
        from->size += (size_t)got;
    }
    return true;
}

bool child_read_until(child *from, const char *what) { return child_read_count(from, what, 1); }

int child_end(child *of)
{
    int status;
    child_read_until(of, NULL);
    close(of->pipe);
    cr_assert_eq(waitpid(of->pid, &status, 0), of->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

char *child_broker_with(polkai_broker **broker, const char *const *ids, size_t count)
{
    polka_error error = { 0 };
    polka_producer *producer;
    polka_service edge = { .name = "edge", .version = "1", .emits = POLKA_EMITS(&sample_placed_event) };
    static const char *const topics[] = { "t.orders", "t.payments", "polka.schemas", "t.orders.payments.dlt" };
    cr_assert_eq(polkai_broker_mock_start(broker, &error), POLKA_OK, "%s", error.message);
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        cr_assert_eq(polkai_broker_topic(*broker, topics[i], 1, &error), POLKA_OK, "%s", error.message);
    char *brokers = (char *)polkai_broker_address(*broker);
    cr_assert_eq(polka_producer_open(&producer, &edge, 4, ((char *[]){ "edge", "--brokers", brokers, "--embedded", NULL }), &error), POLKA_OK,
                 "%s", error.message);
    polka_context *ctx = polka_begin(producer);
    for (size_t i = 0; i < count; i++)
        polka_emit(ctx, &sample_placed_event, "1234567", &(polka_emission){ .id = polka_text_of(ids[i]) });
    cr_assert_eq(polka_commit_take(ctx, &error), POLKA_OK, "%s", error.message);
    polka_producer_close(producer);
    return brokers;
}

child child_start_stuck(polkai_broker **broker, const char *deadline, const char *lanes)
{
    char *brokers = child_broker_with(broker, (const char *const[]){ "one" }, 1);
    sample_blocks = true;
    child made = child_start(ARGUMENTS("--brokers", brokers, "--embedded", "--app.tenant", "t", "--drain.deadline_ms", (char *)deadline, "--lanes", (char *)lanes));
    cr_assert(child_read_until(&made, "blocked"), "%s", made.text);
    return made;
}

unsigned child_port(child *of)
{
    cr_assert(child_read_until(of, "/readyz"), "%s", of->text);
    return (unsigned)atoi(strstr(of->text, "health at http://127.0.0.1:") + strlen("health at http://127.0.0.1:"));
}

const char *child_ask(unsigned port, const char *request)
{
    static char answer[65536];
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    size_t size = 0;
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = 20 }, sizeof(struct timeval));
    cr_assert_eq(connect(peer, (struct sockaddr *)&to, sizeof to), 0, "port %u: %m", port);
    cr_assert_eq(write(peer, request, strlen(request)), (ssize_t)strlen(request));
    for (ssize_t got = 1; got > 0 && size < sizeof answer - 1; size += got > 0 ? (size_t)got : 0)
        got = read(peer, answer + size, sizeof answer - 1 - size);
    answer[size] = '\0';
    close(peer);
    return answer;
}

const char *child_get(unsigned port, const char *path)
{
    char request[200];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    return child_ask(port, request);
}

void child_says(unsigned port, const char *path, const char *status, const char *text)
{
    const char *answer = child_get(port, path);
    cr_expect_eq(strncmp(answer, "HTTP/1.1 ", 9), 0, "%s", answer);
    cr_expect_eq(strncmp(answer + 9, status, strlen(status)), 0, "%s is not %s: %s", path, status, answer);
    cr_expect_not_null(strstr(answer, text), "%s does not say '%s': %s", path, text, answer);
}
