/* print.h: a schema written as JSON text again, whole or as the Parsing Canonical Form. */
#ifndef POLKA_AVRO_PRINT_H
#define POLKA_AVRO_PRINT_H

#include <avro/schema.h>

typedef enum { POLKAI_PRINT_WHOLE = 1, POLKAI_PRINT_CANONICAL } polkai_print_form;

/* polkai_schema_print: named types are written out at their first use, by full name after that. new: free() it. */
char *polkai_schema_print(const polkai_schema *schema, polkai_print_form form);

#endif
