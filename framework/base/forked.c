/* forked.c: the child counts itself, so that no use costs a call of the kernel. */
#include <base/forked.h>

#include <pthread.h>

unsigned polkai_forks;

static void in_child(void)
{
    polkai_forks++;
}

static void watch(void)
{
    pthread_atfork(NULL, NULL, in_child);
}

void polkai_forks_count(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch);
}
