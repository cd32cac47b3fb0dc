/*
 * row.h: one record as people want to see it: its envelope, and its value decoded by the writer's schema.
 */
#ifndef POLKA_CLI_ROW_H
#define POLKA_CLI_ROW_H

#include <cli/catalog.h>
#include <cli/foreign.h>
#include <cli/reader.h>
#include <flow/envelope/envelope.h>

/* Decodes by the project's schemas, and by foreign ones when a value names those. */
typedef struct { cli_catalog *catalog; cli_foreign *foreign; } cli_decoder;

typedef struct {
    polkai_record *record;               /* borrowed */
    polkai_envelope envelope;
    json_t *value;                       /* NULL: a tombstone, or it could not be decoded */
    char reason[600];                    /* why not; "" otherwise */
} cli_row;

/* Which records are wanted. */
typedef struct {
    polka_text correlation_id;           /* or the id itself; data NULL: any */
    const cli_list *types, *whole;       /* wanted is an event of these types, or whatever lies on these topics; both empty: all */
} cli_row_filter;

/*
 * cli_row_read opens headers and envelope (texts live in `arena` and in the record) and decodes the value.
 * returns: false when `only` (NULL: all are wanted) leaves the record out; nothing is to be freed then.
 * Never an error: what cannot be read is said in `reason`. Free with cli_row_free.
 */
bool cli_row_read(cli_decoder *decoder, polkai_record *record, const cli_row_filter *only, polka_arena *arena, cli_row *row);
void cli_row_free(cli_row *row);

/* cli_row_json: {"topic","partition","offset","key","id","type","source","time","correlation_id","causation_id","headers","value"}; new. */
json_t *cli_row_json(const cli_row *row);

/* cli_value_of: the value that the event has in either mode of CloudEvents; data NULL: none. */
polka_bytes cli_value_of(const polkai_record *record, const polkai_envelope *envelope);
/* cli_value_frame: which schema it says it was written with, and its body. errors: as polkai_framing_read and _read_header. */
polka_status cli_value_frame(polka_bytes value, const polkai_envelope *envelope, polkai_schema_key *key, polka_bytes *body, polka_error *error);

/* cli_bytes_json: text when it is UTF-8, {"base64": …} otherwise, null when data is NULL; new. */
json_t *cli_bytes_json(polka_bytes bytes);

#endif
