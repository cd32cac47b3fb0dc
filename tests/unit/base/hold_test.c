/* hold_test.c: another thread's stack, wherever that thread stands. */
#include <base/hold.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static atomic_bool enough;
static atomic_ullong rounds;

static __attribute__((noinline)) void allocates(size_t size)
{
    for (int i = 0; i < 50; i++) {
        void *volatile memory = malloc(size + (size_t)i);
        free(memory);
    }
    atomic_fetch_add(&rounds, 1);
}

static void *busy(void *argument)
{
    polkai_hold_allow();
    while (!atomic_load(&enough))
        allocates(*(size_t *)argument);
    return NULL;
}

static void *deaf(void *argument)
{
    (void)argument;
    while (!atomic_load(&enough))
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    return NULL;
}

/* As lanes are started: with every signal blocked. */
static pthread_t start(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    cr_assert_eq(pthread_create(&thread, NULL, run, argument), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return thread;
}

static bool names(const polkai_hold *hold, const char *function)
{
    for (int i = 0; i < hold->count; i++) {
        char text[200];
        polkai_frame_write(text, sizeof text, hold->frames[i], i == 0);
        if (strncmp(text, function, strlen(function)) == 0)
            return true;
    }
    return false;
}

Test(hold, gives_the_stack_of_a_thread_that_allocates_and_stops_it_until_it_is_released)
{
    static size_t size = 5000;
    static polkai_hold hold;
    pthread_t thread = start(busy, &size);
    for (int i = 0; i < 200; i++) {
        cr_assert(polkai_hold_thread(&hold, thread, 10000));
        unsigned long long before = atomic_load(&rounds);
        cr_assert_gt(hold.count, 1);
        cr_assert(names(&hold, "busy+0x"), "hold %d", i);
        cr_assert_eq(atomic_load(&rounds), before, "it runs on");
        polkai_hold_release(&hold);
    }
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
}

Test(hold, of_a_thread_that_blocks_the_signal_is_given_up)
{
    static polkai_hold hold;
    pthread_t thread = start(deaf, NULL);
    cr_assert_not(polkai_hold_thread(&hold, thread, 20));
    polkai_hold_release(&hold);
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
}

Test(hold, writes_what_it_knows_of_an_address)
{
    char text[200], cut[8];
    polkai_frame_write(text, sizeof text, (const void *)(uintptr_t)&allocates, true);
    cr_expect_eq(strncmp(text, "allocates+0x0 (", 15), 0, "%s", text);
#ifndef __SANITIZE_THREAD__              /* which has functions of its own in front of libc's */
    polkai_frame_write(text, sizeof text, (const void *)(uintptr_t)&nanosleep, true);
    cr_expect_not_null(strstr(text, "sleep+0x0 (libc.so.6+0x"), "%s", text);
#endif
    polkai_frame_write(text, sizeof text, (const void *)16, false);
    cr_expect_str_eq(text, "0x10");
    polkai_frame_write(cut, sizeof cut, (const void *)(uintptr_t)&allocates, true);
    cr_expect_str_eq(cut, "allocat");
}
