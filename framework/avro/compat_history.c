/* compat_history.c: levels of compatibility, and a history of versions held against one. */
#include <avro/compat.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <strings.h>

static const struct { const char *name; bool reads_old, old_reads, all; } levels[] = {
    [POLKAI_COMPAT_NONE] = { "NONE", false, false, false },
    [POLKAI_COMPAT_BACKWARD] = { "BACKWARD", true, false, false },
    [POLKAI_COMPAT_BACKWARD_TRANSITIVE] = { "BACKWARD_TRANSITIVE", true, false, true },
    [POLKAI_COMPAT_FORWARD] = { "FORWARD", false, true, false },
    [POLKAI_COMPAT_FORWARD_TRANSITIVE] = { "FORWARD_TRANSITIVE", false, true, true },
    [POLKAI_COMPAT_FULL] = { "FULL", true, true, false },
    [POLKAI_COMPAT_FULL_TRANSITIVE] = { "FULL_TRANSITIVE", true, true, true },
};
enum { LEVELS = sizeof levels / sizeof *levels };

const char *polkai_compat_level_name(polkai_compat_level level)
{
    return (size_t)level - 1 < LEVELS - 1 ? levels[level].name : "unknown";
}

polka_status polkai_compat_level_parse(polka_text name, polkai_compat_level *level, polka_error *error)
{
    const char *names[LEVELS - 1];
    char shown[80];
    for (size_t i = 1; i < LEVELS; i++) {
        names[i - 1] = levels[i].name;
        if (strlen(levels[i].name) == name.size && strncasecmp(levels[i].name, name.data, name.size) == 0) {
            *level = (polkai_compat_level)i;
            return POLKA_OK;
        }
    }
    polkai_text_escape(shown, sizeof shown, name.data, name.size, 64);
    const char *near = polkai_nearest(shown, names, LEVELS - 1);
    if (near != NULL)
        return polkai_fail(error, POLKA_MISUSE, "bad-level", "'%s' is no level of compatibility; did you mean %s?", shown, near);
    return polkai_fail(error, POLKA_MISUSE, "bad-level", "'%s' is no level of compatibility: NONE, BACKWARD, FORWARD or FULL, and each but NONE with _TRANSITIVE", shown);
}

static void hold(polkai_history *history, polkai_history_pair *pairs, const polkai_schema *const *versions, size_t writer, size_t reader, polka_arena *arena)
{
    polkai_breaks breaks = polkai_compat_check(versions[writer], versions[reader], arena);
    if (breaks.count > 0)
        pairs[history->count++] = (polkai_history_pair){ .writer = writer + 1, .reader = reader + 1, .breaks = breaks };
}

polkai_history polkai_compat_history(polkai_compat_level level, const polkai_schema *const *versions, size_t count, polka_arena *arena)
{
    polkai_history history = { 0 };
    for (size_t i = 1; i < count && history.first_broken == 0; i++) {
        polkai_history_pair *pairs = polkai_arena_zeroed(arena, 2 * i, sizeof *pairs);
        for (size_t before = i; before-- > (levels[level].all ? 0 : i - 1);) {
            if (levels[level].reads_old)
                hold(&history, pairs, versions, before, i, arena);
            if (levels[level].old_reads)
                hold(&history, pairs, versions, i, before, arena);
        }
        history.pairs = pairs;
        history.first_broken = history.count > 0 ? i + 1 : 0;
    }
    return history;
}
