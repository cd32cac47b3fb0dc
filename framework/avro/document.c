/* document.c: the JSON of a schema's text, within the limits. */
#include <avro/node.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- integers beyond 64 bits ------------------------------------------------------------------- */

static size_t string_size(const char *text)
{
    size_t size = 1;
    while (text[size] != '"' && text[size] != '\0')
        size += text[size] == '\\' && text[size + 1] != '\0' ? 2 : 1;
    return text[size] == '"' ? size + 1 : size;
}

/*
 * The same text with ".0" behind each integer beyond 64 bits, where jansson stops: as a real it is still the number
 * that it is (an attribute, the default of a double), and still no integer. new: free() it. text: ends with a NUL.
 */
static polka_text without_long_integers(const char *text)
{
    char *out = polkai_alloc(strlen(text) * 2 + 1), *to = out;
    while (*text != '\0') {
        size_t size = *text == '"' ? string_size(text) : strspn(text, "-+.eE0123456789");
        bool integer = *text != '"' && size >= 19 && strspn(text + 1, "0123456789") == size - 1;
        if (size == 0)
            size = 1;
        memcpy(to, text, size);
        to += size;
        errno = 0;
        if (integer && strtoll(text, NULL, 10) != 0 && errno == ERANGE) {
            memcpy(to, ".0", 2);
            to += 2;
        }
        text += size;
    }
    return (polka_text){ (size_t)(to - out), out };
}

static json_t *load(polka_text text, json_error_t *problem)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_t *document = json_loadb(text.data == NULL ? "" : text.data, text.size, flags, problem);
    if (document != NULL || json_error_code(problem) != json_error_numeric_overflow)
        return document;
    char *whole = polkai_alloc(text.size + 1);
    memcpy(whole, text.data, text.size);
    whole[text.size] = '\0';
    polka_text other = without_long_integers(whole);
    document = json_loadb(other.data, other.size, flags, problem);
    free((char *)(uintptr_t)other.data);
    free(whole);
    return document;
}

polka_status polkai_schema_document(polkai_schema_set *set, polka_text text, const char *file, json_t **document, polka_error *error)
{
    json_error_t problem;
    if (text.size > POLKAI_SCHEMA_TEXT_BYTES)
        return polkai_schema_bad(error, file, NULL, "the text has %zu bytes; the limit is %d", text.size, POLKAI_SCHEMA_TEXT_BYTES);
    if (nesting(text) > POLKAI_SCHEMA_JSON_NESTING)
        return polkai_schema_bad(error, file, NULL, "the JSON nests more than %d deep", POLKAI_SCHEMA_JSON_NESTING);
    *document = load(text, &problem);
    if (*document == NULL)
        return polkai_schema_bad(error, file, NULL, "not JSON: line %d, column %d: %s", problem.line, problem.column, problem.text);
    json_array_append_new(set->documents, *document);
    return POLKA_OK;
}
