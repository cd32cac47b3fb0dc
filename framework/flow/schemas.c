/*
 * schemas.c: the schemas of values that this service was not built with. What is not in the library is asked for by a helper
 * lane of its own, started when the first such value comes: from disk, from polka.schemas, from the registry. Until then
 * the event waits, and its key with it.
 */
#include <base/error.h>
#include <base/text.h>
#include <flow/inner.h>

#include <stdlib.h>

enum { COMPLAIN_EVERY_MS = 10000, ROUND_MOST = 32 };
static const char not_found[] = "schema-not-found";

static int64_t now_ns(const polkai_flow *flow)
{
    return flow->options.clock->steady_ns(flow->options.clock);
}

/* ---- asking: on a worker's lane ---- */

static bool may_be_found(const polkai_flow *flow, const polkai_schema_key *key)
{
    if (key->kind == POLKAI_BY_FINGERPRINT)
        return flow->options.cluster.open_source != NULL || flow->options.cache.find != NULL;
    return flow->options.registry.fetch != NULL;
}

static polka_status nowhere_to_look(const polkai_schema_key *key, polka_error *error)
{
    char name[POLKAI_SCHEMA_KEY_TEXT + 1];
    polkai_schema_key_text(key, name);
    if (key->kind == POLKAI_BY_FINGERPRINT)
        return polkai_fail(error, POLKA_POISON, not_found, "the value was written with %s, which is none of those this service was built with", name);
    return polkai_fail(error, POLKA_POISON, not_found, "the value was written with %s of a schema registry, and none is configured (schemas.registry.url)", name);
}

static void start_helper(polkai_flow *flow);

/* Says whether the schema is given up; asks for it otherwise. */
static polka_status ask(polkai_flow *flow, polkai_delivery *delivery, const polkai_schema_key *key, polka_error *error)
{
    polkai_schemas *schemas = &flow->schemas;
    char name[POLKAI_SCHEMA_KEY_TEXT + 1];
    bool fresh;
    polkai_schema_key_text(key, name);
    if (!may_be_found(flow, key))
        return nowhere_to_look(key, error);
    if (delivery->asked == 0)
        delivery->asked = atomic_load(&schemas->rounds);
    pthread_mutex_lock(&schemas->lock);
    const polkai_wanted *absent = polkai_wanted_ask(&schemas->wanted, key, delivery->asked, now_ns(flow), &fresh);
    if (absent != NULL)
        polkai_fail(error, POLKA_POISON, not_found, "the value was written with %s: %s", name, absent->reason);
    else if (fresh || atomic_load(&schemas->helper) == NULL)
        start_helper(flow);
    pthread_mutex_unlock(&schemas->lock);
    if (absent != NULL)
        return POLKA_POISON;
    delivery->waits_for_schema = true;
    return polkai_fail(error, POLKA_TRANSIENT, not_found, "the value was written with %s, which is not here yet", name);
}

polka_status polkai_schemas_reading(polkai_delivery *delivery, const polkai_schema_key *key, const polka_event *event, const polkai_reading **reading,
                                    polka_error *error)
{
    polkai_flow *flow = delivery->flow;
    *reading = polkai_library_find(flow->schemas.library, key, event);
    if (*reading == NULL)
        *reading = polkai_library_prepare(flow->schemas.library, key, event);
    return *reading != NULL ? POLKA_OK : ask(flow, delivery, key, error);
}

polka_status polkai_schemas_writer(polkai_delivery *delivery, const polkai_schema_key *key, const polkai_writer_schema **writer, polka_error *error)
{
    *writer = polkai_library_writer(delivery->flow->schemas.library, key);
    return *writer != NULL ? POLKA_OK : ask(delivery->flow, delivery, key, error);
}

void polkai_schemas_arrived(polkai_delivery *delivery)
{
    if (delivery->asked == 0)
        delivery->asked = atomic_load(&delivery->flow->schemas.rounds);
}

/* ---- looking: on the helper ---- */

/* What one round looks for; the list itself may change meanwhile. */
typedef struct { polkai_schema_key key; bool found, known; polka_error error; } looked;
typedef struct { polkai_flow *flow; uint64_t number; size_t count; looked items[ROUND_MOST]; bool missing; } round_of;

static size_t take_due(round_of *look, int64_t at_ns)
{
    polkai_schemas *schemas = &look->flow->schemas;
    pthread_mutex_lock(&schemas->lock);
    look->number = atomic_fetch_add(&schemas->rounds, 1) + 1;        /* before the list is left: who asks from here on asked later */
    for (const polkai_wanted *at = schemas->wanted.first; at != NULL && look->count < ROUND_MOST; at = at->next)
        if (!at->absent && at->due_ns <= at_ns)
            look->items[look->count++] = (looked){ .key = at->key };
    pthread_mutex_unlock(&schemas->lock);
    return look->count;
}

static void add(round_of *look, looked *item, polka_text text, const char *from)
{
    char name[POLKAI_SCHEMA_KEY_TEXT + 1];
    item->known = true;
    item->found = polkai_library_add(look->flow->schemas.library, &item->key, text, &item->error) == POLKA_OK;
    if (item->found)
        LOG_INFO(look->flow->options.log, "%s was found %s", polkai_schema_key_text(&item->key, name), from);
}

static void look_in_cache(round_of *look)
{
    const polkai_schema_cache *cache = &look->flow->options.cache;
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < look->count; i++) {
        looked *item = &look->items[i];
        if (item->key.kind != POLKAI_BY_FINGERPRINT)
            continue;
        polka_text text = cache->find == NULL ? (polka_text){ 0, NULL } : cache->find(cache->user, item->key.number, &arena);
        if (text.data != NULL)
            add(look, item, text, "on disk");
        item->known = item->found;       /* what is broken there may be whole on the topic */
        look->missing = look->missing || !item->found;
    }
}

static bool is_stopping(void *user)
{
    return atomic_load(&((polkai_flow *)user)->schemas.stopping);
}

static void look_on_topic(round_of *look)
{
    polkai_flow *flow = look->flow;
    polkai_schemas *schemas = &flow->schemas;
    polka_error error = { .status = POLKA_OK };
    if (flow->options.cluster.open_source == NULL)
        polkai_fail(&error, POLKA_POISON, not_found, "there is no " POLKAI_SCHEMA_TOPIC " to look into");
    else if (schemas->topic == NULL)
        schemas->topic = polkai_schema_topic_create(&flow->options.cluster, flow->options.clock, flow->options.log);
    polka_status status = schemas->topic == NULL ? error.status : polkai_schema_topic_read(schemas->topic, is_stopping, flow, &error);
    for (size_t i = 0; i < look->count; i++) {
        looked *item = &look->items[i];
        if (item->key.kind != POLKAI_BY_FINGERPRINT || item->found)
            continue;
        polka_text text = schemas->topic == NULL ? (polka_text){ 0, NULL } : polkai_schema_topic_find(schemas->topic, item->key.number);
        item->error = error;
        item->known = status != POLKA_TRANSIENT;
        if (text.data == NULL)
            continue;
        add(look, item, text, "on " POLKAI_SCHEMA_TOPIC);
        if (item->found && flow->options.cache.keep != NULL)
            flow->options.cache.keep(flow->options.cache.user, item->key.number, text);
    }
}

static void ask_registry(round_of *look)
{
    const polkai_schema_registry *registry = &look->flow->options.registry;
    polka_error outage = { .status = POLKA_OK };
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < look->count; i++) {
        looked *item = &look->items[i];
        polka_text text;
        if (item->key.kind == POLKAI_BY_FINGERPRINT)
            continue;
        item->error = outage;
        if (outage.status != POLKA_OK || is_stopping(look->flow))
            continue;                    /* one that does not answer is asked once a round */
        polka_status status = registry->fetch(registry->user, &item->key, &arena, &text, &item->error);
        item->known = status == POLKA_POISON;
        if (status == POLKA_OK)
            add(look, item, text, "in the registry");
        else if (status != POLKA_POISON)
            outage = item->error;
    }
}

/* ---- what the round brought ---- */

static bool may_complain(polkai_schemas *schemas, int64_t at_ns)
{
    if (schemas->complained_ns != 0 && at_ns - schemas->complained_ns < (int64_t)COMPLAIN_EVERY_MS * 1000000)
        return false;
    schemas->complained_ns = at_ns;
    return true;
}

static void missed(round_of *look, polkai_wanted *wanted, int64_t at_ns, int64_t delay_ns)
{
    const polkai_flow *flow = look->flow;
    char name[POLKAI_SCHEMA_KEY_TEXT + 1];
    int64_t patience_ms = flow->options.schema_missing_ms;
    size_t count = flow->schemas.topic == NULL ? 0 : polkai_schema_topic_count(flow->schemas.topic);
    if (wanted->missed_ns == 0)
        LOG_WARN(flow->options.log, "%s is not on " POLKAI_SCHEMA_TOPIC " (%zu others are); events written with it wait for it, up to %" PRId64 " s",
                 polkai_schema_key_text(&wanted->key, name), count, patience_ms / 1000);
    snprintf(wanted->reason, sizeof wanted->reason, "it did not come to " POLKAI_SCHEMA_TOPIC " within %" PRId64 " s (schemas.missing_ms); %zu others are there",
             patience_ms / 1000, count);
    polkai_wanted_missed(wanted, look->number, at_ns, delay_ns, patience_ms * 1000000);
}

static void conclude_one(round_of *look, const looked *item, int64_t at_ns)
{
    polkai_schemas *schemas = &look->flow->schemas;
    char name[POLKAI_SCHEMA_KEY_TEXT + 1];
    polkai_wanted *wanted = polkai_wanted_find(&schemas->wanted, &item->key);
    if (wanted == NULL || item->found) {
        polkai_wanted_found(&schemas->wanted, &item->key);
        return;
    }
    int64_t delay_ns = polkai_retry_outage_ns(wanted->looked + 1, 0.5);
    if (!item->known) {
        if (item->error.status != POLKA_OK && !is_stopping(look->flow) && may_complain(schemas, at_ns))
            LOG_WARN(look->flow->options.log, "%s cannot be looked for: %s; its events wait, all others flow",
                     polkai_schema_key_text(&item->key, name), item->error.message);
        polkai_wanted_unreachable(wanted, at_ns, delay_ns);
    } else if (item->error.status == POLKA_POISON) {
        polkai_wanted_absent(wanted, look->number, item->error.message);
    } else {
        missed(look, wanted, at_ns, delay_ns);
    }
}

/* Those that wait are looked at again soon, each on its lane. */
void polkai_schemas_tell(polkai_flow *flow)
{
    if (is_stopping(flow))
        return;                          /* the lanes are about to end */
    atomic_fetch_add(&flow->schemas.news, 1);
    pthread_mutex_lock(&flow->lock);     /* a lane may be replaced meanwhile */
    for (size_t i = 0; i < flow->worker_count; i++)
        if (flow->workers[i]->lane != NULL)
            polkai_lane_wake(flow->workers[i]->lane);
    pthread_mutex_unlock(&flow->lock);
}

static int64_t conclude(round_of *look)
{
    polkai_schemas *schemas = &look->flow->schemas;
    bool news = false;
    int64_t at_ns = now_ns(look->flow);
    pthread_mutex_lock(&schemas->lock);
    for (size_t i = 0; i < look->count; i++) {
        conclude_one(look, &look->items[i], at_ns);
        const polkai_wanted *wanted = polkai_wanted_find(&schemas->wanted, &look->items[i].key);
        news = news || wanted == NULL || wanted->absent;
    }
    int64_t due_ns = polkai_wanted_due_ns(&schemas->wanted);
    pthread_mutex_unlock(&schemas->lock);
    if (news)
        polkai_schemas_tell(look->flow);
    return due_ns;
}

static int64_t look_round(polkai_flow *flow)
{
    round_of look = { .flow = flow };
    bool ids = false;
    if (is_stopping(flow))
        return INT64_MAX;
    if (take_due(&look, now_ns(flow)) == 0)
        return conclude(&look);
    look_in_cache(&look);
    if (look.missing)
        look_on_topic(&look);
    for (size_t i = 0; i < look.count; i++)
        ids = ids || look.items[i].key.kind != POLKAI_BY_FINGERPRINT;
    if (ids)
        ask_registry(&look);
    return conclude(&look);
}

/* ---- the helper's life ---- */

static polka_status open_nothing(void *user, polka_error *error)
{
    (void)user, (void)error;
    return POLKA_OK;
}

static void close_nothing(void *user)
{
    (void)user;
}

static int64_t help(void *user, polkai_lane_item *items)
{
    polkai_flow *flow = user;
    (void)items;
    int64_t enrol_ns = is_stopping(flow) ? INT64_MAX : polkai_enrol_again(flow), look_ns = look_round(flow);
    return enrol_ns < look_ns ? enrol_ns : look_ns;
}

/* With the lock held. Without threads (a clock of a test) the flow's own steps turn it. */
static void start_helper(polkai_flow *flow)
{
    polkai_schemas *schemas = &flow->schemas;
    polka_error error;
    polkai_lane *helper = atomic_load(&schemas->helper);
    if (helper == NULL && !is_stopping(flow)) {
        polkai_lane_duty duty = { flow, open_nothing, help, close_nothing };
        schemas->threaded = flow->options.clock == &polkai_clock_real;
        if (polkai_lane_start(&helper, &duty, schemas->threaded, flow->options.clock, &error) != POLKA_OK) {
            LOG_ERROR(flow->options.log, "no thread to look for schemas: %s", error.message);
            return;                      /* whoever waits asks again */
        }
        atomic_store(&schemas->helper, helper);
    }
    if (helper != NULL)
        polkai_lane_wake(helper);
}

void polkai_schemas_help(polkai_flow *flow)
{
    pthread_mutex_lock(&flow->schemas.lock);
    start_helper(flow);
    pthread_mutex_unlock(&flow->schemas.lock);
}

size_t polkai_schemas_turn(polkai_flow *flow)
{
    polkai_lane *helper = atomic_load_explicit(&flow->schemas.helper, memory_order_acquire);
    if (helper == NULL || flow->schemas.threaded)
        return 0;
    unsigned before = atomic_load(&flow->schemas.news);
    polkai_lane_turn(helper);
    return atomic_load(&flow->schemas.news) - before;
}

int64_t polkai_schemas_due_ns(const polkai_flow *flow)
{
    polkai_lane *helper = atomic_load(&flow->schemas.helper);
    return helper == NULL || flow->schemas.threaded ? INT64_MAX : polkai_lane_due_ns(helper);
}

void polkai_schemas_create(polkai_flow *flow)
{
    polkai_schemas *schemas = &flow->schemas;
    pthread_mutex_init(&schemas->lock, NULL);
    atomic_init(&schemas->rounds, 1);
    schemas->library = polkai_library_create();
    for (const polka_reaction *row = flow->service->reactions; row != NULL && row->polka_row == 1; row++)
        if (row->event != NULL)
            polkai_library_know(schemas->library, row->event);
    for (size_t i = 0; i < flow->target_count; i++)
        polkai_library_know(schemas->library, flow->targets[i].event);
}

void polkai_schemas_stop(polkai_flow *flow)
{
    atomic_store(&flow->schemas.stopping, true);
    if (flow->options.registry.stop != NULL)
        flow->options.registry.stop(flow->options.registry.user);
}

bool polkai_schemas_end(polkai_flow *flow, int64_t timeout_ms)
{
    polkai_schemas *schemas = &flow->schemas;
    polkai_schemas_stop(flow);
    pthread_mutex_lock(&schemas->lock);  /* nobody starts one any more */
    polkai_lane *helper = atomic_exchange(&schemas->helper, NULL);
    pthread_mutex_unlock(&schemas->lock);
    return polkai_lane_stop(helper, timeout_ms);
}

void polkai_schemas_destroy(polkai_flow *flow)
{
    polkai_schemas *schemas = &flow->schemas;
    polkai_schema_topic_destroy(schemas->topic);
    polkai_library_destroy(schemas->library);
    polkai_wanted_clear(&schemas->wanted);
    pthread_mutex_destroy(&schemas->lock);
}
