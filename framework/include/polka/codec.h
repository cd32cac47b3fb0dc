/*
 * codec.h: what generated headers use: memory of one event, a growing buffer, the codec of an event type.
 * Avro's primitives, used by generated sources only, stand in wire.h.
 *
 * Services do not call anything here by hand.
 */
#ifndef POLKA_CODEC_H
#define POLKA_CODEC_H

#include <polka/polka.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * polka_arena: bump memory, freed as a whole. Never fails: out of memory ends the process with a message,
 * as a half-decoded event cannot be served. One thread at a time.
 */
typedef struct polka_arena_block polka_arena_block;
typedef struct polka_arena {
    uint8_t *at, *end;                   /* what is free in the newest block */
    polka_arena_block *blocks;           /* newest first */
} polka_arena;

POLKA_API void *polka_arena_more(polka_arena *arena, size_t bytes);   /* the slow path: a new block */

/* polka_arena_alloc: `bytes` bytes, aligned to 8, not zeroed. */
static inline void *polka_arena_alloc(polka_arena *arena, size_t bytes)
{
    size_t rounded = (bytes + 7) & ~(size_t)7;
    if (rounded < bytes || (size_t)(arena->end - arena->at) < rounded)
        return polka_arena_more(arena, bytes);
    void *memory = arena->at;
    arena->at += rounded;
    return memory;
}

/* polka_buffer: bytes that grow inside an arena. Zero-initialise all but `arena`. */
typedef struct { uint8_t *data; size_t size, capacity; polka_arena *arena; } polka_buffer;

POLKA_API void polka_buffer_more(polka_buffer *buffer, size_t bytes);

/* polka_buffer_reserve: room for `bytes` more at the returned place; advance buffer->size by what was written. */
static inline uint8_t *polka_buffer_reserve(polka_buffer *buffer, size_t bytes)
{
    if (buffer->capacity - buffer->size < bytes)
        polka_buffer_more(buffer, bytes);
    return buffer->data + buffer->size;
}

/*
 * polka_codec: encode and decode of one event type, straight-line code made from its schema.
 *
 * encode appends the Avro body of `value`. errors: MISUSE naming the field path (a required text that is
 *        NULL, an enum or union tag that is not set, a value out of range).
 * decode reads `body` into `value` (value_size bytes), texts and arrays in `arena`; the whole body must be
 *        used up. errors: POISON with the reason, the byte offset and the field path; never reads out of bounds.
 * key    gives the record key of `value` (design: text of string, uuid, enum; decimal text of int, long; raw
 *        bytes, fixed); memory of `arena` or of `value`. NULL when the event has no key.
 */
typedef polka_status polka_decode(polka_bytes body, polka_arena *arena, void *value, polka_error *error);
typedef struct {
    unsigned version;
    uint64_t fingerprint;
    const char *schema;
    polka_decode *decode;                /* of what that version wrote, into the newest struct; NULL: by a plan from `schema` */
} polka_older_schema;
struct polka_codec {
    polka_status (*encode)(const void *value, polka_buffer *buffer, polka_error *error);
    polka_decode *decode;
    polka_status (*key)(const void *value, polka_arena *arena, polka_bytes *key, polka_error *error);
    const polka_older_schema *older;     /* earlier versions of the event's schema, newest first; NULL: none */
    size_t older_count;
};

/* A null has no value: its arrays have a count, its maps have keys. */
typedef struct { size_t count; } polka_null_array;
typedef struct { polka_text key; } polka_null_entry;
typedef struct { size_t count; const polka_null_entry *items; } polka_null_map;

/*
 * POLKA_EVENT declares what belongs to a generated event type E beside its struct:
 * E_event the descriptor; E_handler the type of a function that reacts to it; E_emit and E_emit_with (options of
 * polka_emit); E_in the value inside a polka_any, or NULL when that is another event; E_from_json and E_to_json.
 */
#define POLKA_EVENT(E)                                                                                              \
    extern const polka_event E##_event;                                                                             \
    typedef polka_outcome E##_handler(polka_context *ctx, const E *event);                                          \
    static inline void E##_emit(polka_context *ctx, const E *event) { polka_emit(ctx, &E##_event, event, NULL); }   \
    static inline void E##_emit_with(polka_context *ctx, const E *event, const polka_emission *options)             \
    {                                                                                                               \
        polka_emit(ctx, &E##_event, event, options);                                                                \
    }                                                                                                               \
    static inline const E *E##_in(const polka_any *any)                                                             \
    {                                                                                                               \
        return any->event == &E##_event ? (const E *)any->value : NULL;                                             \
    }                                                                                                               \
    POLKA_MUST_USE static inline polka_status E##_from_json(polka_context *ctx, polka_bytes json, E *event,         \
                                                            polka_error *error)                                     \
    {                                                                                                               \
        return polka_from_json(ctx, &E##_event, json, event, error);                                                \
    }                                                                                                               \
    static inline polka_text E##_to_json(polka_context *ctx, const E *event) { return polka_to_json(ctx, &E##_event, event); }

#ifdef __cplusplus
}
#endif
#endif
