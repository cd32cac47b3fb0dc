/*
 * node.h: what a schema and a set are inside this room. A polkai_schema is the first member of its node.
 */
#ifndef POLKA_AVRO_NODE_H
#define POLKA_AVRO_NODE_H

#include <avro/path.h>
#include <avro/schema.h>
#include <base/arena.h>
#include <base/error.h>

enum {
    POLKAI_SCHEMA_TEXT_BYTES = 1024 * 1024,
    POLKAI_SCHEMA_JSON_NESTING = 512,
    POLKAI_SCHEMA_NESTING = 64           /* records, arrays, maps, unions inside each other */
};

typedef struct polkai_schema_node polkai_schema_node;
struct polkai_schema_node {
    polkai_schema schema;                /* first: a pointer to it is a pointer to its node */
    size_t ordinal;                      /* of a named type, in the order of definition in its set */
    const polkai_path *path;             /* where in its text it was defined */
    const char *file;                    /* of that text; NULL: memory */
    uint8_t mark;                        /* check.c: 0 not seen, 1 being looked at, 2 done */
    uint8_t *field_marks;                /* the same for the defaults of a record's fields */
};

struct polkai_schema_set {
    polka_arena arena;                   /* nodes, names, paths */
    json_t *documents;                   /* an array: keeps alive what nodes point into */
    json_t *names;                       /* full name -> index in named */
    polkai_schema_node **named;          /* in the order of definition */
    size_t count, capacity;
    polkai_schema_notice *warnings;
    size_t warning_count, warning_capacity;
};

static inline polkai_schema_node *polkai_node(const polkai_schema *schema)
{
    return (polkai_schema_node *)(uintptr_t)schema;
}

static inline bool polkai_is_named(const polkai_schema *schema)
{
    return schema->name != NULL;
}

/* polkai_set_add: puts a named type in. The name must be new. */
void polkai_set_add(polkai_schema_set *set, polkai_schema_node *node);
/* polkai_set_forget: takes out what came since `mark`, after a failure. Its memory stays until the set goes. */
typedef struct { size_t count, warning_count; } polkai_set_mark;
polkai_set_mark polkai_set_now(const polkai_schema_set *set);
void polkai_set_forget(polkai_schema_set *set, polkai_set_mark mark);

void polkai_set_warn(polkai_schema_set *set, const char *file, const polkai_path *path, const char *format, ...) POLKA_PRINTF(4, 5);

/* A schema that is only a name of a primitive type; shared by all sets. NULL: not such a name. */
const polkai_schema *polkai_primitive(const char *name);
extern const char *const polkai_no_names[];

/* polkai_schema_bad: the error of this room: "FILE: $.fields[2].type: RULE". returns POLKA_POISON. */
polka_status polkai_schema_bad(polka_error *error, const char *file, const polkai_path *path, const char *format, ...) POLKA_PRINTF(4, 5);

/*
 * polkai_schema_check looks at everything that can be judged only when all types are there: the types of `set` from
 * the first-th on (contain themselves, defaults), and how deep `root` nests when it is written out.
 */
polka_status polkai_schema_check(polkai_schema_set *set, size_t first, polka_error *error);
polka_status polkai_schema_check_depth(const polkai_schema_set *set, const polkai_schema *root, const char *file, polka_error *error);

/* polkai_schema_document: JSON of a schema's text within the limits, which are those of schema.h; the set keeps it. */
polka_status polkai_schema_within_limits(polka_text text, const char *file, polka_error *error);
polka_status polkai_schema_document(polkai_schema_set *set, polka_text text, const char *file, json_t **document, polka_error *error);

/*
 * A reader turns one document into nodes. `missing` is asked for a full name that the set does not have; it may read
 * another file into the set (files.c).
 */
typedef struct polkai_schema_reader {
    polkai_schema_set *set;
    const char *file;
    polka_error *error;
    polka_status (*missing)(struct polkai_schema_reader *reader, const char *full_name);
    void *user;
} polkai_schema_reader;
polka_status polkai_schema_read(polkai_schema_reader *reader, const json_t *document, const polkai_schema **schema);

/*
 * polkai_logical_of: the logical type that `json`, at `path`, asks for and `schema` can carry, with precision and scale.
 * One that does not fit is ignored with a warning. schema NULL: `json` is a mere reference, which can carry none.
 */
void polkai_logical_of(polkai_schema_reader *reader, polkai_schema *schema, const json_t *json, const polkai_path *path);

/* polkai_name_resolve: `name` as a full name, inside `space` ("" for none). */
const char *polkai_name_resolve(polka_arena *arena, const char *name, const char *space);

#endif
