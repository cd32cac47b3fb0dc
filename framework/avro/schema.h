/*
 * schema.h: an Avro schema as a tree, parsed from its JSON text and validated; the original text is kept.
 *
 * What enters: JSON text of one or several files that refer to each other. What leaves: polkai_schema nodes that live
 * as long as their set. Named types are shared: a reference is a node of kind POLKAI_AVRO_REFERENCE-free tree, that is,
 * `fields[i].schema` points at the one node of the named type (so recursive types make cycles in the graph).
 */
#ifndef POLKA_AVRO_SCHEMA_H
#define POLKA_AVRO_SCHEMA_H

#include <jansson.h>
#include <polka/polka.h>

typedef enum {
    POLKAI_AVRO_NULL = 1, POLKAI_AVRO_BOOLEAN, POLKAI_AVRO_INT, POLKAI_AVRO_LONG, POLKAI_AVRO_FLOAT, POLKAI_AVRO_DOUBLE,
    POLKAI_AVRO_BYTES, POLKAI_AVRO_STRING, POLKAI_AVRO_RECORD, POLKAI_AVRO_ENUM, POLKAI_AVRO_ARRAY, POLKAI_AVRO_MAP,
    POLKAI_AVRO_UNION, POLKAI_AVRO_FIXED
} polkai_avro_type;

typedef enum {
    POLKAI_LOGICAL_NONE = 0, POLKAI_LOGICAL_UUID, POLKAI_LOGICAL_DATE, POLKAI_LOGICAL_TIME_MILLIS, POLKAI_LOGICAL_TIME_MICROS,
    POLKAI_LOGICAL_TIMESTAMP_MILLIS, POLKAI_LOGICAL_TIMESTAMP_MICROS, POLKAI_LOGICAL_TIMESTAMP_NANOS,
    POLKAI_LOGICAL_LOCAL_TIMESTAMP_MILLIS, POLKAI_LOGICAL_LOCAL_TIMESTAMP_MICROS, POLKAI_LOGICAL_LOCAL_TIMESTAMP_NANOS,
    POLKAI_LOGICAL_DECIMAL, POLKAI_LOGICAL_DURATION
} polkai_avro_logical;

typedef struct polkai_schema polkai_schema;
typedef struct {
    const char *name;
    const polkai_schema *schema;
    const json_t *fallback;              /* the default; NULL: none (json null is a default of null) */
    const char *const *aliases;          /* NULL-terminated; never NULL itself */
    const char *doc;                     /* NULL: none */
    const json_t *json;                  /* the field object, for custom attributes */
} polkai_schema_field;

struct polkai_schema {
    polkai_avro_type type;
    polkai_avro_logical logical;
    unsigned precision, scale;           /* of decimal */
    const char *name;                    /* full name of record, enum, fixed ("shop.OrderPlaced"); NULL for the others */
    const char *const *aliases;          /* full names, NULL-terminated; never NULL itself */
    const char *doc;
    size_t fixed_size;
    size_t count;                        /* of fields, symbols or branches */
    const polkai_schema_field *fields;   /* record */
    const char *const *symbols;          /* enum */
    const char *symbol_default;          /* enum; NULL: none */
    const polkai_schema *const *branches;/* union */
    const polkai_schema *items;          /* array's items, map's values */
    const json_t *json;                  /* where it was defined: the object, for custom attributes such as polka.topic */
    const char *file;                    /* of a named type: the file it was read from; NULL: from memory */
};

/* A set: all named types that were read together, and memory for all of it. One thread; read-only use from any. */
typedef struct polkai_schema_set polkai_schema_set;
polkai_schema_set *polkai_schema_set_create(void);                                     /* new */
void polkai_schema_set_destroy(polkai_schema_set *set);                                /* NULL is fine */

/*
 * polkai_schema_parse reads one schema from `text`; named types it refers to may be in the set already.
 * limits: text 1 MiB, JSON nesting 512, 64 nested records, arrays, maps and unions.
 * errors: POISON, code "bad-schema"; the message carries the JSON path ("$.fields[2].type"), the rule, and `file` when given.
 */
polka_status polkai_schema_parse(polkai_schema_set *set, polka_text text, const char *file, const polkai_schema **schema, polka_error *error);
/* polkai_schema_parse_json: the same of a text that was parsed already, as a part of another, to `json`; the set holds it, too. */
polka_status polkai_schema_parse_json(polkai_schema_set *set, polka_text text, const json_t *json, const polkai_schema **schema, polka_error *error);

/*
 * polkai_schema_read_files reads .avsc files that may refer to each other in any order. schemas[i] belongs to paths[i].
 */
polka_status polkai_schema_read_files(polkai_schema_set *set, const char *const *paths, size_t count, const polkai_schema **schemas, polka_error *error);

/*
 * polkai_schema_read_file reads one file ("-": standard input). A type that it refers to and does not define is looked for
 * in `others`, which are read only then.
 */
polka_status polkai_schema_read_file(polkai_schema_set *set, const char *path, const char *const *others, size_t count, const polkai_schema **schema, polka_error *error);

/*
 * polkai_schema_warning: the index-th thing in the texts of this set that has no effect but was surely meant to have one
 * (a logical type that does not fit its schema is ignored, as the specification says). NULL: there are no more.
 */
typedef struct { const char *file, *path, *message; } polkai_schema_notice;             /* file NULL: from memory; path "$.fields[2].type.logicalType" */
const polkai_schema_notice *polkai_schema_warning(const polkai_schema_set *set, size_t index);

const polkai_schema *polkai_schema_find(const polkai_schema_set *set, const char *full_name);    /* NULL: no such type */

/* polkai_schema_text: self-contained JSON text, every named type written out at its first use. new: free() it. */
char *polkai_schema_text(const polkai_schema *schema);

/* polkai_schema_attribute: a custom attribute ("polka.topic") of a named type; NULL: absent. */
const json_t *polkai_schema_attribute(const polkai_schema *schema, const char *name);

const char *polkai_avro_type_name(polkai_avro_type type);                              /* "record" */

#endif
