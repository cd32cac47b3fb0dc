/* project.c: reads polka.yaml; every complaint points at its line. */
#include <cli/project.h>

#include <base/arena.h>
#include <base/text.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *cli_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = polkai_strdup("");
    va_end(arguments);
    return text;
}

void cli_free_text(char **text) { free(*text); }

char *cli_project_path(const cli_project *project, const char *path)
{
    return path[0] == '/' ? polkai_strdup(path) : cli_format("%s/%s", project->root, path);
}

const char *cli_path_shown(const char *path)
{
    char here[PATH_MAX];
    size_t size = getcwd(here, sizeof here) != NULL ? strlen(here) : 0;
    return size > 1 && strncmp(path, here, size) == 0 && path[size] == '/' && path[size + 1] != '\0' ? path + size + 1 : path;
}

/* ---- one member each ---- */

static polka_status unknown_member(const polkai_yaml *node, const char *where, const char *const *names, size_t count, polka_error *error)
{
    const char *nearest = polkai_nearest(node->name, names, count);
    char all[256] = "";
    for (size_t i = 0; i < count && strlen(all) + strlen(names[i]) + 3 < sizeof all; i++) {
        strcat(all, i > 0 ? ", " : "");
        strcat(all, names[i]);
    }
    if (nearest != NULL)
        return polkai_yaml_fail_name(error, node, "unknown-member", "%s has no member '%s'; did you mean '%s'?", where, node->name, nearest);
    return polkai_yaml_fail_name(error, node, "unknown-member", "%s has no member '%s'; it has %s", where, node->name, all);
}

static polka_status read_text(const polkai_yaml *node, const char **text, polka_error *error)
{
    *text = polkai_yaml_text(node);
    if (*text == NULL || **text == '\0')
        return polkai_yaml_fail(error, node, "bad-value", "%s is a text, not %s", node->name,
                                node->kind == POLKAI_YAML_SCALAR ? "nothing" : polkai_yaml_kind_name(node->kind));
    return POLKA_OK;
}

static polka_status read_number(const polkai_yaml *node, int64_t min, int64_t max, int64_t *number, polka_error *error)
{
    const char *text = polkai_yaml_text(node);
    char *end = NULL;
    errno = 0;
    if (text != NULL)
        *number = strtoll(text, &end, 10);
    if (text == NULL || end == text || *end != '\0' || errno != 0 || *number < min || *number > max)
        return polkai_yaml_fail(error, node, "bad-value", "%s is a whole number from %" PRId64 " to %" PRId64 ", not '%s'", node->name, min,
                                max, text != NULL ? text : polkai_yaml_kind_name(node->kind));
    return POLKA_OK;
}

static polka_status read_retention(const polkai_yaml *node, int64_t *ms, polka_error *error)
{
    const char *text = polkai_yaml_text(node);
    if (text != NULL && (strcmp(text, "forever") == 0 || strcmp(text, "-1") == 0)) {
        *ms = -1;
        return POLKA_OK;
    }
    if (text == NULL || !polkai_timespan_read(text, ms))
        return polkai_yaml_fail(error, node, "bad-value", "%s is a duration such as 12h or 7d, or forever, not '%s'", node->name,
                                text != NULL ? text : polkai_yaml_kind_name(node->kind));
    return POLKA_OK;
}

static polka_status read_topic(const polkai_yaml *node, polkai_topic *topic, polka_error *error)
{
    static const char *const names[] = { "partitions", "replication", "retention", "max.message.bytes", "compacted" };
    if (node->kind != POLKAI_YAML_MAP)
        return polkai_yaml_fail(error, node, "bad-value", "%s is a map of partitions, replication, retention, max.message.bytes, compacted", node->name);
    for (size_t i = 0; i < node->count; i++) {
        const polkai_yaml *member = &node->items[i];
        int64_t number = 0;
        if (strcmp(member->name, "partitions") == 0) {
            TRY(read_number(member, 1, 100000, &number, error));
            topic->partitions = (int32_t)number;
        } else if (strcmp(member->name, "replication") == 0) {
            TRY(read_number(member, 1, INT16_MAX, &number, error));
            topic->replication = (int32_t)number;
        } else if (strcmp(member->name, "retention") == 0) {
            TRY(read_retention(member, &topic->retention_ms, error));
        } else if (strcmp(member->name, "max.message.bytes") == 0) {
            TRY(read_number(member, 1, INT32_MAX, &topic->max_message_bytes, error));
        } else if (strcmp(member->name, "compacted") == 0) {
            const char *text = polkai_yaml_text(member);
            bool yes = text != NULL && strcmp(text, "true") == 0;
            if (!yes && (text == NULL || strcmp(text, "false") != 0))
                return polkai_yaml_fail(error, member, "bad-value", "compacted is true or false");
            topic->compacted = yes;
        } else {
            return unknown_member(member, node->name, names, sizeof names / sizeof *names, error);
        }
    }
    return POLKA_OK;
}

static polka_status read_topics(cli_project *project, const polkai_yaml *topics, polka_error *error)
{
    if (topics->kind != POLKAI_YAML_MAP)
        return polkai_yaml_fail(error, topics, "bad-value", "topics is a map: defaults and one member a topic");
    const polkai_yaml *defaults = polkai_yaml_member(topics, "defaults");
    if (defaults != NULL)
        TRY(read_topic(defaults, &project->defaults, error));
    project->topics = polkai_alloc((topics->count + 1) * sizeof *project->topics);
    for (size_t i = 0; i < topics->count; i++) {
        const polkai_yaml *node = &topics->items[i];
        if (node == defaults)
            continue;
        if (!polkai_topic_valid(node->name))
            return polkai_yaml_fail(error, node, "bad-name", "'%s' is no topic name: letters, digits, '.', '_' and '-', at most %d", node->name, POLKA_TOPIC_MAX);
        polkai_topic *topic = &project->topics[project->topic_count++];
        *topic = project->defaults;
        topic->name = node->name;
        TRY(read_topic(node, topic, error));
    }
    return POLKA_OK;
}

static polka_status read_schemas(cli_project *project, const polkai_yaml *node, polka_error *error)
{
    const char *text = NULL;
    if (node->kind == POLKAI_YAML_SCALAR) {
        TRY(read_text(node, &text, error));
        cli_list_add(&project->schemas, text);
        return POLKA_OK;
    }
    for (size_t i = 0; i < node->count; i++) {
        text = polkai_yaml_text(&node->items[i]);
        if (node->kind != POLKAI_YAML_LIST || text == NULL)
            return polkai_yaml_fail(error, &node->items[i], "bad-value", "schemas is a list of folders");
        cli_list_add(&project->schemas, text);
    }
    return POLKA_OK;
}

static polka_status read_project(cli_project *project, polka_error *error)
{
    static const char *const names[] = { "name", "schemas", "build", "topics", "settings", "services", "kafka" };
    const polkai_yaml *root = polkai_yaml_root(project->document);
    if (root->kind != POLKAI_YAML_MAP)
        return polkai_yaml_fail(error, root, "bad-value", "the project file is a map of name, schemas, build, topics, settings, services, kafka");
    for (size_t i = 0; i < root->count; i++) {
        const polkai_yaml *member = &root->items[i];
        if (strcmp(member->name, "name") == 0)
            TRY(read_text(member, &project->name, error));
        else if (strcmp(member->name, "build") == 0)
            TRY(read_text(member, &project->build, error));
        else if (strcmp(member->name, "schemas") == 0)
            TRY(read_schemas(project, member, error));
        else if (strcmp(member->name, "topics") == 0)
            TRY(read_topics(project, member, error));
        else if (strcmp(member->name, "settings") == 0)
            project->brokers = polkai_yaml_text(polkai_yaml_member(member, "brokers"));
        else if (strcmp(member->name, "services") != 0 && strcmp(member->name, "kafka") != 0)
            return unknown_member(member, "the project file (settings of services stand under `settings`)", names, sizeof names / sizeof *names, error);
    }
    return POLKA_OK;
}

/* ---- the whole ---- */

static char *nearest_upwards(const char *from, const char *name)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", from);
    for (;;) {
        char *path = cli_format("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
        if (access(path, F_OK) == 0)
            return path;
        free(path);
        char *slash = strrchr(folder, '/');
        if (slash == NULL || strcmp(folder, "/") == 0)
            return NULL;
        slash[slash == folder ? 1 : 0] = '\0';
    }
}

polka_status cli_project_open(cli_project *project, polka_error *error)
{
    char here[PATH_MAX];
    *project = (cli_project){ .defaults = { .partitions = 4, .replication = -1, .retention_ms = -2, .max_message_bytes = -1 } };
    ENSURE(getcwd(here, sizeof here) != NULL, POLKA_FATAL, error, "no-folder", "the working folder is gone: %m");
    project->file = nearest_upwards(here, "polka.yaml");
    if (project->file == NULL) {
        project->root = polkai_strdup(here);
    } else {
        project->root = polkai_strdup(project->file);
        char *slash = strrchr(project->root, '/');
        slash[slash == project->root ? 1 : 0] = '\0';
        TRY(polkai_yaml_read_file(&project->document, project->file, error));
        TRY(read_project(project, error));
    }
    if (project->schemas.count == 0)
        cli_list_add(&project->schemas, "schemas");
    return POLKA_OK;
}

void cli_project_close(cli_project *project)
{
    polkai_yaml_destroy(project->document);
    cli_list_free(&project->schemas);
    free(project->topics);
    free(project->file);
    free(project->root);
    *project = (cli_project){ 0 };
}

polkai_topic cli_project_topic(const cli_project *project, const char *name)
{
    for (size_t i = 0; i < project->topic_count; i++)
        if (strcmp(project->topics[i].name, name) == 0)
            return project->topics[i];
    polkai_topic topic = project->defaults;
    topic.name = name;
    return topic;
}
