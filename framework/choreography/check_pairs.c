/* check_pairs.c: what does not go together between one who says an event and one who hears it. */
#include <choreography/check_inner.h>

#include <base/arena.h>
#include <choreography/pairs.h>

/* Who says an event just as one reader expects it: the first such service, and whether another one does as well. */
typedef struct { bool known, several; const char *service; } fitting;

typedef struct {
    polkai_checking *check;
    const polkai_event_node *event;      /* the one whose pairs are looked at */
    fitting *topics, *keys;              /* by its reader */
    size_t uncompared;                   /* pairs of it */
} checker;

static bool topic_fits(const polkai_party *writer, const polkai_party *reader) { return writer->topic == reader->topic; }

/* Who does not tell the key fits nobody. */
static bool key_fits(const polkai_party *writer, const polkai_party *reader) { return writer->as->key_told && !polkai_keys_differ(writer, reader); }

static void find_fitting(const polkai_pair *pair, fitting *found, bool (*fits)(const polkai_party *, const polkai_party *))
{
    found->known = true;
    for (size_t i = 0; i < pair->event->say_count && !found->several; i++) {
        const polkai_party *writer = &pair->event->says[i];
        if (!fits(writer, pair->reader))
            continue;
        found->several = found->service != NULL && strcmp(found->service, writer->manifest->service) != 0;
        found->service = writer->manifest->service;
    }
}

/* Does another service than the writer's say the event just as the reader expects it? Then the owners contradict each other. */
static bool other_fits(const polkai_pair *pair, fitting *of_readers, bool (*fits)(const polkai_party *, const polkai_party *))
{
    fitting *found = &of_readers[pair->reader - pair->event->hears];
    if (!found->known)
        find_fitting(pair, found, fits);
    return found->several || (found->service != NULL && strcmp(found->service, pair->writer->manifest->service) != 0);
}

static bool is_full(const checker *at, polkai_code code, const polkai_pair *pair)
{
    return polkai_findings_full(at->check->findings, code, pair->reader->manifest->service, pair->event->name);
}

static polkai_finding finding_of(polkai_code code, const polkai_pair *pair)
{
    return (polkai_finding){ .code = code, .service = pair->reader->manifest->service, .event = pair->event->name, .origin = pair->reader->manifest->origin };
}

static void check_topic(checker *at, const polkai_pair *pair)
{
    const polkai_party *writer = pair->writer, *reader = pair->reader;
    polkai_checking *check = at->check;
    if (writer->topic == reader->topic || writer->topic == NULL || reader->topic == NULL || other_fits(pair, at->topics, topic_fits) ||
        is_full(at, POLKAI_TOPIC_MISMATCH, pair))
        return;
    polkai_finding finding = finding_of(POLKAI_TOPIC_MISMATCH, pair);
    finding.message = polkai_arena_format(check->arena, "%s %s reads %s from the topic %s, but %s %s emits it to %s", reader->manifest->service,
                                          reader->manifest->version, pair->event->name, reader->topic, writer->manifest->service, writer->manifest->version,
                                          writer->topic).data;
    finding.fix = polkai_arena_format(check->arena, "Build both from one schema file, whose polka.topic says where the event goes (%s).", writer->topic).data;
    polkai_findings_add(check->findings, finding);
}

static void check_key(checker *at, const polkai_pair *pair)
{
    const polkai_party *writer = pair->writer, *reader = pair->reader;
    polkai_checking *check = at->check;
    if (!polkai_keys_differ(writer, reader) || other_fits(pair, at->keys, key_fits) || is_full(at, POLKAI_KEY_MISMATCH, pair))
        return;
    polkai_finding finding = finding_of(POLKAI_KEY_MISMATCH, pair);
    finding.message = polkai_arena_format(check->arena, "%s %s expects %s under the key %s, but %s %s emits it under %s: events that belong together may come out of order",
                                          reader->manifest->service, reader->manifest->version, pair->event->name, POLKAI_OR(reader->key, "(none)"),
                                          writer->manifest->service, writer->manifest->version, POLKAI_OR(writer->key, "(none)")).data;
    finding.fix = "Build both from one schema file, whose polka.key says which field is the key.";
    polkai_findings_add(check->findings, finding);
}

/* Nothing can be promised about them: an error, too. */
static void tell_uncompared(checker *at)
{
    if (at->uncompared > 0)
        polkai_findings_add(at->check->findings, (polkai_finding){
            .code = POLKAI_INCOMPATIBLE_PAIR, .event = at->event->name, .fix = "Build the services from one schema file of the event.",
            .message = polkai_arena_format(at->check->arena, "of the pairs of %s, %zu were not compared: it has too many different schemas", at->event->name,
                                           at->uncompared).data });
    at->uncompared = 0;
}

static void begin_event(checker *at, const polkai_event_node *event)
{
    tell_uncompared(at);
    at->event = event;
    at->topics = polkai_arena_zeroed(at->check->arena, event->hear_count, sizeof *at->topics);
    at->keys = polkai_arena_zeroed(at->check->arena, event->hear_count, sizeof *at->keys);
}

static void visit(void *context, const polkai_pair *pair)
{
    checker *at = context;
    polkai_checking *check = at->check;
    if (at->event != pair->event)
        begin_event(at, pair->event);
    check_topic(at, pair);
    check_key(at, pair);
    at->uncompared += pair->uncompared;
    if (pair->breaks.count == 0 || is_full(at, POLKAI_INCOMPATIBLE_PAIR, pair))
        return;
    polkai_finding finding = finding_of(POLKAI_INCOMPATIBLE_PAIR, pair);
    finding.message = polkai_arena_format(check->arena, "%s %s cannot read %s as %s %s writes it: %s", pair->reader->manifest->service,
                                          pair->reader->manifest->version, pair->event->name, pair->writer->manifest->service, pair->writer->manifest->version,
                                          polkai_breaks_text(pair, check->arena)).data;
    finding.fix = pair->breaks.items[0].fix;
    polkai_findings_add(check->findings, finding);
}

void polkai_check_pairs(polkai_checking *check)
{
    checker at = { .check = check };
    polkai_pairs_each(check->graph, check->arena, visit, &at);
    tell_uncompared(&at);
}
