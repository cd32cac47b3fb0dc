/* finding.h: what `polka check` finds (design 5.2): a table of codes, and a list of findings. */
#ifndef POLKA_CHOREOGRAPHY_FINDING_H
#define POLKA_CHOREOGRAPHY_FINDING_H

#include <polka/codec.h>

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
} polkai_finding;

/* Zero-initialise all but `arena`, which owns the items; the texts are of it or outlive it. */
typedef struct {
    polka_arena *arena;
    size_t count, capacity, error_count;
    polkai_finding *items;
} polkai_findings;

void polkai_findings_add(polkai_findings *findings, polkai_finding finding);
/* polkai_findings_settle sorts by code, event, service and message, and drops what is said twice. */
void polkai_findings_settle(polkai_findings *findings);
/* polkai_findings_has: is there an equal one? Of settled findings. */
bool polkai_findings_has(const polkai_findings *findings, const polkai_finding *finding);

#endif
