/* classic.h: the two events by avro-c's value API, as a hand-written program has them: values made once and used again. */
#ifndef POLKA_BENCH_CLASSIC_H
#define POLKA_BENCH_CLASSIC_H

#include "bench_events.h"

enum { CLASSIC_LINES = 16 };
typedef struct { bench_order_placed order; bench_order_line lines[CLASSIC_LINES]; } classic_order;

void classic_open(void);
/* classic_read: texts are borrowed from avro-c's value until the next call. false: not readable. */
bool classic_read(polka_bytes body, classic_order *read);
/* classic_write: how many bytes of `out` it takes; 0: it does not fit. */
size_t classic_write(const bench_order_priced *price, uint8_t *out, size_t capacity);

#endif
