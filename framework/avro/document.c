/* document.c: the JSON of a schema's text, within the limits. */
#include <avro/node.h>

#include <avro/json.h>

/* How deep brackets nest outside of strings; checked before the parser sees the text. */
static size_t nesting(polka_text text)
{
    size_t depth = 0, most = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
            most = depth > most ? depth : most;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return most;
}

polka_status polkai_schema_within_limits(polka_text text, const char *file, polka_error *error)
{
    if (text.size > POLKAI_SCHEMA_TEXT_BYTES)
        return polkai_schema_bad(error, file, NULL, "the text has %zu bytes; the limit is %d", text.size, POLKAI_SCHEMA_TEXT_BYTES);
    if (nesting(text) > POLKAI_SCHEMA_JSON_NESTING)
        return polkai_schema_bad(error, file, NULL, "the JSON nests more than %d deep", POLKAI_SCHEMA_JSON_NESTING);
    return POLKA_OK;
}

polka_status polkai_schema_document(polkai_schema_set *set, polka_text text, const char *file, json_t **document, polka_error *error)
{
    polka_error problem;
    TRY(polkai_schema_within_limits(text, file, error));
    if (polkai_json_parse((polka_bytes){ text.size, (const uint8_t *)text.data }, document, &problem) != POLKA_OK)
        return polkai_schema_bad(error, file, NULL, "%s", problem.message);
    json_array_append_new(set->documents, *document);
    return POLKA_OK;
}
