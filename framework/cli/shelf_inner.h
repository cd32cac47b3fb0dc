/* shelf_inner.h: one request taken apart, and who answers it; for the files of the shelf. */
#ifndef POLKA_CLI_SHELF_INNER_H
#define POLKA_CLI_SHELF_INNER_H

#include <cli/shelf.h>

enum { PARTS_MAX = 8 };

typedef struct {
    cli_ledger *ledger;
    size_t part_count;
    char *parts[PARTS_MAX];              /* of the path, without their escapes */
    const char *first, *second;          /* what stands where the row has a star */
    const char *prefix;                  /* subjectPrefix */
    bool deleted, only_deleted, permanent, verbose, global;
    json_t *body;                        /* NULL: none */
} asked;

static inline int64_t number_of(const json_t *object, const char *name) { return json_integer_value(json_object_get(object, name)); }
static inline bool is_deleted(const json_t *version) { return json_is_true(json_object_get(version, "deleted")); }
static inline cli_reply good(json_t *json) { return (cli_reply){ 200, json }; }

/* A reply with JSON is a refusal; without, what was asked for is there. */
cli_reply cli_shelf_find_version(const asked *ask, json_t **subject, json_t **version);
cli_reply cli_shelf_read_entry(const asked *ask, cli_entry *entry);
void cli_shelf_add_schema(json_t *to, const json_t *schema);
cli_reply cli_shelf_schema_alone(const json_t *schema);
bool cli_shelf_wanted(const asked *ask, bool live);
cli_reply cli_shelf_save(const asked *ask, json_t *answer);

/* The rows of the table in shelf.c. */
cli_reply cli_shelf_get_subjects(asked *ask);
cli_reply cli_shelf_get_schemas(asked *ask);
cli_reply cli_shelf_get_versions(asked *ask);
cli_reply cli_shelf_get_version(asked *ask);
cli_reply cli_shelf_get_version_schema(asked *ask);
cli_reply cli_shelf_get_referrers(asked *ask);
cli_reply cli_shelf_post_version(asked *ask);
cli_reply cli_shelf_post_lookup(asked *ask);
cli_reply cli_shelf_delete_subject(asked *ask);
cli_reply cli_shelf_delete_version(asked *ask);
cli_reply cli_shelf_get_root(asked *ask);
cli_reply cli_shelf_get_types(asked *ask);
cli_reply cli_shelf_get_contexts(asked *ask);
cli_reply cli_shelf_get_mode(asked *ask);
cli_reply cli_shelf_put_mode(asked *ask);
cli_reply cli_shelf_get_by_id(asked *ask);
cli_reply cli_shelf_get_text_by_id(asked *ask);
cli_reply cli_shelf_get_by_guid(asked *ask);
cli_reply cli_shelf_get_subjects_of_id(asked *ask);
cli_reply cli_shelf_get_versions_of_id(asked *ask);
cli_reply cli_shelf_post_check(asked *ask);
cli_reply cli_shelf_post_check_all(asked *ask);
cli_reply cli_shelf_get_level(asked *ask);
cli_reply cli_shelf_put_level(asked *ask);
cli_reply cli_shelf_delete_level(asked *ask);

#endif
