/*
 * compat.h: can a reader's schema read all that a writer's schema writes, and if not, every reason; and the same over a
 * history of versions. The rules are those of match.h, the verdicts those of Java Avro's SchemaCompatibility.
 */
#ifndef POLKA_AVRO_COMPAT_H
#define POLKA_AVRO_COMPAT_H

#include <avro/schema.h>
#include <polka/codec.h>

/*
 * One break. `type` is stable and for machines: name_mismatch, type_mismatch, fixed_size_mismatch, missing_enum_symbols,
 * missing_union_branch, reader_field_missing_default_value, reader_field_matches_several, schemas_too_large.
 * Paths are JSON paths into the two schemas ("$.fields[2].type"); inside a named type they are those of its definition.
 */
typedef struct {
    const char *type;
    const char *reader_path, *writer_path;
    const char *message;                 /* a sentence: what does not go together */
    const char *fix;                     /* a sentence: what to change */
} polkai_break;
typedef struct { size_t count; const polkai_break *items; } polkai_breaks;

/*
 * polkai_compat_check: all breaks, in the order of the reader's schema; none: the reader reads all that the writer writes.
 * ownership: everything is memory of `arena`. Both schemas may be of one set or of two.
 * limits: a million pairs of types; beyond that the one break is schemas_too_large.
 */
polkai_breaks polkai_compat_check(const polkai_schema *writer, const polkai_schema *reader, polka_arena *arena);

/* What a new version must keep: BACKWARD it reads the old, FORWARD the old read it; the last version, or TRANSITIVE all. */
typedef enum {
    POLKAI_COMPAT_NONE = 1, POLKAI_COMPAT_BACKWARD, POLKAI_COMPAT_BACKWARD_TRANSITIVE, POLKAI_COMPAT_FORWARD,
    POLKAI_COMPAT_FORWARD_TRANSITIVE, POLKAI_COMPAT_FULL, POLKAI_COMPAT_FULL_TRANSITIVE
} polkai_compat_level;

/* polkai_compat_level_parse: by name, in any case. errors: MISUSE "bad-level", with the nearest name. */
polka_status polkai_compat_level_parse(polka_text name, polkai_compat_level *level, polka_error *error);
const char *polkai_compat_level_name(polkai_compat_level level);     /* "FULL_TRANSITIVE" */

/* Two versions of a history, counted from 1, that break the level. */
typedef struct { size_t writer, reader; polkai_breaks breaks; } polkai_history_pair;
typedef struct {
    size_t first_broken;                 /* the first version that breaks the level with one before it; from 1, 0: none */
    size_t count;
    const polkai_history_pair *pairs;    /* of that version, with the newest before it first */
} polkai_history;

/* polkai_compat_history: versions[0] is version 1. ownership: memory of `arena`. */
polkai_history polkai_compat_history(polkai_compat_level level, const polkai_schema *const *versions, size_t count, polka_arena *arena);

#endif
