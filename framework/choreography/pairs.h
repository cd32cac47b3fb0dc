/* pairs.h: every emission of an event with every reaction on it: does the one go with the other? */
#ifndef POLKA_CHOREOGRAPHY_PAIRS_H
#define POLKA_CHOREOGRAPHY_PAIRS_H

#include <avro/compat.h>
#include <choreography/graph.h>

typedef enum {
    POLKAI_PAIR_COMPATIBLE = 0, POLKAI_PAIR_INCOMPATIBLE, POLKAI_PAIR_TOPIC_MISMATCH, POLKAI_PAIR_KEY_MISMATCH,
    POLKAI_PAIR_UNKNOWN                  /* a schema of it does not parse, or too many have been compared */
} polkai_verdict;
const char *polkai_verdict_name(polkai_verdict verdict); /* "topic-mismatch" */

typedef struct {
    const polkai_event_node *event;
    const polkai_party *writer, *reader;
    polkai_verdict verdict;              /* the first that holds, in the order of the enum after compatible */
    polkai_breaks breaks;                /* of the schemas */
    bool uncompared;                     /* the event has too many different pairs of schemas */
} polkai_pair;

/*
 * polkai_pairs_each calls `visit` for every pair, event by event. Compatibility is decided once for two schemas, and for at most
 * 250,000 different pairs of schemas of one event.
 * ownership: breaks are memory of `arena`.
 */
typedef void polkai_pair_visit(void *context, const polkai_pair *pair);
void polkai_pairs_each(const polkai_graph *graph, polka_arena *arena, polkai_pair_visit *visit, void *context);

/* polkai_keys_differ: both are told, and are not the same field; a field that the reader renamed with an alias is the same. */
bool polkai_keys_differ(const polkai_party *writer, const polkai_party *reader);

/* polkai_break_text: where and what, for people: "lines[].quantity ($.fields[4]…): the writer … (type_mismatch)". Memory of `arena`. */
const char *polkai_break_text(const polkai_pair *pair, const polkai_break *one, polka_arena *arena);
/* polkai_breaks_text: all of them, the first few in words. */
const char *polkai_breaks_text(const polkai_pair *pair, polka_arena *arena);
/* polkai_break_field: the path of the field in the reader's schema; "" for the value itself. Memory of `arena`. */
const char *polkai_break_field(const polkai_pair *pair, const polkai_break *one, polka_arena *arena);

#endif
