/* manifest.c: made from the service value alone, so it cannot differ from what the program does. */
#include <base/error.h>
#include <base/text.h>
#include <service/manifest.h>

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static polka_status add_event(json_t *object, const polka_event *event, polka_error *error)
{
    char hex[17];
    json_error_t cause;
    json_t *schema = json_loads(event->schema != NULL ? event->schema : "", JSON_DECODE_ANY, &cause);
    ENSURE(schema != NULL, POLKA_MISUSE, error, "bad-manifest", "the schema of %s is not JSON (%s): make the event with polka_avro_generate", event->name,
           cause.text);
    polkai_hex64(hex, event->fingerprint);
    json_object_set_new(object, "event", json_string(event->name));
    json_object_set_new(object, "topic", text_or_null(event->topic));
    json_object_set_new(object, "key", text_or_null(event->key));
    json_object_set_new(object, "schema_version", event->version != 0 ? json_integer(event->version) : json_null());
    json_object_set_new(object, "fingerprint", json_string(hex));
    json_object_set_new(object, "schema", schema);
    if (event->final)
        json_object_set_new(object, "final", json_true());
    return POLKA_OK;
}

static json_t *names_of(const polka_events *events)
{
    json_t *names = json_array();
    for (size_t i = 0; i < events->count; i++)
        json_array_append_new(names, json_string(events->items[i]->name));
    return names;
}

/* Members that are the framework's default stay away: what is there was chosen. */
static void add_policy(json_t *object, const polka_reaction *reaction)
{
    const polka_retry_policy *retry = &reaction->retry;
    if (retry->attempts != 0 || retry->first_delay_ms != 0 || retry->max_delay_ms != 0) {
        json_t *policy = json_object();
        if (retry->attempts != 0)
            json_object_set_new(policy, "attempts", json_integer(retry->attempts));
        if (retry->first_delay_ms != 0)
            json_object_set_new(policy, "first_delay_ms", json_integer(retry->first_delay_ms));
        if (retry->max_delay_ms != 0)
            json_object_set_new(policy, "max_delay_ms", json_integer(retry->max_delay_ms));
        json_object_set_new(object, "retry", policy);
    }
    if (reaction->deadline_ms != 0)
        json_object_set_new(object, "deadline_ms", json_integer(reaction->deadline_ms));
}

/* Each event once, in the order of the tables. */
static polka_status add_emits(json_t *emits, const polka_events *events, polka_error *error)
{
    for (size_t i = 0; i < events->count; i++) {
        json_t *known;
        size_t index;
        bool found = false;
        json_array_foreach(emits, index, known)
            found = found || strcmp(json_string_value(json_object_get(known, "event")), events->items[i]->name) == 0;
        if (found)
            continue;
        json_t *object = json_object();
        json_array_append_new(emits, object);
        TRY(add_event(object, events->items[i], error));
    }
    return POLKA_OK;
}

static polka_status add_reaction(json_t *manifest, json_t *reactions, const polka_reaction *reaction, polka_error *error)
{
    json_t *object = json_object();
    if (reaction->event == NULL) {
        /* the default reaction hears no event in particular: a member of its own, which other readers pass over */
        json_object_set_new(object, "name", json_string(reaction->name != NULL ? reaction->name : "default"));
        json_object_set_new(object, "emits", names_of(&reaction->emits));
        json_object_set_new(manifest, "default", object);
        return POLKA_OK;
    }
    json_array_append_new(reactions, object);
    json_object_set_new(object, "name", json_string(reaction->name != NULL ? reaction->name : reaction->event->name));
    TRY(add_event(object, reaction->event, error));
    json_object_set_new(object, "emits", names_of(&reaction->emits));
    add_policy(object, reaction);
    return POLKA_OK;
}

static polka_status fill(json_t *manifest, const polka_service *service, const char *group, polka_error *error)
{
    json_t *reactions = json_array(), *emits = json_array();
    json_object_set_new(manifest, "polka", json_integer(1));
    json_object_set_new(manifest, "service", json_string(service->name));
    json_object_set_new(manifest, "domain", text_or_null(service->domain));
    json_object_set_new(manifest, "version", json_string(service->version));
    json_object_set_new(manifest, "group", json_string(group));
    json_object_set_new(manifest, "reactions", reactions);
    json_object_set_new(manifest, "emits", emits);
    for (const polka_reaction *row = service->reactions; row != NULL && (row->event != NULL || row->any != NULL); row++) {
        TRY(add_reaction(manifest, reactions, row, error));
        TRY(add_emits(emits, &row->emits, error));
    }
    return add_emits(emits, &service->emits, error);
}

polka_status polkai_manifest_write(const polka_service *service, const char *group, json_t **json, polka_error *error)
{
    json_t *manifest = json_object();
    polka_status status = fill(manifest, service, group, error);
    if (status != POLKA_OK) {
        json_decref(manifest);
        manifest = NULL;
    }
    *json = manifest;
    return status;
}
