/* worker.c: a lane with what its handlers share: the resources that the service opens for it, scratch memory, the keys that wait. */
#include <base/error.h>
#include <flow/inner.h>

#include <stdlib.h>

polkai_worker *polkai_worker_create(polkai_flow *flow, unsigned index)
{
    polkai_worker *made = polkai_alloc_lines(sizeof *made);
    made->flow = flow;
    made->index = index;
    made->parking = polkai_parking_create();
    made->running.may_be_lost = flow->options.replace_lanes;
    polkai_arena_init(&made->scratch, made->memory, SCRATCH_MEMORY);
    pthread_mutex_lock(&flow->lock);
    polkai_random_seed(&made->random, polkai_random_next(&flow->random));
    pthread_mutex_unlock(&flow->lock);
    return made;
}

void polkai_worker_destroy(polkai_worker *worker)
{
    polkai_parking_destroy(worker->parking);
    polkai_arena_deinit(&worker->scratch);
    polkai_chunks_free(worker->chunks);
    polkai_chunks_free(atomic_load(&worker->returned_chunks));
    free(worker->running.hold);
    free(worker);
}

/* ---- on its thread ---- */

static void close_resource(void *user)
{
    polkai_worker *worker = user;
    if (worker->flow->options.resource == NULL && worker->flow->service->close != NULL && worker->resource != NULL)
        worker->flow->service->close(worker->resource);
    worker->resource = NULL;
    if (worker->flow->options.breaker.leave != NULL)
        worker->flow->options.breaker.leave(worker->flow->options.breaker.user);
}

static polka_status open_resource(void *user, polka_error *error)
{
    polkai_worker *worker = user;
    polkai_flow *flow = worker->flow;
    if (flow->options.breaker.enter != NULL)
        flow->options.breaker.enter(flow->options.breaker.user, &worker->running);
    if (flow->options.resource != NULL)
        worker->resource = flow->options.resource;
    if (flow->options.resource != NULL || flow->service->open == NULL)
        return POLKA_OK;
    polka_arena arena = { NULL, NULL, NULL };
    polka_context context = { .flow = flow, .worker = worker, .arena = &arena, .attempt = 1 };
    *error = (polka_error){ .status = POLKA_OK };
    polka_status status = flow->service->open(&context, &worker->resource, error);
    if (status == POLKA_OK && context.error != NULL) {
        *error = *context.error;
        status = error->status;
        close_resource(worker);
    } else if (status != POLKA_OK && error->message[0] == '\0') {
        polkai_fail(error, status, "open", "the service's open failed without a message");
    }
    polkai_arena_deinit(&arena);
    return status;
}

/* Nobody waits for it, so it says itself that it failed. */
static polka_status open_again(void *user, polka_error *error)
{
    const polkai_worker *worker = user;
    polka_status status = open_resource(user, error);
    if (status == POLKA_OK)
        return POLKA_OK;
    error->status = status;
    polkai_error_where(error, "lane %u, which was to go on with a new thread", worker->index + 1);
    polkai_settle_stop(worker->flow, error);
    return status;
}

/* ---- start ---- */

polka_status polkai_worker_start(polkai_worker *worker, polka_error *error)
{
    polkai_lane_duty duty = { worker, open_resource, polkai_walk_items, close_resource };
    return polkai_lane_start(&worker->lane, &duty, worker->flow->threaded, worker->flow->options.clock, error);
}

polka_status polkai_worker_start_again(polkai_worker *worker, polka_error *error)
{
    polkai_lane_duty duty = { worker, open_again, polkai_walk_items, close_resource };
    return polkai_lane_launch(&worker->lane, &duty, worker->flow->options.clock, error);
}
