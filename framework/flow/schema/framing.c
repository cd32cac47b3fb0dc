/* framing.c: which schema wrote these bytes. */
#include <base/error.h>
#include <base/identity.h>
#include <flow/schema/framing.h>

#include <stdio.h>

static uint64_t big_endian(const uint8_t *at, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | at[i];
    return number;
}

const char *polkai_schema_key_text(const polkai_schema_key *key, char out[POLKAI_SCHEMA_KEY_TEXT + 1])
{
    uint8_t guid[16];
    char text[POLKA_UUID_TEXT + 1];
    switch (key->kind) {
    case POLKAI_BY_ID:
        snprintf(out, POLKAI_SCHEMA_KEY_TEXT + 1, "schema id %" PRIu32, (uint32_t)key->number);
        break;
    case POLKAI_BY_GUID:
        for (int i = 0; i < 8; i++) {
            guid[i] = (uint8_t)(key->guid_high >> (56 - 8 * i));
            guid[8 + i] = (uint8_t)(key->number >> (56 - 8 * i));
        }
        polkai_uuid_write(text, guid);
        snprintf(out, POLKAI_SCHEMA_KEY_TEXT + 1, "schema GUID %s", text);
        break;
    default:
        snprintf(out, POLKAI_SCHEMA_KEY_TEXT + 1, "schema %016" PRIx64, key->number);
        break;
    }
    return out;
}

void polkai_framing_write(uint8_t out[POLKAI_SINGLE_OBJECT_BYTES], uint64_t fingerprint)
{
    out[0] = 0xc3;
    out[1] = 0x01;
    for (int i = 0; i < 8; i++)
        out[2 + i] = (uint8_t)(fingerprint >> (8 * i));
}

void polkai_framing_write_id(uint8_t out[POLKAI_CONFLUENT_BYTES], uint32_t id)
{
    out[0] = 0x00;
    for (int i = 0; i < 4; i++)
        out[1 + i] = (uint8_t)(id >> (24 - 8 * i));
}

static polka_status read_confluent(polka_bytes value, polkai_schema_key *key, polka_bytes *body, polka_error *error)
{
    ENSURE(value.size >= POLKAI_CONFLUENT_BYTES, POLKA_POISON, error, "truncated", "the value begins with 00 and ends after %zu bytes", value.size);
    *key = (polkai_schema_key){ POLKAI_BY_ID, big_endian(value.data + 1, 4), 0 };
    *body = (polka_bytes){ value.size - POLKAI_CONFLUENT_BYTES, value.data + POLKAI_CONFLUENT_BYTES };
    return POLKA_OK;
}

polka_status polkai_framing_read(polka_bytes value, polkai_schema_key *key, polka_bytes *body, polka_error *error)
{
    const uint8_t *at = value.data;
    ENSURE(value.size > 0, POLKA_POISON, error, "empty-value", "the value has no bytes; a framed Avro value has at least %d", POLKAI_CONFLUENT_BYTES);
    if (at[0] == 0x00)
        return read_confluent(value, key, body, error);
    ENSURE(at[0] == 0xc3 && (value.size < 2 || at[1] == 0x01), POLKA_POISON, error, "unknown-framing",
           "the value begins with %02x%s; expected c3 01 (Avro single-object encoding) or 00 (a schema registry's id)", at[0], value.size > 1 ? "…" : "");
    ENSURE(value.size >= POLKAI_SINGLE_OBJECT_BYTES, POLKA_POISON, error, "truncated",
           "the value ends after %zu bytes, inside the fingerprint of its schema", value.size);
    uint64_t fingerprint = 0;
    for (int i = 0; i < 8; i++)
        fingerprint |= (uint64_t)at[2 + i] << (8 * i);
    *key = polkai_schema_by_fingerprint(fingerprint);
    *body = (polka_bytes){ value.size - POLKAI_SINGLE_OBJECT_BYTES, at + POLKAI_SINGLE_OBJECT_BYTES };
    return POLKA_OK;
}

polka_status polkai_framing_read_header(polka_bytes header, polkai_schema_key *key, polka_error *error)
{
    const uint8_t *at = header.data;
    if (header.size == 5 && at[0] == 0x00) {
        *key = (polkai_schema_key){ POLKAI_BY_ID, big_endian(at + 1, 4), 0 };
        return POLKA_OK;
    }
    ENSURE(header.size == 17 && at[0] == 0x01, POLKA_POISON, error, "bad-header",
           "header __value_schema_id has %zu bytes%s; expected 00 and an id of 4, or 01 and a GUID of 16", header.size,
           header.size > 0 && at[0] > 1 ? ", and a first byte that is not known" : "");
    *key = (polkai_schema_key){ POLKAI_BY_GUID, big_endian(at + 9, 8), big_endian(at + 1, 8) };
    return POLKA_OK;
}
