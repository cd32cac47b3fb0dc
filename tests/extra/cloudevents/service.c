/* service.c: hears cloudevents.Told, whoever wrote it and in whatever mode, and says what its handler saw of it. */
#include <polka/polka.h>

#include "cloudevents_events.h"

static polka_outcome on_told(polka_context *ctx, const cloudevents_told *told)
{
    const polka_cause *cause = polka_caused_by(ctx);
    cloudevents_heard_emit(ctx, &(cloudevents_heard){
        .id = cause->id, .type = cause->type, .source = cause->source, .key = cause->key, .time_ms = cause->time_ms,
        .correlationid = cause->correlation_id, .causationid = cause->causation_id,
        .subject = polka_header(ctx, "ce_subject"), .dataschema = polka_header(ctx, "ce_dataschema"),
        .region = polka_header(ctx, "ce_shopregion"), .text = told->text });
    return POLKA_DONE;
}

static const polka_service cloudevents_echo = { .name = "cloudevents_echo", .domain = "cloudevents", .version = "1.0.0", .reactions = (const polka_reaction[]){
    POLKA_REACT(cloudevents_told, on_told, .emits = POLKA_EMITS(&cloudevents_heard_event)),
    { 0 } } };
POLKA_MAIN(cloudevents_echo)
