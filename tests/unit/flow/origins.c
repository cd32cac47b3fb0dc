#include "origins.h"

#include <avro/canonical.h>
#include <base/error.h>
#include <criterion/criterion.h>
#include <flow/schema/topic.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void origins_init(origins *o, harness *h)
{
    memset(o, 0, sizeof *o);
    o->h = h;
}

void origins_deinit(origins *o)
{
    for (size_t i = 0; i < o->kept_count; i++)
        free(o->kept[i].text);
}

uint64_t fingerprint_of(const char *text)
{
    const polkai_schema *schema;
    polka_error error = { .status = POLKA_OK };
    polkai_schema_set *set = polkai_schema_set_create();
    cr_assert_eq(polkai_schema_parse(set, polka_text_of(text), NULL, &schema, &error), POLKA_OK, "%s", error.message);
    uint64_t fingerprint = polkai_schema_fingerprint(schema);
    polkai_schema_set_destroy(set);
    return fingerprint;
}

/* ---- the cluster ---- */

static polka_status reach(origins *o, polka_error *error)
{
    return atomic_load(&o->unreachable) ? polkai_fail(error, POLKA_TRANSIENT, "unreachable", "no broker here") : POLKA_OK;
}

static origins *starting;                /* whose source is about to start: a source has no room for it */

static polka_status start_source(polkai_source *source, const polkai_start *start, polka_error *error)
{
    atomic_store(&starting->from, start->positions[0].offset);
    return starting->memory_operations->start(source, start, error);
}

static polka_status open_source(void *user, polkai_source **source, polka_error *error)
{
    origins *o = user;
    atomic_fetch_add(&o->sources, 1);
    TRY(reach(o, error));
    TRY(polkai_memory_source_open(source, o->h->memory, NULL, error));
    o->memory_operations = (*source)->operations;
    o->operations = *(*source)->operations;
    o->operations.start = start_source;
    starting = o;
    (*source)->operations = &o->operations;
    return POLKA_OK;
}

static polka_status open_admin(void *user, polkai_admin **admin, polka_error *error)
{
    origins *o = user;
    atomic_fetch_add(&o->admins, 1);
    TRY(reach(o, error));
    return polkai_memory_admin_open(admin, o->h->memory, error);
}

polkai_schema_cluster origins_cluster(origins *o)
{
    return (polkai_schema_cluster){ o, open_source, open_admin };
}

void origins_create_topic(origins *o)
{
    polkai_admin *admin;
    polka_error error;
    cr_assert_eq(polkai_memory_admin_open(&admin, o->h->memory, &error), POLKA_OK);
    cr_assert_eq(admin->operations->create(admin, &(polkai_topic){ .name = POLKAI_SCHEMA_TOPIC, .partitions = 1 }, &error), POLKA_OK, "%s", error.message);
    admin->operations->close(admin);
}

void origins_announce(origins *o, uint64_t fingerprint, const char *text)
{
    char key[17];
    snprintf(key, sizeof key, "%016" PRIx64, fingerprint);
    harness_put_raw(o->h, POLKAI_SCHEMA_TOPIC, (polka_bytes){ 16, (const uint8_t *)key },
                    (polka_bytes){ text == NULL ? 0 : strlen(text), (const uint8_t *)text }, NULL, 0);
}

/* ---- the registry ---- */

static polka_status fetch(void *user, const polkai_schema_key *key, polka_arena *arena, polka_text *text, polka_error *error)
{
    origins *o = user;
    atomic_fetch_add(&o->fetches, 1);
    if (o->down.status != POLKA_OK) {
        *error = o->down;
        return error->status;
    }
    for (size_t i = 0; i < o->schema_count; i++) {
        const polkai_schema_key *at = &o->schemas[i].key;
        if (at->kind == key->kind && at->number == key->number && at->guid_high == key->guid_high) {
            *text = polkai_arena_text(arena, o->schemas[i].text, strlen(o->schemas[i].text));
            return POLKA_OK;
        }
    }
    return polkai_fail(error, POLKA_POISON, "schema-not-found", "Schema %" PRIu64 " not found (40403)", key->number);
}

static polka_status enrol(void *user, const char *topic, const char *full_name, polka_text text, uint32_t *id, polka_error *error)
{
    origins *o = user;
    (void)text;
    if (o->down.status != POLKA_OK) {
        *error = o->down;
        return error->status;
    }
    if (o->refuses.status != POLKA_OK) {
        *error = o->refuses;
        return error->status;
    }
    unsigned number = atomic_fetch_add(&o->enrolments, 1);
    snprintf(o->enrolled[number % ORIGIN_SCHEMAS], sizeof o->enrolled[0], "%s %s", topic, full_name);
    *id = 41 + number;
    return POLKA_OK;
}

static bool enrolled(void *user, const char *topic, const char *full_name, polka_text text, uint32_t *id)
{
    const origins *o = user;
    (void)topic, (void)full_name, (void)text;
    *id = o->enrolled_before;
    return *id != 0;
}

polkai_schema_registry origins_registry(origins *o)
{
    return (polkai_schema_registry){ .user = o, .name = "http://registry:8081", .fetch = fetch, .enrol = enrol, .enrolled = enrolled };
}

void origins_know(origins *o, polkai_schema_key key, const char *text)
{
    cr_assert_lt(o->schema_count, (size_t)ORIGIN_SCHEMAS);
    o->schemas[o->schema_count].key = key;
    o->schemas[o->schema_count++].text = text;
}

/* ---- the cache ---- */

static polka_text find(void *user, uint64_t fingerprint, polka_arena *arena)
{
    const origins *o = user;
    for (size_t i = 0; i < o->kept_count; i++)
        if (o->kept[i].fingerprint == fingerprint)
            return polkai_arena_text(arena, o->kept[i].text, strlen(o->kept[i].text));
    return (polka_text){ 0, NULL };
}

static void keep(void *user, uint64_t fingerprint, polka_text text)
{
    origins *o = user;
    cr_assert_lt(o->kept_count, (size_t)ORIGIN_SCHEMAS);
    o->kept[o->kept_count].fingerprint = fingerprint;
    o->kept[o->kept_count].text = polkai_alloc(text.size + 1);
    memcpy(o->kept[o->kept_count++].text, text.data, text.size);
}

polkai_schema_cache origins_cache(origins *o)
{
    return (polkai_schema_cache){ o, find, keep };
}
