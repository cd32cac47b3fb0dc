/* oracle.h: avro-c as a judge of our bytes. Its headers clash with ours, so nothing of ours is included here. */
#ifndef POLKA_TEST_AVRO_ORACLE_H
#define POLKA_TEST_AVRO_ORACLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/*
 * oracle_encode: what avro-c writes for `value`: every union that is not null tagged, bytes and fixed as base64, no
 * logical types. *bytes is new. returns NULL, or what it complained about.
 */
const char *oracle_encode(const char *schema, const json_t *value, uint8_t **bytes, size_t *size);

/* oracle_decode: avro-c reads `bytes`, and must use all of them. Only for bytes that the walk has passed. */
const char *oracle_decode(const char *schema, const uint8_t *bytes, size_t size);

/* oracle_json: what avro-c shows in Avro's JSON encoding. new. NULL: it cannot. Only for bytes that the walk has passed. */
json_t *oracle_json(const char *schema, const uint8_t *bytes, size_t size);

#endif
