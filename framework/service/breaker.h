/*
 * breaker.h: the file <breaker.folder>/<group>.ends, where ends of the process at one event are counted (side/breaker). Each group has its
 * own, so that services of other groups in the same folder, or in the same process, count for themselves.
 */
#ifndef POLKA_SERVICE_BREAKER_H
#define POLKA_SERVICE_BREAKER_H

#include <base/log.h>
#include <flow/flow.h>

typedef struct polkai_breaker polkai_breaker;

/*
 * polkai_breaker_open: never fails: where the file cannot be had, that is a line in the log, and faults are only told there.
 * folder: NULL or "": the default (polkai_file_home, "breaker"). *breaker is new; log is borrowed.
 */
polkai_breaker *polkai_breaker_open(const char *folder, const char *group, unsigned attempts, const polkai_log *log);
void polkai_breaker_close(polkai_breaker *breaker);      /* NULL is fine */

polkai_flow_breaker polkai_breaker_for_flow(polkai_breaker *breaker);            /* NULL: one that keeps no count */

#endif
