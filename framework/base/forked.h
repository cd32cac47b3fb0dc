/*
 * forked.h: whether this is a child process of the one that made something. After fork(2) the child has none of the threads, so nothing that
 * was made before works in it; what it makes itself does.
 */
#ifndef POLKA_BASE_FORKED_H
#define POLKA_BASE_FORKED_H

/* How many forks lie between the process that first called polkai_forks_count and this one. Kept by who is made, compared when it is used. */
extern unsigned polkai_forks;
void polkai_forks_count(void);           /* from now on they are counted; any thread, any number of times */

#endif
