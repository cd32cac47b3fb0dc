/*
 * path.h: where in a document something stands, as a chain of frames towards the root.
 *
 * A frame costs nothing until an error is written; only then the chain becomes text.
 */
#ifndef POLKA_AVRO_PATH_H
#define POLKA_AVRO_PATH_H

#include <polka/polka.h>

typedef enum { POLKAI_PATH_MEMBER = 1, POLKAI_PATH_ITEM, POLKAI_PATH_KEY } polkai_path_kind;
typedef struct polkai_path polkai_path;
struct polkai_path {
    const polkai_path *up;               /* NULL: the root is next */
    polkai_path_kind kind;
    polka_text name;                     /* of a member (".name") or a key (["name"]) */
    size_t index;                        /* of an item ("[2]") */
};

/*
 * polkai_path_write: `root`, then the frames from the root to `path` (NULL: only the root). An empty root drops the
 * first dot: "lines[2].quantity". A path that does not fit keeps its end, behind "...".
 */
void polkai_path_write(char *out, size_t capacity, const char *root, const polkai_path *path);

#endif
