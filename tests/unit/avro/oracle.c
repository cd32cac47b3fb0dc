#include "oracle.h"

#include <avro.h>
#include <stdlib.h>
#include <string.h>

static int fill(avro_value_t *to, const json_t *from);

static size_t from_base64(const char *text, uint8_t *out)
{
    size_t size = 0;
    uint32_t bits = 0;
    for (size_t i = 0; text[i] != '\0' && text[i] != '='; i++) {
        char c = text[i];
        bits = bits << 6 | (uint32_t)(c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52 : c == '+' ? 62 : 63);
        if (i % 4 == 1)
            out[size++] = (uint8_t)(bits >> 4);
        else if (i % 4 == 2)
            out[size++] = (uint8_t)(bits >> 2);
        else if (i % 4 == 3)
            out[size++] = (uint8_t)bits;
    }
    return size;
}

static int fill_bytes(avro_value_t *to, const json_t *from)
{
    uint8_t bytes[4096];
    size_t size = from_base64(json_string_value(from), bytes);
    return avro_value_get_type(to) == AVRO_FIXED ? avro_value_set_fixed(to, bytes, size) : avro_value_set_bytes(to, bytes, size);
}

static int fill_union(avro_value_t *to, const json_t *from)
{
    avro_schema_t schema = avro_value_get_schema(to);
    avro_value_t branch;
    int index = 0;
    const char *tag = json_is_null(from) ? "null" : json_object_iter_key(json_object_iter((json_t *)from));
    const char *dot = strrchr(tag, '.');
    avro_schema_t found = avro_schema_union_branch_by_name(schema, &index, dot == NULL ? tag : dot + 1);
    if (found == NULL || avro_value_set_branch(to, index, &branch) != 0)
        return 1;
    return fill(&branch, json_is_null(from) ? from : json_object_get(from, tag));
}

static int fill_object(avro_value_t *to, const json_t *from)
{
    const char *key;
    json_t *part;
    avro_value_t child;
    json_object_foreach((json_t *)from, key, part) {
        int bad = avro_value_get_type(to) == AVRO_MAP ? avro_value_add(to, key, &child, NULL, NULL) : avro_value_get_by_name(to, key, &child, NULL);
        if (bad || fill(&child, part))
            return 1;
    }
    return 0;
}

static double real(const json_t *from)
{
    return json_is_string(from) ? strtod(json_string_value(from), NULL) : json_number_value(from);
}

static int fill(avro_value_t *to, const json_t *from)
{
    avro_value_t child;
    int index;
    switch (avro_value_get_type(to)) {
    case AVRO_NULL: return avro_value_set_null(to);
    case AVRO_BOOLEAN: return avro_value_set_boolean(to, json_is_true(from));
    case AVRO_INT32: return avro_value_set_int(to, (int32_t)json_integer_value(from));
    case AVRO_INT64: return avro_value_set_long(to, json_integer_value(from));
    case AVRO_FLOAT: return avro_value_set_float(to, (float)real(from));
    case AVRO_DOUBLE: return avro_value_set_double(to, real(from));
    case AVRO_STRING: return avro_value_set_string_len(to, json_string_value(from), json_string_length(from) + 1);
    case AVRO_BYTES:
    case AVRO_FIXED: return fill_bytes(to, from);
    case AVRO_ENUM:
        index = avro_schema_enum_get_by_name(avro_value_get_schema(to), json_string_value(from));
        return index < 0 || avro_value_set_enum(to, index);
    case AVRO_ARRAY:
        for (size_t i = 0; i < json_array_size(from); i++)
            if (avro_value_append(to, &child, NULL) != 0 || fill(&child, json_array_get(from, i)) != 0)
                return 1;
        return 0;
    case AVRO_MAP:
    case AVRO_RECORD: return fill_object(to, from);
    case AVRO_UNION: return fill_union(to, from);
    default: return 1;
    }
}

typedef struct { avro_schema_t schema; avro_value_iface_t *iface; avro_value_t value; } generic;

static const char *begin(generic *g, const char *schema)
{
    if (avro_schema_from_json_length(schema, strlen(schema), &g->schema) != 0)
        return avro_strerror();
    g->iface = avro_generic_class_from_schema(g->schema);
    if (g->iface == NULL || avro_generic_value_new(g->iface, &g->value) != 0)
        return avro_strerror();
    return NULL;
}

static void end(generic *g)
{
    avro_value_decref(&g->value);
    avro_value_iface_decref(g->iface);
    avro_schema_decref(g->schema);
}

const char *oracle_encode(const char *schema, const json_t *value, uint8_t **bytes, size_t *size)
{
    generic g;
    const char *problem = begin(&g, schema);
    if (problem != NULL)
        return problem;
    if (fill(&g.value, value) != 0) {
        end(&g);
        return "the value could not be filled in";
    }
    avro_value_sizeof(&g.value, size);
    *bytes = malloc(*size + 1);
    avro_writer_t writer = avro_writer_memory((const char *)*bytes, (int64_t)*size);
    int bad = avro_value_write(writer, &g.value);
    avro_writer_free(writer);
    end(&g);
    return bad ? avro_strerror() : NULL;
}

const char *oracle_decode(const char *schema, const uint8_t *bytes, size_t size)
{
    generic g;
    const char *problem = begin(&g, schema);
    if (problem != NULL)
        return problem;
    avro_reader_t reader = avro_reader_memory((const char *)bytes, (int64_t)size);
    char one;
    if (avro_value_read(reader, &g.value) != 0)
        problem = avro_strerror();
    else if (avro_read(reader, &one, 1) == 0)
        problem = "bytes are left over";
    avro_reader_free(reader);
    end(&g);
    return problem;
}

json_t *oracle_json(const char *schema, const uint8_t *bytes, size_t size)
{
    generic g;
    json_t *json = NULL;
    char *text = NULL;
    if (begin(&g, schema) != NULL)
        return NULL;
    avro_reader_t reader = avro_reader_memory((const char *)bytes, (int64_t)size);
    if (avro_value_read(reader, &g.value) == 0 && avro_value_to_json(&g.value, 1, &text) == 0)
        json = json_loads(text, JSON_DECODE_ANY, NULL);
    free(text);
    avro_reader_free(reader);
    end(&g);
    return json;
}
