/* finding.c: the table of codes; a list that is sorted once, at the end. */
#include <choreography/finding.h>

#include <base/arena.h>
#include <stdlib.h>

const polkai_code_row polkai_codes[POLKAI_CODE_COUNT] = {
    [POLKAI_BAD_MANIFEST] = { "bad-manifest", false, "A manifest cannot be read, or contradicts itself." },
    [POLKAI_BAD_NAME] = { "bad-name", false, "Kafka refuses the topic, or Avro the event's name." },
    [POLKAI_DUPLICATE_SERVICE] = { "duplicate-service", false, "One service name with two groups, or one name and version with two contents." },
    [POLKAI_TWO_OWNERS] = { "two-owners", false, "Two services emit one event type to different topics, with different keys or schemas." },
    [POLKAI_TOPIC_MISMATCH] = { "topic-mismatch", false, "A reaction reads another topic than the one its event is emitted to." },
    [POLKAI_KEY_MISMATCH] = { "key-mismatch", false, "A reaction expects another key than the one its event is emitted with." },
    [POLKAI_INCOMPATIBLE_PAIR] = { "incompatible-pair", false, "A reader's schema cannot read what a writer's schema writes." },
    [POLKAI_UNFED_REACTION] = { "unfed-reaction", false, "A reaction waits for an event that nobody emits." },
    [POLKAI_CYCLE] = { "cycle", false, "Events cause themselves." },
    [POLKAI_FLOW_GAP] = { "flow-gap", false, "No chain of reactions can fulfil a flow contract." },
    [POLKAI_FLOW_UNREACHABLE] = { "flow-unreachable", false, "A flow contract names an event that its flow can never come to." },
    [POLKAI_UNHEARD_EVENT] = { "unheard-event", true, "An event is emitted, and nobody reacts to it." },
};

void polkai_findings_add(polkai_findings *findings, polkai_finding finding)
{
    if (findings->count == findings->capacity) {
        findings->capacity = 2 * findings->capacity + 16;
        polkai_finding *more = polkai_arena_zeroed(findings->arena, findings->capacity, sizeof *more);
        for (size_t i = 0; i < findings->count; i++)
            more[i] = findings->items[i];
        findings->items = more;
    }
    findings->items[findings->count++] = finding;
}

static int texts(const char *a, const char *b) { return strcmp(a != NULL ? a : "", b != NULL ? b : ""); }

static int compare(const void *left, const void *right)
{
    const polkai_finding *a = left, *b = right;
    int order = (a->code > b->code) - (a->code < b->code);
    order = order != 0 ? order : texts(a->event, b->event);
    order = order != 0 ? order : texts(a->service, b->service);
    return order != 0 ? order : texts(a->message, b->message);
}

void polkai_findings_settle(polkai_findings *findings)
{
    size_t kept = 0;
    if (findings->count > 0)
        qsort(findings->items, findings->count, sizeof *findings->items, compare);
    findings->error_count = 0;
    for (size_t i = 0; i < findings->count; i++) {
        if (kept > 0 && compare(&findings->items[kept - 1], &findings->items[i]) == 0)
            continue;
        findings->items[kept++] = findings->items[i];
        findings->error_count += !polkai_codes[findings->items[i].code].warning;
    }
    findings->count = kept;
}

bool polkai_findings_has(const polkai_findings *findings, const polkai_finding *finding)
{
    return findings->count > 0 && bsearch(finding, findings->items, findings->count, sizeof *findings->items, compare) != NULL;
}
