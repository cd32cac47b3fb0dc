/* open.c: what a record is and who reacts to it: its envelope, or the schema that wrote it, where it carries no type. On its lane. */
#include <base/error.h>
#include <base/mark.h>
#include <flow/inner.h>

static void make_units(polkai_delivery *delivery, polkai_worker *worker, const polkai_route *route)
{
    const polkai_envelope *envelope = &delivery->envelope;
    delivery->unit_count = route == NULL ? 1 : route->count;
    delivery->units = polka_arena_alloc(&delivery->arena, delivery->unit_count * sizeof *delivery->units);
    for (size_t i = 0; i < delivery->unit_count; i++) {
        polka_context *unit = &delivery->units[i];
        *unit = (polka_context){ .flow = worker->flow, .worker = worker, .delivery = delivery, .arena = &delivery->arena, .attempt = 1,
                                 .reaction = route == NULL ? NULL : route->reactions[i] };
        unit->cause = (polka_cause){ .id = envelope->id, .type = envelope->type, .source = envelope->source,
                                     .key = { delivery->record.key.size, (const char *)delivery->record.key.data },
                                     .correlation_id = envelope->correlation_id.data != NULL ? envelope->correlation_id : envelope->id,
                                     .causation_id = envelope->causation_id, .hops = envelope->hops, .attempt = 1,
                                     .time_ms = envelope->time_ms != 0 ? envelope->time_ms : delivery->record.timestamp_ms };
    }
}

/* A record that carries no type: the schema that wrote it knows. */
static polka_status find_by_schema(polkai_delivery *delivery, const polkai_router *router, const polkai_route **route, polka_error *error)
{
    polkai_schema_key key;
    polka_bytes body;
    const polkai_writer_schema *writer;
    *route = polkai_router_default(router);
    ENSURE(delivery->envelope.json.data == NULL, POLKA_POISON, error, "no-type", "CloudEvents JSON without a type");
    TRY(polkai_read_key(delivery, &key, &body, error));
    polka_status status = polkai_schemas_writer(delivery, &key, &writer, error);
    if (status == POLKA_POISON && *route != NULL)
        return POLKA_OK;                 /* the default reaction takes what nobody can tell the type of */
    if (status != POLKA_OK) {
        polkai_error_where(error, "the record has no ce_type");
        return status;
    }
    ENSURE(writer->schema->name != NULL || *route != NULL, POLKA_POISON, error, "no-type", "the record has no ce_type, and its schema has no name: it is %s",
           polkai_avro_type_name(writer->schema->type));
    if (writer->schema->name != NULL) {
        delivery->envelope.type = polka_text_of(writer->schema->name);
        *route = polkai_router_find(router, delivery->envelope.type);
    }
    return POLKA_OK;
}

static polka_status find_route(polkai_delivery *delivery, polkai_worker *worker, const polkai_route **route, polka_error *error)
{
    polkai_flow *flow = worker->flow;
    TRY(polkai_envelope_open(&delivery->record, flow->cluster, &delivery->arena, &delivery->envelope, error));
    if (delivery->envelope.type.size == 0)
        return find_by_schema(delivery, flow->router, route, error);
    *route = polkai_router_find(flow->router, delivery->envelope.type);
    return POLKA_OK;
}

/* Who reacts cannot be told yet: the record waits as it is, and what was tried in vain is given back: that may be for hours. */
static void wait_unopened(polkai_delivery *delivery, polkai_worker *worker, const polka_arena *then, const polka_error *error)
{
    bool again = delivery->units != NULL;
    delivery->opened = false;
    if (!again)
        make_units(delivery, worker, NULL);
    polka_context *unit = delivery->units;
    unit->error = NULL;
    polkai_context_fail(unit, error->status, error->code, "%s", error->message);
    polkai_settle(unit, POLKA_DEAD);
    if (!again || unit->state != UNIT_WAITING)
        return;                          /* its units, and then what it keeps of the record, or its letter, stand there */
    unit->error = NULL;
    polkai_arena_back(&delivery->arena, then);
}

void polkai_delivery_open(polkai_delivery *delivery, polkai_worker *worker)
{
    polkai_flow *flow = worker->flow;
    polka_error error;
    const polkai_route *route = NULL;
    const polka_arena then = delivery->arena;
    delivery->opened = true;
    delivery->now_ms = flow->options.clock->wall_ms(flow->options.clock);
    if (delivery->record.unread != NULL) {
        const polkai_unread *why = delivery->record.unread;
        make_units(delivery, worker, NULL);
        delivery->units[0].first_failed_ms = delivery->now_ms;
        polkai_settle_letter(&delivery->units[0], "poison", why->code, polka_text_of(why->message));
        return;
    }
    if (delivery->record.value.data == NULL) {
        polkai_count(flow, COUNT_TOMBSTONES);
        return;
    }
    polkai_record_headers(&delivery->record, &worker->scratch);
    polka_status status = find_route(delivery, worker, &route, &error);
    if (status == POLKA_TRANSIENT) {
        wait_unopened(delivery, worker, &then, &error);
    } else if (status != POLKA_OK) {
        make_units(delivery, worker, NULL);
        delivery->units[0].first_failed_ms = delivery->now_ms;
        polkai_settle_letter(&delivery->units[0], "poison", error.code, polkai_arena_text(&delivery->arena, error.message, strlen(error.message)));
    } else if (route == NULL) {
        delivery->unit_count = 0;
        polkai_count(flow, COUNT_UNKNOWN);
    } else {
        make_units(delivery, worker, route);
    }
}
