/*
 * origins.h: a schema registry and the cache on disk as what the flow asks (schema/origin.h). For the service and the command line.
 */
#ifndef POLKA_FLOW_ORIGINS_H
#define POLKA_FLOW_ORIGINS_H

#include <flow/schema/cache.h>
#include <flow/schema/origin.h>

typedef struct {
    polkai_registry *registry;           /* taken; NULL: there is none */
    const char *cache;                   /* folder; NULL or "": the default one (polkai_cache_folder) */
    bool look_up;                        /* schemas of emissions must be registered already (schemas.register: never) */
    polkai_subject_strategy subject;
    const polkai_log *log;               /* borrowed */
} polkai_origins_options;

typedef struct polkai_origins polkai_origins;
polkai_origins *polkai_origins_create(const polkai_origins_options *options);        /* new; connects to nothing */
void polkai_origins_destroy(polkai_origins *origins);    /* NULL is fine; nothing may be asked any more */

/* Borrowed from origins. Without a registry, fetch and enrol are NULL. */
polkai_schema_registry polkai_origins_registry(polkai_origins *origins);
polkai_schema_cache polkai_origins_cache(polkai_origins *origins);

#endif
