/* events.h: made by polka_avro_generate; changes go into the schemas. */
#ifndef POLKA_GENERATED_EVENTS_H
#define POLKA_GENERATED_EVENTS_H

#include <polka/codec.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct shop_tree shop_tree;
typedef struct shop_branch shop_branch;
typedef struct { size_t count; const shop_tree *items; } shop_tree_array;
typedef struct shop_tree_entry shop_tree_entry;
typedef struct { size_t count; const shop_tree_entry *items; } shop_tree_map;

typedef enum {
    SHOP_TREE_EITHER_STRING = 1,
    SHOP_TREE_EITHER_TREE = 2,
    SHOP_TREE_EITHER_ARRAY = 3
} shop_tree_either_tag;
typedef struct {
    shop_tree_either_tag tag;
    union {
        polka_text string;
        const shop_tree *tree;
        shop_tree_array array;
    } as;
} shop_tree_either;
typedef struct shop_branch_entry shop_branch_entry;
typedef struct { size_t count; const shop_branch_entry *items; } shop_branch_map;

typedef enum {
    SHOP_BRANCH_U_INT = 1,
    SHOP_BRANCH_U_TREE = 2,
    SHOP_BRANCH_U_BRANCH = 3
} shop_branch_u_tag;
typedef struct {
    shop_branch_u_tag tag;
    union {
        int32_t int_;
        const shop_tree *tree;
        const shop_branch *branch;
    } as;
} shop_branch_u;

struct shop_branch {
    const shop_tree *back;               /* null: NULL */
    shop_branch_map forest;
    shop_branch_u u;
};

struct shop_tree {
    const shop_tree *next;               /* null: NULL */
    shop_tree_array all;
    shop_tree_map by_name;
    shop_tree_either either;
    const shop_branch *other;            /* null: NULL */
};
POLKA_EVENT(shop_tree)

struct shop_tree_entry { polka_text key; shop_tree value; };
POLKA_MAP_GET(shop_tree, shop_tree)

struct shop_branch_entry { polka_text key; shop_branch value; };
POLKA_MAP_GET(shop_branch, shop_branch)

#ifdef __cplusplus
}
#endif
#endif
