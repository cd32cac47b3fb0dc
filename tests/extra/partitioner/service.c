/* service.c: hears a key, and emits an event with this key to each of five topics. */
#include <polka/polka.h>

#include "partitioner_events.h"

static polka_outcome on_keyed(polka_context *ctx, const partitioner_keyed *keyed)
{
    partitioner_of1_emit(ctx, &(partitioner_of1){ .key = keyed->key });
    partitioner_of3_emit(ctx, &(partitioner_of3){ .key = keyed->key });
    partitioner_of7_emit(ctx, &(partitioner_of7){ .key = keyed->key });
    partitioner_of24_emit(ctx, &(partitioner_of24){ .key = keyed->key });
    partitioner_of100_emit(ctx, &(partitioner_of100){ .key = keyed->key });
    return POLKA_DONE;
}

static const polka_service partitioner_echo = { .name = "partitioner_echo", .domain = "partitioner", .version = "1.0.0", .reactions = (const polka_reaction[]){
    POLKA_REACT(partitioner_keyed, on_keyed,
                .emits = POLKA_EMITS(&partitioner_of1_event, &partitioner_of3_event, &partitioner_of7_event, &partitioner_of24_event, &partitioner_of100_event)),
    { 0 } } };
POLKA_MAIN(partitioner_echo)
