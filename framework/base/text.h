/* text.h: small questions about text: is it UTF-8, a Kafka topic, a hex number, a duration; which name is nearest. */
#ifndef POLKA_BASE_TEXT_H
#define POLKA_BASE_TEXT_H

#include <polka/polka.h>

enum { POLKA_TOPIC_MAX = 249 };                          /* Kafka: org.apache.kafka.common.internals.Topic */

bool polkai_utf8_valid(const void *data, size_t size);
bool polkai_topic_valid(const char *name);               /* [a-zA-Z0-9._-]{1,249}, not "." nor ".." */
void polkai_hex(char *out, const uint8_t *bytes, size_t count);          /* 2 * count digits and a NUL */
void polkai_hex64(char out[17], uint64_t number);        /* 16 digits, most significant first, and a NUL */
bool polkai_hex64_read(polka_text text, uint64_t *number);

/*
 * polkai_nearest: the candidate that `name` was probably meant to be (optimal string alignment distance, at most
 * a third of its length), or NULL. Case is ignored. The last dotted part counts too: "OrderPlacd" finds "shop.OrderPlaced".
 */
const char *polkai_nearest(const char *name, const char *const *candidates, size_t count);

/* polkai_text_distance: letters to insert, change, drop or swap (case is ignored); SIZE_MAX for texts over 63 bytes. */
size_t polkai_text_distance(const char *a, const char *b);

/* polkai_text_escape: `data` as text safe for a log line: control bytes and non-UTF-8 as \xNN; what is cut, at `limit` bytes or for want of
 * room (four for each such byte, and five), ends with "...". */
size_t polkai_text_escape(char *out, size_t capacity, const void *data, size_t size, size_t limit);

/* polkai_timespan_read: "500ms", "2s", "1.5m", "1h", "7d"; a bare number is milliseconds. false: it is none. */
bool polkai_timespan_read(const char *text, int64_t *milliseconds);

#endif
