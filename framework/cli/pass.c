/* pass.c: reads, and tells how far it is. */
#include <cli/pass.h>

#include <base/arena.h>
#include <base/clock.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { BATCH = 512, POLL_MS = 50, PROGRESS_MS = 5000, PROGRESS_SEEN_MS = 1000 };

static int64_t now_ns(void) { return polkai_clock_real.steady_ns(&polkai_clock_real); }

polka_status cli_pass(cli_reader *reader, cli_pass_visit *visit, void *user, polka_error *error)
{
    polka_status status = POLKA_OK;
    polkai_record *records = polkai_alloc(BATCH * sizeof *records);
    int64_t said_ns = now_ns(), step_ns = (isatty(STDERR_FILENO) == 1 ? PROGRESS_SEEN_MS : PROGRESS_MS) * (int64_t)1000000;
    while (status == POLKA_OK && !cli_reader_reached(reader) && !cli_stopped()) {
        size_t count = cli_reader_poll(reader, records, BATCH, POLL_MS);
        for (size_t i = 0; i < count; i++) {
            visit(user, &records[i]);
            polkai_record_release(&records[i]);
        }
        status = cli_reader_check(reader, error);
        if (now_ns() - said_ns < step_ns)
            continue;
        said_ns = now_ns();
        cli_say("records read: %" PRId64 ", still to read: %" PRIu64, cli_reader_records(reader), cli_reader_left(reader));
    }
    free(records);
    return status;
}
