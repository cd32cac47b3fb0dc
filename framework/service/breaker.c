/*
 * breaker.c: lines are appended by one write each, by whoever ends; several processes share the file. It is read when partitions are
 * assigned, so that one that takes over from a dead member knows what that died of, and is made smaller then, under a lock.
 */
#include <base/arena.h>
#include <base/error.h>
#include <base/file.h>
#include <service/breaker.h>
#include <service/fault.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES = 1 << 20, WORTH_A_LOOK = 65536 };

typedef struct known { struct known *next; polkai_ends *ends; } known;

struct polkai_breaker {
    const polkai_log *log;
    char *path;
    int descriptor;                      /* -1: there is no file */
    unsigned attempts;
    known *all;                          /* what was handed out: lanes may read the one before */
    polkai_fault_lines lines;
    bool complained;
};

static void complain(polkai_breaker *breaker, const char *what)
{
    if (!breaker->complained)
        LOG_WARN(breaker->log, "breaker: %s %s: %s; an event that ends the process again and again is not noticed (breaker.folder)", what, breaker->path,
                 strerror(errno));
    breaker->complained = true;
}

/* A group's name may be any text: what could lead to the file of another group is written as %2F. */
static const char *file_name(const char *group, polka_arena *arena)
{
    static const char hex[] = "0123456789ABCDEF";
    char *name = polkai_arena_zeroed(arena, 3 * strlen(group) + 1, 1), *to = name;
    for (const char *at = group; *at != '\0'; at++) {
        bool plain = *at != '/' && *at != '%' && (unsigned char)*at > ' ';
        *to++ = plain ? *at : '%';
        if (plain)
            continue;
        *to++ = hex[(unsigned char)*at >> 4];
        *to++ = hex[*at & 15];
    }
    return name;
}

polkai_breaker *polkai_breaker_open(const char *folder, const char *group, unsigned attempts, const polkai_log *log)
{
    polkai_breaker *made = polkai_alloc(sizeof *made);
    struct stat about;
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    *made = (polkai_breaker){ .log = log, .attempts = attempts, .descriptor = -1 };
    made->path = polkai_strdup(polkai_arena_format(&arena, "%s/%s.ends", polkai_file_home(folder, "breaker", &arena), file_name(group, &arena)).data);
    if (polkai_file_folders(made->path))
        made->descriptor = open(made->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
    if (made->descriptor >= 0 && (fstat(made->descriptor, &about) != 0 || !S_ISREG(about.st_mode))) {
        close(made->descriptor);
        made->descriptor = -1;
        errno = EINVAL;
    }
    if (made->descriptor < 0)
        complain(made, "cannot open");
    polkai_fault_lines_init(&made->lines, made->descriptor, log);
    polkai_faults_take();
    return made;
}

void polkai_breaker_close(polkai_breaker *breaker)
{
    if (breaker == NULL)
        return;
    polkai_faults_give_back();
    while (breaker->all != NULL) {
        known *next = breaker->all->next;
        polkai_ends_destroy(breaker->all->ends);
        free(breaker->all);
        breaker->all = next;
    }
    if (breaker->descriptor >= 0)
        close(breaker->descriptor);
    free(breaker->path);
    free(breaker);
}

/* ---- for the flow ---- */

static void enter(void *user, const polkai_running *running)
{
    const polkai_breaker *breaker = user;
    polkai_fault_enter(running, &breaker->lines);
}

static void leave(void *user)
{
    (void)user;
    polkai_fault_leave();
}

/* In place, so that those who have it open go on with it; what one of them appends meanwhile may be lost, which costs a count. */
static void shrink(polkai_breaker *breaker, const polkai_ends *ends)
{
    char *text;
    size_t size = polkai_ends_write(ends, &text);
    if (ftruncate(breaker->descriptor, 0) != 0 || !polkai_file_write(breaker->descriptor, (polka_text){ size, text }))
        complain(breaker, "cannot write");
    free(text);
}

static polkai_ends *read_file(polkai_breaker *breaker, const polkai_position *partitions, size_t count)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    polka_text text;
    polkai_arena_init(&arena, NULL, 0);
    bool locked = flock(breaker->descriptor, LOCK_EX | LOCK_NB) == 0;
    if (!polkai_file_read(breaker->path, FILE_BYTES, &arena, &text)) {
        complain(breaker, "cannot read");
        text.size = 0;
    }
    polkai_ends *ends = polkai_ends_read(text);
    size_t done = 0;
    for (size_t i = 0; i < count; i++)
        done += polkai_ends_forget(ends, partitions[i].topic, partitions[i].partition, partitions[i].offset);
    if (locked && (done > 0 || ends->spoilt > 0 || text.size > WORTH_A_LOOK))
        shrink(breaker, ends);
    if (locked)
        flock(breaker->descriptor, LOCK_UN);
    return ends;
}

static const polkai_ends *look(void *user, const polkai_position *partitions, size_t count)
{
    polkai_breaker *breaker = user;
    if (breaker->descriptor < 0)
        return NULL;
    polkai_ends *ends = read_file(breaker, partitions, count);
    if (ends->count == 0) {
        polkai_ends_destroy(ends);
        return NULL;
    }
    for (size_t i = 0; i < ends->count; i++)
        LOG_WARN(breaker->log, "breaker: %s ended the process %u times (last by %s)%s", ends->items[i].identity, ends->items[i].count, ends->items[i].how[0],
                 ends->items[i].count >= breaker->attempts ? "; it becomes a dead letter" : "");
    known *kept = polkai_alloc(sizeof *kept);
    *kept = (known){ breaker->all, ends };
    breaker->all = kept;
    return ends;
}

static void stuck(void *user, const polkai_ending_event *event)
{
    polkai_breaker *breaker = user;
    char text[POLKAI_END_LINE];
    size_t size = polkai_end_write(text, event, "deadline", polkai_clock_real.wall_ms(&polkai_clock_real));
    if (breaker->descriptor >= 0 && !polkai_file_write(breaker->descriptor, (polka_text){ size, text }))
        complain(breaker, "cannot write");
}

polkai_flow_breaker polkai_breaker_for_flow(polkai_breaker *breaker)
{
    if (breaker == NULL)
        return (polkai_flow_breaker){ .user = NULL };
    return (polkai_flow_breaker){ breaker, breaker->attempts, enter, leave, look, stuck };
}
