/*
 * fault.h: what this process still does when a handler ends it by a fault signal (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT): one line in
 * the breaker's file, one in the log. Then the signal takes its course as if nobody had looked: exit status and core stay true,
 * and a handler that was there before (a crash reporter's, a sanitizer's) is called.
 */
#ifndef POLKA_SERVICE_FAULT_H
#define POLKA_SERVICE_FAULT_H

#include <base/log.h>
#include <flow/flow.h>

/* Where a service says it: its own breaker's file and its own log. A process may have several services. */
typedef struct {
    int descriptor;                      /* of the breaker's file, opened for appending; -1: a line in the log only */
    int log_descriptor;
    bool json;
    char service[250];
} polkai_fault_lines;

void polkai_fault_lines_init(polkai_fault_lines *lines, int descriptor, const polkai_log *log);

/* Each service takes them and gives them back; of several in a process the last gives them back indeed. */
void polkai_faults_take(void);
void polkai_faults_give_back(void);

/* Around all that a thread handles, on that thread. It gets an alternate stack, so that running out of stack counts, too. Both are borrowed. */
void polkai_fault_enter(const polkai_running *running, const polkai_fault_lines *lines);
void polkai_fault_leave(void);

#endif
