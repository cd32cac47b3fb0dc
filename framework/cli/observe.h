/* observe.h: who says and hears what, as the records of the event topics tell it: by ce_source, ce_type and ce_causationid. */
#ifndef POLKA_CLI_OBSERVE_H
#define POLKA_CLI_OBSERVE_H

#include <choreography/names.h>
#include <cli/causes.h>
#include <cli/collect.h>
#include <cli/gather.h>

/* A service says an event, or hears one: something it said, or a dead letter of its group, was caused by it. */
typedef struct {
    size_t service, event;               /* numbers of names */
    bool says;
    uint64_t count;
    int64_t last_ms;
    size_t next;                         /* 1 + the next one about this event; 0: there is none */
} cli_seen;

typedef struct {
    polka_arena arena;
    polkai_names services, events;
    struct { const char *topic; size_t first; } *of;     /* by event: where it was seen, a text of `places`; 1 + what was seen of it first, 0: nothing */
    polkai_names places;
    size_t seen_count, seen_capacity, of_capacity, late_count, late_capacity;
    cli_seen *seen;
    cli_causes causes;                   /* number of the event by its id */
    struct { cli_cause_id id; size_t service; int64_t time_ms; } *late;          /* effects that were read before their cause: as many as causes at most */
    uint64_t unknown;                    /* effects of which the cause was not found; what they hear is not told */
} cli_observed;

/* cli_observed_read: all records since then (wall clock; -1: from the start). Zero-initialise. errors: as cli_gather_pass. */
polka_status cli_observed_read(cli_observed *observed, const cli_gathering *gathering, int64_t since_ms, polka_error *error);
/* The same by hand: begin, take each record in any order (a visit of gather.h), settle. */
void cli_observed_begin(cli_observed *observed);
void cli_observed_take(void *observed, polkai_record *record, const polkai_envelope *envelope);
void cli_observed_settle(cli_observed *observed);
void cli_observed_free(cli_observed *observed);

/* cli_observed_find: NULL: never seen. */
const cli_seen *cli_observed_find(const cli_observed *observed, bool says, const char *service, const char *event);
/* cli_observed_manifests: what was seen as manifests, one a service, so that it can be drawn as what is declared is. errors: none that is met. */
polka_status cli_observed_manifests(const cli_observed *observed, cli_manifests *manifests, polka_error *error);

#endif
