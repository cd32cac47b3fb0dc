/*
 * folder.h: what a folder of schemas declares for all of them, in its file schemas.yaml:
 *
 *   compatibility: BACKWARD_TRANSITIVE
 *
 * It holds for the folder and those below it that have none of their own, within the project (the folder of polka.yaml).
 */
#ifndef POLKA_AVRO_FOLDER_H
#define POLKA_AVRO_FOLDER_H

#include <avro/compat.h>

/*
 * polkai_folder_level: the level that versions of the schema in the file `path` have to keep; FULL_TRANSITIVE when no folder
 * says another. *declared_by is the file that does, memory of `arena`; NULL: none.
 * errors: MISUSE "FILE:LINE:COLUMN: what", with the nearest name for an unknown member or level.
 */
polka_status polkai_folder_level(const char *path, polka_arena *arena, polkai_compat_level *level, const char **declared_by, polka_error *error);

#endif
