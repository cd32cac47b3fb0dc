/* plant.c: which bug is planted: the one that FAULTS_PLANTED_BUG names. Only in what tests compile for themselves. */
#include <base/plant.h>

#include <stdlib.h>
#include <string.h>

bool polkai_plant(const char *bug)
{
    static _Atomic(const char *) planted;                /* ThreadSanitizer is to see the planted race, and no other */
    if (planted == NULL)
        planted = getenv("FAULTS_PLANTED_BUG") != NULL ? getenv("FAULTS_PLANTED_BUG") : "";
    return strcmp(planted, bug) == 0;
}
