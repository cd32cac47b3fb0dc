/* compat_words.c: breaks in sentences: what does not go together, and what to change. */
#include <avro/compat_inner.h>

#include <avro/words.h>
#include <base/arena.h>
#include <stdio.h>

enum { PATH_BYTES = 400, NAMES_BYTES = 240 };

static const char *path_text(polka_arena *arena, const polkai_path *path, const char *more)
{
    char text[PATH_BYTES];
    polkai_path_write(text, sizeof text, "$", path);
    return polkai_arena_format(arena, "%s%s", text, more).data;
}

/* The break's message and fix are set by the caller. more: what comes behind both paths. */
static polkai_break *add(polkai_break_list *list, const polkai_sides *sides, const char *type, const char *more)
{
    if (list->count == list->capacity) {
        polkai_break *before = list->items;
        list->capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        list->items = polkai_arena_zeroed(list->arena, list->capacity, sizeof *list->items);
        if (before != NULL)
            memcpy(list->items, before, list->count * sizeof *before);
    }
    polkai_break *made = &list->items[list->count++];
    *made = (polkai_break){ .type = type, .reader_path = path_text(list->arena, sides->reader_path, more),
                            .writer_path = path_text(list->arena, sides->writer_path, more) };
    return made;
}

#define SAY(LIST, ...) polkai_arena_format((LIST)->arena, __VA_ARGS__).data

void polkai_break_names(polkai_break_list *list, const polkai_sides *sides)
{
    polkai_break *made = add(list, sides, "name_mismatch", ".name");
    made->message = SAY(list, "the writer writes %s, and the reader expects %s", polkai_words_schema(sides->writer).text, polkai_words_schema(sides->reader).text);
    made->fix = SAY(list, "Keep the name %s, or add \"%s\" to the \"aliases\" of the reader's %s.", sides->writer->name, sides->writer->name,
                    polkai_avro_type_name(sides->reader->type));
}

void polkai_break_types(polkai_break_list *list, const polkai_sides *sides)
{
    polkai_words writer = polkai_words_schema(sides->writer), reader = polkai_words_schema(sides->reader);
    polkai_break *made = add(list, sides, "type_mismatch", "");
    made->message = SAY(list, "the writer writes %s, which cannot be read as %s", writer.text, reader.text);
    made->fix = SAY(list, "Let the reader's type be %s or a union that has it, or put %s into a new field with a default.", writer.text, reader.text);
}

void polkai_break_sizes(polkai_break_list *list, const polkai_sides *sides)
{
    polkai_break *made = add(list, sides, "fixed_size_mismatch", ".size");
    made->message = SAY(list, "the writer's %s has %zu bytes, the reader's %zu", polkai_words_schema(sides->writer).text, sides->writer->fixed_size, sides->reader->fixed_size);
    made->fix = SAY(list, "Keep the size %zu, or put a fixed of another name into a new field with a default.", sides->writer->fixed_size);
}

void polkai_break_symbols(polkai_break_list *list, const polkai_sides *sides, const int32_t *found)
{
    char names[NAMES_BYTES];
    size_t used = 0, missing = 0;
    for (size_t i = 0; i < sides->writer->count; i++) {
        if (found[i] >= 0)
            continue;
        missing++;
        if (used < sizeof names - 80)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%.64s", used == 0 ? "" : ", ", sides->writer->symbols[i]);
        else if (names[used - 1] != '.')
            used += (size_t)snprintf(names + used, sizeof names - used, ", ...");
    }
    polkai_break *made = add(list, sides, "missing_enum_symbols", ".symbols");
    made->message = SAY(list, "the writer may write %s, which the reader's %s does not have", names, polkai_words_schema(sides->reader).text);
    made->fix = SAY(list, "Add %s to the reader's enum, or give the enum a \"default\" that stands for what it does not know.", missing == 1 ? "the symbol" : "the symbols");
}

static void list_branches(const polkai_schema *schema, char *out, size_t capacity)
{
    size_t used = (size_t)snprintf(out, capacity, "[");
    for (size_t i = 0; i < schema->count && used < capacity - 90; i++)
        used += (size_t)snprintf(out + used, capacity - used, "%s%s", i == 0 ? "" : ", ", polkai_words_schema(schema->branches[i]).text);
    snprintf(out + used, capacity - used, "%s", used < capacity - 90 ? "]" : ", ...]");
}

void polkai_break_branch(polkai_break_list *list, const polkai_sides *sides)
{
    char branches[NAMES_BYTES];
    polkai_words writer = polkai_words_schema(sides->writer);
    list_branches(sides->reader, branches, sizeof branches);
    polkai_break *made = add(list, sides, "missing_union_branch", "");
    made->message = SAY(list, "the writer writes %s, which no branch of the reader's union %s can read", writer.text, branches);
    made->fix = SAY(list, "Add %s to the reader's union, as the writer has it.", writer.text);
}

static polkai_break *add_field(polkai_break_list *list, const polkai_sides *sides, const char *type, size_t index)
{
    polkai_break *made = add(list, sides, type, "");
    made->reader_path = SAY(list, "%s.fields[%zu]", made->reader_path, index);
    return made;
}

void polkai_break_missing(polkai_break_list *list, const polkai_sides *sides, size_t index)
{
    const char *name = sides->reader->fields[index].name;
    polkai_break *made = add_field(list, sides, "reader_field_missing_default_value", index);
    made->message = SAY(list, "the writer's %s has no field '%s', and the reader's has no default for it", polkai_words_schema(sides->writer).text, name);
    made->fix = SAY(list, "Give '%s' a \"default\"; if it was renamed, add its old name to the field's \"aliases\".", name);
}

void polkai_break_several(polkai_break_list *list, const polkai_sides *sides, size_t index)
{
    const char *name = sides->reader->fields[index].name;
    polkai_break *made = add_field(list, sides, "reader_field_matches_several", index);
    made->message = SAY(list, "the name and the aliases of the reader's field '%s' stand for more than one field of the writer's %s", name, polkai_words_schema(sides->writer).text);
    made->fix = SAY(list, "Leave only one of them in the name and \"aliases\" of '%s'.", name);
}

void polkai_break_large(polkai_break_list *list, const polkai_sides *sides, size_t pairs)
{
    polkai_break *made = add(list, sides, "schemas_too_large", "");
    made->message = SAY(list, "the two schemas make more than %zu pairs of types to compare", pairs);
    made->fix = SAY(list, "Split the schemas; unions of thousands of types are what makes so many pairs.");
}
