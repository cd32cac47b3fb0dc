/* diff.c: two schemas side by side: fields by name or alias, symbols and branches by name, all attributes. */
#include <cli/diff.h>

#include <avro/canonical.h>
#include <avro/json.h>
#include <avro/path.h>
#include <avro/words.h>
#include <base/arena.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    json_t *changes;
    json_t *seen;                        /* "a b" of named types that are compared already */
    polka_arena arena;                   /* texts of messages */
} differ;

/* The places on both sides; a side's `at` false: nothing is there. */
typedef struct { const polkai_path *a, *b; bool in_a, in_b; } place;

static void compare(differ *d, const polkai_schema *a, const polkai_schema *b, const place *at);

/* ---- changes ----------------------------------------------------------------------------------- */

static json_t *path_json(const polkai_path *path, bool there)
{
    char text[240];
    polkai_path_write(text, sizeof text, "$", path);
    return there ? json_string(text) : json_null();
}

static void change(differ *d, const place *at, const char *type, const char *format, ...) POLKA_PRINTF(4, 5);
static void change(differ *d, const place *at, const char *type, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    polka_text message = polkai_arena_vformat(&d->arena, format, arguments);
    va_end(arguments);
    json_t *one = json_pack("{s:s}", "type", type);
    json_object_set_new(one, "a_path", path_json(at->a, at->in_a));
    json_object_set_new(one, "b_path", path_json(at->b, at->in_b));
    json_object_set_new(one, "message", json_stringn_nocheck(message.data, message.size));
    json_array_append_new(d->changes, one);
}

static const char *shown(differ *d, const polkai_schema *schema)
{
    if (schema->name != NULL || (schema->type != POLKAI_AVRO_UNION && schema->items == NULL)) {
        polkai_words words = polkai_words_schema(schema);
        return polkai_arena_text(&d->arena, words.text, strlen(words.text)).data;
    }
    char *canonical = polkai_schema_canonical(schema);
    const char *text = strlen(canonical) <= 120 ? polkai_arena_text(&d->arena, canonical, strlen(canonical)).data
                                                : polkai_arena_format(&d->arena, "%.117s...", canonical).data;
    free(canonical);
    return text;
}

static const char *value_shown(differ *d, const json_t *value)
{
    polka_buffer text = { .arena = &d->arena };
    polkai_json_write(value, &text);
    if (text.size <= 120)
        return polkai_arena_text(&d->arena, (const char *)text.data, text.size).data;
    int size = 117;
    while ((text.data[size] & 0xc0) == 0x80)
        size--;                          /* not in the middle of a character */
    return polkai_arena_format(&d->arena, "%.*s...", size, (const char *)text.data).data;
}

/* ---- attributes -------------------------------------------------------------------------------- */

/* Members that say what the type is are compared by their meaning. */
static bool is_structure(const char *key, bool of_field)
{
    static const char *const keys[] = { "type", "name", "namespace", "fields", "symbols", "items", "values", "size" };
    for (size_t i = 0; i < (of_field ? 2 : sizeof keys / sizeof *keys); i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

static void compare_attributes(differ *d, const json_t *a, const json_t *b, bool of_field, const place *at)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)b, key, value) {
        const json_t *before = json_object_get(a, key);
        if (is_structure(key, of_field))
            continue;
        if (before == NULL)
            change(d, at, "attribute_added", "%s: %s was added", key, value_shown(d, value));
        else if (!json_equal(before, value))
            change(d, at, "attribute_changed", "%s: %s became %s", key, value_shown(d, before), value_shown(d, value));
    }
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
        if (!is_structure(key, of_field) && json_object_get(b, key) == NULL)
            change(d, at, "attribute_removed", "%s: %s was removed", key, value_shown(d, value));
}

/* ---- names in a list: symbols, branches -------------------------------------------------------- */

typedef struct { const char *member, *one, *added, *removed, *reordered; } list_kind;
static const list_kind symbols_kind = { "symbols", "symbol", "symbol_added", "symbol_removed", "symbols_reordered" };
static const list_kind branches_kind = { NULL, "branch", "branch_added", "branch_removed", "branches_reordered" };

static const char *name_of(const polkai_schema *schema, size_t index)
{
    if (schema->type == POLKAI_AVRO_ENUM)
        return schema->symbols[index];
    const polkai_schema *branch = schema->branches[index];
    return branch->name != NULL ? branch->name : polkai_avro_type_name(branch->type);
}

static size_t index_of(const polkai_schema *schema, const char *name)
{
    size_t i = 0;
    while (i < schema->count && strcmp(name_of(schema, i), name) != 0)
        i++;
    return i;
}

static void compare_list(differ *d, const list_kind *kind, const polkai_schema *a, const polkai_schema *b, const place *at)
{
    const polkai_path in_a = { .up = at->a, .kind = POLKAI_PATH_MEMBER, .name = polka_text_of(kind->member == NULL ? "" : kind->member) };
    const polkai_path in_b = { .up = at->b, .kind = POLKAI_PATH_MEMBER, .name = in_a.name };
    const polkai_path *up_a = kind->member != NULL ? &in_a : at->a, *up_b = kind->member != NULL ? &in_b : at->b;
    size_t last = 0;
    bool moved = false;
    for (size_t i = 0; i < b->count; i++) {
        const size_t before = index_of(a, name_of(b, i));
        const polkai_path item_a = { .up = up_a, .kind = POLKAI_PATH_ITEM, .index = before }, item_b = { .up = up_b, .kind = POLKAI_PATH_ITEM, .index = i };
        const place here = { &item_a, &item_b, before < a->count, true };
        if (before == a->count) {
            change(d, &here, kind->added, "%s %s was added", kind->one, name_of(b, i));
            continue;
        }
        moved = moved || before < last;
        last = before;
        if (kind == &branches_kind)
            compare(d, a->branches[before], b->branches[i], &here);
    }
    for (size_t i = 0; i < a->count; i++) {
        const polkai_path item_a = { .up = up_a, .kind = POLKAI_PATH_ITEM, .index = i };
        if (index_of(b, name_of(a, i)) == b->count)
            change(d, &(place){ &item_a, NULL, true, false }, kind->removed, "%s %s was removed", kind->one, name_of(a, i));
    }
    if (moved)
        change(d, at, kind->reordered, "what both have stands in another order");
}

/* ---- records ----------------------------------------------------------------------------------- */

static size_t field_named(const polkai_schema *schema, const char *name)
{
    size_t i = 0;
    while (i < schema->count && strcmp(schema->fields[i].name, name) != 0)
        i++;
    return i;
}

/* The field of `a` that became `field` of `b`: by name, else by an alias that is no field of `b`. */
static size_t field_before(const polkai_schema *a, const polkai_schema *b, const polkai_schema_field *field)
{
    size_t index = field_named(a, field->name);
    for (size_t i = 0; index == a->count && field->aliases[i] != NULL; i++)
        if (field_named(b, field->aliases[i]) == b->count)
            index = field_named(a, field->aliases[i]);
    return index;
}

static void compare_field(differ *d, const polkai_schema_field *a, const polkai_schema_field *b, const place *at)
{
    const polkai_path type_a = { .up = at->a, .kind = POLKAI_PATH_MEMBER, .name = POLKA_TEXT("type") };
    const polkai_path type_b = { .up = at->b, .kind = POLKAI_PATH_MEMBER, .name = POLKA_TEXT("type") };
    if (strcmp(a->name, b->name) != 0)
        change(d, at, "field_renamed", "field %s became %s", a->name, b->name);
    compare_attributes(d, a->json, b->json, true, at);
    compare(d, a->schema, b->schema, &(place){ &type_a, &type_b, true, true });
}

static void compare_record(differ *d, const polkai_schema *a, const polkai_schema *b, const place *at)
{
    const polkai_path fields_a = { .up = at->a, .kind = POLKAI_PATH_MEMBER, .name = POLKA_TEXT("fields") };
    const polkai_path fields_b = { .up = at->b, .kind = POLKAI_PATH_MEMBER, .name = POLKA_TEXT("fields") };
    bool *kept = polkai_alloc(a->count * sizeof *kept + 1), moved = false;
    size_t last = 0;
    for (size_t i = 0; i < b->count; i++) {
        const polkai_schema_field *field = &b->fields[i];
        const size_t before = field_before(a, b, field);
        const polkai_path item_a = { .up = &fields_a, .kind = POLKAI_PATH_ITEM, .index = before }, item_b = { .up = &fields_b, .kind = POLKAI_PATH_ITEM, .index = i };
        const place here = { &item_a, &item_b, before < a->count, true };
        if (before == a->count) {
            change(d, &here, "field_added", "field %s (%s) was added, %s%s", field->name, shown(d, field->schema),
                   field->fallback == NULL ? "without a default" : "with default ", field->fallback == NULL ? "" : value_shown(d, field->fallback));
            continue;
        }
        moved = moved || before < last;
        last = before;
        kept[before] = true;
        compare_field(d, &a->fields[before], field, &here);
    }
    for (size_t i = 0; i < a->count; i++) {
        const polkai_path item_a = { .up = &fields_a, .kind = POLKAI_PATH_ITEM, .index = i };
        if (!kept[i])
            change(d, &(place){ &item_a, NULL, true, false }, "field_removed", "field %s (%s) was removed", a->fields[i].name, shown(d, a->fields[i].schema));
    }
    if (moved)
        change(d, at, "fields_reordered", "the fields that both have stand in another order");
    free(kept);
}

/* ---- all --------------------------------------------------------------------------------------- */

static bool seen_before(differ *d, const polkai_schema *a, const polkai_schema *b)
{
    if (a->name == NULL)
        return false;
    const char *key = polkai_arena_format(&d->arena, "%s %s", a->name, b->name).data;
    bool seen = json_object_get(d->seen, key) != NULL;
    json_object_set_new(d->seen, key, json_true());
    return seen;
}

static void compare_items(differ *d, const polkai_schema *a, const polkai_schema *b, const place *at)
{
    const polka_text name = a->type == POLKAI_AVRO_ARRAY ? POLKA_TEXT("items") : POLKA_TEXT("values");
    const polkai_path in_a = { .up = at->a, .kind = POLKAI_PATH_MEMBER, .name = name }, in_b = { .up = at->b, .kind = POLKAI_PATH_MEMBER, .name = name };
    compare(d, a->items, b->items, &(place){ &in_a, &in_b, true, true });
}

static void compare(differ *d, const polkai_schema *a, const polkai_schema *b, const place *at)
{
    if (a->type != b->type) {
        change(d, at, "type_changed", "%s became %s", shown(d, a), shown(d, b));
        return;
    }
    if (seen_before(d, a, b))
        return;
    if (a->name != NULL && strcmp(a->name, b->name) != 0)
        change(d, at, "name_changed", "%s became %s", a->name, b->name);
    compare_attributes(d, a->json, b->json, false, at);
    switch (a->type) {
    case POLKAI_AVRO_RECORD: compare_record(d, a, b, at); break;
    case POLKAI_AVRO_ENUM: compare_list(d, &symbols_kind, a, b, at); break;
    case POLKAI_AVRO_UNION: compare_list(d, &branches_kind, a, b, at); break;
    case POLKAI_AVRO_ARRAY:
    case POLKAI_AVRO_MAP: compare_items(d, a, b, at); break;
    case POLKAI_AVRO_FIXED:
        if (a->fixed_size != b->fixed_size)
            change(d, at, "size_changed", "size %zu became %zu", a->fixed_size, b->fixed_size);
        break;
    default: break;
    }
}

json_t *cli_diff(const polkai_schema *a, const polkai_schema *b)
{
    differ d = { .changes = json_array(), .seen = json_object() };
    polkai_arena_init(&d.arena, NULL, 0);
    compare(&d, a, b, &(place){ NULL, NULL, true, true });
    json_decref(d.seen);
    polkai_arena_deinit(&d.arena);
    return d.changes;
}
