/* running.c: a lock by flock(2), so that a crash leaves nothing behind that needs cleaning; dev.json by rename(2). */
#include <cli/running.h>

#include <base/arena.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *path_of(const cli_project *project, const char *name) { return cli_format("%s/.polka/%s", project->root, name); }

static bool alive(int pid) { return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM); }

cli_running cli_running_read(const cli_project *project)
{
    cli_running running = { 0 };
    char *path AUTO(cli_free_text) = path_of(project, "dev.json");
    json_t *about = json_load_file(path, 0, NULL);
    const char *brokers = json_string_value(json_object_get(about, "brokers"));
    running.pid = (int)json_integer_value(json_object_get(about, "pid"));
    running.embedded = json_is_true(json_object_get(about, "embedded"));
    const char *registry = json_string_value(json_object_get(about, "registry"));
    if (brokers != NULL && alive(running.pid)) {
        running.brokers = polkai_strdup(brokers);
        running.registry = registry != NULL ? polkai_strdup(registry) : NULL;
    } else {
        running.stale = about != NULL;
    }
    json_decref(about);
    return running;
}

void cli_running_free(cli_running *running)
{
    free(running->brokers);
    free(running->registry);
    *running = (cli_running){ 0 };
}

static polka_status cannot_write(const char *path, polka_error *error)
{
    return polkai_fail(error, POLKA_FATAL, "cannot-write", "cannot write %s: %s%s", path, strerror(errno),
                       errno == ENOSPC ? "; make room on that disk" : errno == EACCES || errno == EROFS ? "; the folder must be writable" : "");
}

static polka_status write_whole(int descriptor, const char *path, const char *text, polka_error *error)
{
    size_t size = strlen(text);
    while (size > 0) {
        ssize_t written = write(descriptor, text, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return cannot_write(path, error);
        text += written;
        size -= (size_t)written;
    }
    return POLKA_OK;
}

polka_status cli_running_lock(const cli_project *project, int *descriptor, polka_error *error)
{
    char *folder AUTO(cli_free_text) = cli_format("%s/.polka", project->root), *path AUTO(cli_free_text) = path_of(project, "dev.lock");
    char text[32] = "";
    if (mkdir(folder, 0755) != 0 && errno != EEXIST)
        return cannot_write(folder, error);
    *descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*descriptor < 0)
        return cannot_write(path, error);
    if (flock(*descriptor, LOCK_EX | LOCK_NB) != 0) {
        ssize_t size = pread(*descriptor, text, sizeof text - 1, 0);
        close(*descriptor);
        *descriptor = -1;
        return polkai_fail(error, POLKA_FATAL, "already-running", "`polka dev` runs already in %s, as process %d; use that one, or end it: kill %d",
                           project->root, size > 0 ? atoi(text) : 0, size > 0 ? atoi(text) : 0);
    }
    snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(*descriptor, 0) != 0)
        return cannot_write(path, error);
    TRY(write_whole(*descriptor, path, text, error));
    cli_running_remove(project);         /* of one that crashed */
    return POLKA_OK;
}

polka_status cli_running_write(const cli_project *project, json_t *about, polka_error *error)
{
    char *path AUTO(cli_free_text) = path_of(project, "dev.json"), *fresh AUTO(cli_free_text) = path_of(project, "dev.json.new");
    char *text = json_dumps(about, JSON_COMPACT), *line = cli_format("%s\n", text);
    json_decref(about);
    free(text);
    int descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    polka_status status = descriptor < 0 ? cannot_write(fresh, error) : write_whole(descriptor, fresh, line, error);
    free(line);
    if (descriptor >= 0 && close(descriptor) != 0 && status == POLKA_OK)
        status = cannot_write(fresh, error);
    if (status == POLKA_OK && rename(fresh, path) != 0)
        status = cannot_write(path, error);
    if (status != POLKA_OK)
        unlink(fresh);
    return status;
}

void cli_running_remove(const cli_project *project)
{
    char *path AUTO(cli_free_text) = path_of(project, "dev.json");
    unlink(path);
}
