/*
 * enrolment.h: the ids that a registry gave to schemas of our own, on disk, so that a service that starts while the registry is down
 * goes on writing.
 *
 *   <folder>/registries/<first 16 hex digits of SHA-256 of the registry's URL>/enrolled/<SHA-256 of subject, NUL and text>.json
 *        {"registry": URL, "subject": "…", "id": 17}
 *
 * What the registry says wins: it is asked first at each start, and a changed id is written over.
 */
#ifndef POLKA_FLOW_SCHEMA_ENROLMENT_H
#define POLKA_FLOW_SCHEMA_ENROLMENT_H

#include <polka/codec.h>

bool polkai_enrolment_find(const char *folder, const char *registry, const char *subject, polka_text text, uint32_t *id);
/* polkai_enrolment_keep: false and errno when it cannot be written. */
bool polkai_enrolment_keep(const char *folder, const char *registry, const char *subject, polka_text text, uint32_t id);

#endif
