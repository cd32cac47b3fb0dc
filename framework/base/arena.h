/* arena.h: what the framework itself does with the arena of codec.h: embed, reuse, free. */
#ifndef POLKA_BASE_ARENA_H
#define POLKA_BASE_ARENA_H

#include <polka/codec.h>

/* polkai_arena_init: `first` (may be NULL) is memory of the owner, used before any block is allocated. */
void polkai_arena_init(polka_arena *arena, void *first, size_t first_bytes);
/* polkai_arena_reset: frees all blocks and starts again in `first`. */
void polkai_arena_reset(polka_arena *arena, void *first, size_t first_bytes);
void polkai_arena_deinit(polka_arena *arena);

polka_text polkai_arena_text(polka_arena *arena, const char *data, size_t size);       /* a copy with a NUL at the end */
polka_bytes polkai_arena_bytes(polka_arena *arena, const void *data, size_t size);
polka_text polkai_arena_format(polka_arena *arena, const char *format, ...) POLKA_PRINTF(2, 3);
polka_text polkai_arena_vformat(polka_arena *arena, const char *format, va_list arguments);
void *polkai_arena_zeroed(polka_arena *arena, size_t count, size_t size);              /* stops on overflow of count * size */

/* polkai_alloc…, polkai_realloc: heap memory that is never NULL; out of memory ends the process with a message. */
void *polkai_alloc(size_t bytes);                        /* zeroed */
void *polkai_alloc_lines(size_t bytes);                  /* zeroed, from the beginning of a cache line on */
void *polkai_realloc(void *memory, size_t bytes);
char *polkai_strdup(const char *text);

#endif
