/* child.h: a service program in a process of its own, as main.c would make it, and what the tests of this folder do with it. */
#ifndef TEST_SERVICE_CHILD_H
#define TEST_SERVICE_CHILD_H

#include "sample.h"

#include <transport/broker.h>

#include <sys/types.h>

enum { OUTPUT = 65536 };
typedef struct { pid_t pid; int pipe; char text[OUTPUT]; size_t size; } child;

#define ARGUMENTS(...) (char *[]){ "payments", __VA_ARGS__, NULL }
#define NOWHERE "--brokers", "127.0.0.1:1", "--app.tenant", "t"

extern const polka_service *child_service;               /* what is started; &sample_service unless set */

child child_start(char **argv);                          /* both its outputs come here */
bool child_read_until(child *from, const char *what);    /* until `what` has come, or to the end when it is NULL */
bool child_read_count(child *from, const char *what, unsigned count);        /* until it has come so often */
int child_end(child *of);                                /* its exit code */

const char *child_folder(void);                          /* of this test alone, for its breaker; goes with the test by: */
void child_remove_folder(void);

char *child_broker_with(polkai_broker **broker, const char *const *ids, size_t count);       /* a mock broker with an event of each of these ids on t.orders */
child child_start_stuck(polkai_broker **broker, const char *deadline, const char *lanes);    /* a handler that never comes back from the one event */

/* Its pages, when it is started with HTTP. */
#define HTTP "--http.port", "0", "--http.address", "127.0.0.1"
unsigned child_port(child *of);
const char *child_ask(unsigned port, const char *request);           /* the whole answer, as it came; until the next question */
const char *child_get(unsigned port, const char *path);
void child_says(unsigned port, const char *path, const char *status, const char *text);

#endif
