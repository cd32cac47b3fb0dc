/* sampler.c: OpenTelemetry's samplers by name. */
#include <service/sampler.h>

#include <base/text.h>
#include <stdlib.h>

enum { RANDOM_BITS = 56 };
#define NONE (UINT64_C(1) << RANDOM_BITS)

static bool read_ratio(const char *text, uint64_t *threshold)
{
    char *end;
    double ratio = text == NULL || *text == '\0' ? 1 : strtod(text, &end);
    if (text != NULL && *text != '\0' && (end == text || *end != '\0'))
        return false;
    if (!(ratio >= 0 && ratio <= 1))
        return false;
    *threshold = NONE - (uint64_t)(ratio * (double)NONE);
    return true;
}

bool polkai_sampler_read(const char *name, const char *argument, polkai_sampler *sampler)
{
    static const struct { const char *name; bool by_parent, by_ratio; uint64_t threshold; } rows[] = {
        { "always_on", false, false, 0 },
        { "always_off", false, false, NONE },
        { "traceidratio", false, true, 0 },
        { "parentbased_always_on", true, false, 0 },
        { "parentbased_always_off", true, false, NONE },
        { "parentbased_traceidratio", true, true, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        *sampler = (polkai_sampler){ rows[i].by_parent, rows[i].threshold };
        return !rows[i].by_ratio || read_ratio(argument, &sampler->threshold);
    }
    return false;
}

bool polkai_sampler_decide(const polkai_sampler *sampler, const char trace_id[POLKAI_TRACE_ID], polkai_trace_parent parent)
{
    uint64_t low;
    if (sampler->by_parent && parent != POLKAI_PARENT_NONE)
        return parent == POLKAI_PARENT_SAMPLED;
    return polkai_hex64_read((polka_text){ 16, trace_id + 16 }, &low) && (low & (NONE - 1)) >= sampler->threshold;
}
