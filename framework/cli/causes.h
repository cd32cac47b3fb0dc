/* causes.h: of which type the event with an id was, for the newest ids that were read: bounded, the oldest goes first. */
#ifndef POLKA_CLI_CAUSES_H
#define POLKA_CLI_CAUSES_H

#include <base/text.h>

typedef struct { uint64_t high, low; } cli_cause_id;     /* 128 bits of a text; two texts with the same would be taken for one */
cli_cause_id cli_cause_id_of(polka_text id);

typedef struct { cli_cause_id id; size_t event; uint32_t next; } cli_cause;

/* Zero-initialise; `most` may be set before the first. */
typedef struct {
    size_t most;                         /* so many are kept; 0: a million (48 MB) */
    size_t count, capacity, oldest;      /* oldest: where the next goes when `most` are there */
    cli_cause *items;
    uint32_t *buckets;                   /* capacity of them: 1 + the first item; 0: none */
    uint64_t forgotten;
} cli_causes;

void cli_causes_put(cli_causes *causes, cli_cause_id id, size_t event);
bool cli_causes_find(const cli_causes *causes, cli_cause_id id, size_t *event);
void cli_causes_free(cli_causes *causes);

#endif
