/*
 * logical.c: which logical type a schema really has. One that does not fit is ignored, as the specification says
 * ("Logical Types": an implementation must ignore an invalid logical type and use the underlying type).
 */
#include <avro/node.h>

#include <math.h>

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

static bool decimal_fits(polkai_schema *schema, const json_t *json)
{
    const json_t *precision = json_object_get(json, "precision"), *scale = json_object_get(json, "scale");
    if (!json_is_integer(precision) || (scale != NULL && !json_is_integer(scale)))
        return false;
    json_int_t digits = json_integer_value(precision), after = scale == NULL ? 0 : json_integer_value(scale);
    if (digits < 1 || digits > INT32_MAX || after < 0 || after > digits)
        return false;
    if (schema->type == POLKAI_AVRO_FIXED && (double)digits > digits_in(schema->fixed_size))
        return false;
    schema->precision = (unsigned)digits;
    schema->scale = (unsigned)after;
    return true;
}

void polkai_logical_of(polkai_schema *schema, const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "logicalType"));
    for (size_t i = 0; name != NULL && i < sizeof rules / sizeof *rules; i++) {
        if (strcmp(rules[i].name, name) != 0 || rules[i].type != schema->type)
            continue;
        if (rules[i].fixed_size != 0 && rules[i].fixed_size != schema->fixed_size)
            continue;
        if (rules[i].logical != POLKAI_LOGICAL_DECIMAL || decimal_fits(schema, json))
            schema->logical = rules[i].logical;
        return;
    }
}
