/* check_services.c: what is wrong with one manifest, between two of one name, and between two that emit the same event. */
#include <choreography/check_inner.h>

#include <base/arena.h>
#include <base/text.h>
#include <choreography/pairs.h>
#include <ctype.h>
#include <stdlib.h>

/* ---- names ---- */

static bool event_name_valid(const char *name)
{
    bool first = true;
    for (; *name != '\0'; name++) {
        if (*name == '.' ? first : !(isalpha((unsigned char)*name) || *name == '_' || (!first && isdigit((unsigned char)*name))))
            return false;
        first = *name == '.';
    }
    return !first;
}

static const char *safe(const polkai_checking *check, const char *text)
{
    char out[400];
    polkai_text_escape(out, sizeof out, text, strlen(text), 300);
    return polkai_arena_format(check->arena, "%s", out).data;
}

static void check_names(polkai_checking *check, const polkai_party *party)
{
    const polkai_manifest *manifest = party->manifest;
    polkai_finding finding = { .code = POLKAI_BAD_NAME, .service = manifest->service, .event = party->as->event, .origin = manifest->origin };
    if (!event_name_valid(party->as->event)) {
        finding.message = polkai_arena_format(check->arena, "%s has the event '%s', a name that Avro refuses", manifest->service, safe(check, party->as->event)).data;
        finding.fix = "Parts of an event's name have letters, digits and _, do not begin with a digit, and have dots between them.";
        polkai_findings_add(check->findings, finding);
    }
    if (party->topic != NULL && !polkai_topic_valid(party->topic)) {
        finding.message = polkai_arena_format(check->arena, "%s has %s on the topic '%s', a name that Kafka refuses", manifest->service,
                                              safe(check, party->as->event), safe(check, party->topic)).data;
        finding.fix = "A topic has 1 to 249 letters, digits, '.', '_' and '-', and is not . or .. .";
        polkai_findings_add(check->findings, finding);
    }
}

/* ---- manifests ---- */

static void check_problems(polkai_checking *check, const polkai_manifest *manifest)
{
    for (size_t i = 0; i < manifest->problem_count; i++)
        polkai_findings_add(check->findings, (polkai_finding){
            .code = POLKAI_BAD_MANIFEST, .service = manifest->service, .event = manifest->problems[i].event, .origin = manifest->origin,
            .message = polkai_arena_format(check->arena, "%s: %s", manifest->origin, manifest->problems[i].message).data,
            .fix = "Make it anew with SERVICE --describe; what it should hold stands in the manifest's description." });
}

/* A name that Avro refuses makes its schema fail as well; one finding is enough for that. */
static void check_schemas(polkai_checking *check)
{
    for (size_t i = 0; i < check->graph->bad_schema_count; i++) {
        const polkai_bad_schema *bad = &check->graph->bad_schemas[i];
        if (!event_name_valid(bad->event->event))
            continue;
        polkai_findings_add(check->findings, (polkai_finding){
            .code = POLKAI_BAD_MANIFEST, .service = bad->manifest->service, .event = bad->event->event, .origin = bad->manifest->origin,
            .message = polkai_arena_format(check->arena, "%s: the schema of %s does not parse: %s", bad->manifest->origin, bad->event->event, bad->message).data,
            .fix = "Correct the schema, build the service anew, and take the manifest from SERVICE --describe." });
    }
}

static void add_duplicate(polkai_checking *check, const polkai_manifest *manifest, const char *message)
{
    polkai_findings_add(check->findings, (polkai_finding){
        .code = POLKAI_DUPLICATE_SERVICE, .service = manifest->service, .origin = manifest->origin, .message = message,
        .fix = "Give one of them another name or version, or leave out the manifest that is out of date." });
}

/* The graph has each manifest once, so two of one name and version differ. Readable ones only: the others have no facts. */
static void check_duplicates(polkai_checking *check)
{
    const polkai_graph *graph = check->graph;
    polkai_names services = { .arena = check->arena }, versions = { .arena = check->arena };
    size_t *first = polkai_alloc((graph->manifest_count + 1) * sizeof *first), *first_version = polkai_alloc((graph->manifest_count + 1) * sizeof *first_version);
    for (size_t i = 0; i < graph->manifest_count; i++) {
        const polkai_manifest *manifest = graph->manifests[i];
        if (manifest->problem_count > 0)
            continue;
        size_t known = services.count, service = polkai_names_add(&services, manifest->service);
        size_t known_version = versions.count;
        size_t version = polkai_names_add(&versions, polkai_arena_format(check->arena, "%s@%s", manifest->service, manifest->version).data);
        if (service == known)
            first[service] = i;
        if (version == known_version)
            first_version[version] = i;
        const polkai_manifest *other = graph->manifests[first[service]], *twin = graph->manifests[first_version[version]];
        if (strcmp(other->group, manifest->group) != 0)
            add_duplicate(check, manifest, polkai_arena_format(check->arena, "%s has the group %s in %s, but %s in %s", manifest->service, manifest->group,
                                                               manifest->origin, other->group, other->origin).data);
        else if (twin != manifest)
            add_duplicate(check, manifest, polkai_arena_format(check->arena, "%s %s says one thing in %s and another in %s", manifest->service, manifest->version,
                                                               twin->origin, manifest->origin).data);
    }
    free(first);
    free(first_version);
}

void polkai_check_manifests(polkai_checking *check)
{
    for (size_t i = 0; i < check->graph->manifest_count; i++)
        check_problems(check, check->graph->manifests[i]);
    check_schemas(check);
    for (size_t i = 0; i < check->graph->say_count; i++)
        check_names(check, &check->graph->says[i]);
    for (size_t i = 0; i < check->graph->hear_count; i++)
        check_names(check, &check->graph->hears[i]);
    check_duplicates(check);
}

/* ---- owners ---- */

static bool same_service(const polkai_party *a, const polkai_party *b) { return strcmp(a->manifest->service, b->manifest->service) == 0; }

static bool schemas_differ(const polkai_party *a, const polkai_party *b)
{
    return a->as->version == b->as->version && a->as->schema != NULL && b->as->schema != NULL && a->as->schema != b->as->schema
           && (a->schema == NULL || a->schema != b->schema) && !json_equal(a->as->schema, b->as->schema);
}

/* In what two emissions of one event contradict each other; NULL: in nothing. */
static const char *contradiction(polkai_checking *check, const polkai_party *a, const polkai_party *b)
{
    if (a->topic != NULL && b->topic != NULL && a->topic != b->topic)
        return polkai_arena_format(check->arena, "to the topic %s, %s %s to %s", a->topic, b->manifest->service, b->manifest->version, b->topic).data;
    if (a->as->key_told && b->as->key_told && a->key != b->key)
        return polkai_arena_format(check->arena, "with the key %s, %s %s with %s", POLKAI_OR(a->key, "(none)"), b->manifest->service, b->manifest->version,
                                   POLKAI_OR(b->key, "(none)")).data;
    if (schemas_differ(a, b))
        return a->as->version != 0 ? polkai_arena_format(check->arena, "by another schema than %s %s, and both call it version %" PRId64, b->manifest->service,
                                                         b->manifest->version, a->as->version).data
                                   : polkai_arena_format(check->arena, "by another schema than %s %s, and neither gives it a version", b->manifest->service,
                                                         b->manifest->version).data;
    return NULL;
}

static bool same_form(const polkai_party *a, const polkai_party *b)
{
    return a->topic == b->topic && a->key == b->key && a->as->key_told == b->as->key_told && a->as->version == b->as->version && a->schema == b->schema
           && a->schema != NULL && same_service(a, b);
}

/* `forms` are emissions that differ; most events have one or two, however many services emit them. */
static void check_owners_of(polkai_checking *check, const polkai_event_node *node)
{
    const polkai_party **forms = polkai_alloc((node->say_count + 1) * sizeof *forms);
    size_t count = 0;
    for (size_t i = 0; i < node->say_count; i++) {
        const polkai_party *here = &node->says[i];
        const char *what = NULL;
        bool known = false;
        for (size_t f = 0; f < count && what == NULL; f++) {
            known = known || same_form(forms[f], here);
            what = same_service(forms[f], here) ? NULL : contradiction(check, here, forms[f]);
        }
        if (what != NULL)
            polkai_findings_add(check->findings, (polkai_finding){
                .code = POLKAI_TWO_OWNERS, .service = here->manifest->service, .event = node->name, .origin = here->manifest->origin,
                .message = polkai_arena_format(check->arena, "%s %s emits %s %s", here->manifest->service, here->manifest->version, node->name, what).data,
                .fix = "Let one service own the event, or give both the same schema file; another meaning is another event." });
        if (!known && count < 64)        /* more contradicting forms than these tell nothing new */
            forms[count++] = here;
    }
    free(forms);
}

void polkai_check_owners(polkai_checking *check)
{
    for (size_t i = 0; i < check->graph->count; i++)
        if (check->graph->events[i].say_count > 1)
            check_owners_of(check, &check->graph->events[i]);
}
