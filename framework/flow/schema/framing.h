/*
 * framing.h: the few bytes before the Avro body that say which schema wrote it.
 */
#ifndef POLKA_FLOW_FRAMING_H
#define POLKA_FLOW_FRAMING_H

#include <polka/codec.h>

enum { POLKAI_SINGLE_OBJECT_BYTES = 10 };                /* C3 01 and the fingerprint, little-endian (Avro 1.12, "Single-object encoding") */

/* polkai_framing_write: the ten bytes before a body. */
void polkai_framing_write(uint8_t out[POLKAI_SINGLE_OBJECT_BYTES], uint64_t fingerprint);

/*
 * polkai_framing_read takes a value apart.
 *
 * errors: POISON "empty-value" for zero length; "truncated" when the frame itself is cut; "schema-not-found" for Confluent's
 *         framing (00 and an id; no registry is configured), naming the id; "unknown-framing" for any other first byte.
 */
polka_status polkai_framing_read(polka_bytes value, uint64_t *fingerprint, polka_bytes *body, polka_error *error);

#endif
