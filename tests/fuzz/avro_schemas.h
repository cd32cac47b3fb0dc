/* avro_schemas.h: the schemas that the fuzz targets of framework/avro choose from by the first byte of their input. */
#ifndef POLKA_FUZZ_AVRO_SCHEMAS_H
#define POLKA_FUZZ_AVRO_SCHEMAS_H

#include <avro/json.h>
#include <avro/schema.h>
#include <avro/walk.h>
#include <base/arena.h>

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const fuzz_schemas[] = {
    "\"long\"", "\"string\"", "\"double\"", "\"float\"",
    "{\"type\":\"array\",\"items\":\"int\"}",
    "{\"type\":\"map\",\"values\":[\"null\",\"bytes\"]}",
    "{\"type\":\"array\",\"items\":\"null\"}",
    "{\"type\":\"record\",\"name\":\"N\",\"fields\":[{\"name\":\"v\",\"type\":\"int\"},{\"name\":\"next\",\"type\":[\"null\",\"N\"],\"default\":null}]}",
    "{\"type\":\"record\",\"name\":\"T\",\"fields\":[{\"name\":\"c\",\"type\":{\"type\":\"array\",\"items\":\"T\"}},{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"T\"}}]}",
    "[\"null\",\"int\",\"string\",\"bytes\",\"double\",{\"type\":\"map\",\"values\":\"long\"},{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"x\",\"type\":\"long\"}]},"
    "{\"type\":\"record\",\"name\":\"B\",\"fields\":[{\"name\":\"u\",\"type\":[\"A\",\"B\",\"null\",\"boolean\"],\"default\":null}]},{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"P\",\"Q\"]}]",
    "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"u\",\"type\":{\"type\":\"fixed\",\"name\":\"U\",\"size\":16,\"logicalType\":\"uuid\"}},"
    "{\"name\":\"d\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":2000,\"scale\":7}},"
    "{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"D\",\"size\":9,\"logicalType\":\"decimal\",\"precision\":21,\"scale\":21}},"
    "{\"name\":\"p\",\"type\":{\"type\":\"fixed\",\"name\":\"P\",\"size\":12,\"logicalType\":\"duration\"}},{\"name\":\"t\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\"}},"
    "{\"name\":\"l\",\"type\":{\"type\":\"long\",\"logicalType\":\"local-timestamp-millis\"}},{\"name\":\"a\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}},"
    "{\"name\":\"o\",\"type\":{\"type\":\"long\",\"logicalType\":\"time-micros\"}}]}",
    "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", "{\"type\":\"int\",\"logicalType\":\"date\"}", "{\"type\":\"int\",\"logicalType\":\"time-millis\"}",
    "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}",
};
enum { FUZZ_SCHEMAS = sizeof fuzz_schemas / sizeof *fuzz_schemas };

/* Parsed once; they live as long as the process. */
static inline const polkai_schema *fuzz_schema(uint8_t choice)
{
    static const polkai_schema *parsed[FUZZ_SCHEMAS];
    static polkai_schema_set *sets[FUZZ_SCHEMAS];
    size_t index = choice % FUZZ_SCHEMAS;
    polka_error error;
    if (parsed[index] == NULL) {
        sets[index] = polkai_schema_set_create();
        if (polkai_schema_parse(sets[index], polka_text_of(fuzz_schemas[index]), NULL, &parsed[index], &error) != POLKA_OK)
            abort();
    }
    return parsed[index];
}

/* What must hold; libFuzzer keeps the input that breaks it. */
#define HOLDS(CONDITION, ...)              \
    do {                                   \
        if (!(CONDITION)) {                \
            fprintf(stderr, __VA_ARGS__);  \
            fputc('\n', stderr);           \
            abort();                       \
        }                                  \
    } while (0)

#endif
