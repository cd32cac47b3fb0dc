/* fault.c: everything from on_fault down runs in a signal handler, maybe with a heap in pieces: no memory, no locks, no stdio. */
#include <service/fault.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STACK_BYTES = 65536, LOG_LINE = 1400 };

static const struct { int number; const char *name; } faults[] = {
    { SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" }, { SIGFPE, "SIGFPE" }, { SIGILL, "SIGILL" }, { SIGABRT, "SIGABRT" } };
enum { FAULTS = sizeof faults / sizeof *faults };

static atomic_bool taken;
static struct { int descriptor, log_descriptor; bool json; char service[250]; pid_t process; struct sigaction old[FAULTS]; } at_end;

/* initial-exec: elsewhere the first look of a thread at it would allocate, and that may be in a signal handler. */
static _Thread_local const polkai_running *here __attribute__((tls_model("initial-exec")));
static _Thread_local void *own_stack __attribute__((tls_model("initial-exec")));

/* ---- in the signal handler ---- */

typedef struct { char text[LOG_LINE]; size_t size; } line;

static void add(line *to, const char *text, size_t size)
{
    size = size < sizeof to->text - to->size ? size : sizeof to->text - to->size;
    memcpy(to->text + to->size, text, size);
    to->size += size;
}

static void add_text(line *to, const char *text)
{
    add(to, text, strlen(text));
}

/* The identity is fit for JSON as it is (end.h). */
static void log_end(const polkai_ending_event *event, const char *name, bool written)
{
    line out = { .size = 0 };
    char identity[POLKAI_END_IDENTITY];
    size_t size = polkai_end_identity(identity, event);
    if (at_end.json) {
        add_text(&out, "{\"level\":\"error\",\"service\":\"");
        add_text(&out, at_end.service);
        add_text(&out, "\",\"message\":\"");
    } else {
        add_text(&out, "error ");
        add_text(&out, at_end.service);
        add_text(&out, ": ");
    }
    add_text(&out, name);
    add_text(&out, " in a handler ends the process. Partition, offset, time, cluster, topic, reaction: ");
    add(&out, identity, size);
    add_text(&out, written ? "" : ". The breaker could not write it down (breaker.folder), so this end does not count");
    add_text(&out, at_end.json ? "\"}\n" : "\n");
    if (write(at_end.log_descriptor, out.text, out.size) < 0)
        return;                          /* nobody reads the log any more */
}

/* kill(1) from outside is no fault of the handler's; abort() and raise() are. */
static bool is_own(const siginfo_t *info)
{
    return info->si_code > 0 || info->si_pid == getpid();
}

static void record(const char *name)
{
    polkai_ending_event event;
    struct timespec now;
    char text[POLKAI_END_LINE];
    if (!polkai_running_event(here, &event))
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    size_t size = polkai_end_write(text, &event, name, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    bool written = at_end.descriptor < 0 || write(at_end.descriptor, text, size) == (ssize_t)size;
    log_end(&event, name, written);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    int kept = errno;
    size_t which = 0;
    while (faults[which].number != number)
        which++;
    sigaction(number, &at_end.old[which], NULL);         /* first of all: a fault in here then ends it, too */
    if (here != NULL && getpid() == at_end.process && is_own(info))
        record(faults[which].name);
    if (info->si_code <= 0)
        raise(number);                   /* it waits until we return; a fault of the processor comes again by itself */
    errno = kept;
}

/* ---- before ---- */

bool polkai_faults_take(int descriptor, const polkai_log *log)
{
    if (atomic_exchange(&taken, true))
        return false;
    at_end.descriptor = descriptor;
    at_end.log_descriptor = log->descriptor;
    at_end.json = log->format == POLKAI_LOG_JSON;
    at_end.process = getpid();
    size_t size = log->service == NULL ? 0 : strnlen(log->service, sizeof at_end.service - 1);
    memcpy(at_end.service, log->service, size);
    at_end.service[size] = '\0';
    for (size_t i = 0; i < FAULTS; i++) {
        struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
        sigemptyset(&action.sa_mask);
        sigaction(faults[i].number, &action, &at_end.old[i]);
    }
    return true;
}

void polkai_faults_give_back(void)
{
    for (size_t i = 0; i < FAULTS; i++)
        sigaction(faults[i].number, &at_end.old[i], NULL);
    atomic_store(&taken, false);
}

void polkai_fault_enter(const polkai_running *running)
{
    stack_t stack, before;
    sigset_t open;
    here = running;
    sigemptyset(&open);                  /* a fault that is blocked ends the process without a handler */
    for (size_t i = 0; i < FAULTS; i++)
        sigaddset(&open, faults[i].number);
    pthread_sigmask(SIG_UNBLOCK, &open, NULL);
    if (sigaltstack(NULL, &before) != 0 || (before.ss_flags & SS_DISABLE) == 0)
        return;                          /* it has one */
    void *memory = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return;
    stack = (stack_t){ .ss_sp = memory, .ss_size = STACK_BYTES };
    own_stack = memory;
    sigaltstack(&stack, NULL);
}

void polkai_fault_leave(void)
{
    here = NULL;
    if (own_stack == NULL)
        return;
    sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL);
    munmap(own_stack, STACK_BYTES);
    own_stack = NULL;
}
