/*
 * property SEED ROUNDS: random values of every event in all_events, through avro-c and through the generated codec.
 *
 * Holds: our bytes are avro-c's; each side reads the other's; blocks split and sized at will read the same; hostile bytes
 * (flipped, cut, doubled) never crash, and are accepted exactly when the bounded walk accepts them, decimals aside. What an
 * earlier version wrote, whole, cut anywhere or broken, its decoder reads as the plan does, or both refuse it.
 */
/* avro-c has an <avro/schema.h> too, so this file is compiled without the framework's folder among the include paths. */
#include <avro.h>
#include "framework/avro/schema.h"
#include "framework/avro/canonical.h"
#include "framework/avro/walk.h"
#include "framework/base/arena.h"
#include "framework/base/random.h"
#include "older.h"
#include <polka/codec.h>

#include <stdio.h>
#include <stdlib.h>

extern const polka_event *const all_events[];            /* NULL at the end */

static polkai_random chance;
static uint64_t below(uint64_t limit) { return polkai_random_next(&chance) % limit; }
static const char *current = "start";

#define CHECK(CONDITION, ...)                                                 \
    do {                                                                      \
        if (!(CONDITION)) {                                                   \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, current);      \
            fprintf(stderr, __VA_ARGS__);                                     \
            fputc('\n', stderr);                                              \
            exit(1);                                                          \
        }                                                                     \
    } while (0)
#define AVRO(CALL) CHECK((CALL) == 0, "avro-c: %s", avro_strerror())

/* ---- random values ----------------------------------------------------------------------------- */

static int64_t random_long(void)
{
    uint64_t bits = polkai_random_next(&chance) >> below(64);
    return below(2) ? (int64_t)bits : (int64_t)~bits;
}

static size_t random_text(char *text)
{
    static const char *const pieces[] = { "a", "Zebra", "0123456789abcdef", "\xc5\xbe", "\xe2\x82\xac", "\xf0\x9f\x8e\xb6", " ", "\"", "\x01" };
    size_t size = 0, count = below(3) == 0 ? 0 : below(9);
    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[below(sizeof pieces / sizeof *pieces)];
        memcpy(text + size, piece, strlen(piece));
        size += strlen(piece);
    }
    text[size] = '\0';
    return size;
}

/* Two's complement of a number of at most `digits` digits, in `size` bytes, or as few as it takes when size is 0. */
static size_t random_decimal(uint8_t *bytes, unsigned digits, size_t size)
{
    int64_t limit = 1, number;
    for (unsigned i = 0; i < digits && i < 18; i++)
        limit *= 10;
    number = random_long() % limit;
    if (size == 0)
        for (size = 1; size < 8 && (number >> (8 * size - 1)) != 0 && (number >> (8 * size - 1)) != -1;)
            size++;
    for (size_t i = 0; i < size; i++) {
        size_t shift = 8 * (size - 1 - i);
        bytes[i] = shift > 56 ? (uint8_t)(number < 0 ? 0xff : 0) : (uint8_t)((uint64_t)number >> shift);
    }
    return size;
}

static void fill(avro_value_t *value, const polkai_schema *schema, unsigned depth);

static void fill_bytes(avro_value_t *value, const polkai_schema *schema)
{
    uint8_t bytes[64];
    bool decimal = schema->logical == POLKAI_LOGICAL_DECIMAL && schema->precision <= 18;
    size_t size = schema->type == POLKAI_AVRO_FIXED ? schema->fixed_size : below(20);
    if (decimal)
        size = random_decimal(bytes, schema->precision, schema->type == POLKAI_AVRO_FIXED ? size : 0);
    for (size_t i = 0; !decimal && i < size; i++)
        bytes[i] = (uint8_t)polkai_random_next(&chance);
    AVRO(schema->type == POLKAI_AVRO_FIXED ? avro_value_set_fixed(value, bytes, size) : avro_value_set_bytes(value, bytes, size));
}

/* avro-c cannot append an item that takes no memory ("Couldn't expand array"). */
static bool weightless(const polkai_schema *schema)
{
    if (schema->type == POLKAI_AVRO_NULL)
        return true;
    for (size_t i = 0; schema->type == POLKAI_AVRO_RECORD && i < schema->count; i++)
        if (!weightless(schema->fields[i].schema))
            return false;
    return schema->type == POLKAI_AVRO_RECORD;
}

static void fill_items(avro_value_t *value, const polkai_schema *schema, unsigned depth)
{
    size_t count = depth > 6 || (schema->type == POLKAI_AVRO_ARRAY && weightless(schema->items)) ? 0 : below(4);
    for (size_t i = 0; i < count; i++) {
        avro_value_t item;
        char key[200];
        random_text(key);
        snprintf(key + strlen(key), 20, "%zu", i);       /* avro-c joins equal keys */
        if (schema->type == POLKAI_AVRO_ARRAY)
            AVRO(avro_value_append(value, &item, NULL));
        else
            AVRO(avro_value_add(value, key, &item, NULL, NULL));
        fill(&item, schema->items, depth + 1);
    }
}

static unsigned choose_branch(const polkai_schema *schema, unsigned depth)
{
    for (unsigned i = 0; depth > 6 && i < schema->count; i++)
        if (schema->branches[i]->type < POLKAI_AVRO_RECORD)
            return i;                                    /* deep enough */
    return (unsigned)below(schema->count);
}

static void fill(avro_value_t *value, const polkai_schema *schema, unsigned depth)
{
    char text[200];
    avro_value_t part;
    double number = (double)random_long() / 1024;
    switch (schema->type) {
    case POLKAI_AVRO_NULL: AVRO(avro_value_set_null(value)); break;
    case POLKAI_AVRO_BOOLEAN: AVRO(avro_value_set_boolean(value, (int)below(2))); break;
    case POLKAI_AVRO_INT: AVRO(avro_value_set_int(value, (int32_t)random_long())); break;
    case POLKAI_AVRO_LONG: AVRO(avro_value_set_long(value, random_long())); break;
    case POLKAI_AVRO_FLOAT: AVRO(avro_value_set_float(value, (float)number)); break;
    case POLKAI_AVRO_DOUBLE: AVRO(avro_value_set_double(value, number)); break;
    case POLKAI_AVRO_STRING: {
        size_t size = random_text(text);
        if (below(20) == 0)
            text[size++] = '\0';                         /* part of the text, which avro-c can carry here */
        text[size] = '\0';
        AVRO(avro_value_set_string_len(value, text, size + 1));
        break;
    }
    case POLKAI_AVRO_BYTES: case POLKAI_AVRO_FIXED: fill_bytes(value, schema); break;
    case POLKAI_AVRO_ENUM: AVRO(avro_value_set_enum(value, (int)below(schema->count))); break;
    case POLKAI_AVRO_ARRAY: case POLKAI_AVRO_MAP: fill_items(value, schema, depth); break;
    case POLKAI_AVRO_RECORD:
        for (size_t i = 0; i < schema->count; i++) {
            AVRO(avro_value_get_by_index(value, i, &part, NULL));
            fill(&part, schema->fields[i].schema, depth + 1);
        }
        break;
    case POLKAI_AVRO_UNION: {
        unsigned chosen = choose_branch(schema, depth);
        AVRO(avro_value_set_branch(value, (int)chosen, &part));
        fill(&part, schema->branches[chosen], depth + 1);
        break;
    }
    }
}

/* ---- the same value in blocks of any kind ------------------------------------------------------ */

static void put_long(polka_buffer *out, int64_t value)
{
    uint64_t raw = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
    do {
        *polka_buffer_reserve(out, 1) = (uint8_t)((raw & 0x7f) | (raw > 0x7f ? 0x80 : 0));
        out->size++;
        raw >>= 7;
    } while (raw != 0);
}

static void put(polka_buffer *out, const void *data, size_t size)
{
    if (size > 0)
        memcpy(polka_buffer_reserve(out, size), data, size);
    out->size += size;
}

static void put_value(polka_buffer *out, avro_value_t *value, const polkai_schema *schema);

static void put_blocks(polka_buffer *out, avro_value_t *value, const polkai_schema *schema)
{
    size_t count, next = 0;
    AVRO(avro_value_get_size(value, &count));
    while (next < count) {
        size_t these = 1 + below(count - next);
        polka_buffer block = { .arena = out->arena };
        for (size_t end = next + these; next < end; next++) {
            avro_value_t item;
            const char *key = NULL;
            AVRO(avro_value_get_by_index(value, next, &item, &key));
            if (schema->type == POLKAI_AVRO_MAP) {
                put_long(&block, (int64_t)strlen(key));
                put(&block, key, strlen(key));
            }
            put_value(&block, &item, schema->items);
        }
        bool sized = below(2) == 0;
        put_long(out, sized ? -(int64_t)these : (int64_t)these);
        if (sized)
            put_long(out, (int64_t)block.size);
        put(out, block.data, block.size);
    }
    put_long(out, 0);
}

static void put_value(polka_buffer *out, avro_value_t *value, const polkai_schema *schema)
{
    avro_value_t part;
    int chosen;
    if (schema->type == POLKAI_AVRO_RECORD) {
        for (size_t i = 0; i < schema->count; i++) {
            AVRO(avro_value_get_by_index(value, i, &part, NULL));
            put_value(out, &part, schema->fields[i].schema);
        }
    } else if (schema->type == POLKAI_AVRO_UNION) {
        AVRO(avro_value_get_discriminant(value, &chosen));
        AVRO(avro_value_get_current_branch(value, &part));
        put_long(out, chosen);
        put_value(out, &part, schema->branches[chosen]);
    } else if (schema->type == POLKAI_AVRO_ARRAY || schema->type == POLKAI_AVRO_MAP) {
        put_blocks(out, value, schema);
    } else {
        size_t size;
        AVRO(avro_value_sizeof(value, &size));
        avro_writer_t writer = avro_writer_memory((char *)polka_buffer_reserve(out, size + 1), (int64_t)size);
        AVRO(avro_value_write(writer, value));
        avro_writer_free(writer);
        out->size += size;
    }
}

/* ---- what holds -------------------------------------------------------------------------------- */

typedef struct { polka_arena arena; const polka_event *event; const polkai_schema *schema; older_pair *older; } round_of;

/* Decodes from a copy of exactly its size, so that a byte read beyond it is seen. */
static polka_status decode(round_of *at, polka_bytes body, void *value, polka_error *error)
{
    uint8_t *exact = malloc(body.size == 0 ? 1 : body.size);
    if (body.size > 0)
        memcpy(exact, body.data, body.size);
    memset(value, 0xa5, at->event->value_size);
    polka_status status = at->event->codec->decode((polka_bytes){ body.size, exact }, &at->arena, value, error);
    free(exact);                                         /* nothing of the value may point into it */
    return status;
}

static void reads_and_writes(round_of *at, polka_bytes body, polka_bytes expected)
{
    polka_error error = { 0 };
    void *value = polka_arena_alloc(&at->arena, at->event->value_size);
    CHECK(decode(at, body, value, &error) == POLKA_OK, "decode: %s", error.message);
    polka_buffer buffer = { .arena = &at->arena };
    CHECK(at->event->codec->encode(value, &buffer, &error) == POLKA_OK, "encode: %s", error.message);
    CHECK(buffer.size == expected.size && memcmp(buffer.data, expected.data, buffer.size) == 0, "encoded %zu bytes are not avro-c's %zu", buffer.size, expected.size);
}

static void survives(round_of *at, polka_bytes body)
{
    polka_error error = { 0 }, walk_error = { 0 };
    void *value = polka_arena_alloc(&at->arena, at->event->value_size);
    polka_status ours = decode(at, body, value, &error);
    polka_status walk = polkai_walk(at->schema, body, &polkai_walk_limits_default, &walk_error);
    if (ours == POLKA_OK) {
        CHECK(walk == POLKA_OK, "we read what the walk refuses: %s", walk_error.message);
        polka_buffer buffer = { .arena = &at->arena };
        polka_status again = at->event->codec->encode(value, &buffer, &error);
        CHECK(again == POLKA_OK || strstr(error.message, "decimal") != NULL, "what was read cannot be written: %s", error.message);
    } else {
        CHECK(ours == POLKA_POISON && strcmp(error.code, "bad-bytes") == 0, "status %d, code %s", (int)ours, error.code);
        CHECK(walk != POLKA_OK || strstr(error.message, "decimal") != NULL, "we refuse what the walk lets through: %s", error.message);
    }
}

/* Reads the same as by the plan, or is refused as by the plan. */
static void agrees(round_of *at, polka_bytes body)
{
    char why[400];
    CHECK(older_agrees(at->older, body, why, sizeof why), "%s", why);
}

static void mutate(round_of *at, polka_bytes body, void (*check)(round_of *at, polka_bytes body))
{
    uint8_t *bytes = polka_arena_alloc(&at->arena, body.size + 16);
    size_t size = body.size;
    if (size > 0)
        memcpy(bytes, body.data, size);
    for (uint64_t i = below(3) + 1; i > 0 && size > 0; i--) {
        size_t place = below(size);
        switch (below(4)) {
        case 0: bytes[place] ^= (uint8_t)(1u << below(8)); break;
        case 1: bytes[place] = (uint8_t)(below(2) ? 0xff : polkai_random_next(&chance)); break;
        case 2: size = place; break;
        default: size += size < body.size + 8; bytes[size - 1] = bytes[place];
        }
    }
    check(at, (polka_bytes){ size, bytes });
}

/* What avro-c writes. */
static polka_bytes random_body(round_of *at, avro_value_t *value)
{
    AVRO(avro_value_reset(value));
    fill(value, at->schema, 0);
    size_t size;
    AVRO(avro_value_sizeof(value, &size));
    uint8_t *bytes = polka_arena_alloc(&at->arena, size + 1);
    avro_writer_t writer = avro_writer_memory((char *)bytes, (int64_t)size);
    AVRO(avro_value_write(writer, value));
    avro_writer_free(writer);
    return (polka_bytes){ size, bytes };
}

static void round_trip(round_of *at, avro_value_t *value, avro_value_t *other)
{
    polka_bytes body = random_body(at, value);
    reads_and_writes(at, body, body);

    polka_buffer blocks = { .arena = &at->arena };
    put_value(&blocks, value, at->schema);
    reads_and_writes(at, (polka_bytes){ blocks.size, blocks.data }, body);

    avro_reader_t reader = avro_reader_memory((const char *)body.data, (int64_t)body.size);
    AVRO(avro_value_read(reader, other));
    avro_reader_free(reader);
    CHECK(avro_value_equal(value, other), "avro-c reads another value from our bytes");
    for (int i = 0; i < 20; i++)
        mutate(at, body, survives);
}

static void older_round(round_of *at, avro_value_t *value, avro_value_t *other)
{
    enum { CUTS = 300 };
    (void)other;
    polka_bytes body = random_body(at, value);
    polka_buffer blocks = { .arena = &at->arena };
    put_value(&blocks, value, at->schema);
    agrees(at, body);
    agrees(at, (polka_bytes){ blocks.size, blocks.data });
    for (size_t size = 0; size < body.size && size < CUTS; size++)
        agrees(at, (polka_bytes){ size, body.data });
    for (int i = 0; i < 20; i++)
        mutate(at, body, agrees);
    for (int i = 0; i < 5; i++)
        mutate(at, (polka_bytes){ blocks.size, blocks.data }, agrees);
}

typedef void one_round(round_of *at, avro_value_t *value, avro_value_t *other);
static void run_rounds(round_of *at, const char *text, one_round *once, unsigned rounds)
{
    polka_error error = { 0 };
    polkai_schema_set *set = polkai_schema_set_create();
    current = at->event->name;
    CHECK(polkai_schema_parse(set, polka_text_of(text), NULL, &at->schema, &error) == POLKA_OK, "schema: %s", error.message);
    avro_schema_t schema;
    char *canonical = polkai_schema_canonical(at->schema);           /* of defaults avro-c takes no NUL */
    AVRO(avro_schema_from_json_length(canonical, strlen(canonical), &schema));
    free(canonical);
    avro_value_iface_t *face = avro_generic_class_from_schema(schema);
    avro_value_t value, other;
    AVRO(avro_generic_value_new(face, &value));
    AVRO(avro_generic_value_new(face, &other));
    for (unsigned i = 0; i < rounds; i++) {
        polkai_arena_init(&at->arena, NULL, 0);
        once(at, &value, &other);
        polkai_arena_deinit(&at->arena);
    }
    avro_value_decref(&value);
    avro_value_decref(&other);
    avro_value_iface_decref(face);
    avro_schema_decref(schema);
    polkai_schema_set_destroy(set);
}

/* The number of earlier versions that have a decoder. */
static size_t check_event(const polka_event *event, unsigned rounds)
{
    size_t decoders = 0;
    round_of at = { .event = event };
    run_rounds(&at, event->schema, round_trip, rounds);
    for (size_t i = 0; i < event->codec->older_count; i++) {
        const polka_older_schema *older = &event->codec->older[i];
        if (older->decode == NULL)
            continue;
        decoders++;
        at.older = older_open(event, older);
        run_rounds(&at, older->schema, older_round, rounds);
        older_close(at.older);
    }
    return decoders;
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 100;
    polkai_random_seed(&chance, seed);
    size_t events = 0, decoders = 0;
    for (; all_events[events] != NULL; events++)
        decoders += check_event(all_events[events], rounds);
    printf("seed %llu: %zu events, %u values each, with 20 mutations: all hold\n", (unsigned long long)seed, events, rounds);
    printf("%zu have a decoder for an earlier version; of %llu bodies that it read or refused, %llu were read: as by the plan\n", decoders,
           (unsigned long long)older_asked, (unsigned long long)older_read);
    CHECK(decoders > 0 && older_read > 0, "no decoder of an earlier version was tried");
    return 0;
}
