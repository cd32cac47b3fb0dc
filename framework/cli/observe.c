/* observe.c: one pass over the records; an effect may be read before its cause, as topics and partitions have no common order. */
#include <cli/observe.h>

#include <base/arena.h>
#include <inttypes.h>
#include <stdlib.h>

enum { LATE_MOST = 1000000 };

static size_t name_of(polkai_names *names, polka_text text)
{
    char *copy = cli_format("%.*s", POLKA_TEXT_ARGS(text));
    size_t number = polkai_names_add(names, copy);
    free(copy);
    return number;
}

static size_t service_of(cli_observed *observed, polka_text source)
{
    char *copy = cli_format("%.*s", POLKA_TEXT_ARGS(source));
    size_t number = polkai_names_add(&observed->services, cli_service_of(copy));
    free(copy);
    return number;
}

/* Where 1 + the number of this row stands, or shall stand. */
static size_t *place_of(const cli_observed *observed, bool says, size_t service, size_t event)
{
    size_t *at = &observed->of[event].first;
    while (*at > 0 && (observed->seen[*at - 1].says != says || observed->seen[*at - 1].service != service))
        at = &observed->seen[*at - 1].next;
    return at;
}

static void add(cli_observed *observed, bool says, size_t service, size_t event, int64_t time_ms)
{
    if (*place_of(observed, says, service, event) == 0) {
        if (observed->seen_count == observed->seen_capacity) {
            observed->seen_capacity = 2 * observed->seen_capacity + 64;
            observed->seen = polkai_realloc(observed->seen, observed->seen_capacity * sizeof *observed->seen);
        }
        observed->seen[observed->seen_count++] = (cli_seen){ .service = service, .event = event, .says = says };
        *place_of(observed, says, service, event) = observed->seen_count;        /* the rows may have moved */
    }
    cli_seen *found = &observed->seen[*place_of(observed, says, service, event) - 1];
    found->count++;
    found->last_ms = time_ms > found->last_ms ? time_ms : found->last_ms;
}

/* Those whose cause is there by now are told, the others stay. */
static void settle_late(cli_observed *observed)
{
    size_t kept = 0, event;
    for (size_t i = 0; i < observed->late_count; i++) {
        if (cli_causes_find(&observed->causes, observed->late[i].id, &event))
            add(observed, false, observed->late[i].service, event, observed->late[i].time_ms);
        else
            observed->late[kept++] = observed->late[i];
    }
    observed->late_count = kept;
}

/* Full of effects whose cause does not come: the older half of them gives way. */
static void make_room(cli_observed *observed)
{
    size_t half = observed->late_capacity / 2;
    settle_late(observed);
    if (observed->late_count <= half)
        return;
    observed->unknown += observed->late_count - half;
    memmove(observed->late, observed->late + observed->late_count - half, half * sizeof *observed->late);
    observed->late_count = half;
}

static void hears(cli_observed *observed, size_t service, polka_text cause, int64_t time_ms)
{
    cli_cause_id id = cli_cause_id_of(cause);
    size_t event, most = observed->causes.most > 0 ? observed->causes.most : LATE_MOST;
    if (cli_causes_find(&observed->causes, id, &event)) {
        add(observed, false, service, event, time_ms);
        return;
    }
    if (observed->late_count == observed->late_capacity && observed->late_capacity >= most)
        make_room(observed);
    if (observed->late_count == observed->late_capacity) {
        size_t wanted = 2 * observed->late_capacity + 64;
        observed->late_capacity = wanted < most ? wanted : most;
        observed->late = polkai_realloc(observed->late, observed->late_capacity * sizeof *observed->late);
    }
    observed->late[observed->late_count].id = id;
    observed->late[observed->late_count].service = service;
    observed->late[observed->late_count++].time_ms = time_ms;
}

static void keep_topic(cli_observed *observed, size_t event, polka_text topic)
{
    if (event >= observed->of_capacity) {
        size_t capacity = 2 * event + 64;
        observed->of = polkai_realloc(observed->of, capacity * sizeof *observed->of);
        memset(observed->of + observed->of_capacity, 0, (capacity - observed->of_capacity) * sizeof *observed->of);
        observed->of_capacity = capacity;
    }
    size_t place = name_of(&observed->places, topic);    /* which may move the items */
    if (observed->of[event].topic == NULL)
        observed->of[event].topic = observed->places.items[place];
}

void cli_observed_take(void *user, polkai_record *record, const polkai_envelope *envelope)
{
    cli_observed *observed = user;
    int64_t time_ms = envelope->time_ms != 0 ? envelope->time_ms : record->timestamp_ms;
    if (envelope->type.size == 0 || envelope->id.size == 0)
        return;
    if (cli_gather_is_letter(record)) {  /* who could not handle it heard it */
        const polkai_header *group = polkai_record_header(record, POLKA_TEXT("polka-consumer-group"));
        if (group != NULL && group->value.data != NULL)
            hears(observed, name_of(&observed->services, (polka_text){ group->value.size, (const char *)group->value.data }), envelope->id, record->timestamp_ms);
        return;
    }
    size_t event = name_of(&observed->events, envelope->type), service = service_of(observed, envelope->source);
    cli_causes_put(&observed->causes, cli_cause_id_of(envelope->id), event);
    keep_topic(observed, event, record->topic);
    add(observed, true, service, event, time_ms);
    if (envelope->causation_id.size > 0)
        hears(observed, service, envelope->causation_id, time_ms);
}

polka_status cli_observed_read(cli_observed *observed, const cli_gathering *gathering, int64_t since_ms, polka_error *error)
{
    cli_observed_begin(observed);
    TRY(cli_gather_pass(gathering, true, since_ms, cli_observed_take, observed, error));
    cli_observed_settle(observed);
    if (observed->causes.forgotten > 0)
        cli_say("the ids of %zu events are kept, and %" PRIu64 " older ones were forgotten: of %" PRIu64 " events the cause is not known any more or not there, so that who hears what may "
                "lack something; --since reads less", observed->causes.most, observed->causes.forgotten, observed->unknown);
    return POLKA_OK;
}

void cli_observed_begin(cli_observed *observed)
{
    polkai_names *names[] = { &observed->services, &observed->events, &observed->places };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        names[i]->arena = &observed->arena;
}

void cli_observed_settle(cli_observed *observed)
{
    settle_late(observed);
    observed->unknown += observed->late_count;           /* a cause that is too old, or forgotten */
    observed->late_count = 0;
}

void cli_observed_free(cli_observed *observed)
{
    free(observed->seen);
    cli_causes_free(&observed->causes);
    free(observed->late);
    free(observed->of);
    polkai_arena_deinit(&observed->arena);
    *observed = (cli_observed){ 0 };
}

const cli_seen *cli_observed_find(const cli_observed *observed, bool says, const char *service, const char *event)
{
    ptrdiff_t who = polkai_names_find(&observed->services, service), what = polkai_names_find(&observed->events, event);
    size_t at = who == POLKAI_NO_NAME || what == POLKAI_NO_NAME ? 0 : *place_of(observed, says, (size_t)who, (size_t)what);
    return at == 0 ? NULL : &observed->seen[at - 1];
}

static json_t *event_json(const cli_observed *observed, size_t event)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:[]}}", "event", observed->events.items[event], "topic", observed->of[event].topic, "schema", "type", "record", "name",
                     observed->events.items[event], "fields");
}

polka_status cli_observed_manifests(const cli_observed *observed, cli_manifests *manifests, polka_error *error)
{
    for (size_t service = 0; service < observed->services.count; service++) {
        json_t *reactions = json_array(), *emits = json_array();
        for (size_t i = 0; i < observed->seen_count; i++)
            if (observed->seen[i].service == service)
                json_array_append_new(observed->seen[i].says ? emits : reactions, event_json(observed, observed->seen[i].event));
        for (size_t i = 0; i < json_array_size(reactions); i++)
            json_object_set_new(json_array_get(reactions, i), "emits", json_array());
        json_t *whole = json_pack("{s:i, s:s, s:s, s:s, s:o, s:o}", "polka", 1, "service", observed->services.items[service], "version", "observed", "group",
                                  observed->services.items[service], "reactions", reactions, "emits", emits);
        char *text = json_dumps(whole, JSON_COMPACT);
        polkai_manifest *manifest;
        polkai_manifest_examine(&manifest, polka_text_of(text), "what was seen");
        free(text);
        json_decref(whole);
        TRY(cli_manifests_take(manifests, manifest, error));
    }
    return POLKA_OK;
}
