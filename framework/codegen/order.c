/* order.c: the declarations of the header in an order in which C takes them. */
#include "gen.h"

static polka_status visit(gen *g, named *owner, shape *s);
static polka_status visit_behind(gen *g, named *owner, shape *s);

static polka_status declare(gen *g, declaration_kind kind, named *type, shape *s, bool guarded)
{
    LIST_ADD(&g->arena, &g->declarations, ((declaration){ .kind = kind, .named = type, .shape = s, .guarded = guarded }));
    return POLKA_OK;
}

static polka_status visit_named(gen *g, named *type)
{
    if (type->order == ORDER_OPEN)
        type->forward = true;
    if (type->order != ORDER_NEW)
        return POLKA_OK;
    type->order = ORDER_OPEN;
    for (size_t i = 0; i < type->member_count; i++)
        TRY(visit(g, type, type->members[i].shape));
    type->order = ORDER_DONE;
    LIST_ADD(&g->arena, &g->ordered, type);
    return type->foreign || type->schema->logical == POLKAI_LOGICAL_DURATION || gen_small_decimal(type->schema)
        ? POLKA_OK : declare(g, DECLARE_NAMED, type, NULL, false);
}

static bool holds_open(const shape *s);

/* A record, not a pointer to one, stands in `type`, whose own declaration has begun and goes on after this. */
static bool record_holds_open(named *type)
{
    bool open = type->order == ORDER_OPEN;
    if (type->walked)
        return false;
    type->walked = true;
    for (size_t i = 0; !open && i < type->member_count; i++)
        open = holds_open(type->members[i].shape);
    return open;
}

static bool holds_open(const shape *s)
{
    bool open = s->kind == SHAPE_RECORD && record_holds_open(s->named);
    for (size_t i = 0; !open && i < s->branch_count; i++)
        open = !s->branches[i].pointer && holds_open(s->branches[i].shape);
    return open;
}

/* What stands behind a pointer need not be complete, and cannot be while what it holds is not: its turn comes. */
static polka_status visit_behind(gen *g, named *owner, shape *s)
{
    for (size_t i = 0; i < g->types.count; i++)
        g->types.items[i]->walked = false;
    if (s->kind != SHAPE_RECORD || !holds_open(s))
        return visit(g, owner, s);
    s->named->forward = true;
    return POLKA_OK;
}

/* What an array or map is of in the end; it tells who declares it: the framework, another target, or this one. */
static const shape *root(const shape *s)
{
    while (s->inner != NULL)
        s = s->inner;
    return s;
}

static bool is_of_framework(const shape *of)
{
    bool own_name = of->kind == SHAPE_UNION || (of->named != NULL && of->stem == of->named->name);
    return !own_name && strncmp(of->stem, "polka_", 6) == 0;
}

static polka_status claim_compound(gen *g, named *owner, const shape *s)
{
    static const char *const tails[] = { "entry", "map_get" };
    const char *what = polkai_arena_format(&g->arena, "the type of %ss of %s", s->kind == SHAPE_ARRAY ? "array" : "map", s->inner->stem).data;
    TRY(gen_claim(g, owner, s->type, what));
    for (size_t i = 0; s->kind == SHAPE_MAP && i < sizeof tails / sizeof *tails; i++)
        TRY(gen_claim(g, owner, polkai_arena_format(&g->arena, "%s_%s", s->inner->stem, tails[i]).data, what));
    return POLKA_OK;
}

static polka_status visit_compound(gen *g, named *owner, shape *s)
{
    TRY(visit_behind(g, owner, s->inner));
    const shape *of = root(s);
    bool nobodys = is_of_framework(of);                                  /* polka_text_array_array: any header may need it */
    if ((nobodys && of == s->inner) || json_object_get(g->compounds, s->type) != NULL)
        return POLKA_OK;                                 /* polka_text_array: polka.h has it */
    json_object_set_new(g->compounds, s->type, json_true());
    bool own = !nobodys && (of->named == NULL || !of->named->foreign);
    if (!nobodys)
        TRY(claim_compound(g, owner, s));
    if (owner->foreign && !nobodys)
        return POLKA_OK;                                 /* the other target's header has it */
    if (s->kind == SHAPE_ARRAY)
        return declare(g, DECLARE_ARRAY, NULL, s, !own);
    if (s->inner->kind != SHAPE_RECORD || s->inner->named->order == ORDER_DONE)
        return declare(g, DECLARE_MAP, NULL, s, !own);
    LIST_ADD(&g->arena, &g->entries, ((declaration){ .kind = DECLARE_ENTRY, .shape = s }));
    return declare(g, DECLARE_MAP_FORWARD, NULL, s, !own);
}

static polka_status visit(gen *g, named *owner, shape *s)
{
    switch (s->kind) {
    case SHAPE_ENUM: case SHAPE_FIXED: case SHAPE_RECORD: return visit_named(g, s->named);
    case SHAPE_POINTER: return visit_behind(g, owner, s->inner);
    case SHAPE_ARRAY: case SHAPE_MAP: return visit_compound(g, owner, s);
    case SHAPE_UNION:
        for (size_t i = 0; i < s->branch_count; i++)
            TRY((s->branches[i].pointer ? visit_behind : visit)(g, owner, s->branches[i].shape));
        return owner->foreign ? POLKA_OK : declare(g, DECLARE_UNION, owner, s, false);
    default: return POLKA_OK;
    }
}

polka_status gen_order(gen *g)
{
    /* foreign types first, so that what their header declares is known */
    for (int foreign = 1; foreign >= 0; foreign--)
        for (size_t i = 0; i < g->types.count; i++)
            if (g->types.items[i]->foreign == (foreign == 1))
                TRY(visit_named(g, g->types.items[i]));
    for (size_t i = 0; i < g->entries.count; i++)
        LIST_ADD(&g->arena, &g->declarations, g->entries.items[i]);
    return POLKA_OK;
}
