/*
 * health.h: what a service answers when it is asked how it does: alive, ready, started. Pure.
 *
 * Alive says that the process gets on, and nothing of brokers: whoever restarts a service because its broker is away makes two
 * outages of one. A handler may take as long as its deadline allows, a drain as long as its own; both watch themselves.
 */
#ifndef POLKA_SERVICE_HEALTH_H
#define POLKA_SERVICE_HEALTH_H

#include <flow/flow.h>

typedef enum { POLKAI_HEALTH_LIVE = 0, POLKAI_HEALTH_READY, POLKAI_HEALTH_STARTED } polkai_health_question;

enum { POLKAI_HEALTH_STILL_MS = 30000 };                 /* longer without a turn of the poll thread is not alive */
enum { POLKAI_HEALTH_REASONS = 4 };
typedef struct { size_t count; const char *reasons[POLKAI_HEALTH_REASONS]; } polkai_health;        /* why not; count 0: yes */

polkai_health polkai_health_of(polkai_health_question question, const polkai_pulse *pulse, int64_t now_ns);

#endif
