/*
 * plant.h: places where tests plant a bug, to show that their checker finds it: if (POLKAI_PLANT(leak)) return;
 *
 * In the library it is the constant false, and no code. tests/faults compiles these files a second time, for services that
 * only tests use, with POLKA_PLANTED_BUGS; which bug is then chosen at run time, and who chooses is in tests/faults/plant.c.
 */
#ifndef POLKA_BASE_PLANT_H
#define POLKA_BASE_PLANT_H

#include <stdbool.h>

#ifdef POLKA_PLANTED_BUGS
bool polkai_plant(const char *bug);
#define POLKAI_PLANT(BUG) polkai_plant(#BUG)
#else
#define POLKAI_PLANT(BUG) false
#endif

#endif
