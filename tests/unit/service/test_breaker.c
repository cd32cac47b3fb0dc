/* test_breaker.c: whose ends are counted where. */
#include <base/arena.h>
#include <flow/inner.h>
#include <service/breaker.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const polkai_ending_event event = { POLKA_TEXT_INIT("cluster-1"), POLKA_TEXT_INIT("shop.orders"), POLKA_TEXT_INIT("shop.OrderPlaced"), 0, 17, 1767225600000 };
static char folder[64];
static polkai_log silent;

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/polka-breaker-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    polkai_log_init(&silent, open("/dev/null", O_WRONLY | O_CLOEXEC), POLKAI_LOG_ERROR, POLKAI_LOG_TEXT, "test");
}

static void forget(const char *file)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    cr_expect_eq(unlink(path), 0, "%s is not there", path);
}

static void remove_folder(void)
{
    cr_expect_eq(rmdir(folder), 0, "something else is in %s", folder);
    close(silent.descriptor);
}

static unsigned known_to(polkai_breaker *breaker)
{
    polkai_flow_breaker flow = polkai_breaker_for_flow(breaker);
    const polkai_ends *ends = flow.known(flow.user, NULL, 0);
    const polkai_ending *found = ends == NULL ? NULL : polkai_ends_find(ends, &event);
    return found == NULL ? 0 : found->count;
}

static unsigned counted_by(const char *group)
{
    polkai_breaker *breaker = polkai_breaker_open(folder, group, 3, &silent);
    unsigned count = known_to(breaker);
    polkai_breaker_close(breaker);
    return count;
}

static void stuck_in(polkai_breaker *breaker)
{
    polkai_flow_breaker flow = polkai_breaker_for_flow(breaker);
    flow.stuck(flow.user, &event);
}

TestSuite(breaker_file, .init = make_folder, .fini = remove_folder);

Test(breaker_file, is_of_one_group_however_it_is_called)
{
    polkai_breaker *one = polkai_breaker_open(folder, "shop/payments", 3, &silent), *other = polkai_breaker_open(folder, "shop/x/../payments", 3, &silent);
    polkai_breaker *third = polkai_breaker_open(folder, "shop%2Fpayments", 3, &silent);
    stuck_in(one);
    stuck_in(one);
    stuck_in(other);
    cr_expect_eq(known_to(one), 2u);
    cr_expect_eq(known_to(other), 1u);
    cr_expect_eq(known_to(third), 0u);
    polkai_breaker_close(one);
    polkai_breaker_close(other);
    polkai_breaker_close(third);
    forget("shop%2Fpayments.ends");
    forget("shop%2Fx%2F..%2Fpayments.ends");
    forget("shop%252Fpayments.ends");
}

/* On a thread of the second service, as its lane would. */
static void *fault(void *breaker)
{
    polka_reaction reaction = { .name = "shop.OrderPlaced" };
    polkai_flow *flow = polkai_alloc(sizeof *flow);
    polkai_delivery *delivery = polkai_alloc(sizeof *delivery);
    polka_context *unit = polkai_alloc(sizeof *unit);
    polkai_running *running = polkai_alloc(sizeof *running);
    flow->cluster = event.cluster;
    delivery->record = (polkai_record){ .topic = event.topic, .offset = event.offset, .timestamp_ms = event.timestamp_ms };
    *unit = (polka_context){ .flow = flow, .delivery = delivery, .reaction = &reaction };
    polkai_flow_breaker of = polkai_breaker_for_flow(breaker);
    of.enter(of.user, running);
    polkai_running_begin(running, unit);
    raise(SIGBUS);
    return NULL;
}

/* Two services in a process, in two groups: the handler of the second ends it. */
static void end_by_the_second(void)
{
    pthread_t thread;
    signal(SIGBUS, SIG_DFL);
    polkai_breaker *first = polkai_breaker_open(folder, "first", 3, &silent), *second = polkai_breaker_open(folder, "second", 3, &silent);
    if (first != NULL && pthread_create(&thread, NULL, fault, second) == 0)
        pthread_join(thread, NULL);
    _exit(1);
}

Test(breaker_file, of_the_group_whose_handler_ended_the_process_has_the_end)
{
    int status;
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0)
            end_by_the_second();
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    }
    cr_expect_eq(counted_by("second"), 2u);
    cr_expect_eq(counted_by("first"), 0u, "another group's");
    forget("second.ends");
    forget("first.ends");
}

Test(breaker_file, is_written_by_the_others_when_one_service_of_the_process_has_ended)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGBUS, SIG_DFL);
        polkai_breaker *gone = polkai_breaker_open(folder, "gone", 3, &silent), *stays = polkai_breaker_open(folder, "stays", 3, &silent);
        polkai_breaker_close(gone);
        fault(stays);
        _exit(1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    cr_expect_eq(counted_by("stays"), 1u);
    cr_expect_eq(counted_by("gone"), 0u);
    forget("stays.ends");
    forget("gone.ends");
}
