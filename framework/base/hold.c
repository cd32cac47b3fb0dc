/* hold.c: the signal, and the stack by backtrace(), whose library is loaded before the signal is sent: loading allocates. */
#include <base/hold.h>

#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <ucontext.h>

enum { ASKED = 1, TAKEN, HELD, RELEASED, GIVEN_UP };
enum { NAP_NS = 1000000 };

static _Atomic(polkai_hold *) asked;     /* the one that the signal is about */

static void nap(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
}

static const void *interrupted_at(const void *context)
{
    const ucontext_t *at = context;
#if defined __x86_64__
    return (const void *)(uintptr_t)at->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    return (const void *)(uintptr_t)at->uc_mcontext.pc;
#else
    (void)at;
    return NULL;
#endif
}

/* The handler's own frames and the kernel's go: the first is where the thread stood. */
static void leave_out_ours(polkai_hold *hold, const void *stood)
{
    int first = 0;
    while (first < hold->count && hold->frames[first] != stood)
        first++;
    if (first == hold->count)
        return;
    hold->count -= first;
    for (int i = 0; i < hold->count; i++)
        hold->frames[i] = hold->frames[i + first];
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    polkai_hold *hold = atomic_load(&asked);
    int kept = errno, state = ASKED;
    if (hold == NULL || !pthread_equal(hold->thread, pthread_self()) || !atomic_compare_exchange_strong(&hold->state, &state, TAKEN))
        return;
    hold->count = backtrace(hold->frames, POLKAI_FRAMES);
    leave_out_ours(hold, interrupted_at(context));
    state = TAKEN;
    atomic_compare_exchange_strong(&hold->state, &state, HELD);
    while (atomic_load(&hold->state) == HELD)
        nap();
    errno = kept;
}

static void prepare(void)
{
    void *frame;
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };
    sigemptyset(&action.sa_mask);
    (void)backtrace(&frame, 1);
    sigaction(SIGURG, &action, NULL);
}

bool polkai_hold_thread(polkai_hold *hold, pthread_t thread, int timeout_ms)
{
    if (atomic_load(&hold->state) == HELD)
        return true;
    hold->thread = thread;
    prepare();
    atomic_store(&asked, hold);
    atomic_store(&hold->state, ASKED);
    if (pthread_kill(thread, SIGURG) != 0)
        return false;
    for (int i = 0; i < timeout_ms && atomic_load(&hold->state) != HELD; i++)
        nap();
    int state = atomic_load(&hold->state);
    while (state != HELD && !atomic_compare_exchange_weak(&hold->state, &state, GIVEN_UP)) { /* it may answer at the last moment */ }
    return state == HELD;
}

void polkai_hold_release(polkai_hold *hold)
{
    int state = HELD;
    atomic_compare_exchange_strong(&hold->state, &state, RELEASED);
}

void polkai_hold_allow(void)
{
    sigset_t signal;
    sigemptyset(&signal);
    sigaddset(&signal, SIGURG);
    pthread_sigmask(SIG_UNBLOCK, &signal, NULL);
}
