/*
 * hold.h: another thread of this process is stopped where it stands, so that its stack and what it works on can be read.
 *
 * The thread is asked by a signal (SIGURG, whose default is to be ignored) and waits in the handler of it. The handler is there
 * from the first hold on only, and does nothing but walk the stack and sleep, so the thread may be inside malloc.
 */
#ifndef POLKA_BASE_HOLD_H
#define POLKA_BASE_HOLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { POLKAI_FRAMES = 64 };
typedef struct {
    pthread_t thread;
    atomic_int state;
    void *frames[POLKAI_FRAMES];         /* innermost first: where it stands, then where each call returns to */
    int count;
} polkai_hold;

/*
 * polkai_hold_thread waits up to timeout_ms for `thread` to stop. `hold` is zeroed at first, is for this thread alone and must stay as
 * long as the thread lives. One caller at a time; a held thread stays held until it is released, whatever is held next.
 * false: it does not answer (it blocks the signal, or the kernel does not let it run).
 */
bool polkai_hold_thread(polkai_hold *hold, pthread_t thread, int timeout_ms);
void polkai_hold_release(polkai_hold *hold);             /* fine when it is not held */

/* polkai_hold_allow: the calling thread, which blocks signals, lets itself be held. */
void polkai_hold_allow(void);

/* polkai_frame_write: "on_order_placed+0x1c (payments+0x52af)", what is in brackets for addr2line. Cut to `size` with its NUL. */
void polkai_frame_write(char *out, size_t size, const void *frame, bool innermost);

#endif
