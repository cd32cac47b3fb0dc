/* fault.c: everything from on_fault down runs in a signal handler, maybe with a heap in pieces: no memory, no locks, no stdio. */
#include <service/fault.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STACK_BYTES = 65536, LOG_LINE = 1400 };

static const struct { int number; const char *name; } faults[] = {
    { SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" }, { SIGFPE, "SIGFPE" }, { SIGILL, "SIGILL" }, { SIGABRT, "SIGABRT" } };
enum { FAULTS = sizeof faults / sizeof *faults };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned taken;                   /* by so many services */
static struct { pid_t process; struct sigaction old[FAULTS]; } at_end;

/* initial-exec: elsewhere the first look of a thread at it would allocate, and that may be in a signal handler. */
static _Thread_local const polkai_running *here __attribute__((tls_model("initial-exec")));
static _Thread_local const polkai_fault_lines *lines __attribute__((tls_model("initial-exec")));
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
    if (lines->json) {
        add_text(&out, "{\"level\":\"error\",\"service\":\"");
        add_text(&out, lines->service);
        add_text(&out, "\",\"message\":\"");
    } else {
        add_text(&out, "error ");
        add_text(&out, lines->service);
        add_text(&out, ": ");
    }
    add_text(&out, name);
    add_text(&out, " in a handler ends the process. Partition, offset, time, cluster, topic, reaction: ");
    add(&out, identity, size);
    add_text(&out, written ? "" : ". The breaker could not write it down (breaker.folder), so this end does not count");
    add_text(&out, lines->json ? "\"}\n" : "\n");
    if (write(lines->log_descriptor, out.text, out.size) < 0)
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
    bool written = lines->descriptor < 0 || write(lines->descriptor, text, size) == (ssize_t)size;
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

void polkai_fault_lines_init(polkai_fault_lines *made, int descriptor, const polkai_log *log)
{
    size_t size = log->service == NULL ? 0 : strnlen(log->service, sizeof made->service - 1);
    *made = (polkai_fault_lines){ .descriptor = descriptor, .log_descriptor = log->descriptor, .json = log->format == POLKAI_LOG_JSON };
    memcpy(made->service, log->service, size);
}

void polkai_faults_take(void)
{
    pthread_mutex_lock(&lock);
    at_end.process = getpid();
    for (size_t i = 0; taken == 0 && i < FAULTS; i++) {
        struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
        sigemptyset(&action.sa_mask);
        sigaction(faults[i].number, &action, &at_end.old[i]);
    }
    taken++;
    pthread_mutex_unlock(&lock);
}

void polkai_faults_give_back(void)
{
    pthread_mutex_lock(&lock);
    taken--;
    for (size_t i = 0; taken == 0 && i < FAULTS; i++)
        sigaction(faults[i].number, &at_end.old[i], NULL);
    pthread_mutex_unlock(&lock);
}

void polkai_fault_enter(const polkai_running *running, const polkai_fault_lines *told)
{
    stack_t stack, before;
    sigset_t open;
    here = running;
    lines = told;
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
