/* plan_draft.c: the steps of a plan as they come, and how they are packed. */
#include <avro/plan_draft.h>

#include <base/arena.h>
#include <base/error.h>
#include <stdlib.h>

enum { MOST_STEPS = 1000000, WORD = 8, SLACK = 16 };      /* SLACK: so much behind a constant may be read, as it is copied */

/* ---- adding ------------------------------------------------------------------------------------ */

size_t polkai_draft_add(polkai_draft *d, polkai_step step)
{
    if (d->count >= MOST_STEPS && d->status == POLKA_OK)
        d->status = polkai_fail(d->error, POLKA_POISON, "bad-schema", "reading one schema as the other takes more than %d steps; split the types", MOST_STEPS);
    if (d->status != POLKA_OK)
        return 0;
    if (d->count == d->capacity) {
        d->capacity = d->capacity == 0 ? 64 : d->capacity * 2;
        d->steps = polkai_realloc(d->steps, d->capacity * sizeof *d->steps);
    }
    d->steps[d->count] = (polkai_draft_step){ .step = step, .next = POLKAI_PLAN_NO_STEP };
    return d->count++;
}

size_t polkai_draft_kind(polkai_draft *d, polkai_step_kind kind, size_t to)
{
    return polkai_draft_add(d, (polkai_step){ .kind = (uint8_t)kind, .to = (int32_t)to });
}

size_t polkai_draft_with(polkai_draft *d, polkai_step step, const void *data, size_t size)
{
    size_t at = polkai_draft_add(d, step);
    if (d->status == POLKA_OK) {
        d->steps[at].data = data;
        d->steps[at].size = size;
    }
    return at;
}

void polkai_draft_land(polkai_draft *d, size_t step)
{
    d->steps[step].next = d->count;
}

void polkai_draft_change(polkai_draft *d)
{
    d->unchanged = false;
    d->changes++;
}

void polkai_draft_put(polkai_draft *d, polka_bytes constant, uint8_t flags)
{
    if (constant.size == 0)
        return;
    polkai_constant *kept = polka_arena_alloc(&d->arena, sizeof *kept + constant.size);
    kept->size = constant.size;
    memcpy(kept->data, constant.data, constant.size);
    polkai_draft_change(d);
    polkai_draft_with(d, (polkai_step){ .kind = POLKAI_STEP_PUT, .flags = flags }, kept, sizeof *kept + constant.size);
}

void polkai_draft_fail(polkai_draft *d, polkai_mismatch_kind kind, const polkai_schema *writer, const polkai_schema *reader, const char *name)
{
    polkai_mismatch *mismatch = polka_arena_alloc(&d->arena, sizeof *mismatch);
    *mismatch = (polkai_mismatch){ .kind = kind, .writer = writer, .reader = reader, .name = name };
    d->identity = false;
    polkai_draft_with(d, (polkai_step){ .kind = POLKAI_STEP_FAIL }, mismatch, sizeof *mismatch);
}

/* ---- packing ----------------------------------------------------------------------------------- */

static bool is_number(const polkai_draft_step *step)
{
    return step->step.kind == POLKAI_STEP_LONG || step->step.kind == POLKAI_STEP_INT;
}

static uint8_t two_of(uint8_t first, uint8_t second)
{
    if (first == POLKAI_STEP_LONG)
        return second == POLKAI_STEP_LONG ? POLKAI_STEP_LONG_LONG : POLKAI_STEP_LONG_INT;
    return second == POLKAI_STEP_LONG ? POLKAI_STEP_INT_LONG : POLKAI_STEP_INT_INT;
}

/* Marks each step that something other than the one before it goes on with; a NEXT goes back to the step behind its ITEMS. */
static bool *find_landings(const polkai_draft *d)
{
    bool *landing = polkai_alloc(d->count + 2);
    for (size_t i = 0; i < d->count; i++) {
        const polkai_draft_step *each = &d->steps[i];
        if (each->step.kind == POLKAI_STEP_CALL || each->step.kind == POLKAI_STEP_RETURN || each->step.kind == POLKAI_STEP_ITEMS)
            landing[i + 1] = true;
        if (each->step.kind != POLKAI_STEP_CALL)
            landing[each->next] = true;
    }
    return landing;
}

/* Two numbers in a row are passed at once, and a mark is made by the step before it. moved[i]: where step i went. */
static void fuse(polkai_draft *d, size_t *moved)
{
    bool *landing = find_landings(d);
    size_t count = 0, last = d->count;
    for (size_t i = 0; i < last; i++, count++) {
        polkai_draft_step step = d->steps[i], *next = &d->steps[i + 1];
        moved[i] = count;
        if (i + 1 < last && !landing[i + 1] && is_number(&step) && is_number(next)) {
            step.step = (polkai_step){ .kind = two_of(step.step.kind, next->step.kind) };
            moved[++i] = count;
            next++;
        }
        if (i + 1 < last && !landing[i + 1] && step.step.kind <= POLKAI_STEP_LAST_MARKING && next->step.kind == POLKAI_STEP_MARK) {
            step.step.mark = (uint8_t)next->step.to;
            moved[++i] = count;
        }
        d->steps[count] = step;
    }
    moved[last] = count;
    d->count = count;
    free(landing);
}

static size_t words(size_t bytes)
{
    return (bytes + WORD - 1) / WORD;
}

/* What steps go on with and point to, as numbers of their own. */
static void settle(polkai_draft *d, const size_t *moved, const size_t *starts, size_t first_word)
{
    for (size_t i = 0; i < d->count; i++) {
        polkai_draft_step *each = &d->steps[i];
        if (each->step.kind == POLKAI_STEP_CALL) {
            each->step.to = (int32_t)moved[starts[each->next]];
        } else if (each->next != POLKAI_PLAN_NO_STEP) {
            each->step.to = (int32_t)((ptrdiff_t)moved[each->next] - (ptrdiff_t)i);
        } else if (each->data != NULL) {
            each->step.to = (int32_t)first_word;
            first_word += words(each->size);
        }
    }
}

polkai_plan *polkai_draft_pack(polkai_draft *d, const size_t *starts)
{
    size_t *moved = polkai_alloc((d->count + 1) * sizeof *moved), size = 0;
    fuse(d, moved);
    size_t first = words(sizeof(polkai_plan) + d->count * sizeof(polkai_step));
    settle(d, moved, starts, first);
    free(moved);
    for (size_t i = 0; i < d->count; i++)
        size += words(d->steps[i].size);
    if (first + size > INT32_MAX) {
        d->status = polkai_fail(d->error, POLKA_POISON, "bad-schema", "reading one schema as the other takes more than %zu bytes of defaults", size * WORD);
        return NULL;
    }
    polkai_plan *plan = polkai_alloc_lines((first + size) * WORD + SLACK);
    for (size_t i = 0; i < d->count; i++) {
        plan->steps[i] = d->steps[i].step;
        if (d->steps[i].data != NULL)
            memcpy((uint64_t *)(void *)plan + d->steps[i].step.to, d->steps[i].data, d->steps[i].size);
    }
    plan->unchanged = d->unchanged;
    plan->identity = d->identity && d->unchanged;
    return plan;
}
