/* graph.c: built in passes of linear time: manifests, events, parties event by event, steps. */
#include <choreography/graph.h>

#include <avro/json.h>
#include <base/arena.h>
#include <stdlib.h>

typedef struct {
    polkai_graph graph;
    polka_arena arena;
    polkai_names texts;                  /* of topics and keys */
    polkai_names schemas;                /* texts of schemas; the number is that of parsed[] */
    polka_buffer text;                   /* of the schema that is looked at */
    size_t parsed_capacity;
    struct { polkai_schema_set *set; const polkai_schema *schema; const char *message; } *parsed;
    size_t bad_capacity;
} builder;

/* ---- manifests: each once ---- */

/* false: its content stands among `contents` already. */
static bool add_content(polkai_names *contents, const polkai_manifest *manifest)
{
    size_t known = contents->count;
    char *text = manifest->json != NULL ? json_dumps(manifest->json, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    bool fresh = text == NULL || polkai_names_add(contents, text) == known;
    free(text);
    return fresh;
}

/* Only of those whose name and version come again the contents are looked at. */
static void choose_manifests(builder *make, const polkai_manifest *const *manifests, size_t count)
{
    const polkai_manifest **chosen = polkai_arena_zeroed(&make->arena, count, sizeof *chosen), **first = polkai_alloc((count + 1) * sizeof *first);
    polka_arena arena = { 0 };
    polkai_names names = { .arena = &arena }, contents = { .arena = &arena };
    make->graph.manifests = chosen;
    for (size_t i = 0; i < count; i++) {
        size_t known = names.count, name = polkai_names_add(&names, polkai_arena_format(&arena, "%s@%s", manifests[i]->service, manifests[i]->version).data);
        if (name < known && first[name] != NULL)
            add_content(&contents, first[name]);
        first[name] = name == known ? manifests[i] : NULL;               /* NULL: it is among the contents */
        if (name == known || add_content(&contents, manifests[i]))
            chosen[make->graph.manifest_count++] = manifests[i];
    }
    polkai_arena_deinit(&arena);
    free(first);
}

/* ---- schemas: each text once ---- */

static size_t parse(builder *make, const json_t *schema)
{
    polka_buffer *text = &make->text;
    polka_error error = { 0 };
    text->size = 0;
    polkai_json_write(schema, text);
    *polka_buffer_reserve(text, 1) = '\0';
    size_t known = make->schemas.count, number = polkai_names_add(&make->schemas, (const char *)text->data);
    if (number < known)
        return number;
    if (known == make->parsed_capacity) {
        make->parsed_capacity = 2 * make->parsed_capacity + 16;
        make->parsed = polkai_realloc(make->parsed, make->parsed_capacity * sizeof *make->parsed);
    }
    make->parsed[number].set = polkai_schema_set_create();
    make->parsed[number].schema = NULL;
    make->parsed[number].message = NULL;
    if (polkai_schema_parse_json(make->parsed[number].set, (polka_text){ text->size, (const char *)text->data }, schema, &make->parsed[number].schema, &error) != POLKA_OK) {
        make->parsed[number].schema = NULL;
        make->parsed[number].message = polkai_arena_text(&make->arena, error.message, strlen(error.message)).data;
    }
    return number;
}

static void note_bad_schema(builder *make, polkai_bad_schema bad)
{
    polkai_graph *graph = &make->graph;
    if (graph->bad_schema_count == make->bad_capacity) {
        make->bad_capacity = 2 * make->bad_capacity + 4;
        polkai_bad_schema *more = polkai_arena_zeroed(&make->arena, make->bad_capacity, sizeof *more);
        for (size_t i = 0; i < graph->bad_schema_count; i++)
            more[i] = graph->bad_schemas[i];
        graph->bad_schemas = more;
    }
    ((polkai_bad_schema *)graph->bad_schemas)[graph->bad_schema_count++] = bad;
}

static const polkai_schema *schema_of(builder *make, const polkai_manifest *manifest, const polkai_manifest_event *event)
{
    if (event->schema == NULL)
        return NULL;
    size_t number = parse(make, event->schema);
    if (make->parsed[number].message != NULL)
        note_bad_schema(make, (polkai_bad_schema){ manifest, event, make->parsed[number].message });
    return make->parsed[number].schema;
}

/* ---- parties: counted, then placed event by event ---- */

static void count_manifest(builder *make, const polkai_manifest *manifest)
{
    make->graph.say_count += manifest->emit_count;
    make->graph.hear_count += manifest->reaction_count;
    for (size_t i = 0; i < manifest->emit_count; i++)
        polkai_names_add(&make->graph.names, manifest->emits[i].event);
    for (size_t i = 0; i < manifest->reaction_count; i++) {
        const polkai_manifest_reaction *reaction = &manifest->reactions[i];
        polkai_names_add(&make->graph.names, reaction->hears.event);
        for (size_t e = 0; e < reaction->emit_count; e++)                /* with problems only: emits may lack it */
            polkai_names_add(&make->graph.names, reaction->emits[e]);
    }
}

static polkai_event_node *node_of(builder *make, const char *event)
{
    return (polkai_event_node *)&make->graph.events[polkai_names_find(&make->graph.names, event)];
}

static void count_parties(builder *make)
{
    for (size_t m = 0; m < make->graph.manifest_count; m++) {
        const polkai_manifest *manifest = make->graph.manifests[m];
        for (size_t i = 0; i < manifest->emit_count; i++)
            node_of(make, manifest->emits[i].event)->say_count++;
        for (size_t i = 0; i < manifest->reaction_count; i++) {
            polkai_event_node *node = node_of(make, manifest->reactions[i].hears.event);
            node->hear_count++;
            node->next_count += manifest->reactions[i].emit_count;
        }
    }
}

static polkai_party party(builder *make, const polkai_manifest *manifest, const polkai_manifest_event *event, const polkai_manifest_reaction *reaction)
{
    return (polkai_party){ .manifest = manifest, .as = event, .reaction = reaction, .topic = polkai_names_same(&make->texts, event->topic),
                           .key = polkai_names_same(&make->texts, event->key), .schema = schema_of(make, manifest, event) };
}

static void place_manifest(builder *make, const polkai_manifest *manifest)
{
    for (size_t i = 0; i < manifest->emit_count; i++) {
        polkai_event_node *node = node_of(make, manifest->emits[i].event);
        ((polkai_party *)node->says)[node->say_count++] = party(make, manifest, &manifest->emits[i], NULL);
        node->final = node->final || manifest->emits[i].final;
    }
    for (size_t i = 0; i < manifest->reaction_count; i++) {
        const polkai_manifest_reaction *reaction = &manifest->reactions[i];
        polkai_event_node *node = node_of(make, reaction->hears.event);
        polkai_party *hearer = (polkai_party *)&node->hears[node->hear_count++];
        *hearer = party(make, manifest, &reaction->hears, reaction);
        for (size_t e = 0; e < reaction->emit_count; e++)
            ((polkai_step *)node->next)[node->next_count++] =
                (polkai_step){ .event = (size_t)polkai_names_find(&make->graph.names, reaction->emits[e]), .by = hearer };
    }
}

static void place_parties(builder *make)
{
    polkai_graph *graph = &make->graph;
    polkai_event_node *events = (polkai_event_node *)graph->events;
    size_t steps = 0;
    for (size_t i = 0; i < graph->count; i++)
        steps += events[i].next_count;
    polkai_party *says = polkai_arena_zeroed(&make->arena, graph->say_count, sizeof *says);
    polkai_party *hears = polkai_arena_zeroed(&make->arena, graph->hear_count, sizeof *hears);
    polkai_step *next = polkai_arena_zeroed(&make->arena, steps, sizeof *next);
    graph->says = says;
    graph->hears = hears;
    for (size_t i = 0; i < graph->count; i++) {
        events[i].says = says;
        events[i].hears = hears;
        events[i].next = next;
        says += events[i].say_count;
        hears += events[i].hear_count;
        next += events[i].next_count;
        events[i].say_count = events[i].hear_count = events[i].next_count = 0;
    }
    for (size_t m = 0; m < graph->manifest_count; m++)
        place_manifest(make, graph->manifests[m]);
}

/* A default reaction hears all that is said on the topics of the service's other reactions. */
static void mark_default(builder *make)
{
    polkai_names topics = { .arena = &make->arena };
    for (size_t m = 0; m < make->graph.manifest_count; m++)
        for (size_t i = 0; make->graph.manifests[m]->hears_all && i < make->graph.manifests[m]->reaction_count; i++)
            if (make->graph.manifests[m]->reactions[i].hears.topic != NULL)
                polkai_names_add(&topics, make->graph.manifests[m]->reactions[i].hears.topic);
    for (size_t i = 0; i < make->graph.count; i++) {
        polkai_event_node *node = (polkai_event_node *)&make->graph.events[i];
        for (size_t s = 0; s < node->say_count; s++)
            if (node->says[s].topic != NULL && polkai_names_find(&topics, node->says[s].topic) != POLKAI_NO_NAME)
                node->heard_by_default = true;
    }
}

polkai_graph *polkai_graph_create(const polkai_manifest *const *manifests, size_t count)
{
    builder *make = polkai_alloc(sizeof *make);
    polkai_graph *graph = &make->graph;
    polkai_arena_init(&make->arena, NULL, 0);
    graph->names.arena = make->texts.arena = make->schemas.arena = make->text.arena = &make->arena;
    choose_manifests(make, manifests, count);
    for (size_t m = 0; m < graph->manifest_count; m++)
        count_manifest(make, graph->manifests[m]);
    graph->count = graph->names.count;
    polkai_event_node *events = polkai_arena_zeroed(&make->arena, graph->count, sizeof *events);
    graph->events = events;
    for (size_t i = 0; i < graph->count; i++)
        events[i].name = graph->names.items[i];
    count_parties(make);
    place_parties(make);
    mark_default(make);
    return graph;
}

void polkai_graph_destroy(polkai_graph *graph)
{
    if (graph == NULL)
        return;
    builder *make = (builder *)graph;    /* its first member */
    for (size_t i = 0; i < make->schemas.count; i++)
        polkai_schema_set_destroy(make->parsed[i].set);
    free(make->parsed);
    polkai_arena_deinit(&make->arena);
    free(make);
}

const polkai_event_node *polkai_graph_find(const polkai_graph *graph, const char *event)
{
    ptrdiff_t number = polkai_names_find(&graph->names, event);
    return number == POLKAI_NO_NAME ? NULL : &graph->events[number];
}

void polkai_graph_reach(const polkai_graph *graph, const size_t *from, size_t from_count, bool *reached)
{
    size_t *queue = polkai_alloc((graph->count + from_count + 1) * sizeof *queue), done = 0, waiting = 0;
    for (size_t i = 0; i < from_count; i++)
        queue[waiting++] = from[i];
    while (done < waiting) {
        const polkai_event_node *node = &graph->events[queue[done++]];
        for (size_t i = 0; i < node->next_count; i++)
            if (!reached[node->next[i].event]) {
                reached[node->next[i].event] = true;
                queue[waiting++] = node->next[i].event;
            }
    }
    free(queue);
}
