/* span_queue.c: a ring whose slots have numbers: whoever puts takes the next number, whoever takes sees that it is written (Vyukov's bounded queue). */
#include <service/span_queue.h>

#include <base/arena.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { TEXT_BYTES = 832 };

typedef struct {
    atomic_ullong turn;                  /* twice the number that is to be written here; one more: it is to be read */
    polkai_span span;                    /* its texts are in `memory` */
    char memory[TEXT_BYTES];
} slot;

struct polkai_span_queue {
    size_t capacity;
    slot *slots;
    _Alignas(64) atomic_ullong last;     /* the next number to be written */
    _Alignas(64) atomic_ullong first;    /* the next to be read; one thread writes it */
};

polkai_span_queue *polkai_span_queue_create(size_t capacity)
{
    polkai_span_queue *queue = polkai_alloc_lines(sizeof *queue);
    queue->capacity = capacity > 0 ? capacity : 1;
    queue->slots = polkai_alloc(queue->capacity * sizeof *queue->slots);
    for (size_t i = 0; i < queue->capacity; i++)
        atomic_init(&queue->slots[i].turn, 2 * i);
    return queue;
}

void polkai_span_queue_destroy(polkai_span_queue *queue)
{
    if (queue == NULL)
        return;
    free(queue->slots);
    free(queue);
}

/* ---- put ---- */

static size_t cut(const char *text, size_t size, size_t most)
{
    if (size <= most)
        return size;
    while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80)   /* not inside of a character */
        most--;
    return most;
}

/* In the order in which they matter; a key that is cut would be another key. */
static void copy_texts(slot *to, const polkai_span *from)
{
    static const struct { size_t at, most; bool whole; } rows[] = {
        { offsetof(polkai_span, topic), 249, false },   { offsetof(polkai_span, id), 100, false },    { offsetof(polkai_span, conversation), 100, false },
        { offsetof(polkai_span, type), 120, false },    { offsetof(polkai_span, reaction), 80, false }, { offsetof(polkai_span, outcome), 8, false },
        { offsetof(polkai_span, error), 32, false },    { offsetof(polkai_span, message), 200, false }, { offsetof(polkai_span, key), 64, true },
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const polka_text *text = (const polka_text *)((const char *)from + rows[i].at);
        polka_text *copy = (polka_text *)((char *)&to->span + rows[i].at);
        if (text->data == NULL)
            continue;
        size_t most = rows[i].most < TEXT_BYTES - used ? rows[i].most : TEXT_BYTES - used;
        if (rows[i].whole && text->size > most) {
            *copy = (polka_text){ 0, NULL };
            continue;
        }
        *copy = (polka_text){ cut(text->data, text->size, most), to->memory + used };
        memcpy(to->memory + used, text->data, copy->size);
        used += copy->size;
    }
}

bool polkai_span_queue_put(polkai_span_queue *queue, const polkai_span *span)
{
    unsigned long long number = atomic_load_explicit(&queue->last, memory_order_relaxed);
    slot *at;
    for (;;) {
        at = &queue->slots[number % queue->capacity];
        unsigned long long turn = atomic_load_explicit(&at->turn, memory_order_acquire);
        if (turn == 2 * number) {
            if (atomic_compare_exchange_weak_explicit(&queue->last, &number, number + 1, memory_order_seq_cst, memory_order_relaxed))
                break;
            continue;                    /* somebody was quicker: the number is the next one now, and the turn is of another slot */
        }
        if (turn < 2 * number)
            return false;                /* a whole round behind: it has not been read yet */
        number = atomic_load_explicit(&queue->last, memory_order_relaxed);
    }
    at->span = *span;
    copy_texts(at, span);
    atomic_store_explicit(&at->turn, 2 * number + 1, memory_order_release);
    return true;
}

/* ---- take ---- */

static slot *first_of(polkai_span_queue *queue, unsigned long long *number)
{
    *number = atomic_load_explicit(&queue->first, memory_order_relaxed);
    return &queue->slots[*number % queue->capacity];
}

const polkai_span *polkai_span_queue_first(polkai_span_queue *queue)
{
    unsigned long long number;
    slot *at = first_of(queue, &number);
    return atomic_load_explicit(&at->turn, memory_order_acquire) == 2 * number + 1 ? &at->span : NULL;
}

void polkai_span_queue_drop_first(polkai_span_queue *queue)
{
    unsigned long long number;
    slot *at = first_of(queue, &number);
    atomic_store_explicit(&queue->first, number + 1, memory_order_relaxed);
    atomic_store_explicit(&at->turn, 2 * (number + queue->capacity), memory_order_release);
}

size_t polkai_span_queue_count(const polkai_span_queue *queue)
{
    unsigned long long first = atomic_load_explicit(&queue->first, memory_order_relaxed), last = atomic_load_explicit(&queue->last, memory_order_seq_cst);
    return last > first ? (size_t)(last - first) : 0;
}
