/*
 * gen.h: what the rooms of the generator share: one run, the types it makes, how each Avro schema appears in C.
 *
 * A run reads files (files.c), finds the named types and their C names (model.c, names.c, shapes.c), checks what makes an
 * event (events.c), puts the declarations in order (order.c), refuses what no event can hold (sizes.c), and writes (header.c,
 * decode.c, older.c, encode.c, source.c). All memory of a run lives in its arena.
 *
 * No static function or table of NAME.c meets a name of NAME.h: it is <type or place>__<verb>, a C name of the header has two
 * underscores at most where a type's own name ends in one, and none ends in a verb (read, write, bound, encode, decode, ...).
 */
#ifndef POLKA_CODEGEN_GEN_H
#define POLKA_CODEGEN_GEN_H

#include <avro/pairs.h>
#include <avro/schema.h>
#include <base/arena.h>
#include <base/error.h>

/* ---- lists ------------------------------------------------------------------------------------- */

#define LIST(TYPE) struct { TYPE *items; size_t count, room; }
void *gen_list_room(polka_arena *arena, void *items, size_t count, size_t *room, size_t item_size);
#define LIST_ADD(ARENA, LIST, ITEM)                                                                                              \
    ((LIST)->items = gen_list_room((ARENA), (LIST)->items, (LIST)->count, &(LIST)->room, sizeof *(LIST)->items),                  \
     (LIST)->items[(LIST)->count++] = (ITEM))

/* ---- the model --------------------------------------------------------------------------------- */

typedef enum {
    SHAPE_NULL = 1, SHAPE_BOOLEAN, SHAPE_INT, SHAPE_LONG, SHAPE_FLOAT, SHAPE_DOUBLE, SHAPE_TEXT, SHAPE_BYTES, SHAPE_DECIMAL, SHAPE_DURATION,
    SHAPE_FIXED, SHAPE_ENUM, SHAPE_RECORD, SHAPE_ARRAY, SHAPE_MAP,
    SHAPE_POINTER,                       /* [null, T] of a T that has no null of its own: const T * */
    SHAPE_UNION
} shape_kind;

typedef struct shape shape;
typedef struct named named;

typedef struct {
    const char *member;                  /* of `as` */
    const char *constant;                /* of the tag */
    shape *shape;                        /* of null: SHAPE_NULL */
    bool pointer;                        /* a record that can contain itself stands behind a pointer */
} branch;

/* How one schema at one place appears in C. */
struct shape {
    shape_kind kind;
    const polkai_schema *schema;
    const char *type;                    /* C type, "int64_t", "const int64_t *" */
    const char *stem;                    /* <stem>_array and <stem>_map are its arrays and maps */
    const char *suffix;                  /* unit in the member's name, "_ms"; "" */
    const char *place;                   /* unique: <place>__read, "shop_order_placed__lines" */
    bool or_null;                        /* TEXT and BYTES: null is data NULL */
    unsigned null_index;                 /* of the null branch: POINTER, and TEXT and BYTES or null */
    shape *inner;                        /* of ARRAY, MAP, POINTER */
    named *named;                        /* ENUM, FIXED, RECORD */
    branch *branches;                    /* UNION */
    size_t branch_count;
    const char *unit;                    /* UNION: C name of the struct */
};

typedef struct {
    const polkai_schema_field *field;
    const char *name;                    /* in C, with its unit */
    shape *shape;
} member;

typedef struct { const char *path; const polkai_schema *schema; unsigned version; bool used, older; const char *full_name; } source_file;

typedef struct {
    unsigned version;
    uint64_t fingerprint;
    const char *schema;
    const polkai_schema *parsed;
    const char *decode;                  /* C function; NULL: there is none */
} older_schema;

/* A record, enum or fixed. */
struct named {
    const polkai_schema *schema;
    const char *name, *upper;            /* shop_order_placed, SHOP_ORDER_PLACED */
    bool foreign;                        /* comes from a header of USES */
    bool recursive;                      /* a record that can contain itself */
    bool forward;                        /* declared before it is defined */
    bool coded;                          /* an event of this target contains it */
    bool walked;                         /* mark of the graph walk that runs */
    bool grows;                          /* encode.c: its bytes are not bounded by a constant */
    size_t constant_bound;               /* encode.c: the constant part of the bound */
    size_t memory_bytes;                 /* sizes.c: at most so many in C, without what stands behind pointers */
    enum { ORDER_NEW, ORDER_OPEN, ORDER_DONE } order;
    member *members;
    size_t member_count;
    const char **symbols;                /* enum: C constants */
    bool event;
    bool final;
    const char *topic, *key;
    shape *key_shape;
    const char *key_expression;          /* "v->order.id" */
    unsigned version;
    LIST(older_schema) older;
};

/* One declaration of the header, in an order in which C takes it. */
typedef enum { DECLARE_NAMED = 1, DECLARE_ARRAY, DECLARE_MAP, DECLARE_MAP_FORWARD, DECLARE_ENTRY, DECLARE_UNION } declaration_kind;
typedef struct { declaration_kind kind; named *named; shape *shape; bool guarded; } declaration;

typedef struct gen {
    polka_arena arena;
    polka_error *error;
    const char *target;                  /* shop_events */
    const char *details;                 /* of the error, for people; NULL: the error says all */
    polkai_schema_set *set;
    LIST(polkai_schema_set *) older_sets;
    LIST(source_file) files;
    LIST(const char *) headers;          /* of USES */
    LIST(named *) types;
    LIST(named *) ordered;               /* what a type is made of before the type itself */
    LIST(declaration) declarations;
    LIST(declaration) entries;           /* of maps whose values were not complete; declared last */
    json_t *by_name;                     /* full name -> index in types */
    json_t *names;                       /* C name at file scope -> what made it */
    json_t *places;                      /* that have a shape */
    json_t *compounds;                   /* C names of arrays and maps that are declared already */
    polkai_pairs sized;                  /* schemas whose least_bytes are known, in this order */
    LIST(size_t) least_bytes;
} gen;

/* ---- names.c ----------------------------------------------------------------------------------- */

const char *gen_snake(gen *g, const char *name);                         /* "OrderPlaced" -> "order_placed"; no double underscores */
const char *gen_upper(gen *g, const char *name);
const char *gen_member_name(gen *g, const char *name);                   /* snake case, and nothing that C, C++ or a macro takes */
const char *gen_type_name(gen *g, const char *full_name);                /* the same for names at file scope */
bool gen_is_own(const char *full_name);                                  /* "polka.FlowStalled", which the framework says: polka_event_flow_stalled in C */
const char *gen_constant_name(gen *g, const char *upper, const char *symbol);
/* gen_claim: a C name at file scope belongs to `what`; MISUSE when it is taken, naming both. */
polka_status gen_claim(gen *g, const named *owner, const char *name, const char *what);

/* ---- taken.c: what the system's headers have --------------------------------------------------- */

bool gen_listed(const char *name, const char *const *rows, size_t count);               /* rows are sorted */
#define GEN_LISTED(NAME, ROWS) gen_listed((NAME), (ROWS), sizeof(ROWS) / sizeof *(ROWS))
bool gen_is_macro(const char *name);                                     /* "sa_handler": not even a member can be called so */
bool gen_is_declared(const char *name);                                  /* "pthread_create": taken at file scope */
bool gen_is_constant(const char *name);                                  /* "IP_PMTUDISC_DO" */
bool gen_is_word(const char *word);                                      /* "SA": macros SA_… are many */

/* ---- files.c, model.c, shapes.c, events.c, order.c, sizes.c ------------------------------------ */

void gen_add_file(gen *g, const char *path, bool used);
polka_status gen_read_files(gen *g);
polka_status gen_read_older(gen *g);
polka_status gen_check_histories(gen *g);                                /* history.c: MISUSE, with details, when a version breaks its folder's level */

polka_status gen_model(gen *g);
named *gen_named(gen *g, const polkai_schema *schema);                   /* the type of a schema; NULL: not there */
bool gen_reaches(gen *g, const named *from, const named *to);            /* a value of `from` can contain one of `to` */
bool gen_names_type(const shape *s, const char *name);                   /* a type of the shape is called `name` */
const source_file *gen_file_of(const gen *g, const char *path);
/* gen_bad: an error at a type's place: "file: $.fields[2]…: …". `below` is appended to the JSON path of the type. */
polka_status gen_bad(gen *g, const polkai_schema *type, const char *below, const char *format, ...) POLKA_PRINTF(4, 5);
const char *gen_path(gen *g, const json_t *from, const json_t *to);      /* "[2].type"; NULL: it is not there */

shape *gen_shape(gen *g, named *owner, const polkai_schema *schema, const char *place);
bool gen_small_decimal(const polkai_schema *schema);                     /* fits into 64 bits: at most 18 digits */
const char *gen_compound(gen *g, const shape *array_or_map);             /* C name: shop_order_line_array */
polka_status gen_events(gen *g);
polka_status gen_order(gen *g);
polka_status gen_check_sizes(gen *g);                                    /* MISUSE when no event could hold a value */
/* gen_least_bytes: the fewest that an encoded value takes: a block holds no more items than that allows. More than POLKA_BODY_MAX counts as that + 1. */
size_t gen_least_bytes(gen *g, const polkai_schema *schema);

/* ---- writing ----------------------------------------------------------------------------------- */

typedef struct { char *data; size_t size, room; } out;
void out_add(out *o, const char *format, ...) POLKA_PRINTF(2, 3);
void out_literal(out *o, const char *text, const char *indent);          /* as C string literals, split over lines */
void out_comment(out *o, const char *text);                              /* as the inside of a block comment */
polka_status out_save(const out *o, const char *path, polka_error *error);
void out_deinit(out *o);

void gen_write_header(gen *g, out *o);
void gen_write_source(gen *g, out *o);
/* The types that events contain, what a type is made of before the type itself. */
void gen_write_decode(gen *g, out *o, named *const *types, size_t count);
void gen_write_encode(gen *g, out *o, named *const *types, size_t count);
void gen_write_older(gen *g, out *o, named *event, older_schema *older);  /* older.c: the decoder of an earlier version, if one can be made */

/* What decode.c and older.c share. A call is an expression that reads a value into *`to` and gives the place behind it. */
const char *gen_read_call(gen *g, const shape *s, const char *to);
const char *gen_item(const shape *array_or_map);                         /* where the item goes that is read next */
const char *gen_branch_place(gen *g, const branch *b);
/* Bodies: of an array or map of `written` items; of a case of a union. */
void gen_write_items(gen *g, out *o, const shape *s, const polkai_schema *written, const char *call);
void gen_write_branch(out *o, const char *indent, const branch *b, const char *call);
void gen_write_entrance(gen *g, out *o, named *event, const char *decode, const char *read);

#endif
