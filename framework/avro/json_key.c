/* json_key.c: the record key of a value, found by the path that a schema names. */
#include <avro/json.h>

#include <avro/wire.h>
#include <avro/words.h>
#include <avro/fallback.h>
#include <base/arena.h>
#include <base/error.h>
#include <base/identity.h>

static const polkai_schema_field *field_of(const polkai_schema *schema, const char *name, size_t size)
{
    for (size_t i = 0; schema->type == POLKAI_AVRO_RECORD && i < schema->count; i++)
        if (strlen(schema->fields[i].name) == size && memcmp(schema->fields[i].name, name, size) == 0)
            return &schema->fields[i];
    return NULL;
}

/* The field at the end of `path`; *value becomes its value, or NULL with *plain false when a default on the way holds it. */
static polka_status find_field(const polkai_schema *schema, const char *path, const json_t **value, bool *plain, const polkai_schema **found, polka_error *error)
{
    *plain = true;
    for (const char *name = path;; name++) {
        size_t size = strcspn(name, ".");
        const polkai_schema_field *field = field_of(schema, name, size);
        ENSURE(field != NULL, POLKA_MISUSE, error, "bad-key", "polka.key '%s': %s has no field '%.*s'", path, polkai_words_schema(schema).text, (int)size, name);
        const json_t *member = json_object_get(*value, field->name);
        *plain = *plain && member != NULL;
        *value = member != NULL ? member : field->fallback;
        ENSURE(*value != NULL, POLKA_POISON, error, "bad-value", "%s: missing; it is the key, and has no default", path);
        schema = field->schema;
        name += size;
        if (*name == '\0')
            break;
    }
    *found = schema;
    return POLKA_OK;
}

/* The key as text or raw bytes, from the Avro bytes of the field. */
static polka_status key_of(const polkai_schema *schema, polka_buffer *bytes, const char *path, polka_bytes *key, polka_error *error)
{
    polkai_wire wire = { bytes->data, bytes->data + bytes->size };
    polka_text text = { 0 };
    int64_t number = 0;
    char uuid[POLKA_UUID_TEXT + 1];
    if (schema->type != POLKAI_AVRO_FIXED)
        polkai_get_long(&wire, &number);
    switch (schema->type) {
    case POLKAI_AVRO_INT:
    case POLKAI_AVRO_LONG: text = polkai_arena_format(bytes->arena, "%lld", (long long)number); break;
    case POLKAI_AVRO_ENUM: text = polka_text_of(schema->symbols[number]); break;
    case POLKAI_AVRO_STRING:
    case POLKAI_AVRO_BYTES: text = (polka_text){ (size_t)number, (const char *)wire.at }; break;
    case POLKAI_AVRO_FIXED:
        text = (polka_text){ bytes->size, (const char *)bytes->data };
        if (schema->logical == POLKAI_LOGICAL_UUID) {
            polkai_uuid_write(uuid, bytes->data);
            text = polkai_arena_text(bytes->arena, uuid, POLKA_UUID_TEXT);
        }
        break;
    default:
        return polkai_fail(error, POLKA_MISUSE, "bad-key", "polka.key '%s' is a %s; a key is a string, enum, int, long, bytes or fixed", path, polkai_words_schema(schema).text);
    }
    *key = (polka_bytes){ text.size, (const uint8_t *)text.data };
    return POLKA_OK;
}

polka_status polkai_json_key(const polkai_schema *schema, const char *path, const json_t *value, polka_arena *arena, polka_bytes *key, polka_error *error)
{
    polka_buffer bytes = { .arena = arena };
    const polkai_schema *found = NULL;
    bool plain;
    TRY(find_field(schema, path, &value, &plain, &found, error));
    polka_buffer_reserve(&bytes, 1);     /* an empty key has memory too: data NULL would be no key */
    polka_status status = plain ? polkai_json_encode(POLKAI_JSON_PLAIN, found, value, &bytes, error) : polkai_fallback_encode(found, value, &bytes, error);
    if (status != POLKA_OK) {
        polkai_error_where(error, "%s", path);
        return status;
    }
    return key_of(found, &bytes, path, key, error);
}
