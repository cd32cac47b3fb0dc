/*
 * fault.h: what this process still does when a handler ends it by a fault signal (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT): one line in
 * the breaker's file, one in the log. Then the signal takes its course as if nobody had looked: exit status and core stay true,
 * and a handler that was there before (a crash reporter's, a sanitizer's) is called.
 */
#ifndef POLKA_SERVICE_FAULT_H
#define POLKA_SERVICE_FAULT_H

#include <base/log.h>
#include <flow/flow.h>

/* polkai_faults_take: `descriptor` is of the breaker's file, opened for appending; -1: lines in the log only. Of two services in a process the first has it. */
bool polkai_faults_take(int descriptor, const polkai_log *log);
void polkai_faults_give_back(void);

/* Around all that a thread handles, on that thread. It gets an alternate stack, so that running out of stack counts, too. */
void polkai_fault_enter(const polkai_running *running);
void polkai_fault_leave(void);

#endif
