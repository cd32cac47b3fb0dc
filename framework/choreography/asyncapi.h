/*
 * asyncapi.h: what services say of themselves as an AsyncAPI 3.0 document: topics are channels, events are messages with
 * their Avro schema as the payload, reactions and emissions are operations.
 */
#ifndef POLKA_CHOREOGRAPHY_ASYNCAPI_H
#define POLKA_CHOREOGRAPHY_ASYNCAPI_H

#include <choreography/graph.h>

/* What is known of a topic beside its name. */
typedef struct {
    bool known;
    int32_t partitions, replicas;        /* below 1: not known */
    int64_t retention_ms;                /* below -1: not known */
    bool compacted;
} polkai_asyncapi_topic;

typedef struct {
    const char *service;                 /* whose document, all of its versions; NULL: all services in one */
    const char *title;                   /* of the document of all; NULL: "services" */
    const char *brokers;                 /* "host:9092,…"; NULL: the document names no server */
    polkai_asyncapi_topic (*topic)(void *user, const char *name);        /* NULL: nothing is known of topics */
    void *user;
} polkai_asyncapi_about;

/*
 * polkai_asyncapi_make: *document is new (json_decref).
 *
 * In the document of one service a message has the schema that the service itself was compiled with; in that of all, the
 * schema of who emits it, and of who hears it where nobody emits it. `x-emits` of a receive operation names what the
 * reaction may emit, `x-caused-by` of a send operation the reactions that emit it.
 * errors: MISUSE "unknown-service", with the nearest; POISON "bad-manifest", "bad-schema" for what cannot be read whole.
 */
polka_status polkai_asyncapi_make(json_t **document, const polkai_graph *graph, const polkai_asyncapi_about *about, polka_error *error);

#endif
