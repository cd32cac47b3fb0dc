/* bench.h: what `polka bench` measures, on a cluster as it is. */
#ifndef POLKA_CLI_BENCH_H
#define POLKA_CLI_BENCH_H

#include <cli/reader.h>

typedef struct {
    const cli_connection *connection;
    const char *lanes, *envelope;        /* as the properties take them */
    int64_t events, bytes, pings;
    int64_t run;                         /* a number of this call */
    size_t word_count;
    char **words;                        /* the command line of a service here; filled by cli_bench_words */
} cli_bench;

/* Rates count from the first event to the last; of two hops, one in flight: rate is 0, and the halves and tails are there. */
typedef struct { const char *row; int64_t events; double per_second, cpu_us, p50_us, p99_us; } cli_bench_figure;

extern const char *const cli_bench_topics[2];

void cli_bench_words(cli_bench *bench);
void cli_bench_free(cli_bench *bench);
/* Each on its own; POLKA_OK with cli_stopped() means it was not ended. errors: as of a service or a producer. */
polka_status cli_bench_emit(cli_bench *bench, cli_bench_figure *figure, polka_error *error);
polka_status cli_bench_react(cli_bench *bench, bool emits, cli_bench_figure *figure, polka_error *error);
polka_status cli_bench_hops(cli_bench *bench, polkai_admin *admin, cli_bench_figure *figure, polka_error *error);

#endif
