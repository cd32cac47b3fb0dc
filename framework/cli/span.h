/* span.h: what of partitions is read: from where to where, by offsets, by time, or by the key whose partition it is. */
#ifndef POLKA_CLI_SPAN_H
#define POLKA_CLI_SPAN_H

#include <cli/options.h>
#include <transport/admin.h>

/* Zero: all, to the end as it is now. */
typedef struct {
    int64_t from;                        /* POLKAI_OFFSET_START, _END (as it is now), or _TAIL - N: the last N; 0: the start */
    int64_t since_ms, until_ms;          /* from the first record written then (wall clock) or later, to before that; 0: not bounded */
    int64_t beyond;                      /* but for the last so many records */
    polka_text key;                      /* only the partition of each topic to which Kafka's partitioner gives this key; no data: all */
} cli_span;

/* Of one partition: the first that is wanted at all, where it begins, and where it ends; end -1: the partition is gone. */
typedef struct { int64_t low, begin, end; } cli_bounds;

/* cli_span_list: partitions of these topics that are `there` and in the span. *extents is new; names are borrowed. */
size_t cli_span_list(const cli_span *span, const cli_list *topics, const polkai_topic *there, size_t count, polkai_extent **extents);
/* cli_span_ask: one question for where all these partitions begin and end, and one a time. errors: TRANSIENT; then nothing is known of any. */
polka_status cli_span_ask(const cli_span *span, polkai_admin *admin, polkai_extent *extents, size_t count, cli_bounds *bounds, polka_error *error);

#endif
