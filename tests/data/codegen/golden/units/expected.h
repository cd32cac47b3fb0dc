/* events.h: made by polka_avro_generate; changes go into the schemas. */
#ifndef POLKA_GENERATED_EVENTS_H
#define POLKA_GENERATED_EVENTS_H

#include <polka/codec.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct { uint8_t bytes[20]; } shop_big_fix;

typedef enum {
    SHOP_U_U_NULL = 0,
    SHOP_U_U_STRING = 1,
    SHOP_U_U_INT = 2,
    SHOP_U_U_BYTES = 3
} shop_u_u_tag;
typedef struct {
    shop_u_u_tag tag;
    union {
        polka_text string;
        int32_t int_days;
        int64_t bytes_e2;
    } as;
} shop_u_u;

typedef struct shop_u {
    polka_text uuid;                     /* uuid */
    int32_t date_days;                   /* date, days since 1970-01-01 */
    int32_t time_millis_ms;              /* time-millis */
    int64_t time_micros_us;              /* time-micros */
    int64_t timestamp_millis_ms;         /* timestamp-millis */
    int64_t timestamp_micros_us;         /* timestamp-micros */
    int64_t timestamp_nanos_ns;          /* timestamp-nanos */
    int64_t local_timestamp_millis_ms;   /* local-timestamp-millis */
    int64_t local_timestamp_micros_us;   /* local-timestamp-micros */
    int64_t local_timestamp_nanos_ns;    /* local-timestamp-nanos */
    int64_t small_e4;                    /* decimal(18,4) */
    polka_bytes big_e4;                  /* decimal(19,4): two's complement, big-endian */
    int64_t fix_e2;                      /* decimal(18,2) */
    shop_big_fix bigfix_e2;              /* decimal(40,2): two's complement, big-endian */
    polka_duration span;
    polka_text wrong;
    polka_long_array times_ms;           /* timestamp-millis */
    const int32_t *maybe_days;           /* date, days since 1970-01-01; null: NULL */
    int64_t sent_ms;                     /* timestamp-millis */
    shop_u_u u;
} shop_u;
POLKA_EVENT(shop_u)

#ifdef __cplusplus
}
#endif
#endif
