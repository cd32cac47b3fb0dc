/* words.c: names of values and schemas for people. */
#include <avro/words.h>

#include <avro/readable.h>
#include <base/text.h>
#include <stdio.h>

polkai_words polkai_words_json(const json_t *value)
{
    polkai_words words;
    char text[64];
    switch (value == NULL ? JSON_NULL : json_typeof(value)) {
    case JSON_STRING:
        polkai_text_escape(text, sizeof text, json_string_value(value), json_string_length(value), 32);
        snprintf(words.text, sizeof words.text, "string \"%s\"", text);
        break;
    case JSON_INTEGER: snprintf(words.text, sizeof words.text, "number %lld", (long long)json_integer_value(value)); break;
    case JSON_REAL:
        polkai_real_write(json_real_value(value), text);
        snprintf(words.text, sizeof words.text, "number %s%s", text, text[strcspn(text, ".e")] == '\0' ? ".0" : "");
        break;
    case JSON_OBJECT: snprintf(words.text, sizeof words.text, "an object"); break;
    case JSON_ARRAY: snprintf(words.text, sizeof words.text, "an array"); break;
    case JSON_TRUE: snprintf(words.text, sizeof words.text, "true"); break;
    case JSON_FALSE: snprintf(words.text, sizeof words.text, "false"); break;
    default: snprintf(words.text, sizeof words.text, "null"); break;
    }
    return words;
}

polkai_words polkai_words_schema(const polkai_schema *schema)
{
    polkai_words words;
    const char *type = polkai_avro_type_name(schema->type);
    if (schema->name != NULL)
        snprintf(words.text, sizeof words.text, "%s %s", type, schema->name);
    else if (schema->logical != POLKAI_LOGICAL_NONE)
        snprintf(words.text, sizeof words.text, "%s", json_string_value(json_object_get(schema->json, "logicalType")));
    else
        snprintf(words.text, sizeof words.text, "%s", type);
    return words;
}
