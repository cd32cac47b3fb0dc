/* service.c: answers what is asked, and tells what it sees of all answers. Built twice: with the first versions of its events, and with the second. */
#include <polka/polka.h>

#ifdef VERSIONS_NEW
#include "versions_new_events.h"
#define NAME "versions_new"
#else
#include "versions_old_events.h"
#define NAME "versions_old"
#endif

static polka_outcome on_asked(polka_context *ctx, const ver_asked *asked)
{
    ver_answered answered = { .id = asked->id, .by = POLKA_TEXT(NAME), .amount = asked->amount };
#ifdef VERSIONS_NEW
    answered.note = asked->state == VER_STATE_PAID ? POLKA_TEXT("paid") : POLKA_TEXT("new");
#endif
    ver_answered_emit(ctx, &answered);
    return POLKA_DONE;
}

static polka_outcome on_answered(polka_context *ctx, const ver_answered *answered)
{
    ver_seen seen = { .id = answered->id, .answered_by = answered->by, .seen_by = POLKA_TEXT(NAME), .amount = answered->amount, .note = POLKA_TEXT("-") };
#ifdef VERSIONS_NEW
    seen.note = answered->note;
#endif
    ver_seen_emit(ctx, &seen);
    return POLKA_DONE;
}

static const polka_service service = { .name = NAME, .domain = "ver", .version = "1.0.0", .reactions = (const polka_reaction[]){
    POLKA_REACT(ver_asked, on_asked, .emits = POLKA_EMITS(&ver_answered_event)),
    POLKA_REACT(ver_answered, on_answered, .emits = POLKA_EMITS(&ver_seen_event)),
    { 0 } } };
POLKA_MAIN(service)
