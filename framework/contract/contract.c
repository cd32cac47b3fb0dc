/* contract.c: one walk over the file's tree; every complaint points at its place. */
#include <contract/contract.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <ctype.h>
#include <stdlib.h>

typedef struct {
    polkai_contract contract;
    polka_arena arena;
    polkai_yaml_document *document;
} holder;

typedef struct { holder *made; polka_error *error; } reader;

/* ---- members of a map, by a table ---- */

typedef struct member member;
struct member {
    const char *name;
    bool required;
    polka_status (*read)(const reader *read, const polkai_yaml *node, void *to);
    size_t offset;                       /* in what is filled */
};

static polka_status refuse_member(const reader *read, const polkai_yaml *node, const char *what, const member *members, size_t count)
{
    const char *names[8], *all = "";
    for (size_t i = 0; i < count; i++) {
        names[i] = members[i].name;
        all = polkai_arena_format(&read->made->arena, "%s%s%s", all, i > 0 ? ", " : "", names[i]).data;
    }
    const char *nearest = polkai_nearest(node->name, names, count);
    if (nearest != NULL)
        return polkai_yaml_fail_name(read->error, node, "unknown-member", "%s has no member '%s'; did you mean '%s'?", what, node->name, nearest);
    return polkai_yaml_fail_name(read->error, node, "unknown-member", "%s has no member '%s'; it has %s", what, node->name, all);
}

static polka_status read_map(const reader *read, const polkai_yaml *map, const char *what, const member *members, size_t count, void *to)
{
    if (map->kind != POLKAI_YAML_MAP)
        return polkai_yaml_fail(read->error, map, "bad-value", "%s is a map, not a %s", what, polkai_yaml_kind_name(map->kind));
    for (size_t i = 0; i < map->count; i++) {
        const polkai_yaml *node = &map->items[i];
        size_t m = 0;
        while (m < count && strcmp(members[m].name, node->name) != 0)
            m++;
        if (m == count)
            return refuse_member(read, node, what, members, count);
        TRY(members[m].read(read, node, (char *)to + members[m].offset));
    }
    for (size_t m = 0; m < count; m++)
        if (members[m].required && polkai_yaml_member(map, members[m].name) == NULL)
            return polkai_yaml_fail(read->error, map, "missing-member", "%s has no '%s'", what, members[m].name);
    return POLKA_OK;
}

/* ---- values ---- */

static polka_status read_text(const reader *read, const polkai_yaml *node, void *to)
{
    const char **text = to;
    *text = polkai_yaml_text(node);
    if (*text == NULL || **text == '\0')
        return polkai_yaml_fail(read->error, node, "bad-value", "%s is a text, not %s", node->name,
                                node->kind == POLKAI_YAML_SCALAR ? "nothing" : polkai_yaml_kind_name(node->kind));
    return POLKA_OK;
}

/* An Avro full name: parts of letters, digits and _, none of which begins with a digit. */
static bool is_full_name(const char *text)
{
    bool first = true;
    for (; *text != '\0'; text++) {
        if (*text == '.' ? first : !(isalpha((unsigned char)*text) || *text == '_' || (!first && isdigit((unsigned char)*text))))
            return false;
        first = *text == '.';
    }
    return !first;
}

static polka_status read_event(const reader *read, const polkai_yaml *node, const char *name, const polkai_yaml **to)
{
    const char *text = polkai_yaml_text(node);
    if (text == NULL || !is_full_name(text))
        return polkai_yaml_fail(read->error, node, "bad-value", "%s is an event's full name (shop.OrderPlaced) or a list of such, not %s%s%s", name,
                                text != NULL ? "'" : "", text != NULL ? text : node->kind == POLKAI_YAML_SCALAR ? "nothing" : polkai_yaml_kind_name(node->kind),
                                text != NULL ? "'" : "");
    *to = node;
    return POLKA_OK;
}

static polka_status read_events(const reader *read, const polkai_yaml *node, void *to)
{
    polkai_contract_events *events = to;
    bool list = node->kind == POLKAI_YAML_LIST;
    if (list && node->count == 0)
        return polkai_yaml_fail(read->error, node, "bad-value", "%s names no event", node->name);
    const polkai_yaml **items = polkai_arena_zeroed(&read->made->arena, list ? node->count : 1, sizeof *items);
    for (size_t i = 0; i < (list ? node->count : 1); i++)
        TRY(read_event(read, list ? &node->items[i] : node, node->name, &items[i]));
    *events = (polkai_contract_events){ list ? node->count : 1, items };
    return POLKA_OK;
}

static polka_status read_within(const reader *read, const polkai_yaml *node, void *to)
{
    const char *text = polkai_yaml_text(node);
    if (text == NULL || !polkai_timespan_read(text, to) || *(int64_t *)to <= 0 || !isalpha((unsigned char)text[strlen(text) - 1]))
        return polkai_yaml_fail(read->error, node, "bad-value", "within is a duration with its unit, such as 500ms, 5s, 2m, 1h or 7d, not '%s'",
                                text != NULL ? text : node->kind == POLKAI_YAML_SCALAR ? "" : polkai_yaml_kind_name(node->kind));
    return POLKA_OK;
}

/* ---- the lists of maps ---- */

static polka_status read_step(const reader *read, const polkai_yaml *node, polkai_contract_step *step)
{
    static const member members[] = { { "after", true, read_events, offsetof(polkai_contract_step, after) },
                                      { "one_of", true, read_events, offsetof(polkai_contract_step, one_of) },
                                      { "within", false, read_within, offsetof(polkai_contract_step, within_ms) } };
    step->node = node;
    return read_map(read, node, "a step", members, 3, step);
}

static polka_status read_allowance(const reader *read, const polkai_yaml *node, polkai_contract_allowance *allowance)
{
    static const member members[] = { { "events", true, read_events, offsetof(polkai_contract_allowance, events) },
                                      { "reason", true, read_text, offsetof(polkai_contract_allowance, reason) } };
    allowance->node = node;
    return read_map(read, node, "an allowance", members, 2, allowance);
}

static polka_status ensure_list(const reader *read, const polkai_yaml *node)
{
    if (node->kind != POLKAI_YAML_LIST)
        return polkai_yaml_fail(read->error, node, "bad-value", "%s is a list, not %s", node->name,
                                node->kind == POLKAI_YAML_SCALAR ? "a text" : "a map");
    return POLKA_OK;
}

static polka_status read_steps(const reader *read, const polkai_yaml *node, void *to)
{
    (void)to;
    TRY(ensure_list(read, node));
    polkai_contract_step *steps = polkai_arena_zeroed(&read->made->arena, node->count, sizeof *steps);
    for (size_t i = 0; i < node->count; i++)
        TRY(read_step(read, &node->items[i], &steps[i]));
    read->made->contract.steps = steps;
    read->made->contract.step_count = node->count;
    return POLKA_OK;
}

static polka_status read_allowances(const reader *read, const polkai_yaml *node, void *to)
{
    (void)to;
    TRY(ensure_list(read, node));
    polkai_contract_allowance *allowances = polkai_arena_zeroed(&read->made->arena, node->count, sizeof *allowances);
    for (size_t i = 0; i < node->count; i++)
        TRY(read_allowance(read, &node->items[i], &allowances[i]));
    read->made->contract.allowances = allowances;
    read->made->contract.allowance_count = node->count;
    return POLKA_OK;
}

static polka_status read_contract(const reader *read)
{
    static const member members[] = { { "flow", true, read_text, offsetof(polkai_contract, name) },
                                      { "starts", true, read_events, offsetof(polkai_contract, starts) },
                                      { "ends", true, read_events, offsetof(polkai_contract, ends) },
                                      { "steps", false, read_steps, 0 },
                                      { "allow_cycles", false, read_allowances, 0 } };
    polkai_contract *contract = &read->made->contract;
    contract->node = polkai_yaml_root(read->made->document);
    contract->file = contract->node->file;
    return read_map(read, contract->node, "a flow contract", members, 5, contract);
}

static polka_status finish(polkai_contract **contract, holder *made, polka_status status, polka_error *error)
{
    if (status == POLKA_OK)
        status = read_contract(&(reader){ made, error });
    *contract = status == POLKA_OK ? &made->contract : NULL;
    if (status != POLKA_OK)
        polkai_contract_destroy(&made->contract);
    return status;
}

polka_status polkai_contract_read_file(polkai_contract **contract, const char *path, polka_error *error)
{
    holder *made = polkai_alloc(sizeof *made);
    polkai_arena_init(&made->arena, NULL, 0);
    return finish(contract, made, polkai_yaml_read_file(&made->document, path, error), error);
}

polka_status polkai_contract_read_text(polkai_contract **contract, polka_text text, const char *file, polka_error *error)
{
    holder *made = polkai_alloc(sizeof *made);
    polkai_arena_init(&made->arena, NULL, 0);
    return finish(contract, made, polkai_yaml_read_text(&made->document, text, file, error), error);
}

void polkai_contract_destroy(polkai_contract *contract)
{
    if (contract == NULL)
        return;
    holder *made = (holder *)contract;   /* its first member */
    polkai_yaml_destroy(made->document);
    polkai_arena_deinit(&made->arena);
    free(made);
}

bool polkai_contract_lists(const polkai_contract_events *events, const char *event)
{
    for (size_t i = 0; i < events->count; i++)
        if (strcmp(events->items[i]->text.data, event) == 0)
            return true;
    return false;
}
