/* span.c: asked of the broker for all partitions at once. */
#include <cli/span.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/identity.h>
#include <choreography/names.h>
#include <stdlib.h>

static bool has(const cli_span *span, int32_t partition, int32_t partitions)
{
    return span->key.data == NULL || partition == (int32_t)((polkai_key_hash(span->key.data, span->key.size) & 0x7fffffff) % (uint32_t)partitions);
}

size_t cli_span_list(const cli_span *span, const cli_list *topics, const polkai_topic *there, size_t count, polkai_extent **extents)
{
    size_t capacity = 0, found = 0;
    polka_arena arena = { 0 };
    polkai_names wanted = { .arena = &arena };
    *extents = NULL;
    for (size_t i = 0; i < topics->count; i++)
        polkai_names_add(&wanted, topics->items[i]);
    for (size_t i = 0; i < count; i++) {
        bool named = polkai_names_find(&wanted, there[i].name) != POLKAI_NO_NAME;
        for (int32_t partition = 0; named && partition < there[i].partitions; partition++) {
            if (!has(span, partition, there[i].partitions))
                continue;
            if (found == capacity) {
                capacity = 2 * capacity + 64;
                *extents = polkai_realloc(*extents, capacity * sizeof **extents);
            }
            (*extents)[found++] = (polkai_extent){ .topic = polka_text_of(there[i].name), .partition = partition };
        }
    }
    polkai_arena_deinit(&arena);
    return found;
}

/* What was asked for as the end first stays the end, also for a partition where nothing is younger. */
static int64_t begin_of(const polkai_extent *extent, int64_t from, int64_t since)
{
    int64_t low = extent->low, high = extent->high, last = from <= POLKAI_OFFSET_TAIL ? high - (POLKAI_OFFSET_TAIL - from) : low;
    int64_t next = from == POLKAI_OFFSET_END ? high : last > low ? last : low;
    return since == POLKAI_OFFSET_START ? next : since < 0 || since > high ? high : since > next ? since : next;
}

static int64_t end_of(const polkai_extent *extent, int64_t beyond, int64_t until)
{
    int64_t end = until >= 0 && until < extent->high ? until : extent->high;
    return end - extent->low > beyond ? end - beyond : extent->low;
}

static cli_bounds bounds_of(const cli_span *span, const polkai_extent *extent, int64_t since, int64_t until)
{
    if (extent->high < 0)                /* it was deleted in this moment */
        return (cli_bounds){ -1, -1, -1 };
    bool backwards = span->from <= POLKAI_OFFSET_TAIL && since > extent->low;
    return (cli_bounds){ backwards ? since : extent->low, begin_of(extent, span->from, since), end_of(extent, span->beyond, until) };
}

/* offsets[i]: of the first record written then or later; -1: there is none; POLKAI_OFFSET_START: no time is given. One that is gone would fail the question. */
static polka_status ask_time(polkai_admin *admin, const polkai_extent *extents, size_t count, int64_t time_ms, int64_t *offsets, polka_error *error)
{
    size_t asked = 0;
    polka_status status = POLKA_OK;
    polkai_position *positions = polkai_alloc((count + 1) * sizeof *positions);
    for (size_t i = 0; i < count; i++)
        if (extents[i].high >= 0)
            positions[asked++] = (polkai_position){ extents[i].topic, extents[i].partition, POLKAI_OFFSET_START };
    if (time_ms > 0 && asked > 0)
        status = admin->operations->since(admin, time_ms, positions, asked, error);
    for (size_t i = 0, p = 0; i < count; i++)
        offsets[i] = extents[i].high >= 0 ? positions[p++].offset : POLKAI_OFFSET_START;
    free(positions);
    return status;
}

polka_status cli_span_ask(const cli_span *span, polkai_admin *admin, polkai_extent *extents, size_t count, cli_bounds *bounds, polka_error *error)
{
    int64_t *since = polkai_alloc(2 * (count + 1) * sizeof *since), *until = since + count;
    polka_status status = admin->operations->watermarks(admin, extents, count, error);
    if (status == POLKA_OK)
        status = ask_time(admin, extents, count, span->since_ms, since, error);
    if (status == POLKA_OK)
        status = ask_time(admin, extents, count, span->until_ms, until, error);
    for (size_t i = 0; status == POLKA_OK && i < count; i++)
        bounds[i] = bounds_of(span, &extents[i], since[i], until[i]);
    free(since);
    return status;
}
