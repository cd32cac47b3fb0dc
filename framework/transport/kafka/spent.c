/* spent.c: batches go from the thread that serves reports to those that send, and come back empty. */
#include <transport/kafka/spent.h>

#include <base/arena.h>
#include <stdlib.h>

/*
 * A batch is a kilobyte. A sender takes all that wait: sixteen batches of a dozen headers each are some 25,000 blocks to free. What is more
 * librdkafka frees.
 */
enum { SPENT = 126, MOST_WAITING = 16, QUIET_POLLS = 16 };

struct polkai_kafka_spent_batch { polkai_kafka_spent_batch *next; size_t count; rd_kafka_headers_t *headers[SPENT]; };
typedef polkai_kafka_spent_batch batch;

/* Whoever takes from a list takes all of it, so that no batch can come back between two looks at its head. */
static void push(_Atomic(batch *) *list, batch *one)
{
    batch *head = atomic_load_explicit(list, memory_order_relaxed);
    do
        one->next = head;
    while (!atomic_compare_exchange_weak_explicit(list, &head, one, memory_order_release, memory_order_relaxed));
}

static batch *take_all(_Atomic(batch *) *list)
{
    return atomic_exchange_explicit(list, NULL, memory_order_acquire);
}

static batch *emptied(polkai_kafka_spent *self)
{
    if (self->free == NULL)
        self->free = take_all(&self->empty);
    if (self->free == NULL)
        return polkai_alloc(sizeof(batch));
    batch *one = self->free;
    self->free = one->next;
    one->next = NULL;
    return one;
}

/* Away const: a report is given its message to read, and the headers are all that is taken from it. */
void polkai_kafka_spent_put(polkai_kafka_spent *self, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    if (!atomic_load_explicit(&self->apart, memory_order_relaxed) || atomic_load_explicit(&self->waiting, memory_order_relaxed) >= MOST_WAITING ||
        rd_kafka_message_detach_headers((rd_kafka_message_t *)(uintptr_t)message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (self->filling == NULL)
        self->filling = emptied(self);
    self->filling->headers[self->filling->count++] = headers;
    if (self->filling->count < SPENT)
        return;
    atomic_fetch_add_explicit(&self->waiting, 1, memory_order_relaxed);
    push(&self->full, self->filling);
    self->filling = NULL;
}

static void destroy_headers(batch *one)
{
    for (size_t i = 0; i < one->count; i++)
        rd_kafka_headers_destroy(one->headers[i]);
    one->count = 0;
}

/* Who sends before anybody has polled may well be who polls then. */
static bool is_apart(const polkai_kafka_spent *self)
{
    pthread_t server = atomic_load_explicit(&self->server, memory_order_relaxed);
    return server != 0 && !pthread_equal(pthread_self(), server);
}

void polkai_kafka_spent_take(polkai_kafka_spent *self)
{
    if (!atomic_load_explicit(&self->apart, memory_order_relaxed) && is_apart(self))
        atomic_store_explicit(&self->apart, true, memory_order_relaxed);
    if (atomic_load_explicit(&self->full, memory_order_relaxed) == NULL)
        return;
    for (batch *at = take_all(&self->full), *next; at != NULL; at = next) {
        next = at->next;
        destroy_headers(at);
        atomic_fetch_sub_explicit(&self->waiting, 1, memory_order_relaxed);
        push(&self->empty, at);
    }
}

static unsigned free_batches(batch *first)
{
    unsigned count = 0;
    for (batch *at = first, *next; at != NULL; at = next, count++) {
        next = at->next;
        destroy_headers(at);
        free(at);
    }
    return count;
}

static void free_all(polkai_kafka_spent *self)
{
    free_batches(self->filling);
    free_batches(self->free);
    self->filling = self->free = NULL;
    atomic_fetch_sub_explicit(&self->waiting, free_batches(take_all(&self->full)), memory_order_relaxed);
    free_batches(take_all(&self->empty));
}

void polkai_kafka_spent_polled(polkai_kafka_spent *self, size_t reported)
{
    if (!pthread_equal(pthread_self(), atomic_load_explicit(&self->server, memory_order_relaxed)))
        atomic_store_explicit(&self->server, pthread_self(), memory_order_relaxed);
    if (reported > 0)
        self->quiet = 0;
    else if (self->quiet < QUIET_POLLS && ++self->quiet == QUIET_POLLS)
        free_all(self);
}

void polkai_kafka_spent_deinit(polkai_kafka_spent *self)
{
    free_all(self);
}
