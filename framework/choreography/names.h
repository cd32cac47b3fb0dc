/* names.h: texts as numbers: each text once, numbered from 0 in the order of its first coming. */
#ifndef POLKA_CHOREOGRAPHY_NAMES_H
#define POLKA_CHOREOGRAPHY_NAMES_H

#include <polka/codec.h>

enum { POLKAI_NO_NAME = -1 };

/* Zero-initialise all but `arena`, which owns the copies and the tables. */
typedef struct {
    polka_arena *arena;
    size_t count, capacity, slot_count;
    const char **items;                  /* by number, NUL-terminated */
    uint32_t *slots;                     /* number + 1; 0: free */
} polkai_names;

size_t polkai_names_add(polkai_names *names, const char *text);          /* its number; copied when it is new */
ptrdiff_t polkai_names_find(const polkai_names *names, const char *text);/* POLKAI_NO_NAME: not there */
/* polkai_names_same: the one copy of `text`, so that equal texts are equal pointers; NULL stays NULL. */
const char *polkai_names_same(polkai_names *names, const char *text);
/* polkai_names_distinct adds `name`, or where it is taken "name-2", "name-3" … with what is `between`; returns what was added. */
const char *polkai_names_distinct(polkai_names *names, const char *name, char between);

#endif
