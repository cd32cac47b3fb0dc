/* tree.c: draws one flow: a tree by causation, with times since its root. */
#include <cli/handled.h>
#include <cli/terminal.h>
#include <cli/trace.h>

#include <avro/json.h>
#include <base/arena.h>
#include <base/clock.h>
#include <stdio.h>
#include <stdlib.h>

static bool same(const char *a, const char *b) { return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0; }

void cli_node_free(cli_node *node)
{
    char *texts[] = { node->id, node->cause, node->source, node->type, node->topic, node->key, node->letter, node->group, node->reaction };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
}

void cli_flow_add(cli_flow *flow, cli_node node)
{
    if (flow->limit > 0 && flow->count == flow->limit) {
        flow->beyond++;
        cli_node_free(&node);
        return;
    }
    for (size_t i = 0; i < flow->count; i++) {
        cli_node *known = &flow->nodes[i];
        if (!same(known->id, node.id) || !same(known->source, node.source) || !same(known->letter, node.letter))
            continue;
        known->copies++;
        cli_node_free(&node);
        return;
    }
    node.copies = 1;
    flow->nodes = polkai_realloc(flow->nodes, (flow->count + 1) * sizeof *flow->nodes);
    flow->nodes[flow->count++] = node;
}

void cli_flow_forget_missing(cli_flow *flow)
{
    for (size_t i = 0; i < flow->missing_count; i++) {
        char *texts[] = { flow->missing[i].service, flow->missing[i].group, flow->missing[i].reaction, flow->missing[i].contract, flow->missing[i].events };
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
            free(texts[t]);
    }
    free(flow->missing);
    flow->missing = NULL;
    flow->missing_count = 0;
}

void cli_flow_free(cli_flow *flow)
{
    for (size_t i = 0; i < flow->count; i++)
        cli_node_free(&flow->nodes[i]);
    cli_flow_forget_missing(flow);
    cli_flow_forget_handled(flow);
    free(flow->nodes);
    free(flow->correlation);
    *flow = (cli_flow){ 0 };
}

static int by_time(const void *a, const void *b)
{
    const cli_node *x = a, *y = b;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return (x->letter != NULL) - (y->letter != NULL);
}

/* A letter hangs under its own event when that is there; every other event under the one that caused it. */
static size_t parent_of(const cli_flow *flow, size_t index)
{
    const cli_node *node = &flow->nodes[index];
    const char *wanted = node->letter != NULL ? node->id : node->cause;
    for (size_t i = 0; wanted != NULL && i < flow->count; i++)
        if (i != index && flow->nodes[i].letter == NULL && same(flow->nodes[i].id, wanted))
            return i;
    return SIZE_MAX;
}

/* Causes in a circle (ids that someone made up) would hide all of it: the first of them becomes a root. */
static void break_circles(cli_flow *flow)
{
    for (size_t i = 0; i < flow->count; i++) {
        size_t at = i, steps = 0;
        while (flow->nodes[at].parent != SIZE_MAX && ++steps <= flow->count)
            at = flow->nodes[at].parent;
        if (steps > flow->count)
            flow->nodes[i].parent = SIZE_MAX;
    }
}

/* An effect may be of the same millisecond as its cause, or of a clock that is behind. */
static bool has_causes_first(const cli_flow *flow)
{
    for (size_t i = 0; i < flow->count; i++)
        if (flow->nodes[i].parent != SIZE_MAX && flow->nodes[i].parent > i)
            return false;
    return true;
}

/* places[i]: where node i goes; SIZE_MAX: nowhere yet. */
static void find_places(const cli_flow *flow, size_t *places, size_t *path)
{
    size_t next = 0;
    for (size_t i = 0; i < flow->count; i++)
        places[i] = SIZE_MAX;
    for (size_t i = 0; i < flow->count; i++) {
        size_t above = 0;
        for (size_t at = i; at != SIZE_MAX && places[at] == SIZE_MAX; at = flow->nodes[at].parent)
            path[above++] = at;
        while (above > 0)
            places[path[--above]] = next++;
    }
}

static void put_causes_first(cli_flow *flow)
{
    if (has_causes_first(flow))
        return;
    size_t *places = polkai_alloc(2 * flow->count * sizeof *places);
    cli_node *nodes = polkai_alloc(flow->count * sizeof *nodes);
    find_places(flow, places, places + flow->count);
    for (size_t i = 0; i < flow->count; i++) {
        cli_node *node = &nodes[places[i]];
        *node = flow->nodes[i];
        node->parent = node->parent == SIZE_MAX ? SIZE_MAX : places[node->parent];
    }
    free(places);
    free(flow->nodes);
    flow->nodes = nodes;
}

void cli_flow_link(cli_flow *flow)
{
    if (flow->count == 0)
        return;
    qsort(flow->nodes, flow->count, sizeof *flow->nodes, by_time);
    for (size_t i = 0; i < flow->count; i++)
        flow->nodes[i].parent = parent_of(flow, i);
    break_circles(flow);
    put_causes_first(flow);
}

const char *cli_service_of(const char *source)
{
    const char *slash = source == NULL ? NULL : strrchr(source, '/');
    return source == NULL ? "?" : slash != NULL && slash[1] != '\0' ? slash + 1 : source;
}

const char *cli_node_service(const cli_node *node) { return cli_service_of(node->source); }

static size_t root_of(const cli_flow *flow, size_t index)
{
    while (flow->nodes[index].parent != SIZE_MAX)
        index = flow->nodes[index].parent;
    return index;
}

static void print_texts(const char *text) { cli_print_text(text, strlen(text), 300); }

static void print_node(const cli_flow *flow, size_t index, const char *branch)
{
    const cli_node *node = &flow->nodes[index];
    int64_t began = flow->nodes[root_of(flow, index)].time_ms;
    char time[25];
    printf("%s%s%s", cli_dim(), branch, cli_plain());
    if (node->letter != NULL) {
        printf("%sdead letter%s ", cli_red(), cli_plain());
        print_texts(node->letter);
        printf("  %s%+" PRId64 " ms%s", cli_dim(), node->letter_ms - began, cli_plain());
    } else {
        printf("%s", cli_bold());
        print_texts(node->type != NULL ? node->type : "(no type)");
        printf("%s  ", cli_plain());
        print_texts(cli_node_service(node));
        if (node->parent == SIZE_MAX) {
            polkai_time_write(time, node->time_ms);
            printf("  %s", node->key != NULL ? "key " : "");
            print_texts(node->key != NULL ? node->key : "");
            printf("  %s%s%s", cli_dim(), time, cli_plain());
        } else {
            printf("  %s%+" PRId64 " ms%s", cli_dim(), node->time_ms - began, cli_plain());
            if (!same(node->key, flow->nodes[node->parent].key) && node->key != NULL) {
                printf("  key ");
                print_texts(node->key);
            }
        }
    }
    if (node->copies > 1)
        printf("  %s%u copies%s", cli_dim(), node->copies, cli_plain());
    putchar('\n');
}

enum { PREFIX = 1024 };

static bool has_missing(const cli_flow *flow, size_t event)
{
    for (size_t i = 0; i < flow->missing_count; i++)
        if (flow->missing[i].node == event)
            return true;
    return false;
}

void cli_missing_words(const cli_missing *missing)
{
    if (missing->service != NULL) {      /* names of manifests that anybody may have written */
        print_texts(missing->service);
        printf(" has not reacted (");
        print_texts(missing->reaction);
        printf(")");
    } else {
        printf("flow ");
        print_texts(missing->contract);
    }
    printf("%s", missing->events[0] != '\0' ? " → " : "");
    print_texts(missing->events);
    printf("  %safter %.1f s", cli_dim(), (double)missing->age_ms / 1000);
    if (missing->within_ms > 0)
        printf(" of %.1f s", (double)missing->within_ms / 1000);
    if (missing->group != NULL && missing->lag >= 0) {
        printf("; group ");
        print_texts(missing->group);
        printf(" is %" PRId64 " behind there", missing->lag);
    }
    printf("%s\n", cli_plain());
}

static void print_missing(const cli_missing *missing)
{
    printf("%s%s%s  ", missing->stalled ? cli_red() : cli_dim(), missing->stalled ? "stalled" : "waiting", cli_plain());
    cli_missing_words(missing);
}

static void print_all_missing(const cli_flow *flow, size_t event, const char *prefix)
{
    size_t left = 0;
    for (size_t i = 0; i < flow->missing_count; i++)
        left += flow->missing[i].node == event;
    for (size_t i = 0; i < flow->missing_count; i++) {
        if (flow->missing[i].node != event)
            continue;
        printf("%s%s%s%s", cli_dim(), prefix, --left == 0 ? "└─ " : "├─ ", cli_plain());
        print_missing(&flow->missing[i]);
    }
}

static bool is_last(const cli_flow *flow, size_t index)
{
    if (flow->nodes[index].parent != SIZE_MAX && has_missing(flow, flow->nodes[index].parent))
        return false;                    /* what is missing comes last */
    for (size_t i = index + 1; i < flow->count; i++)
        if (flow->nodes[i].parent == flow->nodes[index].parent)
            return false;
    return true;
}

static bool has_below(const cli_flow *flow, size_t event)
{
    for (size_t i = 0; i < flow->count; i++)
        if (flow->nodes[i].parent == event)
            return true;
    return has_missing(flow, event);
}

/* Causes come before effects, so one pass finds all of them. */
static size_t count_below(const cli_flow *flow, size_t event)
{
    size_t count = 0;
    bool *below = polkai_alloc(flow->count * sizeof *below);
    below[event] = true;
    for (size_t i = event + 1; i < flow->count; i++) {
        below[i] = flow->nodes[i].parent != SIZE_MAX && below[flow->nodes[i].parent];
        count += below[i];
    }
    free(below);
    return count;
}

/* How many events were too deep to be drawn. */
static size_t print_below(const cli_flow *flow, size_t parent, const char *prefix)
{
    size_t deeper = 0;
    cli_handled_lines(flow, parent, prefix, !has_below(flow, parent));
    for (size_t i = 0; i < flow->count; i++) {
        if (flow->nodes[i].parent != parent)
            continue;
        char branch[PREFIX + 16], below[PREFIX + 16];
        bool last = is_last(flow, i);
        snprintf(branch, sizeof branch, "%s%s", prefix, last ? "└─ " : "├─ ");
        snprintf(below, sizeof below, "%s%s", prefix, last ? "   " : "│  ");
        print_node(flow, i, branch);
        deeper += strlen(below) < PREFIX ? print_below(flow, i, below) : count_below(flow, i);
    }
    print_all_missing(flow, parent, prefix);
    return deeper;
}

json_t *cli_missing_json(const cli_missing *missing)
{
    json_t *row = json_object();
    json_object_set_new(row, "state", json_string(missing->stalled ? "stalled" : "waiting"));
    json_object_set_new(row, "service", polkai_json_text(missing->service));
    json_object_set_new(row, "group", polkai_json_text(missing->group));
    json_object_set_new(row, "reaction", polkai_json_text(missing->reaction));
    json_object_set_new(row, "flow", polkai_json_text(missing->contract));
    json_object_set_new(row, "events", polkai_json_text(missing->events));
    json_object_set_new(row, "age_ms", json_integer(missing->age_ms));
    json_object_set_new(row, "within_ms", missing->within_ms > 0 ? json_integer(missing->within_ms) : json_null());
    json_object_set_new(row, "lag", missing->lag >= 0 ? json_integer(missing->lag) : json_null());
    return row;
}

static json_t *all_missing_json(const cli_flow *flow, size_t event)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < flow->missing_count; i++)
        if (flow->missing[i].node == event)
            json_array_append_new(rows, cli_missing_json(&flow->missing[i]));
    return rows;
}

static size_t depth_of(const cli_flow *flow, size_t node)
{
    size_t depth = 0;
    for (; flow->nodes[node].parent != SIZE_MAX; depth++)
        node = flow->nodes[node].parent;
    return depth;
}

json_t *cli_node_json(const cli_flow *flow, size_t index)
{
    const cli_node *node = &flow->nodes[index];
    char time[25];
    polkai_time_write(time, node->letter != NULL ? node->letter_ms : node->time_ms);
    json_t *row = json_object();
    json_object_set_new(row, "type", polkai_json_text(node->type));
    json_object_set_new(row, "service", polkai_json_text(cli_node_service(node)));
    json_object_set_new(row, "key", polkai_json_text(node->key));
    json_object_set_new(row, "ms", json_integer((node->letter != NULL ? node->letter_ms : node->time_ms) - flow->nodes[root_of(flow, index)].time_ms));
    json_object_set_new(row, "time", json_string(time));
    json_object_set_new(row, "id", polkai_json_text(node->id));
    json_object_set_new(row, "causation_id", polkai_json_text(node->cause));
    json_object_set_new(row, "correlation_id", polkai_json_text(flow->correlation));
    json_object_set_new(row, "source", polkai_json_text(node->source));
    json_object_set_new(row, "depth", json_integer((json_int_t)depth_of(flow, index)));
    json_object_set_new(row, "copies", json_integer(node->copies));
    json_object_set_new(row, "topic", polkai_json_text(node->topic));
    json_object_set_new(row, "partition", json_integer(node->partition));
    json_object_set_new(row, "offset", json_integer(node->offset));
    json_object_set_new(row, "dead_letter", polkai_json_text(node->letter));
    json_object_set_new(row, "handled", cli_handled_json(flow, index));
    json_object_set_new(row, "missing", all_missing_json(flow, index));
    return row;
}

void cli_flow_json(const cli_flow *flow)
{
    for (size_t i = 0; i < flow->count; i++)
        cli_print_json(cli_node_json(flow, i));
}

static void print_indent(size_t depth)
{
    for (size_t i = 0; i < depth && i < PREFIX / 2; i++)
        printf("  ");
}

void cli_node_line(const cli_flow *flow, size_t node)
{
    print_indent(depth_of(flow, node));
    print_node(flow, node, "");
}

void cli_missing_line(const cli_flow *flow, const cli_missing *missing)
{
    print_indent(depth_of(flow, missing->node) + 1);
    print_missing(missing);
}

void cli_flow_tree(const cli_flow *flow)
{
    size_t deeper = 0;
    for (size_t i = 0; i < flow->count; i++)
        if (flow->nodes[i].parent == SIZE_MAX) {
            print_node(flow, i, "");
            deeper += print_below(flow, i, "");
        }
    if (deeper > 0)
        printf("… %zu deeper events are not drawn; --format json has them\n", deeper);
    fflush(stdout);
}
