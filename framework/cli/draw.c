/* draw.c: one flow in other shapes than a tree: who told whom, when, and the same as a Mermaid sequence diagram. */
#include <cli/terminal.h>
#include <cli/trace.h>

#include <stdio.h>
#include <string.h>

enum { COLUMNS = 40, NAME_LIMIT = 300 };

static void print_name(const char *text) { cli_print_text(text != NULL ? text : "(no type)", strlen(text != NULL ? text : "(no type)"), NAME_LIMIT); }

static int64_t moment_of(const cli_node *node) { return node->letter != NULL ? node->letter_ms : node->time_ms; }

/* Clocks of two machines differ, so what is first is looked for. */
static void span(const cli_flow *flow, int64_t *first, int64_t *last)
{
    *first = *last = flow->count > 0 ? moment_of(&flow->nodes[0]) : 0;
    for (size_t i = 0; i < flow->count; i++) {
        int64_t at = moment_of(&flow->nodes[i]);
        *first = at < *first ? at : *first;
        *last = at > *last ? at : *last;
    }
}

/* The services that reacted to an event: those of what it caused, each once. The n-th, or NULL. */
static const char *hearer(const cli_flow *flow, size_t event, size_t wanted)
{
    for (size_t i = 0; i < flow->count; i++) {
        bool again = false;
        if (flow->nodes[i].parent != event)
            continue;
        const char *name = flow->nodes[i].letter != NULL ? flow->nodes[i].group : cli_node_service(&flow->nodes[i]);
        for (size_t k = 0; k < i && !again; k++)
            again = flow->nodes[k].parent == event && strcmp(flow->nodes[k].letter != NULL ? flow->nodes[k].group : cli_node_service(&flow->nodes[k]), name) == 0;
        if (!again && wanted-- == 0)
            return name;
    }
    return NULL;
}

static const char *who_of(const cli_missing *missing) { return missing->service != NULL ? missing->service : missing->contract; }

/* Names of manifests that anybody may have written. */
static void print_missing(const cli_missing *missing)
{
    printf(" %s%s%s: ", missing->stalled ? cli_red() : cli_dim(), missing->stalled ? "stalled" : "waiting", cli_plain());
    print_name(who_of(missing));
    printf("%s", missing->events[0] != '\0' ? " → " : "");
    print_name(missing->events);
    putchar('\n');
}

/* ---- sequence ---- */

void cli_flow_sequence(const cli_flow *flow)
{
    int64_t first, last;
    span(flow, &first, &last);
    for (size_t i = 0; i < flow->count; i++) {
        const cli_node *node = &flow->nodes[i];
        printf("%s%8" PRId64 " ms%s  ", cli_dim(), moment_of(node) - first, cli_plain());
        print_name(node->letter != NULL ? node->group : cli_node_service(node));
        printf(" %s──%s ", cli_dim(), cli_plain());
        print_name(node->type);
        if (node->letter != NULL)
            printf(" %s──▶ dead letters%s", cli_red(), cli_plain());
        const char *name;
        for (size_t h = 0; node->letter == NULL && (name = hearer(flow, i, h)) != NULL; h++) {
            printf(h == 0 ? " %s──▶%s " : "%s,%s ", cli_dim(), cli_plain());
            print_name(name);
        }
        putchar('\n');
        for (size_t m = 0; m < flow->missing_count; m++)
            if (flow->missing[m].node == i) {
                printf("%12s", "");
                print_missing(&flow->missing[m]);
            }
    }
    fflush(stdout);
}

/* ---- timeline ---- */

void cli_flow_timeline(const cli_flow *flow)
{
    int64_t first, last;
    span(flow, &first, &last);
    for (size_t i = 0; i < flow->count; i++) {
        const cli_node *node = &flow->nodes[i];
        int at = last == first ? 0 : (int)((moment_of(node) - first) * (COLUMNS - 1) / (last - first));
        printf("%s%8" PRId64 " ms%s |%*s%s%s%s%*s| ", cli_dim(), moment_of(node) - first, cli_plain(), at, "", node->letter != NULL ? cli_red() : "",
               node->letter != NULL ? "✗" : "●", cli_plain(), COLUMNS - 1 - at, "");
        print_name(node->type);
        printf("  %s", cli_dim());
        print_name(node->letter != NULL ? node->letter : cli_node_service(node));
        printf("%s\n", cli_plain());
        for (size_t m = 0; m < flow->missing_count; m++)
            if (flow->missing[m].node == i) {
                printf("%11s |%*s|", "", COLUMNS, "");
                print_missing(&flow->missing[m]);
            }
    }
    fflush(stdout);
}

/* ---- Mermaid ---- */

/* A name that Mermaid reads as one: what else there is becomes a line. */
static void print_mermaid(const char *text)
{
    for (size_t i = 0; text != NULL && text[i] != '\0' && i < NAME_LIMIT; i++) {
        char c = text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == ' ';
        putchar(plain ? c : '_');
    }
    if (text == NULL || *text == '\0')
        putchar('_');
}

static void print_arrow(const char *from, const char *arrow, const char *to, const char *what)
{
    printf("    ");
    print_mermaid(from);
    printf("%s", arrow);
    print_mermaid(to);
    printf(": ");
    print_mermaid(what);
}

void cli_flow_mermaid(const cli_flow *flow)
{
    int64_t first, last;
    span(flow, &first, &last);
    printf("sequenceDiagram\n");
    for (size_t i = 0; i < flow->count; i++) {
        const cli_node *node = &flow->nodes[i];
        const char *from = node->letter != NULL ? node->group : cli_node_service(node), *name;
        size_t hearers = 0;
        for (; node->letter == NULL && (name = hearer(flow, i, hearers)) != NULL; hearers++) {
            print_arrow(from, "->>", name, node->type);
            printf(" +%" PRId64 " ms\n", moment_of(node) - first);
        }
        if (hearers == 0) {
            printf("    Note over ");
            print_mermaid(from);
            printf(": ");
            print_mermaid(node->type);
            printf("%s +%" PRId64 " ms\n", node->letter != NULL ? " dead letter" : "", moment_of(node) - first);
        }
        for (size_t m = 0; m < flow->missing_count; m++) {
            if (flow->missing[m].node != i)
                continue;
            print_arrow(from, "--x", who_of(&flow->missing[m]), node->type);
            printf(" %s\n", flow->missing[m].stalled ? "stalled" : "waiting");
        }
    }
    fflush(stdout);
}
