/*
 * json_encode.c: JSON to Avro bytes: what holds other values. Plain JSON is lenient in form (tagged or untagged unions,
 * a logical type's text or its underlying value) and strict in content (ranges, unknown and missing fields); Avro's JSON
 * encoding is strict in both.
 */
#include <avro/json_inner.h>

#include <avro/fallback.h>
#include <avro/wire.h>
#include <avro/words.h>
#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <stdio.h>

static polka_status encode(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path);

/* ---- errors ------------------------------------------------------------------------------------ */

polka_status polkai_json_reject(polkai_encoding *e, const polkai_path *path, const char *format, ...)
{
    char where[160], what[300];
    if (e->error == NULL)
        return POLKA_POISON;
    polkai_path_write(where, sizeof where, "", path);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return polkai_fail(e->error, POLKA_POISON, "bad-value", "%s: %s", path == NULL ? "the value" : where, what);
}

polka_status polkai_json_unexpected(polkai_encoding *e, const polkai_path *path, const char *expected, const json_t *value)
{
    return e->error == NULL ? POLKA_POISON : polkai_json_reject(e, path, "expected %s, got %s", expected, polkai_words_json(value).text);
}

/* ---- records, arrays, maps --------------------------------------------------------------------- */

/* The key of `field`: its name. In Avro's JSON an alias too, as Java reads it, when no field has that for its name. NULL: missing. */
static const char *key_of(const polkai_encoding *e, const polkai_schema *schema, const polkai_schema_field *field, const json_t *value)
{
    if (json_object_get(value, field->name) != NULL)
        return field->name;
    for (size_t a = 0; e->form == POLKAI_JSON_AVRO && field->aliases[a] != NULL; a++) {
        bool taken = false;
        for (size_t i = 0; i < schema->count; i++)
            taken = taken || strcmp(schema->fields[i].name, field->aliases[a]) == 0;
        if (!taken && json_object_get(value, field->aliases[a]) != NULL)
            return field->aliases[a];
    }
    return NULL;
}

static const json_t *member_of(const polkai_encoding *e, const polkai_schema *schema, const polkai_schema_field *field, const json_t *value)
{
    const char *key = key_of(e, schema, field, value);
    return key == NULL ? NULL : json_object_get(value, key);
}

/* Some member belongs to no field: which? */
static polka_status unknown_member(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    if (e->error == NULL)
        return POLKA_POISON;
    const char **names = polkai_arena_zeroed(e->buffer->arena, schema->count, sizeof *names);
    for (size_t i = 0; i < schema->count; i++)
        names[i] = schema->fields[i].name;
    for (void *at = json_object_iter((json_t *)(uintptr_t)value); at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
        const polka_text key = { json_object_iter_key_len(at), json_object_iter_key(at) };
        const char *known = NULL;
        for (size_t i = 0; i < schema->count && (known == NULL || !polka_text_equal(polka_text_of(known), key)); i++)
            known = key_of(e, schema, &schema->fields[i], value);
        if (known != NULL && polka_text_equal(polka_text_of(known), key))
            continue;
        const polkai_path here = { .up = path, .kind = POLKAI_PATH_MEMBER, .name = key };
        const char *near = polkai_nearest(key.data, names, schema->count);
        return polkai_json_reject(e, &here, "%s has no such field%s%s%s", polkai_words_schema(schema).text, near == NULL ? "" : "; did you mean '",
                                  near == NULL ? "" : near, near == NULL ? "" : "'?");
    }
    return polkai_json_reject(e, path, "%s got a member twice, by name and by alias", polkai_words_schema(schema).text);
}

static polka_status encode_record(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    size_t known = 0;
    if (!json_is_object(value))
        return polkai_json_unexpected(e, path, polkai_words_schema(schema).text, value);
    for (size_t i = 0; i < schema->count; i++)
        known += member_of(e, schema, &schema->fields[i], value) != NULL;
    if (known != json_object_size(value))
        TRY(unknown_member(e, schema, value, path));
    for (size_t i = 0; i < schema->count; i++) {
        const polkai_schema_field *field = &schema->fields[i];
        const json_t *member = member_of(e, schema, field, value);
        const polkai_path at = { .up = path, .kind = POLKAI_PATH_MEMBER, .name = polka_text_of(field->name) };
        if (member != NULL)
            TRY(encode(e, field->schema, member, &at));
        else if (e->form != POLKAI_JSON_AVRO && field->fallback != NULL)
            TRY(polkai_fallback_encode(field->schema, field->fallback, e->buffer, e->error));
        else
            return e->error == NULL ? POLKA_POISON
                                    : polkai_json_reject(e, &at, "missing; %s, and %s was expected", field->fallback == NULL ? "it has no default" : "Avro's JSON takes no defaults",
                                                         polkai_words_schema(field->schema).text);
    }
    return POLKA_OK;
}

static polka_status encode_array(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    if (!json_is_array(value))
        return polkai_json_unexpected(e, path, "array", value);
    if (json_array_size(value) > 0)
        polkai_put_long(e->buffer, (int64_t)json_array_size(value));
    for (size_t i = 0; i < json_array_size(value); i++) {
        const polkai_path at = { .up = path, .kind = POLKAI_PATH_ITEM, .index = i };
        TRY(encode(e, schema->items, json_array_get(value, i), &at));
    }
    polkai_put_long(e->buffer, 0);
    return POLKA_OK;
}

static polka_status encode_map(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    if (!json_is_object(value))
        return polkai_json_unexpected(e, path, "map", value);
    if (json_object_size(value) > 0)
        polkai_put_long(e->buffer, (int64_t)json_object_size(value));
    for (void *at = json_object_iter((json_t *)(uintptr_t)value); at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
        const polka_text key = { json_object_iter_key_len(at), json_object_iter_key(at) };
        const polkai_path here = { .up = path, .kind = POLKAI_PATH_KEY, .name = key };
        polkai_put_sized(e->buffer, key.data, key.size);
        TRY(encode(e, schema->items, json_object_iter_value(at), &here));
    }
    polkai_put_long(e->buffer, 0);
    return POLKA_OK;
}

/* ---- unions ------------------------------------------------------------------------------------ */

const char *polkai_json_tag(const polkai_schema *branch)
{
    return branch->name != NULL ? branch->name : polkai_avro_type_name(branch->type);
}

size_t polkai_json_tagged(const polkai_schema *schema, const json_t *value)
{
    size_t branch = schema->count;
    if (json_object_size(value) != 1)
        return branch;
    void *only = json_object_iter((json_t *)(uintptr_t)value);
    const polka_text key = { json_object_iter_key_len(only), json_object_iter_key(only) };
    for (branch = 0; branch < schema->count && !polka_text_equal(polka_text_of(polkai_json_tag(schema->branches[branch])), key);)
        branch++;
    return branch;
}

static polka_status encode_branch(polkai_encoding *e, const polkai_schema *schema, size_t branch, const json_t *value, const polkai_path *path, polka_error *error)
{
    polkai_encoding attempt = *e;
    size_t before = e->buffer->size;
    attempt.error = error;
    polkai_put_long(e->buffer, (int64_t)branch);
    polka_status status = encode(&attempt, schema->branches[branch], value, path);
    if (status != POLKA_OK)
        e->buffer->size = before;
    return status;
}

static polka_status no_branch(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    char names[200] = "";
    size_t used = 0;
    for (size_t i = 0; e->error != NULL && i < schema->count && used < sizeof names; i++) {
        const polkai_schema *branch = schema->branches[i];
        const char *between = i == 0 ? "" : i + 1 == schema->count ? " or " : ", ";
        if (e->form == POLKAI_JSON_AVRO && branch->type != POLKAI_AVRO_NULL)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s{\"%s\": ...}", between, polkai_json_tag(branch));
        else
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", between, polkai_words_schema(branch).text);
    }
    return polkai_json_unexpected(e, path, names, value);
}

/* Avro's JSON: null, or an object whose only member is the branch. */
static polka_status encode_tagged(polkai_encoding *e, const polkai_schema *schema, size_t tagged, const json_t *inner, const json_t *value, const polkai_path *path)
{
    for (size_t i = 0; json_is_null(value) && i < schema->count; i++)
        if (schema->branches[i]->type == POLKAI_AVRO_NULL)
            return encode_branch(e, schema, i, value, path, e->error);
    return inner == NULL ? no_branch(e, schema, value, path) : encode_branch(e, schema, tagged, inner, path, e->error);
}

/*
 * The tag comes first, so that a tagged value always is what it says (json_decode.c writes a tag where it is needed);
 * then the first branch that takes the value as it is.
 */
static polka_status encode_union(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    size_t tagged = polkai_json_tagged(schema, value), candidates = 0, likely = schema->count;
    const json_t *inner = tagged < schema->count ? json_object_get(value, polkai_json_tag(schema->branches[tagged])) : NULL;
    if (e->form == POLKAI_JSON_AVRO)
        return encode_tagged(e, schema, tagged, inner, value, path);
    for (size_t i = schema->count; i-- > 0;)
        if (polkai_json_may_be(e->form, schema->branches[i], value)) {
            candidates++;
            likely = i;
        }
    if (inner != NULL && candidates == 0)
        return encode_branch(e, schema, tagged, inner, path, e->error);
    if (inner != NULL && encode_branch(e, schema, tagged, inner, path, NULL) == POLKA_OK)
        return POLKA_OK;
    if (candidates == 0)
        return no_branch(e, schema, value, path);
    if (candidates == 1)
        return encode_branch(e, schema, likely, value, path, e->error);
    for (size_t i = likely; i < schema->count; i++)
        if (polkai_json_may_be(e->form, schema->branches[i], value) && encode_branch(e, schema, i, value, path, NULL) == POLKA_OK)
            return POLKA_OK;
    if (e->error == NULL || !json_is_object(value))
        return no_branch(e, schema, value, path);
    TRY(encode_branch(e, schema, likely, value, path, e->error));
    return POLKA_OK;
}

/* ---- all --------------------------------------------------------------------------------------- */

static polka_status encode_deeper(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    if (e->depth == POLKAI_JSON_DEPTH)
        return polkai_json_reject(e, path, "the value nests more than %d deep", POLKAI_JSON_DEPTH);
    e->depth++;
    polka_status status = schema->type == POLKAI_AVRO_RECORD  ? encode_record(e, schema, value, path)
                          : schema->type == POLKAI_AVRO_ARRAY ? encode_array(e, schema, value, path)
                                                              : encode_map(e, schema, value, path);
    e->depth--;
    return status;
}

static polka_status encode(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    if (--*e->looks < 0)
        return polkai_json_reject(e, path, "too many ways to read this by the unions of its type; tag them: {\"shop.Branch\": ...}");
    switch (schema->type) {
    case POLKAI_AVRO_UNION: return encode_union(e, schema, value, path);
    case POLKAI_AVRO_RECORD:
    case POLKAI_AVRO_ARRAY:
    case POLKAI_AVRO_MAP: return encode_deeper(e, schema, value, path);
    default: return polkai_json_scalar(e, schema, value, path);
    }
}

polka_status polkai_json_try(polkai_json_form form, const polkai_schema *schema, const json_t *value, polka_buffer *buffer, long *looks)
{
    polkai_encoding e = { .form = form, .buffer = buffer, .looks = looks };
    return encode(&e, schema, value, NULL);
}

polka_status polkai_json_encode(polkai_json_form form, const polkai_schema *schema, const json_t *value, polka_buffer *buffer, polka_error *error)
{
    long looks = POLKAI_JSON_LOOKS;
    polkai_encoding e = { .form = form, .buffer = buffer, .error = error, .looks = &looks };
    size_t before = buffer->size;
    polka_status status = encode(&e, schema, value, NULL);
    if (status != POLKA_OK)
        buffer->size = before;
    return status;
}
