/*
 * read.c: from the bytes of a value to the struct that a handler gets: our own version and those before it straight, others through their plan.
 */
#include <avro/json.h>
#include <base/error.h>
#include <flow/inner.h>
#include <flow/schema/framing.h>

/* The framed bytes of the event, wherever the envelope has them. */
static polka_bytes framed(const polkai_delivery *delivery)
{
    return delivery->envelope.mode == POLKAI_MODE_STRUCTURED ? delivery->envelope.data : delivery->record.value;
}

polka_status polkai_read_key(const polkai_delivery *delivery, polkai_schema_key *key, polka_bytes *body, polka_error *error)
{
    *body = framed(delivery);
    if (delivery->envelope.schema_id.data != NULL && delivery->envelope.mode != POLKAI_MODE_STRUCTURED)
        return polkai_framing_read_header(delivery->envelope.schema_id, key, error);
    return polkai_framing_read(*body, key, body, error);
}

/* The JSON of a structured event, in the Avro of our own schema. */
static polka_status read_json(polka_context *unit, const polka_event *event, polka_bytes *body, polka_error *error)
{
    const polka_text json = unit->delivery->envelope.json;
    const polkai_schema_key own = polkai_schema_by_fingerprint(event->fingerprint);
    const polkai_writer_schema *ours = polkai_library_writer(unit->flow->schemas.library, &own);
    json_t *value = NULL;
    polka_buffer buffer = { .arena = unit->arena };
    ENSURE(ours != NULL, POLKA_MISUSE, error, "bad-schema", "the schema of %s that this service was built with cannot be read", event->name);
    TRY(polkai_json_parse((polka_bytes){ json.size, (const uint8_t *)json.data }, &value, error));
    polka_status status = polkai_json_encode(POLKAI_JSON_PLAIN, ours->schema, value, &buffer, error);
    json_decref(value);
    *body = (polka_bytes){ buffer.size, buffer.data };
    return status;
}

/* What another version of the schema wrote, as this one would have written it. */
static polka_status read_other(polka_context *unit, const polka_event *event, void *value, polka_error *error)
{
    const polkai_flow *flow = unit->flow;
    polkai_schema_key key;
    polka_bytes written, body;
    TRY(polkai_read_key(unit->delivery, &key, &written, error));
    const polkai_reading *reading = polkai_library_find(flow->schemas.library, &key, event);
    if (reading == NULL)
        TRY(polkai_schemas_reading(unit->delivery, &key, event, &reading, error));
    polka_status status = reading->refused == NULL ? POLKA_OK : polkai_fail(error, POLKA_POISON, reading->refused->code, "%s", reading->refused->message);
    body = written;
    if (status == POLKA_OK && reading->plan != NULL)
        status = polkai_plan_resolve(reading->plan, written, &flow->options.limits, &unit->worker->scratch, &body, error);
    if (status == POLKA_OK)
        status = reading->decode(body, &unit->worker->scratch, value, error);
    return status == POLKA_OK ? POLKA_OK : polkai_reading_explain(reading, &key, event, written, &flow->options.limits, error);
}

polka_status polkai_read_value(polka_context *unit, polka_error *error)
{
    const polka_event *event = unit->reaction->event;
    const polkai_envelope *envelope = &unit->delivery->envelope;
    void *value = polkai_arena_zeroed(&unit->worker->scratch, 1, event->value_size);
    polka_bytes body = framed(unit->delivery);
    if (envelope->json.data != NULL) {
        TRY(read_json(unit, event, &body, error));
        TRY(event->codec->decode(body, &unit->worker->scratch, value, error));
    } else if (envelope->schema_id.data == NULL && polkai_framing_is_of(body, event->fingerprint)) {
        body = (polka_bytes){ body.size - POLKAI_SINGLE_OBJECT_BYTES, body.data + POLKAI_SINGLE_OBJECT_BYTES };
        TRY(event->codec->decode(body, &unit->worker->scratch, value, error));
    } else {
        TRY(read_other(unit, event, value, error));
    }
    unit->value = value;
    unit->decoded = event;
    return POLKA_OK;
}
