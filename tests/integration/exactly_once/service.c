/* service.c: copies lines. Some are retried once, and handlers run on lanes, so that events finish in another order than they came. */
#include <polka/polka.h>

#include "exactly_once_events.h"

static polka_outcome on_line(polka_context *ctx, const copy_line *line)
{
    if (line->number % 211 == 7 && polka_caused_by(ctx)->attempt == 1)
        return polka_retry(ctx, "not yet");
    copy_copied_emit(ctx, &(copy_copied){ .key = line->key, .number = line->number });
    return POLKA_DONE;
}

static const polka_service service = { .name = "exactly_once", .domain = "copy", .version = "1.0.0", .reactions = (const polka_reaction[]){
    POLKA_REACT(copy_line, on_line, .emits = POLKA_EMITS(&copy_copied_event), .retry = { .attempts = 3, .first_delay_ms = 5 }), { 0 } } };
POLKA_MAIN(service)
