/*
 * json_text.c: JSON texts to trees and back. Jansson's own reader refuses two things that Avro's values need: NUL in the key
 * of a map, and integers beyond 64 bits where a double stands; its writer shows 0.1 as 0.10000000000000001.
 */
#include <avro/json.h>

#include <avro/readable.h>
#include <avro/wire.h>
#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>

enum { NESTING = 2048 };                 /* a tagged union is a level too, so this is twice a value's limit, and more */

typedef struct {
    const char *start, *at, *end;
    polka_arena *arena;
    polka_error *error;
    unsigned depth;
} parsing;

static polka_status parse(parsing *p, json_t **value);

/* ---- errors ------------------------------------------------------------------------------------ */

static polka_status bad(parsing *p, const char *at, const char *what)
{
    char near[48];
    size_t line = 1, column = 1;
    for (const char *c = p->start; c < at; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    polkai_text_escape(near, sizeof near, at, (size_t)(p->end - at), 20);
    return polkai_fail(p->error, POLKA_POISON, "bad-json", "not JSON: line %zu, column %zu: %s%s%s", line, column, what,
                       at == p->end ? ", at the end" : " near ", at == p->end ? "" : near);
}

static void release(json_t **json)
{
    json_decref(*json);
}

static bool next_is(const parsing *p, char c)
{
    return p->at < p->end && *p->at == c;
}

static void skip_space(parsing *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
        p->at++;
}

/* ---- texts ------------------------------------------------------------------------------------- */

/* Four hex digits; -1: they are not. */
static long hex4(parsing *p)
{
    long code = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        char c = p->at < p->end ? *p->at : '\0', lower = (char)(c | 0x20);
        if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'f'))
            return -1;
        code = code * 16 + (c <= '9' ? c - '0' : lower - 'a' + 10);
    }
    return code;
}

static void put_code_point(polka_buffer *out, unsigned long code)
{
    uint8_t bytes[4];
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = size; i-- > 1; code >>= 6)
        bytes[i] = (uint8_t)(0x80 | (code & 0x3f));
    bytes[0] = (uint8_t)(lead[size] | code);
    polkai_put_bytes(out, bytes, size);
}

static polka_status parse_unicode(parsing *p, const char *began, polka_buffer *out)
{
    long code = hex4(p);
    if (code < 0 || (code >= 0xdc00 && code <= 0xdfff))
        return bad(p, began, code < 0 ? "\\u needs four hex digits" : "half of a surrogate pair");
    if (code >= 0xd800 && code <= 0xdbff) {
        long low = -1;
        if (p->end - p->at >= 6 && p->at[0] == '\\' && p->at[1] == 'u') {
            p->at += 2;
            low = hex4(p);
        }
        if (low < 0xdc00 || low > 0xdfff)
            return bad(p, began, "half of a surrogate pair");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    put_code_point(out, (unsigned long)code);
    return POLKA_OK;
}

static polka_status parse_escape(parsing *p, polka_buffer *out)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char *began = p->at++;
    const char *name = p->at < p->end && *p->at != '\0' ? strchr(names, *p->at) : NULL;
    if (next_is(p, 'u')) {
        p->at++;
        return parse_unicode(p, began, out);
    }
    if (name == NULL)
        return bad(p, began, "an unknown escape");
    polkai_put_bytes(out, &bytes[name - names], 1);
    p->at++;
    return POLKA_OK;
}

/* Up to a quote, an escape or a control character, as it stands there. */
static polka_status parse_plain(parsing *p, polka_text *text)
{
    const char *from = p->at;
    while (p->at < p->end && *p->at != '"' && *p->at != '\\' && (uint8_t)*p->at >= 0x20)
        p->at++;
    *text = (polka_text){ (size_t)(p->at - from), from };
    return polkai_utf8_valid(from, text->size) ? POLKA_OK : bad(p, from, "a string that is not UTF-8");
}

/* Copied only when it has an escape, which few have; without a NUL behind it. */
static polka_status parse_text(parsing *p, polka_text *text)
{
    const char *began = p->at++;
    TRY(parse_plain(p, text));
    if (next_is(p, '"')) {
        p->at++;
        return POLKA_OK;
    }
    polka_buffer out = { .arena = p->arena };
    polkai_put_bytes(&out, text->data, text->size);
    while (p->at < p->end && *p->at != '"') {
        TRY(parse_plain(p, text));
        polkai_put_bytes(&out, text->data, text->size);
        if (next_is(p, '\\'))
            TRY(parse_escape(p, &out));
        else if (p->at < p->end && *p->at != '"')
            return bad(p, p->at, "a control character in a string; write it as \\u00..");
    }
    if (p->at == p->end)
        return bad(p, began, "a string without its end");
    p->at++;
    *text = (polka_text){ out.size, out.data == NULL ? "" : (const char *)out.data };
    return POLKA_OK;
}

/* ---- numbers ----------------------------------------------------------------------------------- */

static size_t digits(parsing *p)
{
    const char *began = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
        p->at++;
    return (size_t)(p->at - began);
}

/* The digits of a whole number as 64 bits, summed up below zero, where there is one number more; false when they do not suffice. */
static bool whole(const char *at, const char *end, json_int_t *number)
{
    bool negative = *at == '-';
    int64_t sum = 0;
    for (at += negative; at < end; at++)
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, *at - '0', &sum))
            return false;
    if (!negative && __builtin_sub_overflow(0, sum, &sum))
        return false;
    *number = sum;
    return true;
}

/* Jansson turns the digits of a real number into a double, whatever the locale. */
static polka_status parse_real(parsing *p, const char *began, bool is_whole, json_t **value)
{
    json_error_t problem;
    polka_buffer token = { .arena = p->arena };
    polkai_put_bytes(&token, began, (size_t)(p->at - began));
    polkai_put_bytes(&token, ".0", is_whole ? 2 : 0);
    *value = json_loadb((const char *)token.data, token.size, JSON_DECODE_ANY, &problem);
    return *value != NULL ? POLKA_OK : bad(p, began, "a number beyond what a double holds");
}

static polka_status parse_number(parsing *p, json_t **value)
{
    const char *began = p->at;
    json_int_t number;
    bool is_whole = true;
    p->at += next_is(p, '-');
    if (next_is(p, '0'))
        p->at++;
    else if (digits(p) == 0)
        return bad(p, began, "not a value");
    if (next_is(p, '.')) {
        p->at++;
        is_whole = false;
        if (digits(p) == 0)
            return bad(p, began, "a number without digits behind its point");
    }
    if (next_is(p, 'e') || next_is(p, 'E')) {
        p->at++;
        is_whole = false;
        p->at += next_is(p, '+') || next_is(p, '-');
        if (digits(p) == 0)
            return bad(p, began, "a number without digits in its exponent");
    }
    if (!is_whole || !whole(began, p->at, &number))
        return parse_real(p, began, is_whole, value);
    *value = json_integer(number);
    return POLKA_OK;
}

/* ---- arrays, objects --------------------------------------------------------------------------- */

/* After a value: a comma and on, or `close` and the end. */
static polka_status parse_between(parsing *p, char close, bool *more)
{
    skip_space(p);
    *more = next_is(p, ',');
    if (!*more && !next_is(p, close))
        return bad(p, p->at, close == ']' ? "expected , or ]" : "expected , or }");
    p->at++;
    skip_space(p);
    return POLKA_OK;
}

static polka_status parse_array(parsing *p, json_t **value)
{
    json_t *array AUTO(release) = json_array(), *item;
    p->at++;
    skip_space(p);
    bool more = !next_is(p, ']');
    p->at += !more;
    while (more) {
        TRY(parse(p, &item));
        json_array_append_new(array, item);
        TRY(parse_between(p, ']', &more));
    }
    *value = json_incref(array);
    return POLKA_OK;
}

static polka_status parse_member(parsing *p, json_t *object)
{
    polka_text key;
    json_t *member;
    const char *began = p->at;
    if (!next_is(p, '"'))
        return bad(p, began, "expected the name of a member");
    TRY(parse_text(p, &key));
    if (json_object_getn(object, key.data, key.size) != NULL)
        return bad(p, began, "a duplicate member");
    skip_space(p);
    if (!next_is(p, ':'))
        return bad(p, p->at, "expected :");
    p->at++;
    TRY(parse(p, &member));
    json_object_setn_new_nocheck(object, key.data, key.size, member);
    return POLKA_OK;
}

static polka_status parse_object(parsing *p, json_t **value)
{
    json_t *object AUTO(release) = json_object();
    p->at++;
    skip_space(p);
    bool more = !next_is(p, '}');
    p->at += !more;
    while (more) {
        TRY(parse_member(p, object));
        TRY(parse_between(p, '}', &more));
    }
    *value = json_incref(object);
    return POLKA_OK;
}

static polka_status parse_nested(parsing *p, json_t **value)
{
    if (p->depth == NESTING)
        return bad(p, p->at, "more than 2048 levels");
    p->depth++;
    polka_status status = *p->at == '[' ? parse_array(p, value) : parse_object(p, value);
    p->depth--;
    return status;
}

static polka_status parse_word(parsing *p, json_t **value)
{
    static const struct { const char *word; json_type type; } words[] = { { "null", JSON_NULL }, { "true", JSON_TRUE }, { "false", JSON_FALSE } };
    for (size_t i = 0; i < 3; i++) {
        size_t size = strlen(words[i].word);
        if ((size_t)(p->end - p->at) < size || memcmp(p->at, words[i].word, size) != 0)
            continue;
        p->at += size;
        *value = words[i].type == JSON_NULL ? json_null() : json_boolean(words[i].type == JSON_TRUE);
        return POLKA_OK;
    }
    return parse_number(p, value);
}

static polka_status parse(parsing *p, json_t **value)
{
    polka_text text;
    skip_space(p);
    if (next_is(p, '[') || next_is(p, '{'))
        return parse_nested(p, value);
    if (!next_is(p, '"'))
        return parse_word(p, value);
    TRY(parse_text(p, &text));
    *value = json_stringn_nocheck(text.data, text.size);
    return POLKA_OK;
}

polka_status polkai_json_parse(polka_bytes text, json_t **value, polka_error *error)
{
    const char *start = text.data == NULL ? "" : (const char *)text.data;
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    parsing p = { .start = start, .at = start, .end = start + text.size, .arena = &arena, .error = error };
    *value = NULL;
    polka_status status = parse(&p, value);
    skip_space(&p);
    if (status == POLKA_OK && p.at != p.end)
        status = bad(&p, p.at, "expected the end");
    if (status != POLKA_OK) {
        json_decref(*value);
        *value = NULL;
    }
    polkai_arena_deinit(&arena);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static void put(polka_buffer *out, const char *text)
{
    polkai_put_bytes(out, text, strlen(text));
}

json_t *polkai_json_text(const char *text)
{
    json_t *value = text != NULL ? json_string(text) : json_null();
    if (value != NULL)
        return value;
    size_t size = strlen(text), room = 4 * size + 8;
    char *safe = polkai_alloc(room);
    value = json_stringn(safe, polkai_text_escape(safe, room, text, size, size));
    free(safe);
    return value;
}

void polkai_json_write_text(polka_buffer *out, const char *text, size_t size)
{
    char escape[8];
    size_t from = 0;
    put(out, "\"");
    for (size_t i = 0; i < size; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        polkai_put_bytes(out, text + from, i - from);
        from = i + 1;
        const char *known = strchr("\bb\ff\nn\rr\tt\"\"\\\\", c);
        if (c != '\0' && known != NULL)
            snprintf(escape, sizeof escape, "\\%c", known[1]);
        else
            snprintf(escape, sizeof escape, "\\u%04x", c);
        put(out, escape);
    }
    polkai_put_bytes(out, text + from, size - from);
    put(out, "\"");
}

/* As few digits as read back as the same number, and a point or an exponent, so that it is read as a real again. */
static void put_real(polka_buffer *out, double number)
{
    char text[POLKAI_WHEN_TEXT];
    bool real = false;
    polkai_real_write(number, text);
    for (char *c = text; *c != '\0'; c++) {
        if (strchr("+-0123456789e", *c) == NULL)
            *c = '.';                    /* some locale's point */
        real = real || *c == '.' || *c == 'e';
    }
    put(out, text);
    put(out, real ? "" : ".0");
}

static void put_integer(polka_buffer *out, json_int_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    put(out, text);
}

void polkai_json_write(const json_t *value, polka_buffer *out)
{
    size_t i;
    json_t *item;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put(out, "{");
        for (void *at = json_object_iter((json_t *)(uintptr_t)value), *first = at; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
            put(out, at == first ? "" : ",");
            polkai_json_write_text(out, json_object_iter_key(at), json_object_iter_key_len(at));
            put(out, ":");
            polkai_json_write(json_object_iter_value(at), out);
        }
        put(out, "}");
        break;
    case JSON_ARRAY:
        put(out, "[");
        json_array_foreach((json_t *)(uintptr_t)value, i, item) {
            put(out, i == 0 ? "" : ",");
            polkai_json_write(item, out);
        }
        put(out, "]");
        break;
    case JSON_STRING: polkai_json_write_text(out, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: put_integer(out, json_integer_value(value)); break;
    case JSON_REAL: put_real(out, json_real_value(value)); break;
    case JSON_TRUE: put(out, "true"); break;
    case JSON_FALSE: put(out, "false"); break;
    case JSON_NULL: put(out, "null"); break;
    }
}
