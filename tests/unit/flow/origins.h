/* origins.h: where schemas come from, played: polka.schemas on the harness's memory, a registry that does as it is told, a cache. */
#ifndef TEST_FLOW_ORIGINS_H
#define TEST_FLOW_ORIGINS_H

#include "harness.h"

#include <stdatomic.h>

enum { ORIGIN_SCHEMAS = 8 };

typedef struct {
    harness *h;
    /* the cluster */
    atomic_bool unreachable;             /* neither source nor admin open */
    atomic_uint admins, sources;         /* so often they were opened */
    atomic_llong from;                   /* where the last source began to read */
    polkai_source_operations operations; /* of the sources, one function of ours among them */
    const polkai_source_operations *memory_operations;
    /* the registry */
    polka_error down;                    /* status OK: it answers */
    struct { polkai_schema_key key; const char *text; } schemas[ORIGIN_SCHEMAS];
    size_t schema_count;
    atomic_uint fetches, enrolments;
    polka_error refuses;                 /* status OK: it takes every schema, with the ids 41, 42, … */
    uint32_t enrolled_before;            /* the id of every schema on disk; 0: none is there */
    char enrolled[ORIGIN_SCHEMAS][64];   /* "topic name" */
    /* the cache */
    struct { uint64_t fingerprint; char *text; } kept[ORIGIN_SCHEMAS];
    size_t kept_count;
} origins;

void origins_init(origins *o, harness *h);
void origins_create_topic(origins *o);                                           /* polka.schemas, empty */
void origins_deinit(origins *o);
polkai_schema_cluster origins_cluster(origins *o);
polkai_schema_registry origins_registry(origins *o);
polkai_schema_cache origins_cache(origins *o);
void origins_know(origins *o, polkai_schema_key key, const char *text);          /* the registry has it from now on */
void origins_announce(origins *o, uint64_t fingerprint, const char *text);       /* it comes to polka.schemas */
uint64_t fingerprint_of(const char *schema);

#endif
