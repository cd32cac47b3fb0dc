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

static int texts(const char *a, const char *b) { return strcmp(a != NULL ? a : "", b != NULL ? b : ""); }

static int compare(const void *left, const void *right)
{
    const polkai_finding *a = left, *b = right;
    int order = (a->code > b->code) - (a->code < b->code);
    order = order != 0 ? order : texts(a->event, b->event);
    order = order != 0 ? order : texts(a->service, b->service);
    return order != 0 ? order : texts(a->message, b->message);
}

/* ---- by code and event ---- */

static size_t number_of(polkai_findings *findings, polkai_code code, const char *service, const char *event)
{
    polkai_findings_of *of = &findings->codes[code];
    of->about.arena = findings->arena;
    size_t number = polkai_names_add(&of->about, event != NULL ? event : service != NULL ? service : "");
    if (number < of->capacity)
        return number;
    size_t capacity = 2 * of->capacity + 8;
    void *more = polkai_arena_zeroed(findings->arena, capacity, sizeof *of->found);
    if (of->capacity > 0)
        memcpy(more, of->found, of->capacity * sizeof *of->found);
    of->found = more;
    of->capacity = capacity;
    return number;
}

bool polkai_findings_full(polkai_findings *findings, polkai_code code, const char *service, const char *event)
{
    size_t number = number_of(findings, code, service, event);
    bool full = findings->codes[code].found[number].count >= POLKAI_FINDINGS_LISTED;
    findings->codes[code].found[number].count += full;
    return full;
}

static bool is_listed(const polkai_findings *findings, size_t last, const polkai_finding *finding)
{
    for (; last > 0; last = findings->items[last - 1].more)
        if (compare(&findings->items[last - 1], finding) == 0)
            return true;
    return false;
}

/* Until they are settled, `more` of an item is the place + 1 of the one before it about the same event. */
void polkai_findings_add(polkai_findings *findings, polkai_finding finding)
{
    if (polkai_findings_full(findings, finding.code, finding.service, finding.event))
        return;
    size_t number = number_of(findings, finding.code, finding.service, finding.event);
    polkai_findings_of *of = &findings->codes[finding.code];
    if (is_listed(findings, of->found[number].last, &finding))
        return;
    if (findings->count == findings->capacity) {
        findings->capacity = 2 * findings->capacity + 16;
        polkai_finding *more = polkai_arena_zeroed(findings->arena, findings->capacity, sizeof *more);
        for (size_t i = 0; i < findings->count; i++)
            more[i] = findings->items[i];
        findings->items = more;
    }
    finding.more = of->found[number].last;
    findings->items[findings->count++] = finding;
    of->found[number].last = findings->count;
    of->found[number].count++;
}

void polkai_findings_settle(polkai_findings *findings)
{
    if (findings->count > 0)
        qsort(findings->items, findings->count, sizeof *findings->items, compare);
    findings->error_count = findings->warning_count = 0;
    for (size_t i = findings->count; i > 0; i--) {
        polkai_finding *one = &findings->items[i - 1];
        polkai_findings_of *of = &findings->codes[one->code];
        size_t number = number_of(findings, one->code, one->service, one->event), listed = POLKAI_FINDINGS_LISTED;
        one->more = of->found[number].count > listed ? of->found[number].count - listed : 0;
        of->found[number].count -= one->more;            /* told at the last of them */
        *(polkai_codes[one->code].warning ? &findings->warning_count : &findings->error_count) += 1 + one->more;
    }
}
