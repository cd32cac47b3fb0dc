/* names.c: open addressing, twice as many slots as names at least. */
#include <choreography/names.h>

#include <base/arena.h>

static uint64_t hash(const char *text)
{
    uint64_t value = 14695981039346656037u;                              /* FNV-1a */
    for (; *text != '\0'; text++)
        value = (value ^ (uint8_t)*text) * 1099511628211u;
    return value ^ value >> 29;
}

/* The slot that has `text`, or the free one where it belongs. */
static size_t slot_of(const polkai_names *names, const char *text)
{
    size_t at = (size_t)hash(text) & (names->slot_count - 1);
    while (names->slots[at] != 0 && strcmp(names->items[names->slots[at] - 1], text) != 0)
        at = (at + 1) & (names->slot_count - 1);
    return at;
}

static void grow(polkai_names *names)
{
    names->capacity = names->capacity == 0 ? 32 : 2 * names->capacity;
    names->slot_count = 2 * names->capacity;
    const char **items = polkai_arena_zeroed(names->arena, names->capacity, sizeof *items);
    for (size_t i = 0; i < names->count; i++)
        items[i] = names->items[i];
    names->items = items;
    names->slots = polkai_arena_zeroed(names->arena, names->slot_count, sizeof *names->slots);
    for (size_t i = 0; i < names->count; i++)
        names->slots[slot_of(names, items[i])] = (uint32_t)i + 1;
}

size_t polkai_names_add(polkai_names *names, const char *text)
{
    if (names->count == names->capacity)
        grow(names);
    size_t slot = slot_of(names, text);
    if (names->slots[slot] == 0) {
        names->items[names->count++] = polkai_arena_text(names->arena, text, strlen(text)).data;
        names->slots[slot] = (uint32_t)names->count;
    }
    return names->slots[slot] - 1;
}

ptrdiff_t polkai_names_find(const polkai_names *names, const char *text)
{
    return names->count == 0 ? POLKAI_NO_NAME : (ptrdiff_t)names->slots[slot_of(names, text)] - 1;
}

const char *polkai_names_same(polkai_names *names, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t number = polkai_names_add(names, text);                       /* may move the items */
    return names->items[number];
}

/* By doubling and halving: one after the other, as many names as a hostile manifest holds would be a matter of hours. */
const char *polkai_names_distinct(polkai_names *names, const char *name, char between)
{
    const char *made = name;
    unsigned taken = 0, wanted = 1;
    while (polkai_names_find(names, made) != POLKAI_NO_NAME) {
        taken = wanted;
        wanted *= 2;
        made = polkai_arena_format(names->arena, "%s%c%u", name, between, wanted).data;
    }
    while (wanted - taken > 1) {
        unsigned middle = taken + (wanted - taken) / 2;
        const char *text = polkai_arena_format(names->arena, "%s%c%u", name, between, middle).data;
        bool is_free = polkai_names_find(names, text) == POLKAI_NO_NAME;
        *(is_free ? &wanted : &taken) = middle;
        made = is_free ? text : made;
    }
    size_t number = polkai_names_add(names, made);                       /* may move the items */
    return names->items[number];
}
