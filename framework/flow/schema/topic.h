/*
 * topic.h: the compacted topic polka.schemas, read from its start to its end when something is first asked of it, and from
 * there on when more is.
 * thread: one.
 */
#ifndef POLKA_FLOW_SCHEMA_TOPIC_H
#define POLKA_FLOW_SCHEMA_TOPIC_H

#include <base/log.h>
#include <flow/schema/origin.h>

#define POLKAI_SCHEMA_TOPIC "polka.schemas"

typedef struct polkai_schema_topic polkai_schema_topic;
/* polkai_schema_topic_create: cluster, clock and log are borrowed. new. */
polkai_schema_topic *polkai_schema_topic_create(const polkai_schema_cluster *cluster, const polkai_clock *clock, const polkai_log *log);
void polkai_schema_topic_destroy(polkai_schema_topic *topic);            /* NULL is fine */

/*
 * polkai_schema_topic_read reads on to the end as it was when this was called. Records that are no schema, or not the one of
 * their key, are left out and logged with their offset.
 * `stop` (NULL: never) ends it early.
 * errors: TRANSIENT "schemas-unreachable": the end was not reached, or there is no such topic; what was read until then counts.
 */
polka_status polkai_schema_topic_read(polkai_schema_topic *topic, bool (*stop)(void *user), void *user, polka_error *error);

/* polkai_schema_topic_find: borrowed until the next read. data NULL: it is not there. */
polka_text polkai_schema_topic_find(const polkai_schema_topic *topic, uint64_t fingerprint);
size_t polkai_schema_topic_count(const polkai_schema_topic *topic);

#endif
