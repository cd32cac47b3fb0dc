/* compat_inner.h: what the parts of compat share: a pair of types, and the breaks it becomes in words. */
#ifndef POLKA_AVRO_COMPAT_INNER_H
#define POLKA_AVRO_COMPAT_INNER_H

#include <avro/compat.h>
#include <avro/path.h>

typedef struct {
    const polkai_schema *writer, *reader;
    const polkai_path *writer_path, *reader_path;
} polkai_sides;

typedef struct {
    polka_arena *arena;
    polkai_break *items;
    size_t count, capacity;
} polkai_break_list;

/* Each adds one break. found: as polkai_match_symbols gives it. index: of the reader's field. */
void polkai_break_names(polkai_break_list *list, const polkai_sides *sides);
void polkai_break_types(polkai_break_list *list, const polkai_sides *sides);
void polkai_break_sizes(polkai_break_list *list, const polkai_sides *sides);
void polkai_break_symbols(polkai_break_list *list, const polkai_sides *sides, const int32_t *found);
void polkai_break_branch(polkai_break_list *list, const polkai_sides *sides);
void polkai_break_missing(polkai_break_list *list, const polkai_sides *sides, size_t index);
void polkai_break_several(polkai_break_list *list, const polkai_sides *sides, size_t index);
void polkai_break_large(polkai_break_list *list, const polkai_sides *sides, size_t pairs);

#endif
