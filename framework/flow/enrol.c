/*
 * enrol.c: the ids that a registry gives to the schemas of what this service emits. They are asked for at the start; while
 * the registry cannot be reached the service lives, and what it emits with `framing: confluent` waits for its id.
 */
#include <base/error.h>
#include <base/text.h>
#include <flow/inner.h>

#include <stdio.h>

static bool is_wanted(const polkai_flow *flow)
{
    return flow->options.registry.enrol != NULL && (flow->options.confluent || flow->options.enrol);
}

static void accept(polkai_flow *flow, polkai_target *target, uint32_t id)
{
    target->enrolled = true;
    if (!flow->options.confluent)
        return;
    target->id = id;
    target->dataschema.size = (size_t)snprintf(target->dataschema_text, target->dataschema_capacity, "%s/schemas/ids/%" PRIu32, flow->options.registry.name, id);
    target->dataschema.data = target->dataschema_text;
    atomic_store_explicit(&target->announced, true, memory_order_release);           /* from here on others read the id */
}

typedef enum { ENROLLED = 1, LATER, REFUSED } outcome;

/* `outage`: what the registry did not answer with; once it is there the registry is not asked for another schema. */
static outcome enrol_one(const polkai_schema_registry *registry, const polka_event *event, polka_error *outage, uint32_t *id, polka_error *error)
{
    polka_text text = polka_text_of(event->schema);
    if (outage->status == POLKA_OK) {
        polka_status status = registry->enrol(registry->user, event->topic, event->name, text, id, error);
        if (status != POLKA_TRANSIENT)
            return status == POLKA_OK ? ENROLLED : REFUSED;
        *outage = *error;
    }
    return registry->enrolled != NULL && registry->enrolled(registry->user, event->topic, event->name, text, id) ? ENROLLED : LATER;
}

/* All whose id is not there yet. TRANSIENT: the registry cannot be reached, and at least one is left. */
static polka_status enrol_all(polkai_flow *flow, bool *some, polka_error *error)
{
    const polkai_schema_registry *registry = &flow->options.registry;
    polka_error outage = { .status = POLKA_OK };
    bool left = false;
    for (size_t i = 0; i < flow->target_count; i++) {
        polkai_target *target = &flow->targets[i];
        uint32_t id = 0;
        if (target->enrolled)
            continue;
        switch (enrol_one(registry, target->event, &outage, &id, error)) {
        case ENROLLED:
            accept(flow, target, id);
            *some = true;
            break;
        case LATER:
            left = true;
            break;
        case REFUSED:
            polkai_error_where(error, "the registry %s does not take the schema of %s", registry->name, target->event->name);
            return error->status = POLKA_MISUSE;
        }
    }
    if (!left)
        return POLKA_OK;
    *error = outage;
    return POLKA_TRANSIENT;
}

polka_status polkai_enrol_start(polkai_flow *flow, polka_error *error)
{
    bool some = false;
    if (!is_wanted(flow))
        return POLKA_OK;
    polka_status status = enrol_all(flow, &some, error);
    if (status != POLKA_TRANSIENT)
        return status;
    LOG_WARN(flow->options.log, "%s; %s", error->message,
             flow->options.confluent ? "the service lives on, and what it emits waits until the registry has given an id for its schema"
                                     : "the schemas of what is emitted are registered later");
    flow->schemas.enrol_due_ns = flow->options.clock->steady_ns(flow->options.clock) + polkai_retry_outage_ns(++flow->schemas.enrol_tries, 0.5);
    polkai_schemas_help(flow);
    return POLKA_OK;
}

int64_t polkai_enrol_again(polkai_flow *flow)
{
    polkai_schemas *schemas = &flow->schemas;
    polka_error error = { .status = POLKA_OK };
    bool some = false;
    int64_t now_ns = flow->options.clock->steady_ns(flow->options.clock);
    if (schemas->enrol_due_ns == 0 || now_ns < schemas->enrol_due_ns)
        return schemas->enrol_due_ns == 0 ? INT64_MAX : schemas->enrol_due_ns;
    polka_status status = enrol_all(flow, &some, &error);
    if (status == POLKA_TRANSIENT) {
        schemas->enrol_due_ns = now_ns + polkai_retry_outage_ns(++schemas->enrol_tries, 0.5);
    } else {
        schemas->enrol_due_ns = 0;
        if (status == POLKA_OK)
            LOG_INFO(flow->options.log, "the registry %s has given the ids of all schemas", flow->options.registry.name);
        else
            polkai_settle_stop(flow, &error);
    }
    if (some)
        polkai_schemas_tell(flow);
    return schemas->enrol_due_ns == 0 ? INT64_MAX : schemas->enrol_due_ns;
}
