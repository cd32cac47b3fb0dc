/*
 * match.h: the rules by which a reader's schema matches a writer's (Avro 1.12 specification, "Schema Resolution"; where it
 * leaves a choice, that of Java Avro's Resolver). Compatibility and plans ask here, and nowhere else.
 */
#ifndef POLKA_AVRO_MATCH_H
#define POLKA_AVRO_MATCH_H

#include <avro/schema.h>
#include <polka/codec.h>

/* How two types go together, by their kinds alone; what is inside them is not looked at. */
typedef enum {
    POLKAI_MATCH_NONE = 0, POLKAI_MATCH_SAME, POLKAI_MATCH_PROMOTION,    /* primitives */
    POLKAI_MATCH_RECORD, POLKAI_MATCH_ENUM, POLKAI_MATCH_FIXED, POLKAI_MATCH_ITEMS,
    POLKAI_MATCH_WRITER_UNION, POLKAI_MATCH_READER_UNION                 /* a union on both sides is a writer's union */
} polkai_match;
polkai_match polkai_match_types(const polkai_schema *writer, const polkai_schema *reader);

/* polkai_match_names: of named types: the last parts are equal, or the reader has the writer's full name as an alias. */
bool polkai_match_names(const polkai_schema *writer, const polkai_schema *reader);

/*
 * polkai_match_fields: found[i] is the writer's field that the reader's field i reads. An alias comes before a name: a
 * writer's field feeds one field, the last whose alias it is, else the one of its name.
 * aliases: do they count? A plan says no for records whose names do not match, which it reads as Java does.
 */
enum { POLKAI_FIELD_NONE = -1, POLKAI_FIELD_TWO = -2 };  /* not written; name and aliases stand for several fields */
void polkai_match_fields(const polkai_schema *writer, const polkai_schema *reader, bool aliases, int32_t *found);

/* polkai_match_symbols: found[i] is the reader's symbol for the writer's symbol i: its own, else the default, else -1. */
void polkai_match_symbols(const polkai_schema *writer, const polkai_schema *reader, int32_t *found);

/*
 * polkai_match_alike: the same types, fields, symbols and branches in the same order, all the way down, of the same names
 * (whole ones without aliases, or their last parts and aliases, as when they are read); false also for types too large to
 * compare. Between two unions that are alike each branch reads the one in its place; between two schemas that are, with
 * whole names, no alias counts.
 */
bool polkai_match_alike(const polkai_schema *writer, const polkai_schema *reader, bool whole_names);

/*
 * polkai_match_branch: the branch of the reader's union that takes what `writer`, no union, writes; its count: none.
 * The first of the same kind and full name or alias; then a record that fits field by field, best of the same last name;
 * then an enum or fixed of the same last name; then the first that it can be promoted to.
 */
size_t polkai_match_branch(const polkai_schema *writer, const polkai_schema *reader);

#endif
