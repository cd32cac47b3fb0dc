/* check_pairs.c: what does not go together between one who says an event and one who hears it. */
#include <choreography/check_inner.h>

#include <base/arena.h>
#include <choreography/pairs.h>

/* Does another service than `writer`'s say the event just as `reader` expects it? Then the owners contradict each other. */
static bool other_fits(const polkai_pair *pair, bool topic)
{
    for (size_t i = 0; i < pair->event->say_count; i++) {
        const polkai_party *other = &pair->event->says[i];
        if (strcmp(other->manifest->service, pair->writer->manifest->service) == 0)
            continue;
        if (topic ? other->topic == pair->reader->topic : !polkai_keys_differ(other, pair->reader))
            return true;
    }
    return false;
}

static polkai_finding finding_of(polkai_code code, const polkai_pair *pair)
{
    return (polkai_finding){ .code = code, .service = pair->reader->manifest->service, .event = pair->event->name, .origin = pair->reader->manifest->origin };
}

static void check_topic(polkai_checking *check, const polkai_pair *pair)
{
    const polkai_party *writer = pair->writer, *reader = pair->reader;
    if (writer->topic == reader->topic || writer->topic == NULL || reader->topic == NULL || other_fits(pair, true))
        return;
    polkai_finding finding = finding_of(POLKAI_TOPIC_MISMATCH, pair);
    finding.message = polkai_arena_format(check->arena, "%s %s reads %s from the topic %s, but %s %s emits it to %s", reader->manifest->service,
                                          reader->manifest->version, pair->event->name, reader->topic, writer->manifest->service, writer->manifest->version,
                                          writer->topic).data;
    finding.fix = polkai_arena_format(check->arena, "Build both from one schema file, whose polka.topic says where the event goes (%s).", writer->topic).data;
    polkai_findings_add(check->findings, finding);
}

static void check_key(polkai_checking *check, const polkai_pair *pair)
{
    const polkai_party *writer = pair->writer, *reader = pair->reader;
    if (!polkai_keys_differ(writer, reader) || other_fits(pair, false))
        return;
    polkai_finding finding = finding_of(POLKAI_KEY_MISMATCH, pair);
    finding.message = polkai_arena_format(check->arena, "%s %s expects %s under the key %s, but %s %s emits it under %s: events that belong together may come out of order",
                                          reader->manifest->service, reader->manifest->version, pair->event->name, POLKAI_OR(reader->key, "(none)"),
                                          writer->manifest->service, writer->manifest->version, POLKAI_OR(writer->key, "(none)")).data;
    finding.fix = "Build both from one schema file, whose polka.key says which field is the key.";
    polkai_findings_add(check->findings, finding);
}

static void visit(void *context, const polkai_pair *pair)
{
    polkai_checking *check = context;
    check_topic(check, pair);
    check_key(check, pair);
    if (pair->breaks.count == 0)
        return;
    polkai_finding finding = finding_of(POLKAI_INCOMPATIBLE_PAIR, pair);
    finding.message = polkai_arena_format(check->arena, "%s %s cannot read %s as %s %s writes it: %s", pair->reader->manifest->service,
                                          pair->reader->manifest->version, pair->event->name, pair->writer->manifest->service, pair->writer->manifest->version,
                                          polkai_breaks_text(pair, check->arena)).data;
    finding.fix = pair->breaks.items[0].fix;
    polkai_findings_add(check->findings, finding);
}

void polkai_check_pairs(polkai_checking *check) { polkai_pairs_each(check->graph, check->arena, visit, check); }
