/* ledger.c: opens, appends, closes. */
#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 512, STEP_US = 5000 };

int64_t faults_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

void faults_wait_us(int64_t us)
{
    for (int64_t step; us > 0; us -= step) {
        step = us < STEP_US ? us : STEP_US;
        struct timespec left = { .tv_nsec = step * 1000 };
        while (nanosleep(&left, &left) != 0 && errno == EINTR) { /* again */ }
    }
}

/* The resource is the descriptor and 1, so that it is never NULL. */
polka_status faults_ledger_open(polka_context *ctx, void **resource, polka_error *error)
{
    polka_text folder = polka_setting_text(ctx, "ledger"), name = polka_setting_text(ctx, "name");
    polka_text path = polka_format(ctx, "%.*s/%.*s-%ld.effects", POLKA_TEXT_ARGS(folder), POLKA_TEXT_ARGS(name), (long)getpid());
    int file = open(path.data, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) {
        *error = (polka_error){ .status = POLKA_MISUSE, .code = "ledger" };
        snprintf(error->message, sizeof error->message, "cannot open %s: %s", path.data, strerror(errno));
        return POLKA_MISUSE;
    }
    *resource = (void *)(intptr_t)(file + 1);
    return POLKA_OK;
}

void faults_ledger_close(void *resource)
{
    close((int)(intptr_t)resource - 1);
}

polka_outcome faults_ledger_write(polka_context *ctx, const faults_effect *effect)
{
    char line[LINE_BYTES];
    int size = snprintf(line, sizeof line, "%.*s %.*s %" PRId64 " %" PRId64 " %" PRId64 " %u\n", POLKA_TEXT_ARGS(effect->id), POLKA_TEXT_ARGS(effect->key),
                        effect->sequence, effect->began_us, effect->ended_us, effect->attempt);
    if (size < 0 || size >= (int)sizeof line)
        return polka_dead(ctx, "a line of the ledger takes at most %d bytes", LINE_BYTES);
    ssize_t written = write((int)(intptr_t)polka_resource(ctx) - 1, line, (size_t)size);
    return written == size ? POLKA_DONE : polka_retry(ctx, "the ledger took %zd of %d bytes: %s", written, size, strerror(errno));
}
