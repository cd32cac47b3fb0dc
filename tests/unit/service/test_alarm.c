/* The alarm of a process, in processes of their own: each child waits for ever, and how it ends is looked at. */
#include "child.h"

#include <service/alarm.h>

#include <criterion/criterion.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MS = 1000000, OURS = 7, INNER = 9, OWN = 11, LIMIT_S = 30 };

TestSuite(alarm, .fini = child_remove_folder, .timeout = 60);

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / MS;
}

static pid_t started(void (*body)(void))
{
    pid_t made = fork();
    if (made == 0) {
        body();
        for (int64_t end_ms = now_ms() + LIMIT_S * 1000; now_ms() < end_ms;)
            pause();
        _exit(1);
    }
    return made;
}

static int ends_with(pid_t process)
{
    int status;
    cr_assert_eq(waitpid(process, &status, 0), process);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static polkai_alarm outer, inner;

static void set(polkai_alarm *before, int code, int64_t most_ms)
{
    polkai_alarm_set(before, &(polkai_limit){ .code = code, .most_ms = most_ms });
}

static int output[2];

static void says(void)
{
    polkai_alarm_set(&outer, &(polkai_limit){ .code = OURS, .most_ms = 50, .descriptor = output[1], .text = "late\n" });
}

Test(alarm, ends_the_process_with_its_code_and_says_so)
{
    char text[16] = "";
    cr_assert_eq(pipe(output), 0);
    cr_expect_eq(ends_with(started(says)), OURS);
    cr_expect_eq(read(output[0], text, sizeof text - 1), 5);
    cr_expect_str_eq(text, "late\n");
}

/* Nobody reads, and the pipe is full. */
static void says_to_nobody(void)
{
    static char block[65536];
    while (write(output[1], block, sizeof block) > 0)
        ;
}

Test(alarm, does_not_wait_for_who_reads_what_it_says)
{
    cr_assert_eq(pipe(output), 0);
    pid_t made = fork();
    if (made == 0) {
        says();
        says_to_nobody();
        _exit(1);
    }
    cr_expect_eq(ends_with(made), OURS);
}

static void stay(int64_t ms)
{
    for (int64_t end_ms = now_ms() + ms; now_ms() < end_ms;)
        usleep(1000);
}

/* For longer than the outer one has. */
static void set_within(void)
{
    set(&outer, OURS, 1000);
    set(&inner, INNER, 10000);
    stay(2000);
    polkai_alarm_clear(&inner);
}

Test(alarm, goes_on_while_one_within_it_is_set)
{
    int64_t began_ms = now_ms();
    cr_expect_eq(ends_with(started(set_within)), OURS);
    cr_expect_lt(now_ms() - began_ms, 3000, "at once when the other is taken back");
}

static void end_own(int number)
{
    (void)number;
    _exit(OWN);
}

static void set_beside_own(void)
{
    struct sigaction own = { .sa_handler = end_own };
    sigemptyset(&own.sa_mask);
    sigaction(SIGALRM, &own, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){ .it_value = { .tv_usec = 800 * 1000 } }, NULL);
    set(&outer, OURS, 10000);
    polkai_alarm_clear(&outer);
}

Test(alarm, gives_the_program_its_own_one_back)
{
    int64_t began_ms = now_ms();
    cr_expect_eq(ends_with(started(set_beside_own)), OWN);
    cr_expect_geq(now_ms() - began_ms, 700);
}

static void set_and_say(void)
{
    set(&outer, OURS, 500);
    cr_assert_eq(write(output[1], "x", 1), 1);
}

/* The clock goes on while a process is stopped; its patience does not. */
Test(alarm, does_not_count_the_time_for_which_the_process_was_stopped)
{
    int status;
    char told;
    cr_assert_eq(pipe(output), 0);
    pid_t made = started(set_and_say);
    cr_assert_eq(read(output[0], &told, 1), 1);
    kill(made, SIGSTOP);
    cr_assert_eq(waitpid(made, &status, WUNTRACED), made);
    cr_assert(WIFSTOPPED(status));
    stay(1500);                          /* it is due after 500, and from 1000 on it is late */
    int64_t went_on_ms = now_ms();
    kill(made, SIGCONT);
    cr_expect_eq(ends_with(made), OURS);
    cr_expect_geq(now_ms() - went_on_ms, 400);
}

/* ---- a service ---- */

static bool hangs;                       /* its drain, in a call of librdkafka that does not come back */

rd_kafka_error_t *__real_rd_kafka_consumer_close_queue(rd_kafka_t *handle, rd_kafka_queue_t *queue);
rd_kafka_error_t *__wrap_rd_kafka_consumer_close_queue(rd_kafka_t *handle, rd_kafka_queue_t *queue);

rd_kafka_error_t *__wrap_rd_kafka_consumer_close_queue(rd_kafka_t *handle, rd_kafka_queue_t *queue)
{
    while (hangs)
        pause();
    return __real_rd_kafka_consumer_close_queue(handle, queue);
}

static void drain_that_hangs(char *format, const char *begins)
{
    polkai_broker *broker;
    char *brokers = child_broker_with(&broker, (const char *const[]){ "one" }, 1);
    hangs = true;
    child program = child_start(ARGUMENTS("--brokers", brokers, "--embedded", "--app.tenant", "t", "--drain.deadline_ms", "300ms", "--log.format", format));
    cr_assert(child_read_until(&program, "ready"), "%s", program.text);
    kill(program.pid, SIGTERM);
    cr_expect_eq(child_end(&program), 5, "%s", program.text);
    const char *line = strstr(program.text, "the drain stands still, 2000 ms past its deadline of 300 ms: the process ends with 5");
    cr_assert_not_null(line, "%s", program.text);
    cr_expect_eq(strncmp(line - strlen(begins), begins, strlen(begins)), 0, "%s", program.text);
    cr_expect_eq(program.text[program.size - 1], '\n');
    polkai_broker_stop(broker);
}

Test(alarm, ends_a_drain_that_stands_still) { drain_that_hangs("json", "{\"level\":\"error\",\"service\":\"payments\",\"message\":\""); }
Test(alarm, tells_people_of_it_as_text) { drain_that_hangs("text", "error payments: "); }
