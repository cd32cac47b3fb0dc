/* pairs.c: the verdict on one pair, and the words for what breaks it. */
#include <choreography/pairs.h>

#include <base/arena.h>
#include <stdio.h>
#include <stdlib.h>

enum { BREAKS_IN_WORDS = 4 };

const char *polkai_verdict_name(polkai_verdict verdict)
{
    static const char *const names[] = { "compatible", "incompatible", "topic-mismatch", "key-mismatch", "unknown" };
    return names[verdict];
}

/* ---- keys ---- */

static const polkai_schema_field *field_of(const polkai_schema *schema, const char *name, size_t size)
{
    for (size_t i = 0; schema != NULL && schema->type == POLKAI_AVRO_RECORD && i < schema->count; i++)
        if (strlen(schema->fields[i].name) == size && memcmp(schema->fields[i].name, name, size) == 0)
            return &schema->fields[i];
    return NULL;
}

static bool has_alias(const polkai_schema_field *field, const char *name, size_t size)
{
    for (size_t i = 0; field != NULL && field->aliases[i] != NULL; i++)
        if (strlen(field->aliases[i]) == size && memcmp(field->aliases[i], name, size) == 0)
            return true;
    return false;
}

/* Part by part: the same name, or an alias of the reader's field. */
static bool same_path(const polkai_schema *reader, const char *expected, const char *written)
{
    for (;;) {
        size_t size = strcspn(expected, "."), other = strcspn(written, ".");
        const polkai_schema_field *field = field_of(reader, expected, size);
        if ((size != other || memcmp(expected, written, size) != 0) && !has_alias(field, written, other))
            return false;
        if (expected[size] == '\0' || written[other] == '\0')
            return expected[size] == written[other];
        expected += size + 1;
        written += other + 1;
        reader = field == NULL ? NULL : field->schema;
    }
}

bool polkai_keys_differ(const polkai_party *writer, const polkai_party *reader)
{
    if (writer->key == reader->key || !writer->as->key_told || !reader->as->key_told)
        return false;
    return writer->key == NULL || reader->key == NULL || !same_path(reader->schema, reader->key, writer->key);
}

/* ---- one event's pairs ---- */

enum { COMPARED = 250000 };
typedef struct { const polkai_schema *writer, *reader; size_t event; polkai_breaks breaks; } decided;    /* event: its number + 1 */
typedef struct { size_t event, count, slots; decided *items; polka_arena *arena; } memory;

/* The slot that has the two schemas, or the free one where they belong; those of an earlier event are free. */
static decided *slot_of(const memory *known, const polkai_schema *writer, const polkai_schema *reader)
{
    uint64_t mixed = (uint64_t)(uintptr_t)writer * 0x9e3779b97f4a7c15u;      /* schemas lie at even distances: their sum would mix badly */
    mixed = ((mixed ^ mixed >> 32) + (uint64_t)(uintptr_t)reader) * 0xff51afd7ed558ccdu;
    size_t at = (size_t)(mixed ^ mixed >> 29) & (known->slots - 1);
    while (known->items[at].event == known->event && (known->items[at].writer != writer || known->items[at].reader != reader))
        at = (at + 1) & (known->slots - 1);
    return &known->items[at];
}

static void grow(memory *known)
{
    memory bigger = { known->event, known->count, 2 * known->slots + (known->slots == 0 ? 64 : 0), NULL, known->arena };
    bigger.items = polkai_alloc(bigger.slots * sizeof *bigger.items);
    for (size_t i = 0; i < known->slots; i++)
        if (known->items[i].event == known->event)
            *slot_of(&bigger, known->items[i].writer, known->items[i].reader) = known->items[i];
    free(known->items);
    *known = bigger;
}

/* The schemas of one event are few as a rule, however many services use them. */
static void compare(memory *known, polkai_pair *pair)
{
    const polkai_schema *writer = pair->writer->schema, *reader = pair->reader->schema;
    if (writer == NULL || reader == NULL || writer == reader)
        return;
    if (2 * known->count >= known->slots)
        grow(known);
    decided *here = slot_of(known, writer, reader);
    pair->uncompared = here->event != known->event && known->count == COMPARED;
    if (here->event != known->event && !pair->uncompared) {
        *here = (decided){ writer, reader, known->event, polkai_compat_check(writer, reader, known->arena) };
        known->count++;
    }
    if (!pair->uncompared)
        pair->breaks = here->breaks;
}

static polkai_verdict verdict_of(const polkai_pair *pair)
{
    if (pair->writer->schema == NULL || pair->reader->schema == NULL || pair->uncompared)
        return POLKAI_PAIR_UNKNOWN;
    if (pair->breaks.count > 0)
        return POLKAI_PAIR_INCOMPATIBLE;
    if (pair->writer->topic != NULL && pair->reader->topic != NULL && pair->writer->topic != pair->reader->topic)
        return POLKAI_PAIR_TOPIC_MISMATCH;
    return polkai_keys_differ(pair->writer, pair->reader) ? POLKAI_PAIR_KEY_MISMATCH : POLKAI_PAIR_COMPATIBLE;
}

void polkai_pairs_each(const polkai_graph *graph, polka_arena *arena, polkai_pair_visit *visit, void *context)
{
    memory known = { .arena = arena };
    for (size_t e = 0; e < graph->count; e++) {
        const polkai_event_node *event = &graph->events[e];
        known.count = 0;
        known.event = e + 1;
        for (size_t s = 0; s < event->say_count; s++)
            for (size_t h = 0; h < event->hear_count; h++) {
                polkai_pair pair = { .event = event, .writer = &event->says[s], .reader = &event->hears[h] };
                compare(&known, &pair);
                pair.verdict = verdict_of(&pair);
                visit(context, &pair);
            }
    }
    free(known.items);
}

/* ---- words ---- */

/* "$.fields[4].type.items.fields[1].type" in the schema's JSON: lines[].quantity. */
const char *polkai_break_field(const polkai_pair *pair, const polkai_break *one, polka_arena *arena)
{
    bool in_reader = one->reader_path != NULL && strncmp(one->reader_path, "$.fields", 8) == 0;
    const json_t *at = (in_reader ? pair->reader : pair->writer)->as->schema;
    const char *path = in_reader ? one->reader_path : one->writer_path;
    polka_buffer out = { .arena = arena };
    bool field = false;
    for (path += path != NULL && *path == '$'; path != NULL && *path != '\0';) {
        size_t size = strcspn(path + 1, ".[");
        if (*path == '[') {
            at = json_array_get(at, strtoul(path + 1, NULL, 10));
            const char *name = field ? json_string_value(json_object_get(at, "name")) : NULL;
            if (name != NULL)
                out.size += (size_t)sprintf((char *)polka_buffer_reserve(&out, strlen(name) + 2), "%s%s", out.size > 0 ? "." : "", name);
            field = false;
        } else {
            char name[32] = "";
            memcpy(name, path + 1, size < sizeof name - 1 ? size : sizeof name - 1);
            field = strcmp(name, "fields") == 0;
            if (strcmp(name, "items") == 0 || strcmp(name, "values") == 0)
                out.size += (size_t)sprintf((char *)polka_buffer_reserve(&out, 3), "%s", name[0] == 'i' ? "[]" : "{}");
            const json_t *member = json_object_get(at, name);
            at = member != NULL ? member : at;                           /* "type" of a type written as a text */
        }
        path += 1 + size;
    }
    *polka_buffer_reserve(&out, 1) = '\0';
    return (const char *)out.data;
}

const char *polkai_break_text(const polkai_pair *pair, const polkai_break *one, polka_arena *arena)
{
    const char *field = polkai_break_field(pair, one, arena);
    return polkai_arena_format(arena, "%s%s%s: %s (%s)", field, *field != '\0' ? " at " : "",
                               one->reader_path != NULL ? one->reader_path : one->writer_path, one->message, one->type).data;
}

const char *polkai_breaks_text(const polkai_pair *pair, polka_arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < pair->breaks.count && i < BREAKS_IN_WORDS; i++)
        text = polkai_arena_format(arena, "%s%s%s", text, i > 0 ? "; " : "", polkai_break_text(pair, &pair->breaks.items[i], arena)).data;
    if (pair->breaks.count > BREAKS_IN_WORDS)
        text = polkai_arena_format(arena, "%s; and %zu more", text, pair->breaks.count - BREAKS_IN_WORDS).data;
    return text;
}
