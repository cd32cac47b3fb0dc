/* asyncapi.c: first every message, from who says and who hears it; then channels and operations that point at them. */
#include <choreography/asyncapi.h>

#include <avro/json.h>
#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define KAFKA_BINDING "0.5.0"
#define AVRO_FORMAT "application/vnd.apache.avro;version=1.9.0"

/* An event as somebody knows it: one schema on one topic. */
typedef struct message message;
struct message { const polkai_party *party; const char *id, *channel; const message *other; };   /* other: the one before of the same event */

typedef struct {
    const polkai_graph *graph;
    const polkai_asyncapi_about *about;
    polka_arena *arena;
    polkai_names message_ids, operation_ids, channel_ids, topics;        /* topics: by the number of their channel id */
    size_t message_count;
    message *messages;
    const message **newest;              /* of each event, by its number in the graph */
    json_t *channels, *operations, *components;
} maker;

static bool is_ours(const maker *make, const polkai_party *party)
{
    return make->about->service == NULL || strcmp(party->manifest->service, make->about->service) == 0;
}

/* The names of components may have letters, digits, '.', '-' and '_' only; where two become one, a number follows. */
static const char *id_of(maker *make, polkai_names *ids, const char *name)
{
    char *id = (char *)(uintptr_t)polkai_arena_text(make->arena, name, strlen(name)).data;
    for (char *at = id; *at != '\0'; at++)
        *at = isalnum((unsigned char)*at) || strchr(".-_", *at) != NULL ? *at : '_';
    return polkai_names_distinct(ids, id, '-');
}

static json_t *reference(maker *make, const char *path, const char *id, const char *more, const char *item)
{
    return json_pack("{s:s}", "$ref", polkai_arena_format(make->arena, "#/%s/%s%s%s", path, id, more, item).data);
}

static json_t *kafka(json_t *binding)
{
    json_object_set_new(binding, "bindingVersion", json_string(KAFKA_BINDING));
    return json_pack("{s:o}", "kafka", binding);
}

/* ---- channels ---- */

static json_t *topic_binding(const maker *make, const char *topic)
{
    json_t *binding = json_pack("{s:s}", "topic", topic);
    polkai_asyncapi_topic about = make->about->topic != NULL ? make->about->topic(make->about->user, topic) : (polkai_asyncapi_topic){ 0 };
    if (!about.known)
        return kafka(binding);
    json_t *configuration = json_pack("{s:[s]}", "cleanup.policy", about.compacted ? "compact" : "delete");
    if (about.retention_ms >= -1)
        json_object_set_new(configuration, "retention.ms", json_integer(about.retention_ms));
    if (about.partitions > 0)
        json_object_set_new(binding, "partitions", json_integer(about.partitions));
    if (about.replicas > 0)
        json_object_set_new(binding, "replicas", json_integer(about.replicas));
    json_object_set_new(binding, "topicConfiguration", configuration);
    return kafka(binding);
}

/* A name that Kafka refuses is the address of nothing, and might be read as a template: {so}. */
static const char *channel_of(maker *make, const char *topic)
{
    ptrdiff_t known = polkai_names_find(&make->topics, topic);
    if (known != POLKAI_NO_NAME)
        return make->channel_ids.items[known];
    polkai_names_add(&make->topics, topic);
    const char *id = id_of(make, &make->channel_ids, topic);
    json_t *channel = json_pack("{s:s?, s:{}}", "address", polkai_topic_valid(topic) ? topic : NULL, "messages");
    if (polkai_topic_valid(topic))
        json_object_set_new(channel, "bindings", topic_binding(make, topic));
    else
        json_object_set_new(channel, "description", json_string(polkai_arena_format(make->arena, "Kafka has no topic of this name: %s", topic).data));
    json_object_set_new(make->channels, id, channel);
    return id;
}

/* ---- messages ---- */

static json_t *header(const char *type, const char *description) { return json_pack("{s:s, s:s}", "type", type, "description", description); }

static json_t *constant(const char *value) { return json_pack("{s:s, s:s}", "type", "string", "const", value); }

static json_t *formatted(const char *format, const char *description)
{
    return json_pack("{s:s, s:s, s:s}", "type", "string", "format", format, "description", description);
}

/* The CloudEvents headers of binary mode, and those beside them (design: "Wire contracts"). */
static json_t *headers_of(const char *event)
{
    return json_pack("{s:s, s:[s, s, s, s], s:{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}}", "type", "object", "required", "ce_specversion", "ce_id",
                     "ce_source", "ce_type", "properties", "ce_specversion", constant("1.0"),
                     "ce_id", header("string", "unique together with ce_source; the same again when the event is sent again"),
                     "ce_source", formatted("uri-reference", "who says it: /<domain>/<service>"), "ce_type", constant(event),
                     "ce_time", formatted("date-time", "when it was emitted"), "ce_subject", header("string", "the record's key"),
                     "ce_correlationid", header("string", "the business flow it belongs to: the ce_id of the flow's first event"),
                     "ce_causationid", header("string", "the ce_id of the event that caused it; a flow's first event has none"),
                     "ce_dataschema", formatted("uri-reference", "the schema it was written with: polka:<fingerprint>, or its address in a registry"),
                     "content-type", constant("application/avro"), "traceparent", header("string", "W3C Trace Context"));
}

static const polkai_schema *field_of(const polkai_schema *schema, const char *path)
{
    while (schema != NULL && schema->type == POLKAI_AVRO_RECORD) {
        size_t size = strcspn(path, "."), i = 0;
        while (i < schema->count && (strncmp(schema->fields[i].name, path, size) != 0 || schema->fields[i].name[size] != '\0'))
            i++;
        schema = i < schema->count ? schema->fields[i].schema : NULL;
        if (path[size] == '\0')
            return schema;
        path += size + 1;
    }
    return NULL;
}

/* A key is text, also of numbers; of bytes it is the bytes. */
static json_t *key_of(const maker *make, const polkai_party *party)
{
    const polkai_schema *field = field_of(party->schema, party->key);
    json_t *key = json_pack("{s:s, s:s}", "type", "string", "description", polkai_arena_format(make->arena, "the field %s of the value", party->key).data);
    if (field != NULL && (field->type == POLKAI_AVRO_INT || field->type == POLKAI_AVRO_LONG))
        json_object_set_new(key, "pattern", json_string("^-?[0-9]+$"));
    if (field != NULL && field->logical == POLKAI_LOGICAL_UUID)
        json_object_set_new(key, "format", json_string("uuid"));
    return key;
}

/* An attribute of a schema that is called "$ref" would be taken for a reference of the document. */
static json_t *without_references(const json_t *value)
{
    const char *name;
    size_t index;
    json_t *member, *made;
    if (json_is_array(value)) {
        made = json_array();
        json_array_foreach(value, index, member)
            json_array_append_new(made, without_references(member));
        return made;
    }
    if (!json_is_object(value))
        return json_deep_copy(value);
    made = json_object();
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
        if (strcmp(name, "$ref") != 0)
            json_object_set_new(made, name, without_references(member));
    return made;
}

static json_t *example_of(const polkai_party *party)
{
    return json_pack("{s:s, s:{s:s, s:s, s:s, s:s}, s:o}", "name", "sample", "headers", "ce_specversion", "1.0", "ce_id", "01931c6e-0000-7000-8000-000000000001",
                     "ce_source", "/example", "ce_type", party->as->event, "payload", polkai_json_sample(party->schema, 1));
}

static json_t *message_json(const maker *make, const polkai_party *party)
{
    json_t *json = json_pack("{s:s, s:s, s:o, s:{s:s, s:s}, s:{s:s, s:o}, s:[o]}", "name", party->as->event, "contentType", "application/avro",
                             "headers", headers_of(party->as->event), "correlationId", "description", "the business flow", "location", "$message.header#/ce_correlationid",
                             "payload", "schemaFormat", AVRO_FORMAT, "schema", without_references(party->as->schema), "examples", example_of(party));
    if (party->schema->doc != NULL && *party->schema->doc != '\0')
        json_object_set_new(json, "summary", json_string(party->schema->doc));
    json_object_set_new(json, "bindings", kafka(party->key != NULL ? json_pack("{s:o}", "key", key_of(make, party)) : json_object()));
    if (party->as->version > 0)
        json_object_set_new(json, "x-schema-version", json_integer(party->as->version));
    return json;
}

static const message **newest_of(const maker *make, const polkai_party *party) { return &make->newest[polkai_names_find(&make->graph->names, party->as->event)]; }

static void add_message(maker *make, const polkai_party *party)
{
    message *made = &make->messages[make->message_count++];
    const message **newest = newest_of(make, party);
    made->other = *newest;
    *newest = made;
    made->party = party;
    made->channel = channel_of(make, party->topic);
    made->id = id_of(make, &make->message_ids, party->as->event);
    json_object_set_new(json_object_get(make->components, "messages"), made->id, message_json(make, party));
    json_object_set_new(json_object_get(json_object_get(make->channels, made->channel), "messages"), made->id,
                        reference(make, "components/messages", made->id, "", ""));
}

/* Among all services, who hears an event gets it as it is written. */
static bool is_of(const maker *make, const message *one, const polkai_party *party)
{
    return one->party->topic == party->topic && (one->party->schema == party->schema || (make->about->service == NULL && party->reaction != NULL));
}

static bool has_message(const maker *make, const polkai_party *party)
{
    const message *one = *newest_of(make, party);
    while (one != NULL && !is_of(make, one, party))
        one = one->other;
    return one != NULL;
}

/* ---- operations ---- */

static json_t *emits_of(const polkai_manifest_reaction *reaction)
{
    json_t *emits = json_array();
    for (size_t i = 0; i < reaction->emit_count; i++)
        json_array_append_new(emits, json_string(reaction->emits[i]));
    return emits;
}

static json_t *causes_of(const polkai_party *party)
{
    json_t *causes = json_array();
    for (size_t i = 0; i < party->manifest->reaction_count; i++)
        for (size_t e = 0; e < party->manifest->reactions[i].emit_count; e++)
            if (strcmp(party->manifest->reactions[i].emits[e], party->as->event) == 0)
                json_array_append_new(causes, json_string(party->manifest->reactions[i].name));
    return causes;
}

static void describe_receive(const polkai_party *party, json_t *operation)
{
    json_object_set_new(operation, "title", json_string(party->reaction->name));
    json_object_set_new(operation, "bindings", kafka(json_pack("{s:{s:s, s:[s]}}", "groupId", "type", "string", "enum", party->manifest->group)));
    json_object_set_new(operation, "x-emits", emits_of(party->reaction));
}

static void describe_send(const polkai_party *party, json_t *operation)
{
    json_object_set_new(operation, "title", json_string(party->as->event));
    json_object_set_new(operation, "x-caused-by", causes_of(party));
}

static void add_operation(maker *make, const polkai_party *party)
{
    const polkai_manifest_reaction *reaction = party->reaction;
    const char *verb = reaction != NULL ? "on" : "emit", *what = reaction != NULL ? reaction->name : party->as->event;
    bool whole = make->about->service == NULL;
    const char *name = polkai_arena_format(make->arena, "%s%s%s-%s", whole ? party->manifest->service : "", whole ? "-" : "", verb, what).data;
    const char *channel = channel_of(make, party->topic);
    json_t *operation = json_pack("{s:s, s:o, s:[]}", "action", reaction != NULL ? "receive" : "send", "channel", reference(make, "channels", channel, "", ""), "messages");
    for (const message *one = *newest_of(make, party); one != NULL; one = one->other)
        if (is_of(make, one, party))
            json_array_append_new(json_object_get(operation, "messages"), reference(make, "channels", channel, "/messages/", one->id));
    (reaction != NULL ? describe_receive : describe_send)(party, operation);
    if (whole)
        json_object_set_new(operation, "tags", json_pack("[{s:s}]", "name", party->manifest->service));
    json_object_set_new(make->operations, id_of(make, &make->operation_ids, name), operation);
}

/* ---- the document ---- */

static bool is_chosen(const polkai_asyncapi_about *about, const polkai_manifest *manifest)
{
    return about->service == NULL || strcmp(about->service, manifest->service) == 0;
}

static polka_status ensure_known(const polkai_graph *graph, const polkai_asyncapi_about *about, polka_error *error)
{
    const char **names = polkai_alloc((graph->manifest_count + 1) * sizeof *names);
    bool found = about->service == NULL;
    for (size_t i = 0; i < graph->manifest_count; i++) {
        names[i] = graph->manifests[i]->service;
        found = found || strcmp(names[i], about->service) == 0;
    }
    const char *near = found ? NULL : polkai_nearest(about->service, names, graph->manifest_count);
    free(names);
    ENSURE(found, POLKA_MISUSE, error, "unknown-service", "there is no service '%s' among the %zu manifests%s%s%s", about->service, graph->manifest_count,
           near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
    return POLKA_OK;
}

/* A document is a promise to others: of what was read in part none is made. */
static polka_status ensure_readable(const polkai_graph *graph, const polkai_asyncapi_about *about, polka_error *error)
{
    for (size_t i = 0; i < graph->manifest_count; i++) {
        const polkai_manifest *one = graph->manifests[i];
        ENSURE(!is_chosen(about, one) || one->problem_count == 0, POLKA_POISON, error, "bad-manifest", "%s: %s; `polka check` tells more", one->origin,
               one->problem_count > 0 ? one->problems[0].message : "");
    }
    for (size_t i = 0; i < graph->bad_schema_count; i++) {
        const polkai_bad_schema *bad = &graph->bad_schemas[i];
        ENSURE(!is_chosen(about, bad->manifest), POLKA_POISON, error, "bad-schema", "%s: %s: %s", bad->manifest->origin, bad->event->event, bad->message);
    }
    return POLKA_OK;
}

/* Versions of one service each once; of several services one version if they all have it. */
static json_t *version_of(maker *make)
{
    polkai_names versions = { .arena = make->arena };
    for (size_t i = 0; i < make->graph->manifest_count; i++)
        if (is_chosen(make->about, make->graph->manifests[i]))
            polkai_names_add(&versions, make->graph->manifests[i]->version);
    if (versions.count != 1 && make->about->service == NULL)
        return json_string("mixed");
    const char *text = "";
    for (size_t i = 0; i < versions.count; i++)
        text = polkai_arena_format(make->arena, "%s%s%s", text, i > 0 ? ", " : "", versions.items[i]).data;
    return json_string(text);
}

static json_t *info_of(maker *make)
{
    const polkai_asyncapi_about *about = make->about;
    json_t *info = json_pack("{s:o, s:o}", "title", polkai_json_text(about->service != NULL ? about->service : about->title != NULL ? about->title : "services"), "version",
                             version_of(make));
    json_object_set_new(info, "description", json_string(about->service != NULL ? "What this service hears and says on Apache Kafka. A message has the schema that the service was compiled with."
                                                         : "What the services hear and say on Apache Kafka. A message has the schema of who emits it."));
    return info;
}

static json_t *servers_of(maker *make)
{
    json_t *servers = json_object();
    unsigned number = 0;
    for (const char *at = make->about->brokers; *at != '\0';) {
        size_t size = strcspn(at, ", ");
        if (size > 0)
            json_object_set_new(servers, polkai_arena_format(make->arena, "kafka-%u", ++number).data,
                                json_pack("{s:o, s:s}", "host", polkai_json_text(polkai_arena_text(make->arena, at, size).data), "protocol", "kafka"));
        at += size + (at[size] != '\0');
    }
    return servers;
}

static int by_event(const void *a, const void *b)
{
    const polkai_party *x = *(const polkai_party *const *)a, *y = *(const polkai_party *const *)b;
    int events = strcmp(x->as->event, y->as->event), services = strcmp(x->manifest->service, y->manifest->service);
    return events != 0 ? events : services != 0 ? services : strcmp(x->manifest->version, y->manifest->version);
}

/* Ours, in the order of their names, so that the same choreography gives the same document. */
static const polkai_party **sorted(maker *make, const polkai_party *parties, size_t count, size_t *chosen)
{
    const polkai_party **made = polkai_arena_zeroed(make->arena, count + 1, sizeof *made);
    *chosen = 0;
    for (size_t i = 0; i < count; i++)
        if (is_ours(make, &parties[i]))
            made[(*chosen)++] = &parties[i];
    if (*chosen > 0)
        qsort(made, *chosen, sizeof *made, by_event);
    return made;
}

static void fill(maker *make)
{
    const polkai_graph *graph = make->graph;
    size_t say_count, hear_count;
    const polkai_party **says = sorted(make, graph->says, graph->say_count, &say_count);
    const polkai_party **hears = sorted(make, graph->hears, graph->hear_count, &hear_count);
    make->messages = polkai_arena_zeroed(make->arena, say_count + hear_count + 1, sizeof *make->messages);
    make->newest = polkai_arena_zeroed(make->arena, graph->count + 1, sizeof *make->newest);
    for (size_t i = 0; i < say_count; i++)
        if (!has_message(make, says[i]))
            add_message(make, says[i]);
    for (size_t i = 0; i < hear_count; i++)
        if (!has_message(make, hears[i]))
            add_message(make, hears[i]);
    for (size_t i = 0; i < hear_count; i++)
        add_operation(make, hears[i]);
    for (size_t i = 0; i < say_count; i++)
        add_operation(make, says[i]);
}

polka_status polkai_asyncapi_make(json_t **document, const polkai_graph *graph, const polkai_asyncapi_about *about, polka_error *error)
{
    TRY(ensure_known(graph, about, error));
    TRY(ensure_readable(graph, about, error));
    polka_arena arena = { 0 };
    maker make = { .graph = graph, .about = about, .arena = &arena, .message_ids = { .arena = &arena }, .operation_ids = { .arena = &arena },
                   .channel_ids = { .arena = &arena }, .topics = { .arena = &arena }, .channels = json_object(), .operations = json_object(),
                   .components = json_pack("{s:{}}", "messages") };
    fill(&make);
    json_t *made = json_pack("{s:s, s:o, s:s}", "asyncapi", "3.0.0", "info", info_of(&make), "defaultContentType", "application/avro");
    if (about->brokers != NULL)
        json_object_set_new(made, "servers", servers_of(&make));
    json_object_set_new(made, "channels", make.channels);
    json_object_set_new(made, "operations", make.operations);
    json_object_set_new(made, "components", make.components);
    polkai_arena_deinit(&arena);
    *document = made;
    return POLKA_OK;
}
