/*
 * sampler.h: which traces are recorded, as OpenTelemetry's samplers decide. Pure: the same trace gets the same answer in every service
 * and at every redelivery.
 *
 * A ratio is of the last 56 bits of the trace id (W3C Trace Context level 2 calls those the random ones): ids of ours are UUIDs, whose
 * first bits are time, version and variant, and no chance.
 */
#ifndef POLKA_SERVICE_SAMPLER_H
#define POLKA_SERVICE_SAMPLER_H

#include <flow/tracing.h>

typedef struct {
    bool by_parent;                      /* an event that carries a trace: as it says */
    uint64_t threshold;                  /* 56 bits: traces from it on are recorded; 0: all, 2^56: none */
} polkai_sampler;

/* polkai_sampler_read: a name such as "parentbased_traceidratio" and its argument (NULL: none). false: no such sampler, or the ratio is none. */
bool polkai_sampler_read(const char *name, const char *argument, polkai_sampler *sampler);
bool polkai_sampler_decide(const polkai_sampler *sampler, const char trace_id[POLKAI_TRACE_ID], polkai_trace_parent parent);

#endif
