/*
 * ledger.h: what a schema registry knows: schemas by id, subjects with their versions, compatibility levels. Kept in one file,
 * which is written whole after every change.
 *
 * An id is made from the schema (CRC-64-AVRO of its whole text, folded to 31 bits; the next free one when another schema has
 * that), and never given to another: a project that starts over gives its schemas the same ids again.
 */
#ifndef POLKA_CLI_LEDGER_H
#define POLKA_CLI_LEDGER_H

#include <avro/compat.h>
#include <base/error.h>
#include <jansson.h>

typedef struct {
    char *path;                          /* of the file; NULL: in memory only */
    json_t *schemas;                     /* {"<id>": {"schema": text, "references": […], "guid": …}} */
    json_t *subjects;                    /* {name: {"level": … or absent, "versions": [{"version": 1, "id": 5, "deleted": false}]}}, versions ascending */
    const char *level;                   /* of subjects without their own */
} cli_ledger;

/*
 * cli_ledger_open reads `path` (NULL: none). What is not a ledger is put aside as <path>.broken, and *aside says so.
 * errors: FATAL "no-ledger" when it is there and cannot be read.
 */
polka_status cli_ledger_open(cli_ledger *ledger, const char *path, bool *aside, polka_error *error);
void cli_ledger_close(cli_ledger *ledger);
/* cli_ledger_save. errors: FATAL "cannot-write". */
polka_status cli_ledger_save(const cli_ledger *ledger, polka_error *error);

/* A schema as somebody handed it in, parsed; in memory of its own set. */
typedef struct {
    polkai_schema_set *set;
    const polkai_schema *schema;
    char *text;                          /* what is kept: written in one form, so that spaces are no difference */
    json_t *references;                  /* NULL: none; else what it was handed in with */
} cli_entry;
/*
 * cli_entry_read: references (NULL: none) name versions of subjects of this ledger. Free it also after a failure.
 * errors: POISON "bad-schema", "no-reference".
 */
polka_status cli_entry_read(cli_entry *entry, const cli_ledger *ledger, polka_text text, const json_t *references, polka_error *error);
void cli_entry_free(cli_entry *entry);

/* cli_ledger_id: the id of this schema; 0: it is not here. */
int64_t cli_ledger_id(const cli_ledger *ledger, const cli_entry *entry);
/* cli_ledger_schema: {"schema", "references", "guid"}; NULL: no such id, or no version has it any more. Borrowed. */
const json_t *cli_ledger_schema(const cli_ledger *ledger, int64_t id);

/* cli_ledger_subject: the subject's node; NULL: never registered. */
json_t *cli_ledger_subject(const cli_ledger *ledger, const char *name);
/* cli_ledger_version: by number, 0: the latest that is not deleted; `deleted`: also one that is. NULL: none. Borrowed. */
json_t *cli_ledger_version(const json_t *subject, int64_t version, bool deleted);
size_t cli_ledger_live(const json_t *subject);           /* how many versions are not deleted */
/* cli_ledger_find: the live version (or, with `deleted`, any) of this id; NULL: none. */
json_t *cli_ledger_find(const json_t *subject, int64_t id, bool deleted);
/* cli_ledger_referrer: calls `visit` for every live version that refers to this one. */
void cli_ledger_referrers(const cli_ledger *ledger, const char *subject, int64_t version, void (*visit)(void *user, int64_t id), void *user);

const char *cli_ledger_level(const cli_ledger *ledger, const json_t *subject);           /* in force; subject NULL: the ledger's */

/*
 * cli_ledger_check: whether `entry` may be the next version of `subject` (NULL: new). `only` 0: by the level; else against that
 * version. *words is new: one line a break, or NULL when there is none. errors: POISON when what is kept does not parse.
 */
polka_status cli_ledger_check(const cli_ledger *ledger, const json_t *subject, int64_t only, const cli_entry *entry, json_t **words, polka_error *error);

/*
 * cli_ledger_register: *id of the schema, in `subject` from now on, and saved.
 * errors: MISUSE "incompatible" with the first break; FATAL "cannot-write", and then nothing has changed.
 */
polka_status cli_ledger_register(cli_ledger *ledger, const char *subject, const cli_entry *entry, int64_t *id, polka_error *error);

#endif
