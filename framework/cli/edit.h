/* edit.h: --set field=value on a JSON value, guided by the schema. */
#ifndef POLKA_CLI_EDIT_H
#define POLKA_CLI_EDIT_H

#include <avro/schema.h>

/*
 * cli_edit_set changes the member that `assignment` ("lines.0.quantity=5") names. Where the schema wants a text the value
 * is taken as it stands; elsewhere it is JSON, or a text when it is not. Objects on the way are made.
 * errors: MISUSE "bad-set" when there is no '=', or the path goes through a value or past an array's end.
 */
polka_status cli_edit_set(json_t *value, const polkai_schema *schema, const char *assignment, polka_error *error);

#endif
