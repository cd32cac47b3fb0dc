/*
 * plan.h: turns the bytes that a writer's schema wrote into bytes of a reader's schema, so that whatever reads the reader's
 * schema (generated code, plain JSON) reads them as its own. Everything is decided when the plan is made.
 *
 * The rules are those of match.h. Types that do not go together fail only when a value of them comes, as in Java Avro: what
 * is written as ["int", "string"] reads as "int" as long as it is one. Logical types resolve as what they are made of.
 */
#ifndef POLKA_AVRO_PLAN_H
#define POLKA_AVRO_PLAN_H

#include <avro/schema.h>
#include <avro/walk.h>
#include <polka/wire_bytes.h>

enum { POLKAI_PLAN_DEFAULT_BYTES = POLKA_DEFAULT_BYTES_MAX }; /* as of generated readers */

/*
 * polkai_plan_create: *plan is new (polkai_plan_destroy). Both schemas are borrowed and outlive it; they may be of one set.
 * thread: a plan never changes; any number of threads may use it at once.
 * errors: POISON "bad-schema" when defaults of the reader grow beyond a million values, or the two schemas make more than a
 *         million steps.
 */
typedef struct polkai_plan polkai_plan;
polka_status polkai_plan_create(polkai_plan **plan, const polkai_schema *writer, const polkai_schema *reader, polka_error *error);
void polkai_plan_destroy(polkai_plan *plan);                 /* NULL is fine */

/* polkai_plan_is_identity: whatever is written reads as it is, with all checks of its reader: there is no need to resolve. */
bool polkai_plan_is_identity(const polkai_plan *plan);

/*
 * polkai_plan_resolve: *resolved is the reader's form of `body`: `body` itself when nothing changes, else memory of `arena`.
 * All of `body` is judged as by polkai_walk (limits NULL: the defaults), but for one thing: that texts which stay texts are
 * UTF-8 is left to who reads them; polkai_walk names the place in `body` when they refuse.
 * cost:   linear in `body` and what defaults add; no heap, no recursion.
 * errors: POISON: "bad-bytes" as of polkai_walk; "schema-mismatch" when the reader cannot take a value that was written.
 *         Both with reason, byte offset in `body`, and field path in the writer's schema.
 */
polka_status polkai_plan_resolve(const polkai_plan *plan, polka_bytes body, const polkai_walk_limits *limits, polka_arena *arena,
                                 polka_bytes *resolved, polka_error *error);

#endif
