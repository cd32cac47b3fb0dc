/* events.h: made by polka_avro_generate; changes go into the schemas. */
#ifndef POLKA_GENERATED_EVENTS_H
#define POLKA_GENERATED_EVENTS_H

#include <polka/codec.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct shop_class {
    int32_t int_;
} shop_class;

typedef enum {
    SHOP_REGISTER_A = 1
} shop_register;
const char *shop_register_name(shop_register value);

typedef struct { uint8_t bytes[2]; } shop_char;

typedef enum {
    SHOP_PLACED_U_NULL = 0,
    SHOP_PLACED_U_INT = 1,
    SHOP_PLACED_U_LONG = 2,
    SHOP_PLACED_U_FLOAT = 3,
    SHOP_PLACED_U_DOUBLE = 4,
    SHOP_PLACED_U_BOOLEAN = 5,
    SHOP_PLACED_U_BYTES = 6,
    SHOP_PLACED_U_STRING = 7,
    SHOP_PLACED_U_ARRAY = 8,
    SHOP_PLACED_U_MAP = 9,
    SHOP_PLACED_U_CLASS = 10,
    SHOP_PLACED_U_REGISTER = 11,
    SHOP_PLACED_U_CHAR = 12
} shop_placed_u_tag;
typedef struct {
    shop_placed_u_tag tag;
    union {
        int32_t int_;
        int64_t long_;
        float float_;
        double double_;
        bool boolean;
        polka_bytes bytes;
        polka_text string;
        polka_int_array array;
        polka_text_map map;
        shop_class class_;
        shop_register register_;
        shop_char char_;
    } as;
} shop_placed_u;

typedef enum {
    SHOP_PLACED_ONLY_STRING = 1
} shop_placed_only_tag;
typedef struct {
    shop_placed_only_tag tag;
    union {
        polka_text string;
    } as;
} shop_placed_only;

typedef enum {
    SHOP_PLACED_NOTHING_NULL = 0
} shop_placed_nothing_tag;
typedef struct {
    shop_placed_nothing_tag tag;
} shop_placed_nothing;

typedef struct shop_placed {
    shop_placed_u u;
    shop_placed_only only;
    shop_placed_nothing nothing;
} shop_placed;
POLKA_EVENT(shop_placed)

#ifdef __cplusplus
}
#endif
#endif
