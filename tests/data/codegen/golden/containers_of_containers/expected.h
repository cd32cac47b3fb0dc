/* events.h: made by polka_avro_generate; changes go into the schemas. */
#ifndef POLKA_GENERATED_EVENTS_H
#define POLKA_GENERATED_EVENTS_H

#include <polka/codec.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifndef POLKA_DECLARED_POLKA_TEXT_ARRAY_MAP
#define POLKA_DECLARED_POLKA_TEXT_ARRAY_MAP
typedef struct { polka_text key; polka_text_array value; } polka_text_array_entry;
typedef struct { size_t count; const polka_text_array_entry *items; } polka_text_array_map;
POLKA_MAP_GET(polka_text_array, polka_text_array)
#endif
#ifndef POLKA_DECLARED_POLKA_TEXT_ARRAY_MAP_ARRAY
#define POLKA_DECLARED_POLKA_TEXT_ARRAY_MAP_ARRAY
typedef struct { size_t count; const polka_text_array_map *items; } polka_text_array_map_array;
#endif
#ifndef POLKA_DECLARED_POLKA_TEXT_ARRAY_MAP_ARRAY_ARRAY
#define POLKA_DECLARED_POLKA_TEXT_ARRAY_MAP_ARRAY_ARRAY
typedef struct { size_t count; const polka_text_array_map_array *items; } polka_text_array_map_array_array;
#endif
#ifndef POLKA_DECLARED_POLKA_LONG_OR_NULL_ARRAY
#define POLKA_DECLARED_POLKA_LONG_OR_NULL_ARRAY
typedef struct { size_t count; const int64_t *const *items; } polka_long_or_null_array;
#endif
#ifndef POLKA_DECLARED_POLKA_LONG_OR_NULL_ARRAY_OR_NULL_MAP
#define POLKA_DECLARED_POLKA_LONG_OR_NULL_ARRAY_OR_NULL_MAP
typedef struct { polka_text key; const polka_long_or_null_array *value; } polka_long_or_null_array_or_null_entry;
typedef struct { size_t count; const polka_long_or_null_array_or_null_entry *items; } polka_long_or_null_array_or_null_map;
#endif

typedef enum {
    SHOP_PLACED_C_ITEM_ARRAY_ITEM_NULL = 0,
    SHOP_PLACED_C_ITEM_ARRAY_ITEM_INT = 1,
    SHOP_PLACED_C_ITEM_ARRAY_ITEM_STRING = 2
} shop_placed_c_item_array_item_tag;
typedef struct {
    shop_placed_c_item_array_item_tag tag;
    union {
        int32_t int_;
        polka_text string;
    } as;
} shop_placed_c_item_array_item;
typedef struct { size_t count; const shop_placed_c_item_array_item *items; } shop_placed_c_item_array_item_array;

typedef enum {
    SHOP_PLACED_C_ITEM_INT = 1,
    SHOP_PLACED_C_ITEM_STRING = 2,
    SHOP_PLACED_C_ITEM_ARRAY = 3
} shop_placed_c_item_tag;
typedef struct {
    shop_placed_c_item_tag tag;
    union {
        int32_t int_;
        polka_text string;
        shop_placed_c_item_array_item_array array;
    } as;
} shop_placed_c_item;
typedef struct { size_t count; const shop_placed_c_item *items; } shop_placed_c_item_array;

typedef enum {
    SHOP_PLACED_D_VALUE_INT = 1,
    SHOP_PLACED_D_VALUE_STRING = 2
} shop_placed_d_value_tag;
typedef struct {
    shop_placed_d_value_tag tag;
    union {
        int32_t int_;
        polka_text string;
    } as;
} shop_placed_d_value;
typedef struct { polka_text key; shop_placed_d_value value; } shop_placed_d_value_entry;
typedef struct { size_t count; const shop_placed_d_value_entry *items; } shop_placed_d_value_map;
POLKA_MAP_GET(shop_placed_d_value, shop_placed_d_value)

typedef struct shop_line {
    int32_t x;
} shop_line;
typedef struct { size_t count; const shop_line *const *items; } shop_line_or_null_array;
typedef struct { polka_text key; shop_line value; } shop_line_entry;
typedef struct { size_t count; const shop_line_entry *items; } shop_line_map;
POLKA_MAP_GET(shop_line, shop_line)
typedef struct { size_t count; const shop_line *items; } shop_line_array;

typedef struct shop_placed {
    polka_text_array_map_array_array a;
    polka_long_or_null_array_or_null_map b;
    shop_placed_c_item_array c;
    shop_placed_d_value_map d;
    const polka_null_map *e;             /* null: NULL */
    polka_null_array f;
    shop_line_or_null_array g;
    shop_line_map h;
    const shop_line_array *i;            /* null: NULL */
} shop_placed;
POLKA_EVENT(shop_placed)

#ifdef __cplusplus
}
#endif
#endif
