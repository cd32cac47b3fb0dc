/* handled.c: what is known of a flow's reactions, as rows, as lines of the tree and as JSON. */
#include <cli/handled.h>
#include <cli/project.h>
#include <cli/terminal.h>

#include <avro/json.h>
#include <base/arena.h>
#include <base/clock.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_LIMIT = 300 };

/* ---- rows ---- */

void cli_flow_forget_handled(cli_flow *flow)
{
    for (size_t i = 0; i < flow->handled_count; i++) {
        char *texts[] = { flow->handled[i].service, flow->handled[i].group, flow->handled[i].reaction, flow->handled[i].code };
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
            free(texts[t]);
    }
    free(flow->handled);
    flow->handled = NULL;
    flow->handled_count = 0;
}

size_t cli_handled_count(const cli_flow *flow, size_t node)
{
    size_t count = 0;
    for (size_t i = 0; i < flow->handled_count; i++)
        count += flow->handled[i].node == node;
    return count;
}

static char *copy(polka_text text) { return cli_format("%.*s", POLKA_TEXT_ARGS(text)); }

cli_handled *cli_handled_row(cli_flow *flow, size_t node, polka_text group, polka_text reaction)
{
    for (size_t i = 0; i < flow->handled_count; i++) {
        cli_handled *at = &flow->handled[i];
        if (at->node == node && polka_text_equal(polka_text_of(at->group), group) && polka_text_equal(polka_text_of(at->reaction), reaction))
            return at;
    }
    if (cli_handled_count(flow, node) >= CLI_HANDLED_MOST)
        return NULL;
    flow->handled = polkai_realloc(flow->handled, (flow->handled_count + 1) * sizeof *flow->handled);
    cli_handled *made = &flow->handled[flow->handled_count++];
    *made = (cli_handled){ .node = node, .group = copy(group), .reaction = copy(reaction), .begun_us = INT64_MIN, .took_us = -1 };
    return made;
}

/* Of its group; where the type of a record could not be told, its letter names no reaction. */
static bool has_letter(const cli_flow *flow, size_t node, const char *group, const char *reaction)
{
    for (size_t i = 0; i < flow->count; i++) {
        const cli_node *at = &flow->nodes[i];
        if (at->letter != NULL && at->parent == node && at->group != NULL && strcmp(at->group, group) == 0 &&
            (at->reaction == NULL || strcmp(at->reaction, "-") == 0 || strcmp(at->reaction, reaction) == 0))
            return true;
    }
    return false;
}

static void add_untold(cli_flow *flow, size_t node, const cli_hearer *hearer)
{
    const char *group = hearer->service->group, *reaction = hearer->reaction->name;
    if (strcmp(hearer->reaction->hears.topic, flow->nodes[node].topic) != 0 || cli_flow_misses(flow, node, group, reaction) || has_letter(flow, node, group, reaction))
        return;
    cli_handled *row = cli_handled_row(flow, node, polka_text_of(group), polka_text_of(reaction));
    if (row != NULL && row->service == NULL)
        row->service = polkai_strdup(hearer->service->service);
}

void cli_handled_add_untold(cli_flow *flow, const cli_expected *expected)
{
    if (flow->beyond > 0)                /* its letter may be among those that were not kept */
        return;
    for (size_t i = 0; i < flow->count; i++) {
        size_t count = 0;
        const cli_node *node = &flow->nodes[i];
        const cli_hearer *hearers = node->letter != NULL || node->type == NULL ? NULL : cli_hearers_of(&expected->hearers, node->type, &count);
        for (size_t h = 0; h < count; h++)
            add_untold(flow, i, &hearers[h]);
    }
}

/* ---- lines ---- */

static void print_name(const char *text) { cli_print_text(text, strlen(text), NAME_LIMIT); }

static void print_took(const cli_handled *row)
{
    if (row->took_us >= 0)
        printf("took %.1f ms", (double)row->took_us / 1000);
    else
        printf("took unknown");
    if (row->outcome != NULL)
        printf(", %" PRId64 " attempt%s", row->attempts, row->attempts == 1 ? "" : "s");
    else
        printf(", attempts unknown");
}

static void print_row(const cli_handled *row)
{
    print_name(row->service);
    printf(" %s", row->outcome != NULL ? row->outcome : "reacted");
    if (row->code != NULL) {
        printf(" (");
        print_name(row->code);
        printf(")");
    }
    printf("  %s", cli_dim());
    print_took(row);
    printf("%s\n", cli_plain());
}

void cli_handled_lines(const cli_flow *flow, size_t node, const char *prefix, bool last)
{
    size_t left = cli_handled_count(flow, node);
    for (size_t i = 0; i < flow->handled_count; i++) {
        if (flow->handled[i].node != node)
            continue;
        printf("%s%s%s%s", cli_dim(), prefix, --left == 0 && last ? "└─ " : "├─ ", cli_plain());
        print_row(&flow->handled[i]);
    }
}

/* ---- JSON ---- */

static json_t *row_json(const cli_handled *row)
{
    char time[25];
    json_t *json = json_object();
    json_object_set_new(json, "service", polkai_json_text(row->service));
    json_object_set_new(json, "group", polkai_json_text(row->group));
    json_object_set_new(json, "reaction", polkai_json_text(row->reaction));
    json_object_set_new(json, "outcome", polkai_json_text(row->outcome));
    json_object_set_new(json, "code", polkai_json_text(row->code));
    if (row->outcome != NULL)
        polkai_time_write(time, row->begun_us / 1000);
    json_object_set_new(json, "begun", row->outcome != NULL ? json_string(time) : json_null());
    json_object_set_new(json, "took_us", row->took_us >= 0 ? json_integer(row->took_us) : json_null());
    json_object_set_new(json, "attempts", row->outcome != NULL ? json_integer(row->attempts) : json_null());
    return json;
}

json_t *cli_handled_json(const cli_flow *flow, size_t node)
{
    if (!flow->told)
        return json_null();
    json_t *rows = json_array();
    for (size_t i = 0; i < flow->handled_count; i++)
        if (flow->handled[i].node == node)
            json_array_append_new(rows, row_json(&flow->handled[i]));
    return rows;
}
