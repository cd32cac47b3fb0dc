/* main.c: runs the tests that registered themselves, each in a process of its own, as Criterion does. */
#include "criterion/criterion.h"

#include <sys/wait.h>
#include <unistd.h>

static plain_test *first, *last;

void plain_add(plain_test *test)
{
    if (last == NULL)
        first = test;
    else
        last->next = test;
    last = test;
}

static plain_suite *suites;

void plain_add_suite(plain_suite *suite)
{
    suite->next = suites;
    suites = suite;
}

static const struct plain_options *suite_of(const plain_test *test)
{
    static const struct plain_options none;
    for (const plain_suite *at = suites; at != NULL; at = at->next)
        if (strcmp(at->name, test->suite) == 0)
            return &at->options;
    return &none;
}

static void call(void (*function)(void))
{
    if (function != NULL)
        function();
}

void plain_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
    _exit(70);
}

/* true: it ended as it should, by returning or by the signal or code it names. */
static int passes(const plain_test *test)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        call(suite_of(test)->init);
        call(test->options.init);
        test->function();
        call(test->options.fini);
        call(suite_of(test)->fini);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 0;
    if (test->options.signal != 0)
        return WIFSIGNALED(status) && WTERMSIG(status) == test->options.signal;
    return WIFEXITED(status) && WEXITSTATUS(status) == test->options.exit_code;
}

int main(void)
{
    unsigned passed = 0, failed = 0;
    for (const plain_test *test = first; test != NULL; test = test->next) {
        if (passes(test)) {
            passed++;
            continue;
        }
        failed++;
        printf("FAIL %s::%s\n", test->suite, test->name);
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
