/* place.c: one question for the offsets of all groups, one for the ends of all partitions. */
#include <cli/place.h>

#include <base/arena.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY = 64 };

static const char *key_of(char *key, size_t group, size_t topic, int32_t partition)
{
    snprintf(key, KEY, "%zx/%zx/%" PRIx32, group, topic, (uint32_t)partition);
    return key;
}

void cli_places_need(cli_places *places, const char *group, const char *topic, int32_t partition)
{
    char key[KEY];
    places->groups.arena = places->topics.arena = places->keys.arena = &places->arena;
    cli_place place = { polkai_names_add(&places->groups, group), polkai_names_add(&places->topics, topic), partition, -1001, -1 };
    if (polkai_names_add(&places->keys, key_of(key, place.group, place.topic, partition)) < places->count)
        return;
    if (places->count == places->capacity) {
        places->capacity = 2 * places->capacity + 64;
        places->items = polkai_realloc(places->items, places->capacity * sizeof *places->items);
    }
    places->items[places->count++] = place;
}

const cli_place *cli_places_find(const cli_places *places, const char *group, const char *topic, int32_t partition)
{
    char key[KEY];
    ptrdiff_t g = polkai_names_find(&places->groups, group), t = polkai_names_find(&places->topics, topic);
    ptrdiff_t at = g == POLKAI_NO_NAME || t == POLKAI_NO_NAME ? POLKAI_NO_NAME : polkai_names_find(&places->keys, key_of(key, (size_t)g, (size_t)t, partition));
    return at == POLKAI_NO_NAME ? NULL : &places->items[at];
}

static int by_group(const void *a, const void *b)
{
    const cli_place *x = *(const cli_place *const *)a, *y = *(const cli_place *const *)b;
    return x->group != y->group ? (x->group < y->group ? -1 : 1) : (x < y ? -1 : x > y);
}

/* The places are in the order of their groups. */
static polka_status ask_committed(const cli_places *places, cli_place **sorted, size_t count, polkai_admin *admin, polka_error *error)
{
    polkai_position *positions = polkai_alloc(count * sizeof *positions);
    polkai_progress *groups = polkai_alloc(count * sizeof *groups);
    size_t group_count = 0;
    for (size_t i = 0; i < count; i++) {
        positions[i] = (polkai_position){ polka_text_of(places->topics.items[sorted[i]->topic]), sorted[i]->partition, -1001 };
        if (i == 0 || sorted[i]->group != sorted[i - 1]->group)
            groups[group_count++] = (polkai_progress){ places->groups.items[sorted[i]->group], &positions[i], 0 };
        groups[group_count - 1].count++;
    }
    polka_status status = admin->operations->committed(admin, groups, group_count, error);
    for (size_t i = 0; i < count; i++)
        sorted[i]->committed = positions[i].offset;
    free(positions);
    free(groups);
    return status;
}

/* A partition that many groups read is asked for once. */
static polka_status ask_ends(const cli_places *places, cli_place **sorted, size_t count, polkai_admin *admin, polka_error *error)
{
    char key[KEY];
    polka_arena arena = { 0 };
    polkai_names partitions = { .arena = &arena };
    polkai_extent *extents = polkai_alloc(count * sizeof *extents);
    size_t *extent_of = polkai_alloc(count * sizeof *extent_of);
    for (size_t i = 0; i < count; i++) {
        extent_of[i] = polkai_names_add(&partitions, key_of(key, 0, sorted[i]->topic, sorted[i]->partition));
        extents[extent_of[i]] = (polkai_extent){ polka_text_of(places->topics.items[sorted[i]->topic]), sorted[i]->partition, -1, -1 };
    }
    polka_status status = admin->operations->watermarks(admin, extents, partitions.count, error);
    for (size_t i = 0; i < count; i++)
        sorted[i]->high = extents[extent_of[i]].high;
    free(extent_of);
    free(extents);
    polkai_arena_deinit(&arena);
    return status;
}

polka_status cli_places_ask(cli_places *places, polkai_admin *admin, polka_error *error)
{
    size_t count = places->count - places->asked;
    if (count == 0)
        return POLKA_OK;
    cli_place **sorted = polkai_alloc(count * sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &places->items[places->asked + i];
    qsort(sorted, count, sizeof *sorted, by_group);
    polka_status status = ask_committed(places, sorted, count, admin, error);
    if (status == POLKA_OK)              /* after the offsets: a group is never past the end */
        status = ask_ends(places, sorted, count, admin, error);
    free(sorted);
    places->asked = status == POLKA_OK ? places->count : places->asked;
    return status;
}

void cli_places_forget(cli_places *places)
{
    free(places->items);
    polkai_arena_deinit(&places->arena);
    *places = (cli_places){ 0 };
}
