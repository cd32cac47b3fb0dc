/*
 * wanted.h: schemas that values name and that are not here: since when, when to look again, and when that is enough. Pure:
 * time comes in as an argument. The owner guards it with a lock.
 *
 * Looking goes in rounds with growing numbers. That a schema is absent holds for whoever asked before that round began; who
 * asks later is owed another look, since the schema may have come with the value.
 */
#ifndef POLKA_FLOW_WANTED_H
#define POLKA_FLOW_WANTED_H

#include <flow/schema/framing.h>

typedef struct polkai_wanted polkai_wanted;
struct polkai_wanted {
    polkai_wanted *next;
    polkai_schema_key key;
    bool absent;                         /* looked for long enough, as of … */
    uint64_t round;                      /* … this one */
    int64_t due_ns;                      /* when to look (again) */
    int64_t missed_ns;                   /* since when it is known not to be where it should; 0: not known yet */
    unsigned looked;                     /* times in a row, for the back-off */
    char reason[200];                    /* why it is absent */
};

typedef struct { polkai_wanted *first; size_t count; } polkai_wanted_list;

/*
 * polkai_wanted_ask: by somebody who first asked during round `asked`. Is it absent, then that is returned; otherwise it is
 * looked for, and NULL. *fresh: nobody was looking for it.
 */
const polkai_wanted *polkai_wanted_ask(polkai_wanted_list *list, const polkai_schema_key *key, uint64_t asked, int64_t now_ns, bool *fresh);

polkai_wanted *polkai_wanted_find(const polkai_wanted_list *list, const polkai_schema_key *key);   /* NULL: nobody asks for it */
void polkai_wanted_found(polkai_wanted_list *list, const polkai_schema_key *key);                  /* it is here: forgotten */

/* What a look brought; again after delay_ns. */
void polkai_wanted_unreachable(polkai_wanted *wanted, int64_t now_ns, int64_t delay_ns);           /* nothing is known */
/* polkai_wanted_missed: it is not there. Returns true when it has been so for patience_ns: now it counts as absent. */
bool polkai_wanted_missed(polkai_wanted *wanted, uint64_t round, int64_t now_ns, int64_t delay_ns, int64_t patience_ns);
void polkai_wanted_absent(polkai_wanted *wanted, uint64_t round, const char *reason);              /* said by who must know */

int64_t polkai_wanted_due_ns(const polkai_wanted_list *list);                                      /* INT64_MAX: nothing */
void polkai_wanted_clear(polkai_wanted_list *list);

#endif
