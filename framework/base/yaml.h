/*
 * yaml.h: a YAML file as a small tree that is only read: maps, lists, scalars, each with its line and column, so that
 * every complaint about a setting can point at it.
 *
 * One document a file. Refused, as they hide mistakes in configuration: a member twice, anchors and aliases, explicit
 * tags, NUL in a text, more than 1 MiB, 32 levels or 10,000 members of a map.
 */
#ifndef POLKA_BASE_YAML_H
#define POLKA_BASE_YAML_H

#include <polka/polka.h>

typedef enum { POLKAI_YAML_SCALAR = 1, POLKAI_YAML_LIST, POLKAI_YAML_MAP } polkai_yaml_kind;

typedef struct polkai_yaml polkai_yaml;
struct polkai_yaml {
    polkai_yaml_kind kind;
    unsigned line, column;               /* from 1 */
    const char *file;                    /* as it was given */
    polka_text text;                     /* of a scalar, NUL-terminated; data NULL: `~`, `null` or nothing, without quotes */
    bool quoted;                         /* "5" and '5' */
    const char *name;                    /* of a map's member; NULL otherwise */
    unsigned name_line, name_column;     /* where the name stands */
    size_t count;                        /* of a list's items, a map's members */
    const polkai_yaml *items;            /* in the order of the file */
};

typedef struct polkai_yaml_document polkai_yaml_document;

/*
 * polkai_yaml_read_file, _read_text: *document is new (polkai_yaml_destroy), and owns every node and text of the tree.
 * An empty file is an empty map. `file` of read_text stands in errors and is copied.
 * errors: MISUSE "bad-yaml", "FILE:LINE:COLUMN: what"; "no-file" when it cannot be opened or read.
 */
polka_status polkai_yaml_read_file(polkai_yaml_document **document, const char *path, polka_error *error);
polka_status polkai_yaml_read_text(polkai_yaml_document **document, polka_text text, const char *file, polka_error *error);
const polkai_yaml *polkai_yaml_root(const polkai_yaml_document *document);
void polkai_yaml_destroy(polkai_yaml_document *document);    /* NULL is fine */

/* polkai_yaml_member: the member `name` of a map; NULL when there is none, and when `map` is NULL or no map. */
const polkai_yaml *polkai_yaml_member(const polkai_yaml *map, const char *name);
/* polkai_yaml_item: the item of a list, the member of a map; NULL past the end, and when `node` is NULL. */
const polkai_yaml *polkai_yaml_item(const polkai_yaml *node, size_t index);
/* polkai_yaml_text: the text of a scalar that is not null; otherwise NULL. NUL-terminated. */
const char *polkai_yaml_text(const polkai_yaml *node);

const char *polkai_yaml_kind_name(polkai_yaml_kind kind);    /* "map" */

/* polkai_yaml_fail: MISUSE with "FILE:LINE:COLUMN: " before the message; `code` as in polkai_fail. */
polka_status polkai_yaml_fail(polka_error *error, const polkai_yaml *node, const char *code, const char *format, ...) POLKA_PRINTF(4, 5);
/* polkai_yaml_fail_name: the same at the member's name, not at its value. */
polka_status polkai_yaml_fail_name(polka_error *error, const polkai_yaml *member, const char *code, const char *format, ...) POLKA_PRINTF(4, 5);

#endif
