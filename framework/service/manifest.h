/* manifest.h: the service value as JSON (design: "The manifest"), for --describe and the topic polka.services. */
#ifndef POLKA_SERVICE_MANIFEST_H
#define POLKA_SERVICE_MANIFEST_H

#include <jansson.h>
#include <polka/polka.h>

/*
 * polkai_manifest_write: the manifest with members in a fixed order: the same service makes the same bytes. *json is new
 * (json_decref). `group` is the effective consumer group.
 * errors: MISUSE "bad-manifest" when an event's schema text is not JSON.
 */
polka_status polkai_manifest_write(const polka_service *service, const char *group, json_t **json, polka_error *error);

#endif
