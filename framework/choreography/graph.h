/*
 * graph.h: all manifests as one graph: events, who says and who hears each, and which event a reaction makes of which.
 *
 * Manifests that are equal count once. Schemas with the same text are parsed once, so equal texts are equal pointers, and
 * so are equal topics and keys.
 */
#ifndef POLKA_CHOREOGRAPHY_GRAPH_H
#define POLKA_CHOREOGRAPHY_GRAPH_H

#include <avro/schema.h>
#include <choreography/manifest.h>
#include <choreography/names.h>

/* A service (in one version) that says or hears an event. */
typedef struct {
    const polkai_manifest *manifest;
    const polkai_manifest_event *as;     /* the event as it knows it */
    const polkai_manifest_reaction *reaction;            /* that hears it; NULL: it says it */
    const char *topic, *key;             /* NULL: not told; none */
    const polkai_schema *schema;         /* NULL: it does not parse */
} polkai_party;

typedef struct {
    size_t event;                        /* number of the event that is emitted */
    const polkai_party *by;              /* the hearer whose reaction emits it */
} polkai_step;

typedef struct {
    const char *name;
    size_t say_count, hear_count, next_count;
    const polkai_party *says, *hears;    /* in the order of the manifests */
    const polkai_step *next;             /* what reactions on this event emit */
    bool final;                          /* somebody who says it says that nobody needs to hear it */
    bool heard_by_default;               /* a service with a default reaction reads its topic */
} polkai_event_node;

/* A schema that does not parse, and whose it is. */
typedef struct { const polkai_manifest *manifest; const polkai_manifest_event *event; const char *message; } polkai_bad_schema;

typedef struct polkai_graph {
    size_t count, manifest_count, say_count, hear_count, bad_schema_count;
    const polkai_event_node *events;     /* by number */
    const polkai_manifest *const *manifests;             /* each once */
    const polkai_party *says, *hears;    /* all of them, event by event */
    const polkai_bad_schema *bad_schemas;
    polkai_names names;                  /* of events: name to number */
} polkai_graph;

/* polkai_graph_create: *graph is new; the manifests must outlive it. Those with problems take part with what could be read. */
polkai_graph *polkai_graph_create(const polkai_manifest *const *manifests, size_t count);
void polkai_graph_destroy(polkai_graph *graph);          /* NULL is fine */

const polkai_event_node *polkai_graph_find(const polkai_graph *graph, const char *event);    /* NULL: nobody names it */

/*
 * polkai_graph_reach marks what chains of one reaction or more make of the marked events; reached[number]. `from` itself is
 * marked only when it comes again. Both have graph->count items; `reached` is not cleared, so that passes can be joined.
 */
void polkai_graph_reach(const polkai_graph *graph, const size_t *from, size_t from_count, bool *reached);

#endif
