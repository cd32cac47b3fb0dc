/*
 * framing.h: how a value says which schema wrote it: a few bytes before the Avro body, or a header beside it.
 */
#ifndef POLKA_FLOW_FRAMING_H
#define POLKA_FLOW_FRAMING_H

#include <polka/codec.h>

#include <endian.h>
#include <string.h>

enum {
    POLKAI_SINGLE_OBJECT_BYTES = 10,     /* C3 01 and the fingerprint, little-endian (Avro 1.12, "Single-object encoding") */
    POLKAI_CONFLUENT_BYTES = 5           /* 00 and the registry's id, most significant byte first */
};

/* The name a writer gives to its schema. Two keys are the same when all members are. */
typedef enum { POLKAI_BY_FINGERPRINT = 1, POLKAI_BY_ID, POLKAI_BY_GUID } polkai_schema_key_kind;
typedef struct {
    polkai_schema_key_kind kind;
    uint64_t number;                     /* CRC-64-AVRO, or the registry's id, or the last eight bytes of a GUID … */
    uint64_t guid_high;                  /* … whose first eight are here; 0 for the others */
} polkai_schema_key;

enum { POLKAI_SCHEMA_KEY_TEXT = 48 };
/* polkai_schema_key_text: "schema 0f1e2d3c4b5a6978", "schema id 17", "schema GUID 6ba7b810-…"; returns `out`. */
const char *polkai_schema_key_text(const polkai_schema_key *key, char out[POLKAI_SCHEMA_KEY_TEXT + 1]);

static inline polkai_schema_key polkai_schema_by_fingerprint(uint64_t fingerprint)
{
    return (polkai_schema_key){ POLKAI_BY_FINGERPRINT, fingerprint, 0 };
}

/* The bytes before a body. */
void polkai_framing_write(uint8_t out[POLKAI_SINGLE_OBJECT_BYTES], uint64_t fingerprint);
void polkai_framing_write_id(uint8_t out[POLKAI_CONFLUENT_BYTES], uint32_t id);

/* polkai_framing_is_of: does the value begin with C3 01 and this fingerprint? The body is then what follows. */
static inline bool polkai_framing_is_of(polka_bytes value, uint64_t fingerprint)
{
    uint64_t found;
    if (value.size < POLKAI_SINGLE_OBJECT_BYTES || value.data[0] != 0xc3 || value.data[1] != 0x01)
        return false;
    memcpy(&found, value.data + 2, sizeof found);
    return le64toh(found) == fingerprint;
}

/*
 * polkai_framing_read takes a value apart.
 *
 * errors: POISON "empty-value" for zero length; "truncated" when the frame itself is cut; "unknown-framing" for a first byte
 *         that is neither C3 nor 00.
 */
polka_status polkai_framing_read(polka_bytes value, polkai_schema_key *key, polka_bytes *body, polka_error *error);

/*
 * polkai_framing_read_header: of the header __value_schema_id (00 and an id, or 01 and a GUID); the value beside it is the body.
 * errors: POISON "bad-header".
 */
polka_status polkai_framing_read_header(polka_bytes header, polkai_schema_key *key, polka_error *error);

#endif
