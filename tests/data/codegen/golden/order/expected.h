/* events.h: made by polka_avro_generate; changes go into the schemas. */
#ifndef POLKA_GENERATED_EVENTS_H
#define POLKA_GENERATED_EVENTS_H

#include <polka/codec.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the shop takes; amounts are in its minor units. */
typedef enum {
    SHOP_CURRENCY_EUR = 1, SHOP_CURRENCY_USD, SHOP_CURRENCY_GBP, SHOP_CURRENCY_CZK
} shop_currency;
const char *shop_currency_name(shop_currency value);

typedef struct shop_order_line {
    polka_text sku;
    int32_t quantity;
} shop_order_line;
typedef struct { size_t count; const shop_order_line *items; } shop_order_line_array;

/* An order. */
typedef struct shop_order_placed {
    polka_text order_id;                 /* uuid */
    shop_currency currency;
    shop_order_line_array lines;
    polka_text note;                     /* null: data is NULL */
} shop_order_placed;
POLKA_EVENT(shop_order_placed)

#ifdef __cplusplus
}
#endif
#endif
