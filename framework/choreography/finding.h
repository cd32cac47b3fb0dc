/* finding.h: what `polka check` finds (design 5.2): a table of codes, and a list of findings. */
#ifndef POLKA_CHOREOGRAPHY_FINDING_H
#define POLKA_CHOREOGRAPHY_FINDING_H

#include <choreography/names.h>

/* In the order in which findings are shown: what hides others comes first. */
typedef enum {
    POLKAI_BAD_MANIFEST, POLKAI_BAD_NAME, POLKAI_DUPLICATE_SERVICE, POLKAI_TWO_OWNERS, POLKAI_TOPIC_MISMATCH, POLKAI_KEY_MISMATCH,
    POLKAI_INCOMPATIBLE_PAIR, POLKAI_UNFED_REACTION, POLKAI_CYCLE, POLKAI_FLOW_GAP, POLKAI_FLOW_UNREACHABLE, POLKAI_UNHEARD_EVENT
} polkai_code;
enum { POLKAI_CODE_COUNT = POLKAI_UNHEARD_EVENT + 1 };

typedef struct {
    const char *name;                    /* "unheard-event"; stable, for machines */
    bool warning;                        /* else an error */
    const char *meaning;                 /* a sentence */
} polkai_code_row;
extern const polkai_code_row polkai_codes[POLKAI_CODE_COUNT];

typedef struct {
    polkai_code code;
    const char *service, *event;         /* NULL: of none */
    const char *origin;                  /* the manifest or flow file to look at; NULL: none */
    unsigned line, column;               /* in a flow file; 0: in no line */
    const char *message, *fix;           /* sentences */
    size_t more;                         /* so many others of the code about the event are not listed; of the last that is */
} polkai_finding;

enum { POLKAI_FINDINGS_LISTED = 32 };    /* of a code about one event, or of none about one service: who is told of a hundred more knows no more */

/* Of one code: what was found about each event. */
typedef struct {
    polkai_names about;
    size_t capacity;
    struct { size_t count, last; } *found;               /* by the number in `about`; last: place + 1 in items */
} polkai_findings_of;

/* Zero-initialise all but `arena`, which owns the items; the texts are of it or outlive it. */
typedef struct {
    polka_arena *arena;
    size_t count, capacity;              /* of those that are listed */
    size_t error_count, warning_count;   /* after settling; of all */
    polkai_finding *items;
    polkai_findings_of codes[POLKAI_CODE_COUNT];
} polkai_findings;

/* polkai_findings_full: are enough of a code listed about an event? Then one more has been counted, and needs no words. */
bool polkai_findings_full(polkai_findings *findings, polkai_code code, const char *service, const char *event);
/* polkai_findings_add drops what is said twice. */
void polkai_findings_add(polkai_findings *findings, polkai_finding finding);
/* polkai_findings_settle sorts by code, event, service and message, and counts. */
void polkai_findings_settle(polkai_findings *findings);

#endif
