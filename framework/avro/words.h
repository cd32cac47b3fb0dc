/* words.h: what a JSON value or a schema is called in an error message. */
#ifndef POLKA_AVRO_WORDS_H
#define POLKA_AVRO_WORDS_H

#include <avro/schema.h>

typedef struct { char text[80]; } polkai_words;

polkai_words polkai_words_json(const json_t *value);             /* string "x", number 5, an object, true, null */
polkai_words polkai_words_schema(const polkai_schema *schema);   /* "int", "enum shop.Currency", "timestamp-millis" */

#endif
