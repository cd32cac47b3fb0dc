/*
 * layout.c: Sugiyama's steps: turn round what closes a circle, longest-path layers, stand-ins where a line passes a layer,
 * order by the middle of the neighbours, then heights as near to the neighbours as the order allows (pool adjacent violators).
 */
#include <choreography/layout.h>

#include <base/arena.h>
#include <stdlib.h>

enum { SWEEPS = 24, HEIGHT = 26, GAP_Y = 14, LANE = 10, GAP_X = 56, MARGIN = 20, MOST_STAND_INS = 200000 };
static const double LETTER = 7.25;       /* of a monospaced font of 12 pixels */

typedef struct { size_t from, to; } link;
typedef struct { size_t count; size_t *items; } row;

typedef struct {
    const polkai_map *map;
    polka_arena *arena;
    bool *turned;                        /* by edge */
    size_t *layer;                       /* by vertex: nodes, then stand-ins */
    size_t vertex_count, layer_count;
    size_t *first_stand_in;              /* by edge */
    link *links;                         /* between neighbouring layers */
    size_t link_count;
    size_t *next_of, *next;              /* links by their left end; the vertex on the right */
    size_t *previous_of, *previous;
    row *rows;                           /* by layer, in order */
    double *place, *y;                   /* by vertex */
} plan;

static size_t low(const plan *p, size_t edge) { return p->turned[edge] ? p->map->edges[edge].to : p->map->edges[edge].from; }
static size_t high(const plan *p, size_t edge) { return p->turned[edge] ? p->map->edges[edge].from : p->map->edges[edge].to; }

static size_t *numbers(plan *p, size_t count) { return polkai_arena_zeroed(p->arena, count + 1, sizeof(size_t)); }

/* links by one end: of[v] … of[v + 1] are the places in others[]. */
static void index_links(plan *p, const link *links, size_t link_count, size_t count, bool by_from, size_t **of, size_t **others)
{
    *of = numbers(p, count + 2);
    *others = numbers(p, link_count);
    for (size_t i = 0; i < link_count; i++)
        (*of)[(by_from ? links[i].from : links[i].to) + 2]++;
    for (size_t i = 2; i < count + 2; i++)
        (*of)[i] += (*of)[i - 1];
    for (size_t i = 0; i < link_count; i++)
        (*others)[(*of)[(by_from ? links[i].from : links[i].to) + 1]++] = by_from ? links[i].to : links[i].from;
}

/* ---- circles: an edge back to what is still open is turned round ---- */

static void open_from(plan *p, size_t start, uint8_t *state, size_t *at, const size_t *first, size_t *stack)
{
    size_t depth = 0;
    stack[depth++] = start;
    state[start] = 1;
    while (depth > 0) {
        size_t node = stack[depth - 1];
        if (first[node] + at[node] == first[node + 1]) {
            state[node] = 2;
            depth--;
            continue;
        }
        size_t edge = first[node] + at[node]++, to = p->map->edges[edge].to;
        p->turned[edge] = state[to] == 1;
        if (state[to] == 0) {
            state[to] = 1;
            stack[depth++] = to;
        }
    }
}

/* Edges are sorted by `from`. Events that nobody says come first, so that flows begin on the left. */
static void break_circles(plan *p)
{
    size_t count = p->map->node_count, *first = numbers(p, count + 1), *at = numbers(p, count), *stack = numbers(p, count), *in = numbers(p, count);
    uint8_t *state = polkai_arena_zeroed(p->arena, count + 1, 1);
    p->turned = polkai_arena_zeroed(p->arena, p->map->edge_count + 1, sizeof *p->turned);
    for (size_t i = 0; i < p->map->edge_count; i++) {
        first[p->map->edges[i].from + 1]++;
        in[p->map->edges[i].to]++;
    }
    for (size_t i = 0; i < count; i++)
        first[i + 1] += first[i];
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < count; i++)
            if (state[i] == 0 && (round == 2 || (round == 1 ? p->map->nodes[i].starts : in[i] == 0)))
                open_from(p, i, state, at, first, stack);
}

/* ---- layers ---- */

static void choose_layers(plan *p)
{
    size_t count = p->map->node_count, *waiting = numbers(p, count), *queue = numbers(p, count), *next_of, *next, done = 0, size = 0;
    link *links = polkai_arena_zeroed(p->arena, p->map->edge_count + 1, sizeof *links);
    for (size_t i = 0; i < p->map->edge_count; i++) {
        links[i] = (link){ low(p, i), high(p, i) };
        waiting[links[i].to]++;
    }
    index_links(p, links, p->map->edge_count, count, true, &next_of, &next);
    p->layer = numbers(p, count);
    for (size_t i = 0; i < count; i++)
        if (waiting[i] == 0)
            queue[size++] = i;
    while (done < size) {
        size_t node = queue[done++];
        for (size_t i = next_of[node]; i < next_of[node + 1]; i++) {
            if (p->layer[next[i]] < p->layer[node] + 1)
                p->layer[next[i]] = p->layer[node] + 1;
            if (--waiting[next[i]] == 0)
                queue[size++] = next[i];
        }
    }
    for (size_t i = size; i-- > 0;) {                                    /* as near to what follows as can be */
        size_t node = queue[i], nearest = SIZE_MAX;
        for (size_t n = next_of[node]; n < next_of[node + 1]; n++)
            nearest = p->layer[next[n]] < nearest ? p->layer[next[n]] : nearest;
        if (nearest != SIZE_MAX && p->map->nodes[node].service)
            p->layer[node] = nearest - 1;
    }
    for (size_t i = 0; i < count; i++)
        p->layer_count = p->layer[i] + 1 > p->layer_count ? p->layer[i] + 1 : p->layer_count;
}

/* ---- stand-ins ---- */

static size_t passed(const plan *p, size_t edge) { return p->layer[high(p, edge)] - p->layer[low(p, edge)] - 1; }

static void add_stand_ins(plan *p)
{
    size_t total = 0, node_count = p->map->node_count;
    for (size_t i = 0; i < p->map->edge_count; i++)
        total += passed(p, i);
    bool all = total <= MOST_STAND_INS;  /* else long lines go straight, across what is there */
    size_t *layer = numbers(p, node_count + (all ? total : 0));
    memcpy(layer, p->layer, node_count * sizeof *layer);
    p->links = polkai_arena_zeroed(p->arena, p->map->edge_count + total + 1, sizeof *p->links);
    p->first_stand_in = numbers(p, p->map->edge_count);
    p->vertex_count = node_count;
    for (size_t i = 0; i < p->map->edge_count; i++) {
        size_t before = low(p, i);
        p->first_stand_in[i] = p->vertex_count;
        for (size_t s = 0; all && s < passed(p, i); s++) {
            layer[p->vertex_count] = p->layer[low(p, i)] + 1 + s;
            p->links[p->link_count++] = (link){ before, p->vertex_count };
            before = p->vertex_count++;
        }
        if (all || passed(p, i) == 0)
            p->links[p->link_count++] = (link){ before, high(p, i) };
    }
    p->first_stand_in[p->map->edge_count] = p->vertex_count;
    p->layer = layer;
    index_links(p, p->links, p->link_count, p->vertex_count, true, &p->next_of, &p->next);
    index_links(p, p->links, p->link_count, p->vertex_count, false, &p->previous_of, &p->previous);
}

/* ---- order ---- */

static void make_rows(plan *p)
{
    p->rows = polkai_arena_zeroed(p->arena, p->layer_count + 1, sizeof *p->rows);
    p->place = polkai_arena_zeroed(p->arena, p->vertex_count + 1, sizeof *p->place);
    for (size_t i = 0; i < p->vertex_count; i++)
        p->rows[p->layer[i]].count++;
    for (size_t l = 0; l < p->layer_count; l++) {
        p->rows[l].items = numbers(p, p->rows[l].count);
        p->rows[l].count = 0;
    }
    for (size_t i = 0; i < p->vertex_count; i++) {
        p->place[i] = (double)p->rows[p->layer[i]].count;
        p->rows[p->layer[i]].items[p->rows[p->layer[i]].count++] = i;
    }
}

static double middle(const plan *p, size_t vertex, bool of_left, const double *value)
{
    const size_t *of = of_left ? p->previous_of : p->next_of, *others = of_left ? p->previous : p->next;
    double sum = 0;
    size_t count = of[vertex + 1] - of[vertex];
    for (size_t i = of[vertex]; i < of[vertex + 1]; i++)
        sum += value[others[i]];
    return count > 0 ? sum / (double)count : value[vertex];
}

typedef struct { double key; size_t rank, vertex; } ranked;

static int by_key(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->key < y->key || x->key > y->key)
        return x->key < y->key ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static void order_row(plan *p, size_t l, bool by_left, ranked *scratch)
{
    row *here = &p->rows[l];
    for (size_t i = 0; i < here->count; i++)
        scratch[i] = (ranked){ middle(p, here->items[i], by_left, p->place), i, here->items[i] };
    if (here->count > 0)
        qsort(scratch, here->count, sizeof *scratch, by_key);
    for (size_t i = 0; i < here->count; i++) {
        here->items[i] = scratch[i].vertex;
        p->place[scratch[i].vertex] = (double)i;
    }
}

static void order(plan *p)
{
    ranked *scratch = polkai_alloc((p->vertex_count + 1) * sizeof *scratch);
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (size_t i = 0; i < p->layer_count; i++)
            order_row(p, sweep % 2 == 0 ? i : p->layer_count - 1 - i, sweep % 2 == 0, scratch);
    free(scratch);
}

/* ---- heights ---- */

static double half(const plan *p, size_t vertex) { return (vertex < p->map->node_count ? HEIGHT + GAP_Y : LANE) / 2.0; }

typedef struct { double sum, weight; size_t count; } pool;

/* The heights nearest to `wanted` that keep the order and the room: blocks that would overlap are placed as one. */
static void place_row(plan *p, const row *here, const double *wanted, pool *pools)
{
    size_t count = 0;
    double offset = 0;
    for (size_t i = 0; i < here->count; i++) {
        offset += i == 0 ? 0 : half(p, here->items[i - 1]) + half(p, here->items[i]);
        pools[count++] = (pool){ wanted[i] - offset, 1, 1 };
        while (count > 1 && pools[count - 2].sum / pools[count - 2].weight > pools[count - 1].sum / pools[count - 1].weight) {
            pools[count - 2].sum += pools[count - 1].sum;
            pools[count - 2].weight += pools[count - 1].weight;
            pools[count - 2].count += pools[count - 1].count;
            count--;
        }
    }
    offset = 0;
    for (size_t b = 0, i = 0; b < count; b++)
        for (size_t n = 0; n < pools[b].count; n++, i++) {
            offset += i == 0 ? 0 : half(p, here->items[i - 1]) + half(p, here->items[i]);
            p->y[here->items[i]] = pools[b].sum / pools[b].weight + offset;
        }
}

static void choose_heights(plan *p)
{
    pool *pools = polkai_alloc((p->vertex_count + 1) * sizeof *pools);
    double *wanted = polkai_alloc((p->vertex_count + 1) * sizeof *wanted);
    p->y = polkai_arena_zeroed(p->arena, p->vertex_count + 1, sizeof *p->y);
    for (size_t i = 0; i < p->vertex_count; i++)
        p->y[i] = p->place[i] * (HEIGHT + GAP_Y);
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (size_t i = 0; i < p->layer_count; i++) {
            const row *here = &p->rows[sweep % 2 == 0 ? i : p->layer_count - 1 - i];
            for (size_t v = 0; v < here->count; v++)
                wanted[v] = middle(p, here->items[v], sweep % 2 == 0, p->y);
            place_row(p, here, wanted, pools);
        }
    free(pools);
    free(wanted);
}

/* ---- boxes and lines ---- */

static size_t letters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static void make_boxes(plan *p, polkai_layout *layout, double *left, double *width)
{
    double top = 1e300, bottom = 0;
    polkai_box *boxes = polkai_arena_zeroed(p->arena, p->map->node_count + 1, sizeof *boxes);
    for (size_t i = 0; i < p->map->node_count; i++) {
        boxes[i].width = (double)letters(p->map->nodes[i].label) * LETTER + 24;
        boxes[i].height = HEIGHT;
        width[p->layer[i]] = boxes[i].width > width[p->layer[i]] ? boxes[i].width : width[p->layer[i]];
    }
    for (size_t i = 0; i < p->vertex_count; i++)
        top = p->y[i] < top ? p->y[i] : top;
    for (size_t l = 0; l < p->layer_count; l++)
        left[l] = l == 0 ? MARGIN : left[l - 1] + width[l - 1] + GAP_X;
    for (size_t i = 0; i < p->vertex_count; i++) {
        p->y[i] += MARGIN + HEIGHT / 2.0 - top;
        bottom = p->y[i] > bottom ? p->y[i] : bottom;
    }
    for (size_t i = 0; i < p->map->node_count; i++) {
        boxes[i].x = left[p->layer[i]] + (width[p->layer[i]] - boxes[i].width) / 2;
        boxes[i].y = p->y[i];
    }
    layout->boxes = boxes;
    layout->height = bottom + MARGIN + HEIGHT / 2.0;
    layout->width = p->layer_count > 0 ? left[p->layer_count - 1] + width[p->layer_count - 1] + MARGIN : 2 * MARGIN;
}

/* From the right side of the left box, across each stand-in, to the left side of the right one; turned edges the other way. */
static polkai_route make_route(plan *p, const polkai_layout *layout, const double *left, const double *width, size_t edge)
{
    size_t stand_ins = p->first_stand_in[edge + 1] - p->first_stand_in[edge], count = 2 + 2 * stand_ins;
    const polkai_box *from = &layout->boxes[low(p, edge)], *to = &layout->boxes[high(p, edge)];
    polkai_point *points = polkai_arena_zeroed(p->arena, count, sizeof *points);
    points[0] = (polkai_point){ from->x + from->width, from->y };
    for (size_t s = 0; s < stand_ins; s++) {
        size_t vertex = p->first_stand_in[edge] + s, l = p->layer[vertex];
        points[1 + 2 * s] = (polkai_point){ left[l], p->y[vertex] };
        points[2 + 2 * s] = (polkai_point){ left[l] + width[l], p->y[vertex] };
    }
    points[count - 1] = (polkai_point){ to->x, to->y };
    for (size_t i = 0; p->turned[edge] && i < count / 2; i++) {
        polkai_point other = points[i];
        points[i] = points[count - 1 - i];
        points[count - 1 - i] = other;
    }
    return (polkai_route){ count, points, p->turned[edge] };
}

void polkai_layout_make(polkai_layout *layout, const polkai_map *map, polka_arena *arena)
{
    plan p = { .map = map, .arena = arena };
    break_circles(&p);
    choose_layers(&p);
    add_stand_ins(&p);
    make_rows(&p);
    order(&p);
    choose_heights(&p);
    double *left = polkai_arena_zeroed(arena, p.layer_count + 1, sizeof *left), *width = polkai_arena_zeroed(arena, p.layer_count + 1, sizeof *width);
    make_boxes(&p, layout, left, width);
    polkai_route *routes = polkai_arena_zeroed(arena, map->edge_count + 1, sizeof *routes);
    for (size_t i = 0; i < map->edge_count; i++)
        routes[i] = make_route(&p, layout, left, width, i);
    layout->routes = routes;
}
