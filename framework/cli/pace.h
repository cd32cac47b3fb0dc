/* pace.h: when an event is due at `--rate` events a second. Pure: time goes in and comes out. */
#ifndef POLKA_CLI_PACE_H
#define POLKA_CLI_PACE_H

#include <stdint.h>

/* cli_pace_due_ns: when event number `index`, from 0, of those that began at began_ns is due. rate 0: at once. One that is late changes nothing for those after it. */
int64_t cli_pace_due_ns(int64_t began_ns, int64_t index, double rate);

/* cli_pace_wait_ms: how long to wait for what is due, in whole milliseconds, at most most_ms; 0: it is due. */
int cli_pace_wait_ms(int64_t due_ns, int64_t now_ns, int most_ms);

#endif
