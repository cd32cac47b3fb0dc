/* arena.c: memory of one event: bump allocation in blocks, freed as a whole. */
#include <base/mark.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A little below a power of two, for the allocator's own header. The first is small: many events need a little more than they bring along. */
enum { FIRST_BLOCK_BYTES = 2 * 1024 - 64, BLOCK_BYTES = 16 * 1024 - 64 };

static void out_of_memory(size_t bytes)
{
    char text[80];
    int size = snprintf(text, sizeof text, "polka: out of memory (%zu bytes)\n", bytes);
    if (size > 0 && write(STDERR_FILENO, text, (size_t)size) < 0) { /* nothing more can be said */ }
    abort();
}

void *polka_arena_more(polka_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        out_of_memory(bytes);
    size_t rounded = (bytes + 7) & ~(size_t)7;
    size_t usual = arena->blocks == NULL ? FIRST_BLOCK_BYTES : BLOCK_BYTES;
    size_t room = rounded > usual ? rounded : usual;
    polka_arena_block *block = malloc(sizeof *block + room);
    if (block == NULL)
        out_of_memory(room);
    block->older = arena->blocks;
    arena->blocks = block;
    /* a large piece gets a block of its own, and the newest block stays in use when it has more left */
    if (rounded > usual / 2 && arena->at != NULL)
        return block->memory;
    arena->at = block->memory + rounded;
    arena->end = block->memory + room;
    return block->memory;
}

void polkai_arena_init(polka_arena *arena, void *first, size_t first_bytes)
{
    arena->blocks = NULL;
    arena->at = first;
    arena->end = first == NULL ? NULL : (uint8_t *)first + first_bytes;
}

void polkai_arena_reset(polka_arena *arena, void *first, size_t first_bytes)
{
    polkai_arena_deinit(arena);
    polkai_arena_init(arena, first, first_bytes);
}

void polkai_arena_deinit(polka_arena *arena)
{
    polkai_arena_back(arena, &(polka_arena){ NULL, NULL, NULL });
}

polka_text polkai_arena_text(polka_arena *arena, const char *data, size_t size)
{
    char *copy = polka_arena_alloc(arena, size + 1);
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return (polka_text){ size, copy };
}

polka_bytes polkai_arena_bytes(polka_arena *arena, const void *data, size_t size)
{
    uint8_t *copy = polka_arena_alloc(arena, size + 1);
    if (size > 0)
        memcpy(copy, data, size);
    return (polka_bytes){ size, copy };
}

polka_text polkai_arena_vformat(polka_arena *arena, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (size < 0)
        return polkai_arena_text(arena, "", 0);
    char *text = polka_arena_alloc(arena, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, arguments);
    return (polka_text){ (size_t)size, text };
}

polka_text polkai_arena_format(polka_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    polka_text text = polkai_arena_vformat(arena, format, arguments);
    va_end(arguments);
    return text;
}

void *polkai_arena_zeroed(polka_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory(SIZE_MAX);
    void *memory = polka_arena_alloc(arena, bytes == 0 ? 1 : bytes);
    memset(memory, 0, bytes);
    return memory;
}

void polka_buffer_more(polka_buffer *buffer, size_t bytes)
{
    size_t wanted;
    if (__builtin_add_overflow(buffer->size, bytes, &wanted))
        out_of_memory(SIZE_MAX);
    size_t capacity = buffer->capacity < 128 ? 128 : buffer->capacity * 2;
    if (capacity < wanted)
        capacity = wanted > SIZE_MAX - 7 ? wanted : (wanted + 7) & ~(size_t)7;
    polka_arena *arena = buffer->arena;
    if (buffer->data != NULL && buffer->data + buffer->capacity == arena->at && (size_t)(arena->end - arena->at) >= capacity - buffer->capacity) {
        arena->at += capacity - buffer->capacity;        /* nothing came behind it: it grows where it is */
        buffer->capacity = capacity;
        return;
    }
    uint8_t *data = polka_arena_alloc(buffer->arena, capacity);
    if (buffer->size > 0)
        memcpy(data, buffer->data, buffer->size);
    buffer->data = data;
    buffer->capacity = capacity;
}

void *polkai_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes == 0 ? 1 : bytes);
    if (memory == NULL)
        out_of_memory(bytes);
    return memory;
}

void *polkai_alloc_lines(size_t bytes)
{
    enum { LINE = 64 };
    size_t rounded = (bytes + LINE - 1) & ~(size_t)(LINE - 1);
    void *memory = rounded < bytes ? NULL : aligned_alloc(LINE, rounded);
    if (memory == NULL)
        out_of_memory(bytes);
    return memset(memory, 0, rounded);
}

void *polkai_realloc(void *memory, size_t bytes)
{
    void *larger = realloc(memory, bytes == 0 ? 1 : bytes);
    if (larger == NULL)
        out_of_memory(bytes);
    return larger;
}

char *polkai_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(polkai_alloc(size), text, size);
}
