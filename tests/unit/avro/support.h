/* support.h: what the tests of this room share. */
#ifndef POLKA_TEST_AVRO_SUPPORT_H
#define POLKA_TEST_AVRO_SUPPORT_H

#include <avro/canonical.h>
#include <avro/json.h>
#include <avro/schema.h>
#include <avro/walk.h>
#include <base/arena.h>
#include <base/error.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* One schema in its own set, memory, and the last error. */
/* form: POLKAI_JSON_PLAIN at first. */
typedef struct { polkai_json_form form; polkai_schema_set *set; const polkai_schema *schema; polka_arena arena; polka_error error; } bench;

void bench_open(bench *b, const char *schema);       /* fails the test when it does not parse */
void bench_close(bench *b);

/* Encodes JSON text; the bytes as hex, or "!" and the error's message. Memory of the bench. */
const char *encoded(bench *b, const char *json);
/* Decodes hex to compact JSON text, or "!" and the message. */
const char *decoded(bench *b, const char *hex);
/* JSON to bytes to JSON. */
const char *there_and_back(bench *b, const char *json);
/* Walks hex; "" or the message. */
const char *walked(bench *b, const char *hex);

polka_bytes from_hex(polka_arena *arena, const char *hex);
const char *json_text(polka_arena *arena, const json_t *value);

#define eq_text(A, B) cr_assert_str_eq((A), (B), "expected: %s\n     got: %s", (B), (A))

#endif
