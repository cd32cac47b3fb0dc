/* attack.h: a service that does what the first letter of its event says, between a stubborn sink and a stubborn source. */
#ifndef TEST_FLOW_ATTACK_H
#define TEST_FLOW_ATTACK_H

#include "stubborn.h"

#include <flow/inner.h>

extern harness *h;
extern stubborn_sink sink;
extern stubborn_source source;
extern unsigned called, second_called, emit_count;
extern char order[256];                  /* the texts handled, in order */

/*
 * "l…" loses its partition meanwhile, "m…" forgets its outcome, "d…" dies, "r…" always comes later, "o…" comes later once;
 * all others emit emit_count answers. Tries again after 50 to 100 ms.
 */
extern const polka_service acts;
extern const polka_service both;         /* has a second reaction, too, which is done at the third attempt */

void remember(polka_text text);          /* puts it to `order` */
void prepare(void);
void start(const polka_service *service, polkai_flow_options options);
void equal(polka_text text, const char *expected);
void lose_the_partition(void);
polka_status step_fails(polka_error *error);
void give_up(void);                      /* destroys without a drain */

#endif
