/* check.h: is the service value whole, before anything is opened. */
#ifndef POLKA_SERVICE_CHECK_H
#define POLKA_SERVICE_CHECK_H

#include <polka/polka.h>

/*
 * polkai_service_check: names that Kafka takes, a version, rows that were made by the macros, topics, no two reactions under one
 * name, and nothing of what this version does not do yet.
 * errors: MISUSE "bad-service", naming the member or the row.
 */
polka_status polkai_service_check(const polka_service *service, polka_error *error);

/* polkai_abi_check: `abi` is POLKA_ABI as the program was compiled. Touches nothing else of the program. */
polka_status polkai_abi_check(unsigned abi, const char *program, polka_error *error);

#endif
