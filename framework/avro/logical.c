/*
 * logical.c: which logical type a schema really has. One that does not fit is ignored, as the specification says
 * ("Logical Types": an implementation must ignore an invalid logical type and use the underlying type).
 */
#include <avro/node.h>

#include <avro/words.h>
#include <base/text.h>
#include <math.h>
#include <stdio.h>

static const struct { const char *name; polkai_avro_logical logical; polkai_avro_type type; size_t fixed_size; } rules[] = {
    { "uuid", POLKAI_LOGICAL_UUID, POLKAI_AVRO_STRING, 0 },
    { "uuid", POLKAI_LOGICAL_UUID, POLKAI_AVRO_FIXED, 16 },
    { "date", POLKAI_LOGICAL_DATE, POLKAI_AVRO_INT, 0 },
    { "time-millis", POLKAI_LOGICAL_TIME_MILLIS, POLKAI_AVRO_INT, 0 },
    { "time-micros", POLKAI_LOGICAL_TIME_MICROS, POLKAI_AVRO_LONG, 0 },
    { "timestamp-millis", POLKAI_LOGICAL_TIMESTAMP_MILLIS, POLKAI_AVRO_LONG, 0 },
    { "timestamp-micros", POLKAI_LOGICAL_TIMESTAMP_MICROS, POLKAI_AVRO_LONG, 0 },
    { "timestamp-nanos", POLKAI_LOGICAL_TIMESTAMP_NANOS, POLKAI_AVRO_LONG, 0 },
    { "local-timestamp-millis", POLKAI_LOGICAL_LOCAL_TIMESTAMP_MILLIS, POLKAI_AVRO_LONG, 0 },
    { "local-timestamp-micros", POLKAI_LOGICAL_LOCAL_TIMESTAMP_MICROS, POLKAI_AVRO_LONG, 0 },
    { "local-timestamp-nanos", POLKAI_LOGICAL_LOCAL_TIMESTAMP_NANOS, POLKAI_AVRO_LONG, 0 },
    { "decimal", POLKAI_LOGICAL_DECIMAL, POLKAI_AVRO_BYTES, 0 },
    { "decimal", POLKAI_LOGICAL_DECIMAL, POLKAI_AVRO_FIXED, 0 },
    { "duration", POLKAI_LOGICAL_DURATION, POLKAI_AVRO_FIXED, 12 },
};

/* The digits that `bytes` of two's complement can always hold: floor(log10(2^(8n-1) - 1)). */
static double digits_in(size_t bytes)
{
    return bytes == 0 ? 0 : floor(log10(2.0) * (8.0 * (double)bytes - 1.0));
}

/* NULL, or why precision and scale are none. */
static const char *decimal_problem(polkai_schema *schema, const json_t *json)
{
    const json_t *precision = json_object_get(json, "precision"), *scale = json_object_get(json, "scale");
    json_int_t digits = json_integer_value(precision), after = scale == NULL ? 0 : json_integer_value(scale);
    if (!json_is_integer(precision) || digits < 1 || digits > INT32_MAX)
        return "needs a \"precision\", an integer from 1";
    if ((scale != NULL && !json_is_integer(scale)) || after < 0 || after > digits)
        return "has a \"scale\" that is not an integer from 0 to its precision";
    if (schema->type == POLKAI_AVRO_FIXED && (double)digits > digits_in(schema->fixed_size))
        return "has a precision of more digits than its fixed can hold";
    schema->precision = (unsigned)digits;
    schema->scale = (unsigned)after;
    return NULL;
}

/* NULL, or why `schema` cannot carry the logical type `name`. */
static const char *misfit(polkai_schema *schema, const char *name, const json_t *json)
{
    bool known = false;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strcmp(rules[i].name, name) != 0)
            continue;
        known = true;
        if (rules[i].type != schema->type || (rules[i].fixed_size != 0 && rules[i].fixed_size != schema->fixed_size))
            continue;
        const char *problem = rules[i].logical == POLKAI_LOGICAL_DECIMAL ? decimal_problem(schema, json) : NULL;
        schema->logical = problem == NULL ? rules[i].logical : POLKAI_LOGICAL_NONE;
        return problem;
    }
    return known ? "belongs to another type" : "is not known";
}

/* What the rules say a logical type belongs to: "int", "bytes or fixed", "string or fixed of 16 bytes". */
static void carriers(const char *name, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof rules / sizeof *rules && used < capacity; i++) {
        if (strcmp(rules[i].name, name) != 0)
            continue;
        used += (size_t)snprintf(out + used, capacity - used, "%s%s", used > 0 ? " or " : "", polkai_avro_type_name(rules[i].type));
        if (rules[i].fixed_size != 0 && used < capacity)
            used += (size_t)snprintf(out + used, capacity - used, " of %zu bytes", rules[i].fixed_size);
    }
}

static const char *nearest(const char *name)
{
    const char *names[sizeof rules / sizeof *rules];
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        names[i] = rules[i].name;
    return polkai_nearest(name, names, sizeof rules / sizeof *rules);
}

void polkai_logical_of(polkai_schema_reader *reader, polkai_schema *schema, const json_t *json, const polkai_path *path)
{
    char of[80];
    const json_t *given = json_object_get(json, "logicalType");
    if (given == NULL)
        return;
    polkai_path *at = polka_arena_alloc(&reader->set->arena, sizeof *at);
    *at = (polkai_path){ .up = path, .kind = POLKAI_PATH_MEMBER, .name = POLKA_TEXT("logicalType") };
    const char *name = json_string_value(given), *problem = name == NULL || schema == NULL ? NULL : misfit(schema, name, json);
    if (name == NULL) {
        polkai_set_warn(reader->set, reader->file, at, "%s is not the name of a logical type; it is ignored", polkai_words_json(given).text);
        return;
    }
    carriers(name, of, sizeof of);
    if (schema == NULL)
        polkai_set_warn(reader->set, reader->file, at, "%s is ignored on a reference; it belongs where the type is defined", polkai_words_json(given).text);
    else if (problem != NULL && of[0] == '\0')
        polkai_set_warn(reader->set, reader->file, at, "%s is no logical type that is known here; the %s is used as it is%s%s%s", polkai_words_json(given).text,
                        polkai_words_schema(schema).text, nearest(name) == NULL ? "" : "; did you mean \"", nearest(name) == NULL ? "" : nearest(name),
                        nearest(name) == NULL ? "" : "\"?");
    else if (problem != NULL)
        polkai_set_warn(reader->set, reader->file, at, "%s (of %s) %s; it is ignored, and the %s is used as it is", name, of, problem, polkai_words_schema(schema).text);
}
