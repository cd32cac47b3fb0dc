#include "stub.h"

#include <base/arena.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int port;
static char folder[256];
static pid_t owner;

void stub_start(const char *const *arguments)
{
    static const char *argv[8] = { POLKA_STUB };
    int in[2], out[2];
    for (size_t i = 0; arguments != NULL && arguments[i] != NULL && i < 6; i++)
        argv[i + 1] = arguments[i];
    cr_assert_eq(pipe2(in, 0), 0);
    cr_assert_eq(pipe2(out, 0), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        for (int i = 3; i < 64; i++)
            close(i);
        execvp(argv[0], (char **)(uintptr_t)argv);
        _exit(127);
    }
    close(in[0]);                                        /* in[1] stays open: its end ends the server */
    close(out[1]);
    FILE *from = fdopen(out[0], "r");
    cr_assert_eq(fscanf(from, "%d", &port), 1, "the server does not start: %s", POLKA_STUB);
    fclose(from);
}

const char *stub_url(const char *behaviour)
{
    static char urls[8][256];
    static unsigned next;
    char *url = urls[next++ % 8];
    snprintf(url, sizeof urls[0], "http://127.0.0.1:%d/%s", port, behaviour);
    return url;
}

unsigned stub_count(void)
{
    polka_error error = { 0 };
    polka_text text;
    polka_arena arena;
    polkai_registry *registry;
    polkai_arena_init(&arena, NULL, 0);
    cr_assert_eq(polkai_registry_open(&registry, &(polkai_registry_options){ .urls = stub_url("count") }, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(polkai_registry_fetch(registry, &(polkai_schema_id){ 0 }, &arena, &text, &error), POLKA_OK, "%s", error.message);
    unsigned count = (unsigned)strtoul(text.data, NULL, 10);
    polkai_registry_close(registry);
    polkai_arena_deinit(&arena);
    return count;
}

static void remove_folder(void)
{
    char command[600];
    snprintf(command, sizeof command, "chmod -R u+w '%s'; rm -rf '%s'", folder, folder);
    if (getpid() == owner && system(command) != 0)
        fprintf(stderr, "%s stays\n", folder);
}

const char *stub_folder(void)
{
    const char *below = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/polka-cache-XXXXXX", below != NULL ? below : "/tmp");
    cr_assert_not_null(mkdtemp(folder));
    owner = getpid();
    atexit(remove_folder);
    return folder;
}
