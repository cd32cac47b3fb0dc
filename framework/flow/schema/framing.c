/* framing.c: which schema wrote these bytes. */
#include <base/error.h>
#include <flow/schema/framing.h>

void polkai_framing_write(uint8_t out[POLKAI_SINGLE_OBJECT_BYTES], uint64_t fingerprint)
{
    out[0] = 0xc3;
    out[1] = 0x01;
    for (int i = 0; i < 8; i++)
        out[2 + i] = (uint8_t)(fingerprint >> (8 * i));
}

polka_status polkai_framing_read(polka_bytes value, uint64_t *fingerprint, polka_bytes *body, polka_error *error)
{
    const uint8_t *at = value.data;
    ENSURE(value.size > 0, POLKA_POISON, error, "empty-value", "the value has no bytes; a framed Avro value has at least %d", POLKAI_SINGLE_OBJECT_BYTES);
    if (at[0] == 0x00) {
        ENSURE(value.size >= 5, POLKA_POISON, error, "truncated", "the value begins with 00 and ends after %zu bytes", value.size);
        uint32_t id = (uint32_t)at[1] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 8 | at[4];
        return polkai_fail(error, POLKA_POISON, "schema-not-found",
                           "the value is framed for a schema registry (id %" PRIu32 "), and no registry is configured", id);
    }
    ENSURE(at[0] == 0xc3 && (value.size < 2 || at[1] == 0x01), POLKA_POISON, error, "unknown-framing",
           "the value begins with %02x%s; expected c3 01 (Avro single-object encoding)", at[0], value.size > 1 ? "…" : "");
    ENSURE(value.size >= POLKAI_SINGLE_OBJECT_BYTES, POLKA_POISON, error, "truncated",
           "the value ends after %zu bytes, inside the fingerprint of its schema", value.size);
    *fingerprint = 0;
    for (int i = 0; i < 8; i++)
        *fingerprint |= (uint64_t)at[2 + i] << (8 * i);
    *body = (polka_bytes){ value.size - POLKAI_SINGLE_OBJECT_BYTES, at + POLKAI_SINGLE_OBJECT_BYTES };
    return POLKA_OK;
}
