/* file.c: a name of its own beside, then link(2), which is refused when the name is taken, or rename(2), which is not. */
#include <base/arena.h>
#include <base/error.h>
#include <base/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

bool polkai_file_read(const char *path, size_t limit, polka_arena *arena, polka_text *text)
{
    struct stat about;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);      /* not to wait where somebody put a pipe */
    if (descriptor < 0)
        return false;
    bool good = fstat(descriptor, &about) == 0;
    if (good && (!S_ISREG(about.st_mode) || (uint64_t)about.st_size > limit)) {
        errno = EFBIG;
        good = false;
    }
    size_t size = good ? (size_t)about.st_size : 0, have = 0;
    char *data = good ? polkai_arena_zeroed(arena, size + 1, 1) : NULL;
    while (good && have < size) {
        ssize_t got = read(descriptor, data + have, size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    int why = errno;
    close(descriptor);
    errno = why;
    *text = (polka_text){ have, data };
    return good;
}

bool polkai_file_folders(const char *path)
{
    char folder[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *at = strchr(folder + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(folder, 0755) != 0 && errno != EEXIST)
            return false;
        *at = '/';
    }
    return true;
}

bool polkai_file_write(int descriptor, polka_text text)
{
    while (text.size > 0) {
        ssize_t written = write(descriptor, text.data, text.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text.data += written;
        text.size -= (size_t)written;
    }
    return true;
}

static bool give_name(const char *fresh, const char *path, bool replace)
{
    if (replace)
        return rename(fresh, path) == 0;
    if (link(fresh, path) == 0)
        return unlink(fresh) == 0;
    /* a file system without hard links */
    return errno != EEXIST && (errno == EPERM || errno == ENOSYS || errno == EOPNOTSUPP) && rename(fresh, path) == 0;
}

bool polkai_file_create(const char *path, polka_text text, bool replace)
{
    static atomic_uint serial;
    char fresh[PATH_BYTES];
    int size = snprintf(fresh, sizeof fresh, "%s.%d.%u.new", path, (int)getpid(), atomic_fetch_add(&serial, 1));
    if (size < 0 || size >= (int)sizeof fresh) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (!polkai_file_folders(path))
        return false;
    unlink(fresh);                                       /* of a process that had this number and was killed */
    int descriptor = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor < 0)
        return false;
    bool good = polkai_file_write(descriptor, text);
    good = close(descriptor) == 0 && good && give_name(fresh, path, replace);
    int why = errno;
    if (!good)
        unlink(fresh);
    errno = why;
    return good;
}

static const char *below(const char *variable, const char *rest, const char *name, polka_arena *arena)
{
    const char *folder = getenv(variable);
    return folder != NULL && folder[0] == '/' ? polkai_arena_format(arena, "%s/%s/%s", folder, rest, name).data : NULL;        /* XDG: relative is invalid */
}

const char *polkai_file_home(const char *configured, const char *name, polka_arena *arena)
{
    if (configured != NULL && *configured != '\0')
        return polkai_arena_text(arena, configured, strlen(configured)).data;
    const char *folder = below("XDG_CACHE_HOME", "polka", name, arena);
    if (folder == NULL)
        folder = below("HOME", ".cache/polka", name, arena);
    return folder != NULL ? folder : polkai_arena_format(arena, "/var/cache/polka/%s", name).data;
}
