/* copying.h: services that answer what they are asked, exactly-once, and how their answers are looked at. */
#ifndef TEST_FLOW_COPYING_H
#define TEST_FLOW_COPYING_H

#include "flaky.h"

extern unsigned copying_called;          /* handlers */
extern const polka_service copy;         /* answers each */
extern const polka_service choosy;       /* "late…": at the second attempt; "dead…": a letter; "skip…": nothing */

void equal(polka_text text, const char *expected);
void put(harness *h, const char *text);                  /* its key is its text */
void expect_answers(harness *h, const char *texts);      /* exactly these, in this order; blanks between */

#endif
