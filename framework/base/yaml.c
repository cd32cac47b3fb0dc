/* yaml.c: libyaml's events made into a tree in one arena; nothing is expanded, so the tree is never larger than its text. */
#include <base/arena.h>
#include <base/error.h>
#include <base/yaml.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

enum { MOST_BYTES = 1 << 20, MOST_LEVELS = 32, MOST_MEMBERS = 10000 };

struct polkai_yaml_document {
    polka_arena arena;
    const char *file;
    polkai_yaml root;
};

typedef struct {
    yaml_parser_t parser;
    polkai_yaml_document *document;
    polka_error *error;
} reader;

typedef struct { polkai_yaml *items; size_t count, capacity; } node_list;

static void free_list(node_list *list)
{
    free(list->items);
}

static void delete_event(yaml_event_t *event)
{
    yaml_event_delete(event);
}

static polka_status refuse(reader *read, yaml_mark_t mark, const char *what)
{
    return polkai_fail(read->error, POLKA_MISUSE, "bad-yaml", "%s:%zu:%zu: %s", read->document->file, mark.line + 1, mark.column + 1, what);
}

static polka_status next(reader *read, yaml_event_t *event)
{
    if (yaml_parser_parse(&read->parser, event))
        return POLKA_OK;
    const yaml_parser_t *parser = &read->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read as YAML";
    memset(event, 0, sizeof *event);
    if (parser->error == YAML_READER_ERROR)
        return polkai_fail(read->error, POLKA_MISUSE, "bad-yaml", "%s: %s at byte %zu; YAML is UTF-8 text", read->document->file, problem, parser->problem_offset);
    return polkai_fail(read->error, POLKA_MISUSE, "bad-yaml", "%s:%zu:%zu: %s%s%s", read->document->file, parser->problem_mark.line + 1,
                       parser->problem_mark.column + 1, problem, parser->context != NULL ? " " : "", parser->context != NULL ? parser->context : "");
}

static bool reads_as_null(const yaml_event_t *event)
{
    static const char *const spellings[] = { "", "~", "null", "Null", "NULL" };
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (strcmp((const char *)event->data.scalar.value, spellings[i]) == 0)
            return true;
    return false;
}

static polka_status read_scalar(reader *read, const yaml_event_t *event, polkai_yaml *node)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    if (memchr(value, '\0', size) != NULL)
        return refuse(read, event->start_mark, "a text with a NUL in it");
    node->kind = POLKAI_YAML_SCALAR;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (!reads_as_null(event))
        node->text = polkai_arena_text(&read->document->arena, value, size);
    return POLKA_OK;
}

/* What configuration has no use for, and what would make the tree larger than its text. */
static polka_status refuse_extras(reader *read, const yaml_event_t *event)
{
    const yaml_char_t *anchor = event->type == YAML_SCALAR_EVENT ? event->data.scalar.anchor
                              : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.anchor
                              : event->type == YAML_MAPPING_START_EVENT ? event->data.mapping_start.anchor : NULL;
    const yaml_char_t *tag = event->type == YAML_SCALAR_EVENT ? event->data.scalar.tag
                           : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.tag
                           : event->type == YAML_MAPPING_START_EVENT ? event->data.mapping_start.tag : NULL;
    if (event->type == YAML_ALIAS_EVENT || anchor != NULL)
        return refuse(read, event->start_mark, "anchors and aliases are not read here: write the value out");
    if (tag != NULL)
        return refuse(read, event->start_mark, "tags (!…) are not read here: leave it out");
    return POLKA_OK;
}

static polkai_yaml *append(node_list *list)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
        list->items = polkai_realloc(list->items, list->capacity * sizeof *list->items);
    }
    polkai_yaml *node = &list->items[list->count++];
    *node = (polkai_yaml){ 0 };
    return node;
}

static polka_status member_name(reader *read, const yaml_event_t *event, const node_list *list, const char **name)
{
    polkai_yaml key = { 0 };
    TRY(refuse_extras(read, event));
    if (event->type != YAML_SCALAR_EVENT)
        return refuse(read, event->start_mark, "the name of a member is a text, not a list or a map");
    TRY(read_scalar(read, event, &key));
    if (key.text.size == 0)
        return refuse(read, event->start_mark, "a member without a name");
    if (list->count == MOST_MEMBERS)
        return refuse(read, event->start_mark, "more than 10000 members in one map");
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, key.text.data) == 0)
            return polkai_fail(read->error, POLKA_MISUSE, "bad-yaml", "%s:%zu:%zu: member '%.80s' stands here twice, first in line %u",
                               read->document->file, event->start_mark.line + 1, event->start_mark.column + 1, key.text.data, list->items[i].line);
    *name = key.text.data;
    return POLKA_OK;
}

static polka_status read_node(reader *read, const yaml_event_t *event, polkai_yaml *node, unsigned level);

static polka_status read_children(reader *read, polkai_yaml *node, unsigned level)
{
    bool map = node->kind == POLKAI_YAML_MAP;
    node_list list AUTO(free_list) = { 0 };
    for (;;) {
        yaml_event_t event AUTO(delete_event) = { 0 };
        const char *name = NULL;
        TRY(next(read, &event));
        yaml_mark_t mark = event.start_mark;
        if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT)
            break;
        if (map) {
            TRY(member_name(read, &event, &list, &name));
            yaml_event_delete(&event);
            TRY(next(read, &event));
        }
        polkai_yaml *child = append(&list);
        child->name = name;
        child->name_line = (unsigned)mark.line + 1;
        child->name_column = (unsigned)mark.column + 1;
        TRY(read_node(read, &event, child, level + 1));
    }
    node->count = list.count;
    polkai_yaml *items = polkai_arena_zeroed(&read->document->arena, list.count, sizeof *items);
    if (list.count > 0)
        memcpy(items, list.items, list.count * sizeof *items);
    node->items = items;
    return POLKA_OK;
}

static polka_status read_node(reader *read, const yaml_event_t *event, polkai_yaml *node, unsigned level)
{
    node->file = read->document->file;
    node->line = (unsigned)event->start_mark.line + 1;
    node->column = (unsigned)event->start_mark.column + 1;
    TRY(refuse_extras(read, event));
    if (event->type == YAML_SCALAR_EVENT)
        return read_scalar(read, event, node);
    if (level == MOST_LEVELS)
        return refuse(read, event->start_mark, "more than 32 levels");
    node->kind = event->type == YAML_MAPPING_START_EVENT ? POLKAI_YAML_MAP : POLKAI_YAML_LIST;
    return read_children(read, node, level);
}

static polka_status read_document(reader *read)
{
    for (bool found = false;;) {
        yaml_event_t event AUTO(delete_event) = { 0 };
        TRY(next(read, &event));
        if (event.type == YAML_STREAM_END_EVENT)
            return POLKA_OK;
        if (event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_END_EVENT)
            continue;
        if (event.type == YAML_DOCUMENT_START_EVENT) {
            if (found)
                return refuse(read, event.start_mark, "a second document in one file");
            found = true;
            continue;
        }
        TRY(read_node(read, &event, &read->document->root, 0));
    }
}

polka_status polkai_yaml_read_text(polkai_yaml_document **document, polka_text text, const char *file, polka_error *error)
{
    *document = NULL;
    ENSURE(text.size <= MOST_BYTES, POLKA_MISUSE, error, "bad-yaml", "%s: more than %d bytes", file, MOST_BYTES);
    polkai_yaml_document *made = polkai_alloc(sizeof *made);
    polkai_arena_init(&made->arena, NULL, 0);
    made->file = polkai_arena_text(&made->arena, file, strlen(file)).data;
    made->root = (polkai_yaml){ .kind = POLKAI_YAML_MAP, .line = 1, .column = 1, .file = made->file };

    reader read = { .document = made, .error = error };
    polka_status status;
    if (yaml_parser_initialize(&read.parser)) {
        yaml_parser_set_input_string(&read.parser, (const unsigned char *)(text.data != NULL ? text.data : ""), text.size);
        status = read_document(&read);
        yaml_parser_delete(&read.parser);
    } else {
        status = polkai_fail(error, POLKA_FATAL, "no-memory", "%s: libyaml could not start", file);
    }
    /* A file of nothing but `~` or comments is an empty map. */
    if (status == POLKA_OK && made->root.kind == POLKAI_YAML_SCALAR && made->root.text.data == NULL)
        made->root.kind = POLKAI_YAML_MAP;
    if (status != POLKA_OK) {
        polkai_yaml_destroy(made);
        return status;
    }
    *document = made;
    return POLKA_OK;
}

static void close_file(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}

static void free_text(char **text)
{
    free(*text);
}

polka_status polkai_yaml_read_file(polkai_yaml_document **document, const char *path, polka_error *error)
{
    *document = NULL;
    FILE *file AUTO(close_file) = fopen(path, "rbe");
    ENSURE(file != NULL, POLKA_MISUSE, error, "no-file", "%s: %s", path, strerror(errno));
    char *text AUTO(free_text) = polkai_alloc(MOST_BYTES + 1);
    size_t size = fread(text, 1, MOST_BYTES + 1, file);
    ENSURE(!ferror(file), POLKA_MISUSE, error, "no-file", "%s: %s", path, strerror(errno));
    return polkai_yaml_read_text(document, (polka_text){ size, text }, path, error);
}

const polkai_yaml *polkai_yaml_root(const polkai_yaml_document *document)
{
    return &document->root;
}

void polkai_yaml_destroy(polkai_yaml_document *document)
{
    if (document == NULL)
        return;
    polkai_arena_deinit(&document->arena);
    free(document);
}

const polkai_yaml *polkai_yaml_member(const polkai_yaml *map, const char *name)
{
    if (map == NULL || map->kind != POLKAI_YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].name, name) == 0)
            return &map->items[i];
    return NULL;
}

const polkai_yaml *polkai_yaml_item(const polkai_yaml *node, size_t index)
{
    return node != NULL && index < node->count ? &node->items[index] : NULL;
}

const char *polkai_yaml_text(const polkai_yaml *node)
{
    return node != NULL && node->kind == POLKAI_YAML_SCALAR ? node->text.data : NULL;
}

const char *polkai_yaml_kind_name(polkai_yaml_kind kind)
{
    static const char *const names[] = { "nothing", "scalar", "list", "map" };
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "nothing";
}

static polka_status fail_at(polka_error *error, const char *file, unsigned line, unsigned column, const char *code, const char *format, va_list arguments)
{
    char message[sizeof error->message];
    vsnprintf(message, sizeof message, format, arguments);
    return polkai_fail(error, POLKA_MISUSE, code, "%s:%u:%u: %s", file, line, column, message);
}

polka_status polkai_yaml_fail(polka_error *error, const polkai_yaml *node, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    polka_status status = fail_at(error, node->file, node->line, node->column, code, format, arguments);
    va_end(arguments);
    return status;
}

polka_status polkai_yaml_fail_name(polka_error *error, const polkai_yaml *member, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    polka_status status = fail_at(error, member->file, member->name_line, member->name_column, code, format, arguments);
    va_end(arguments);
    return status;
}
