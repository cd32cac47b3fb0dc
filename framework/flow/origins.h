/*
 * origins.h: the schema registry and the cache on disk that a configuration names, opened as what the flow asks (schema/origin.h).
 * For the service and the command line.
 */
#ifndef POLKA_FLOW_ORIGINS_H
#define POLKA_FLOW_ORIGINS_H

#include <flow/schema/cache.h>
#include <flow/schema/origin.h>

typedef struct {
    polkai_registry_options registry;    /* urls NULL or "": there is none, and libcurl is not loaded */
    const char *cache;                   /* folder; NULL or "": the default one (polkai_cache_folder) */
    bool look_up;                        /* schemas of emissions must be registered already (schemas.register: never) */
    polkai_subject_strategy subject;
    const polkai_log *log;               /* borrowed */
} polkai_origins_options;

typedef struct polkai_origins polkai_origins;
/* polkai_origins_open: new; connects to nothing. errors: as of polkai_registry_open. */
polka_status polkai_origins_open(polkai_origins **origins, const polkai_origins_options *options, polka_error *error);
void polkai_origins_close(polkai_origins *origins);      /* NULL is fine; nothing may be asked any more */

/* Borrowed from origins. Without a registry, fetch and enrol are NULL. */
polkai_schema_registry polkai_origins_registry(polkai_origins *origins);
polkai_schema_cache polkai_origins_cache(polkai_origins *origins);

#endif
