/*
 * check.c: what can be judged only when all types are there: no type contains itself, defaults fit, and a schema
 * written out does not nest too deep.
 */
#include <avro/node.h>

#include <avro/fallback.h>
#include <stdlib.h>

enum { NEW = 0, OPEN, DONE };            /* the marks of a depth-first search */

/* ---- no record contains itself ----------------------------------------------------------------- */

typedef struct { polkai_schema_node *node; size_t next; } visit;
typedef struct { visit *visits; size_t count, capacity; } visits;

static void enter(visits *stack, polkai_schema_node *node)
{
    if (stack->count == stack->capacity) {
        stack->capacity = stack->capacity == 0 ? 32 : stack->capacity * 2;
        stack->visits = polkai_realloc(stack->visits, stack->capacity * sizeof *stack->visits);
    }
    node->mark = OPEN;
    stack->visits[stack->count++] = (visit){ node, 0 };
}

static void free_visits(visits *stack)
{
    free(stack->visits);
}

/* Only records as fields of records: what stands in a union, an array or a map can end. An own stack: chains may be long. */
static polka_status check_containment(polkai_schema_node *start, polka_error *error)
{
    visits stack AUTO(free_visits) = { 0 };
    if (start->mark == NEW)
        enter(&stack, start);
    while (stack.count > 0) {
        visit *top = &stack.visits[stack.count - 1];
        if (top->next == top->node->schema.count) {
            top->node->mark = DONE;
            stack.count--;
            continue;
        }
        const polkai_schema_field *field = &top->node->schema.fields[top->next++];
        if (field->schema->type != POLKAI_AVRO_RECORD)
            continue;
        polkai_schema_node *inner = polkai_node(field->schema);
        if (inner->mark == OPEN)
            return polkai_schema_bad(error, top->node->file, top->node->path,
                                     "by its field '%s' record %s contains %s, which contains it again without end; put a union with null, an array or a map between",
                                     field->name, top->node->schema.name, inner->schema.name);
        if (inner->mark == NEW)
            enter(&stack, inner);
    }
    return POLKA_OK;
}

/* ---- defaults ---------------------------------------------------------------------------------- */

static bool ends(polkai_schema_node *node, size_t index, long *looks);

/* Does the default `value` of `schema` come to an end? A record's missing members take their own defaults. */
static bool value_ends(const polkai_schema *schema, const json_t *value, long *looks)
{
    size_t i, branch;
    const char *key;
    json_t *part;
    switch (schema->type) {
    case POLKAI_AVRO_UNION:
        branch = polkai_fallback_branch(schema, value, looks);
        return branch == schema->count || value_ends(schema->branches[branch], value, looks);
    case POLKAI_AVRO_ARRAY:
        json_array_foreach((json_t *)(uintptr_t)value, i, part)
            if (!value_ends(schema->items, part, looks))
                return false;
        return true;
    case POLKAI_AVRO_MAP:
        json_object_foreach((json_t *)(uintptr_t)value, key, part)
            if (!value_ends(schema->items, part, looks))
                return false;
        return true;
    case POLKAI_AVRO_RECORD:
        for (i = 0; i < schema->count; i++) {
            part = json_object_get(value, schema->fields[i].name);
            if (!(part != NULL ? value_ends(schema->fields[i].schema, part, looks) : ends(polkai_node(schema), i, looks)))
                return false;
        }
        return true;
    default:
        return true;
    }
}

static bool ends(polkai_schema_node *node, size_t index, long *looks)
{
    const polkai_schema_field *field = &node->schema.fields[index];
    if (field->fallback == NULL || node->field_marks[index] == DONE)
        return true;
    if (node->field_marks[index] == OPEN)
        return false;
    node->field_marks[index] = OPEN;
    bool good = value_ends(field->schema, field->fallback, looks);
    node->field_marks[index] = DONE;
    return good;
}

static polka_status check_defaults(polkai_schema_node *node, bool fit, long *looks, polka_error *error)
{
    char why[300];
    for (size_t i = 0; i < node->schema.count; i++) {
        const polkai_schema_field *field = &node->schema.fields[i];
        const polkai_path fields = { .up = node->path, .kind = POLKAI_PATH_MEMBER, .name = POLKA_TEXT("fields") };
        const polkai_path item = { .up = &fields, .kind = POLKAI_PATH_ITEM, .index = i };
        const polkai_path path = { .up = &item, .kind = POLKAI_PATH_MEMBER, .name = POLKA_TEXT("default") };
        if (field->fallback == NULL)
            continue;
        if (fit && !polkai_fallback_fits(field->schema, field->fallback, &path, why, sizeof why, looks))
            return polkai_fail(error, POLKA_POISON, "bad-schema", "%s%s%s", node->file == NULL ? "" : node->file, node->file == NULL ? "" : ": ", why);
        if (!fit && !ends(node, i, looks))
            return polkai_schema_bad(error, node->file, &path, "this default contains itself without end, by the defaults of what it leaves out");
    }
    return POLKA_OK;
}

/* ---- both -------------------------------------------------------------------------------------- */

polka_status polkai_schema_check(polkai_schema_set *set, size_t first, polka_error *error)
{
    long looks = POLKAI_FALLBACK_LOOKS;
    for (size_t i = first; i < set->count; i++)
        if (set->named[i]->schema.type == POLKAI_AVRO_RECORD)
            TRY(check_containment(set->named[i], error));
    for (int fit = 1; fit >= 0; fit--)
        for (size_t i = first; i < set->count; i++)
            if (set->named[i]->schema.type == POLKAI_AVRO_RECORD)
                TRY(check_defaults(set->named[i], fit == 1, &looks, error));
    return POLKA_OK;
}

/* ---- depth ------------------------------------------------------------------------------------- */

/* Recursion ends at the limit itself. seen: by ordinal, each named type is written out once. */
static bool too_deep(const polkai_schema *schema, uint8_t *seen, unsigned depth)
{
    if (polkai_is_named(schema)) {
        if (seen[polkai_node(schema)->ordinal])
            return false;
        seen[polkai_node(schema)->ordinal] = 1;
    }
    bool container = schema->type == POLKAI_AVRO_RECORD || schema->type == POLKAI_AVRO_ARRAY || schema->type == POLKAI_AVRO_MAP ||
                     schema->type == POLKAI_AVRO_UNION;
    if (!container)
        return false;
    if (depth == POLKAI_SCHEMA_NESTING)
        return true;
    for (size_t i = 0; i < schema->count; i++)
        if (too_deep(schema->type == POLKAI_AVRO_RECORD ? schema->fields[i].schema : schema->branches[i], seen, depth + 1))
            return true;
    return schema->items != NULL && too_deep(schema->items, seen, depth + 1);
}

polka_status polkai_schema_check_depth(const polkai_schema_set *set, const polkai_schema *root, const char *file, polka_error *error)
{
    uint8_t *seen = polkai_alloc(set->count);
    bool bad = too_deep(root, seen, 0);
    free(seen);
    if (bad)
        return polkai_schema_bad(error, file, NULL, "with the types it refers to written out, more than %d records, arrays, maps and unions nest inside each other",
                                 POLKAI_SCHEMA_NESTING);
    return POLKA_OK;
}
