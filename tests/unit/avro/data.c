#include "data.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, FILE_BYTES = 1 << 16 };

static void path_of(char *path, const char *kind, const char *folder, const char *name)
{
    snprintf(path, PATH_BYTES, "%s/%s/%s/%s", POLKA_TEST_DATA, kind, folder, name);
}

bool data_has(const char *kind, const char *folder, const char *name)
{
    char path[PATH_BYTES];
    path_of(path, kind, folder, name);
    return access(path, R_OK) == 0;
}

char *data_text(const char *kind, const char *folder, const char *name, size_t *size)
{
    char path[PATH_BYTES];
    path_of(path, kind, folder, name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    char *text = calloc(1, FILE_BYTES);
    size_t got = fread(text, 1, FILE_BYTES - 1, file);
    cr_assert_lt(got, (size_t)FILE_BYTES - 1, "%s", path);
    fclose(file);
    if (size != NULL)
        *size = got;
    return text;
}

size_t data_each(const char *kind, void (*check)(const char *folder))
{
    char path[PATH_BYTES];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/%s", POLKA_TEST_DATA, kind);
    DIR *folder = opendir(path);
    cr_assert_not_null(folder, "%s", path);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') {
            check(entry->d_name);
            count++;
        }
    closedir(folder);
    return count;
}
