/* service.c: hears interop.Everything, whoever wrote it and by whatever schema, and says the same values again as interop.Echoed. */
#include <polka/polka.h>

#include "interop_events.h"

static polka_outcome on_everything(polka_context *ctx, const interop_everything *everything)
{
    interop_echoed_emit(ctx, &(interop_echoed){ .id = everything->id, .values = everything->values });
    return POLKA_DONE;
}

static const polka_service interop_echo = { .name = "interop_echo", .domain = "interop", .version = "1.0.0", .reactions = (const polka_reaction[]){
    POLKA_REACT(interop_everything, on_everything, .emits = POLKA_EMITS(&interop_echoed_event)),
    { 0 } } };
POLKA_MAIN(interop_echo)
