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

typedef struct { const polkai_schema *writer, *reader; polkai_breaks breaks; } decided;
typedef struct { size_t count, capacity; decided *items; polka_arena *arena; } memory;

/* The schemas of one event are few, however many services use them. */
static polkai_breaks breaks_of(memory *known, const polkai_schema *writer, const polkai_schema *reader)
{
    if (writer == reader)
        return (polkai_breaks){ 0 };
    for (size_t i = 0; i < known->count; i++)
        if (known->items[i].writer == writer && known->items[i].reader == reader) {
            decided found = known->items[i];
            known->items[i] = known->items[0];
            return (known->items[0] = found).breaks;
        }
    if (known->count == known->capacity) {
        known->capacity = 2 * known->capacity + 4;
        known->items = polkai_realloc(known->items, known->capacity * sizeof *known->items);
    }
    known->items[known->count] = (decided){ writer, reader, polkai_compat_check(writer, reader, known->arena) };
    return known->items[known->count++].breaks;
}

static polkai_verdict verdict_of(const polkai_pair *pair)
{
    if (pair->writer->schema == NULL || pair->reader->schema == NULL)
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
        for (size_t s = 0; s < event->say_count; s++)
            for (size_t h = 0; h < event->hear_count; h++) {
                polkai_pair pair = { .event = event, .writer = &event->says[s], .reader = &event->hears[h] };
                if (pair.writer->schema != NULL && pair.reader->schema != NULL)
                    pair.breaks = breaks_of(&known, pair.writer->schema, pair.reader->schema);
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
