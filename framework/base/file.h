/* file.h: small files that several processes share: whole or not there. */
#ifndef POLKA_BASE_FILE_H
#define POLKA_BASE_FILE_H

#include <polka/codec.h>

/* polkai_file_read: the whole file, NUL-terminated, in memory of arena. false and errno: not there, not readable, larger than `limit` (EFBIG). */
bool polkai_file_read(const char *path, size_t limit, polka_arena *arena, polka_text *text);

/*
 * polkai_file_create writes `path` beside and then names it, with the folders that are missing; false and errno when it cannot.
 * EEXIST: another was there first, and `replace` was not asked for.
 */
bool polkai_file_create(const char *path, polka_text text, bool replace);

bool polkai_file_folders(const char *path);              /* makes those above it; false and errno when it cannot */
bool polkai_file_write(int descriptor, polka_text text); /* all of it; false and errno when it cannot */

/*
 * polkai_file_home: the folder `configured`; when it is NULL or empty $XDG_CACHE_HOME/polka/<name>, else $HOME/.cache/polka/<name>, else
 * /var/cache/polka/<name>. Memory of arena.
 */
const char *polkai_file_home(const char *configured, const char *name, polka_arena *arena);

#endif
