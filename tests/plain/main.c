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
        if (test->options.init != NULL)
            test->options.init();
        test->function();
        if (test->options.fini != NULL)
            test->options.fini();
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
