/* plant.c: which bug is planted: the one that FAULTS_PLANTED_BUG names. Only in what the fault suite compiles for itself. */
#include <base/plant.h>

#include <stdlib.h>
#include <string.h>

bool polkai_plant(const char *bug)
{
    static const char *planted;
    if (planted == NULL)
        planted = getenv("FAULTS_PLANTED_BUG") != NULL ? getenv("FAULTS_PLANTED_BUG") : "";
    return strcmp(planted, bug) == 0;
}
