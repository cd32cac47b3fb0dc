/*
 * older.h: the decoder of an earlier version: one run of it, shared by older.c (what is read), older_pass.c (what nobody takes
 * any more) and older_default.c (what was not written).
 *
 * A function each for a pair of a writer's and a reader's type, for a writer's type that is passed, for a default that is more
 * than a constant. Calls ask for a function by gen_job, and its body is written when its turn comes.
 */
#ifndef POLKA_CODEGEN_OLDER_H
#define POLKA_CODEGEN_OLDER_H

#include "gen.h"

typedef enum { JOB_READ = 1, JOB_PASS, JOB_DEFAULT } job_kind;
typedef struct {
    job_kind kind;
    const polkai_schema *writer;         /* of READ, PASS */
    const polkai_schema *reader;         /* of READ, DEFAULT */
    const shape *shape;                  /* of the reader */
    polka_bytes bytes;                   /* of DEFAULT */
    const char *name;                    /* in C */
} job;

typedef struct {
    gen *g;
    const named *event;
    unsigned version;
    out body;
    LIST(job) jobs;
    bool refused;                        /* there will be no decoder */
} older_decoder;

#define CALL(G, ...) polkai_arena_format(&(G)->arena, __VA_ARGS__).data
const char *gen_job(older_decoder *d, job wanted);                       /* the name of the function that does it */

/* gen_pass_call: an expression that passes a value of the writer and gives the place behind it; "at" when it takes no bytes. */
const char *gen_pass_call(older_decoder *d, const polkai_schema *writer);
void gen_write_pass(older_decoder *d, const polkai_schema *writer);      /* the body of a JOB_PASS */
bool gen_is_recursive(const polkai_schema *record);                      /* it can contain itself */

void gen_write_default(older_decoder *d, const member *m);               /* a statement of a record's function */
void gen_write_default_bytes(older_decoder *d, const job *at);           /* the body of a JOB_DEFAULT */

#endif
