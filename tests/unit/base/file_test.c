/* file_test.c: files that are whole or not there. */
#include <base/arena.h>
#include <base/file.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static polka_arena arena;
static polka_text text;
static char folder[200], path[300];

static void start(void)
{
    polkai_arena_init(&arena, NULL, 0);
    snprintf(folder, sizeof folder, "%s/polka-file-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a/b/file", folder);
}

static void stop(void)
{
    char command[300];
    polkai_arena_deinit(&arena);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

Test(file, is_made_with_its_folders_and_read_again, .init = start, .fini = stop)
{
    cr_assert_not(polkai_file_read(path, 100, &arena, &text));
    cr_assert_eq(errno, ENOENT);
    cr_assert(polkai_file_create(path, POLKA_TEXT("hello"), false));
    cr_assert(polkai_file_read(path, 5, &arena, &text));
    cr_assert_str_eq(text.data, "hello");
    cr_assert_not(polkai_file_read(path, 4, &arena, &text));
    cr_assert_eq(errno, EFBIG);
    cr_assert_not(polkai_file_read(folder, 100, &arena, &text), "a folder is no file");
}

Test(file, is_not_replaced_unless_asked_for, .init = start, .fini = stop)
{
    cr_assert(polkai_file_create(path, POLKA_TEXT("first"), false));
    cr_assert_not(polkai_file_create(path, POLKA_TEXT("second"), false));
    cr_assert_eq(errno, EEXIST);
    cr_assert(polkai_file_read(path, 100, &arena, &text));
    cr_assert_str_eq(text.data, "first");
    cr_assert(polkai_file_create(path, POLKA_TEXT("third"), true));
    cr_assert(polkai_file_read(path, 100, &arena, &text));
    cr_assert_str_eq(text.data, "third");
    unlink(path);
    snprintf(path, sizeof path, "%s/a/b", folder);
    cr_assert_eq(rmdir(path), 0, "nothing is left beside it");
}
