/*
 * codec_bench [SECONDS] | codec_bench count WHAT DATA TIMES: the generated codec of OrderPlaced beside avro-c.
 *
 * Without arguments: ns a record, the median of 15 repetitions (least and most beside it). `count` runs one of them TIMES
 * times and nothing else, for callgrind. Fixed data: 64 look-alike records of 3 lines. Varied: 8192 records of 1 to 6 lines with
 * texts of all lengths, so that branches are mispredicted: the honest case.
 */
#include <avro.h>
#include "framework/base/arena.h"
#include "framework/base/random.h"
#include "bench_events.h"
#include "evolved.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FIXED = 64, VARIED = 8192, MOST_LINES = 6, BLOCK = 4096 };

typedef struct {
    size_t count;
    bench_order_placed *values;
    polka_bytes *bodies;
} data_set;

static polka_arena keep;                                 /* the data sets */
static polkai_random chance;
static uint8_t block[BLOCK] __attribute__((aligned(16)));

static uint64_t between(uint64_t least, uint64_t most) { return least + polkai_random_next(&chance) % (most - least + 1); }

static polka_text text_of(size_t size)
{
    char *data = polka_arena_alloc(&keep, size + 1);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)('a' + polkai_random_next(&chance) % 26);
    data[size] = '\0';
    return (polka_text){ size, data };
}

static bench_order_placed make(bool varied)
{
    size_t count = varied ? between(1, MOST_LINES) : 3;
    bench_order_line *lines = polka_arena_alloc(&keep, count * sizeof *lines);
    for (size_t i = 0; i < count; i++)
        lines[i] = (bench_order_line){ text_of(varied ? between(3, 22) : 12), (int32_t)between(1, varied ? 500 : 9), (int64_t)between(100, varied ? 9000000 : 60000) };
    return (bench_order_placed){
        .order_id = text_of(36), .customer_id = text_of(varied ? between(4, 28) : 12), .placed_at_ms = 1790000000000 + (int64_t)between(0, 1000000000),
        .currency = (bench_currency)between(1, 4), .lines = { count, lines },
        .note = varied && between(0, 1) ? (polka_text){ 0, NULL } : text_of(varied ? between(0, 64) : 25),
    };
}

static void encode(const bench_order_placed *value, polka_buffer *buffer)
{
    polka_error error;
    if (bench_order_placed_event.codec->encode(value, buffer, &error) != POLKA_OK) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
}

static data_set make_set(bool varied)
{
    data_set set = { varied ? VARIED : FIXED, NULL, NULL };
    set.values = polka_arena_alloc(&keep, set.count * sizeof *set.values);
    set.bodies = polka_arena_alloc(&keep, set.count * sizeof *set.bodies);
    for (size_t i = 0; i < set.count; i++) {
        polka_buffer buffer = { .arena = &keep };
        set.values[i] = make(varied);
        encode(&set.values[i], &buffer);
        set.bodies[i] = (polka_bytes){ buffer.size, buffer.data };
    }
    return set;
}

/* ---- what is measured -------------------------------------------------------------------------- */

static avro_value_t generic;
static volatile int64_t sink;

static void ours_decode(const data_set *set, size_t i)
{
    polka_arena arena;
    polka_error error;
    bench_order_placed value;
    polkai_arena_init(&arena, block, sizeof block);
    if (bench_order_placed_event.codec->decode(set->bodies[i], &arena, &value, &error) != POLKA_OK)
        exit(1);
    sink = value.placed_at_ms;
    if (arena.blocks != NULL)
        polkai_arena_deinit(&arena);
}

static void ours_encode(const data_set *set, size_t i)
{
    polka_arena arena;
    polkai_arena_init(&arena, block, sizeof block);
    polka_buffer buffer = { .arena = &arena };
    encode(&set->values[i], &buffer);
    sink = (int64_t)buffer.size;
    if (arena.blocks != NULL)
        polkai_arena_deinit(&arena);
}

static avro_reader_t reader;
static avro_writer_t writer;
static char written[4096];

static void avro_decode(const data_set *set, size_t i)
{
    avro_reader_memory_set_source(reader, (const char *)set->bodies[i].data, (int64_t)set->bodies[i].size);
    if (avro_value_read(reader, &generic) != 0)
        exit(1);
}

static polka_text take_text(avro_value_t *record, size_t index)
{
    avro_value_t field;
    const char *data = "";
    size_t size = 1;
    avro_value_get_by_index(record, index, &field, NULL);
    avro_value_get_string(&field, &data, &size);
    return (polka_text){ size - 1, data };
}

static int64_t take_long(avro_value_t *record, size_t index)
{
    avro_value_t field;
    int64_t number = 0;
    avro_value_get_by_index(record, index, &field, NULL);
    avro_value_get_long(&field, &number);
    return number;
}

static void avro_decode_struct(const data_set *set, size_t i)
{
    bench_order_line lines[MOST_LINES];
    bench_order_placed value;
    avro_value_t field, item, part;
    int number = 0;
    avro_decode(set, i);
    value.order_id = take_text(&generic, 0);
    value.customer_id = take_text(&generic, 1);
    value.placed_at_ms = take_long(&generic, 2);
    avro_value_get_by_index(&generic, 3, &field, NULL);
    avro_value_get_enum(&field, &number);
    value.currency = (bench_currency)(number + 1);
    avro_value_get_by_index(&generic, 4, &field, NULL);
    avro_value_get_size(&field, &value.lines.count);
    value.lines.items = lines;
    for (size_t k = 0; k < value.lines.count; k++) {
        avro_value_get_by_index(&field, k, &item, NULL);
        lines[k].sku = take_text(&item, 0);
        avro_value_get_by_index(&item, 1, &part, NULL);
        avro_value_get_int(&part, &lines[k].quantity);
        lines[k].unit_price = take_long(&item, 2);
    }
    avro_value_get_by_index(&generic, 5, &field, NULL);
    avro_value_get_discriminant(&field, &number);
    avro_value_get_current_branch(&field, &part);
    value.note = (polka_text){ 0, NULL };
    if (number == 1) {
        avro_value_get_string(&part, &value.note.data, &value.note.size);
        value.note.size--;
    }
    sink = value.placed_at_ms + (int64_t)value.note.size;
}

static void put_text(avro_value_t *record, size_t index, polka_text text)
{
    avro_value_t field;
    avro_value_get_by_index(record, index, &field, NULL);
    avro_value_set_string_len(&field, (char *)(uintptr_t)text.data, text.size + 1);
}

static void put_long(avro_value_t *record, size_t index, int64_t number)
{
    avro_value_t field;
    avro_value_get_by_index(record, index, &field, NULL);
    avro_value_set_long(&field, number);
}

static void avro_fill(const bench_order_placed *value)
{
    avro_value_t field, item, part;
    avro_value_reset(&generic);
    put_text(&generic, 0, value->order_id);
    put_text(&generic, 1, value->customer_id);
    put_long(&generic, 2, value->placed_at_ms);
    avro_value_get_by_index(&generic, 3, &field, NULL);
    avro_value_set_enum(&field, (int)value->currency - 1);
    avro_value_get_by_index(&generic, 4, &field, NULL);
    for (size_t k = 0; k < value->lines.count; k++) {
        avro_value_append(&field, &item, NULL);
        put_text(&item, 0, value->lines.items[k].sku);
        avro_value_get_by_index(&item, 1, &part, NULL);
        avro_value_set_int(&part, value->lines.items[k].quantity);
        put_long(&item, 2, value->lines.items[k].unit_price);
    }
    avro_value_get_by_index(&generic, 5, &field, NULL);
    avro_value_set_branch(&field, value->note.data != NULL, &part);
    if (value->note.data != NULL)
        avro_value_set_string_len(&part, (char *)(uintptr_t)value->note.data, value->note.size + 1);
    else
        avro_value_set_null(&part);
}

static void avro_fill_encode(const data_set *set, size_t i)
{
    avro_fill(&set->values[i]);
    avro_writer_reset(writer);
    if (avro_value_write(writer, &generic) != 0)
        exit(1);
    sink = avro_writer_tell(writer);
}

static int64_t with_arena(const data_set *set, size_t i, int64_t (*read)(polka_bytes body, polka_arena *arena))
{
    polka_arena arena;
    polkai_arena_init(&arena, block, sizeof block);
    int64_t got = read(set->bodies[i], &arena);
    if (arena.blocks != NULL)
        polkai_arena_deinit(&arena);
    return got;
}

static int64_t resolved_size(polka_bytes body, polka_arena *arena) { return (int64_t)evolved_resolve(body, arena); }
static void ours_evolved(const data_set *set, size_t i) { sink = with_arena(set, i, evolved_seen); }
static void ours_evolved_defaults(const data_set *set, size_t i) { sink = with_arena(set, i, evolved_known); }
static void ours_older(const data_set *set, size_t i) { sink = with_arena(set, i, evolved_seen_older); }
static void ours_older_defaults(const data_set *set, size_t i) { sink = with_arena(set, i, evolved_known_older); }
static void ours_resolve(const data_set *set, size_t i) { sink = with_arena(set, i, resolved_size); }

static int64_t among(polka_bytes body, polka_arena *arena)
{
    static size_t turn;
    return evolved_among(body, arena, turn++);
}

static void ours_interleaved(const data_set *set, size_t i) { sink = with_arena(set, i, among); }

static void ours_plan(const data_set *set, size_t i)
{
    evolved_plan();
    sink = (int64_t)set->bodies[i].size;
}

static avro_value_t evolved, resolving;                  /* what avro-c reads into, and through what */

static void avro_evolved(const data_set *set, size_t i)
{
    avro_reader_memory_set_source(reader, (const char *)set->bodies[i].data, (int64_t)set->bodies[i].size);
    if (avro_value_read(reader, &resolving) != 0)
        exit(1);
}

static void nothing(const data_set *set, size_t i)
{
    sink = (int64_t)set->bodies[i].size;
}

static const struct { const char *name; void (*run)(const data_set *set, size_t i); } things[] = {
    { "decode", ours_decode }, { "avro-c-decode", avro_decode }, { "avro-c-decode-struct", avro_decode_struct },
    { "encode", ours_encode }, { "avro-c-fill-encode", avro_fill_encode }, { "nothing", nothing },
    { "evolved", ours_evolved }, { "evolved-defaults", ours_evolved_defaults }, { "avro-c-evolved", avro_evolved }, { "evolved-interleaved", ours_interleaved },
    { "older", ours_older }, { "older-defaults", ours_older_defaults }, { "resolve", ours_resolve }, { "plan", ours_plan },
};
enum { THINGS = sizeof things / sizeof *things, REPEATS = 15 };

/* ---- measuring --------------------------------------------------------------------------------- */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void check_same_bytes(const data_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        avro_fill_encode(set, i);
        if ((size_t)sink != set->bodies[i].size || memcmp(written, set->bodies[i].data, (size_t)sink) != 0) {
            fprintf(stderr, "record %zu: not the bytes of avro-c\n", i);
            exit(1);
        }
    }
}

static void measure(const char *label, const data_set *set, double seconds)
{
    double each[THINGS][REPEATS], bytes = 0;
    for (size_t i = 0; i < set->count; i++)
        bytes += (double)set->bodies[i].size / (double)set->count;
    for (size_t repeat = 0; repeat < REPEATS; repeat++)              /* in turns, so that a busy moment hits all */
        for (size_t thing = 0; thing < THINGS; thing++) {
            double begin = now_ns(), spent = 0;
            size_t done = 0;
            for (; spent < seconds * 1e9 / REPEATS; spent = now_ns() - begin)
                for (size_t i = 0; i < 4096; i++, done++)
                    things[thing].run(set, done % set->count);
            each[thing][repeat] = spent / (double)done;
        }
    for (size_t thing = 0; thing < THINGS; thing++) {
        qsort(each[thing], REPEATS, sizeof(double), compare);
        printf("%s %s %.1f %.1f %.1f %.0f\n", label, things[thing].name, each[thing][REPEATS / 2], each[thing][0], each[thing][REPEATS - 1], bytes);
    }
}

/* A schema's text with other names of the same length or shorter, for avro-c, which knows no aliases. */
static avro_schema_t schema_named(const char *text, const char *const names[][2], size_t count)
{
    avro_schema_t schema;
    char *copy = strdup(text);
    for (size_t i = 0; i < count; i++)
        for (char *at; (at = strstr(copy, names[i][0])) != NULL;) {
            size_t before = (size_t)(at - copy), old = strlen(names[i][0]), new = strlen(names[i][1]), size = strlen(copy);
            copy = realloc(copy, size + new + 1);
            memmove(copy + before + new, copy + before + old, size - before - old + 1);
            memcpy(copy + before, names[i][1], new);
        }
    if (avro_schema_from_json_length(copy, strlen(copy), &schema) != 0) {
        fprintf(stderr, "avro-c: %s\n", avro_strerror());
        exit(1);
    }
    free(copy);
    return schema;
}

/* avro-c reads through a value of the writer's schema into one of the reader's. */
static avro_value_iface_t *open_resolving(avro_schema_t writer_schema)
{
    static const char *const names[][2] = { { "OrderSeen", "OrderPlaced" }, { "LineSeen", "OrderLine" } };
    avro_schema_t reader_schema = schema_named(bench_order_seen_event.schema, names, 2);
    avro_value_iface_t *into = avro_generic_class_from_schema(reader_schema), *through = avro_resolved_writer_new(writer_schema, reader_schema);
    if (through == NULL) {
        fprintf(stderr, "avro-c: %s\n", avro_strerror());
        exit(1);
    }
    avro_generic_value_new(into, &evolved);
    avro_resolved_writer_new_value(through, &resolving);
    avro_resolved_writer_set_dest(&resolving, &evolved);
    avro_value_iface_decref(into);
    avro_schema_decref(reader_schema);
    return through;
}

/* Both must have read the same: a field at the front, and one of the last line. */
static void check_same_values(const data_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        avro_value_t placed;
        int64_t at = 0;
        avro_evolved(set, i);
        avro_value_get_by_name(&evolved, "placed_at", &placed, NULL);
        avro_value_get_long(&placed, &at);
        ours_evolved(set, i);
        int64_t by_plan = sink;
        ours_older(set, i);
        if (at != by_plan || at != sink || at != set->values[i].placed_at_ms) {
            fprintf(stderr, "record %zu: not the value of avro-c\n", i);
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    avro_schema_t schema;
    polkai_random_seed(&chance, 42);
    data_set fixed = make_set(false), varied = make_set(true);
    if (avro_schema_from_json_length(bench_order_placed_event.schema, strlen(bench_order_placed_event.schema), &schema) != 0)
        return 1;
    avro_value_iface_t *face = avro_generic_class_from_schema(schema);
    avro_generic_value_new(face, &generic);
    reader = avro_reader_memory("", 0);
    writer = avro_writer_memory(written, sizeof written);
    avro_value_iface_t *through = open_resolving(schema);
    evolved_open();
    if (argc < 5 || strcmp(argv[2], "evolved-interleaved") == 0)
        evolved_open_among();            /* a thousand plans take their time, under callgrind above all */
    if (argc == 5) {
        const data_set *set = strcmp(argv[3], "fixed") == 0 ? &fixed : &varied;
        for (size_t thing = 0; thing < THINGS; thing++)
            for (size_t i = 0, times = strtoul(argv[4], NULL, 10); strcmp(things[thing].name, argv[2]) == 0 && i < times; i++)
                things[thing].run(set, i % set->count);
    } else {
        double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
        check_same_bytes(&fixed);
        check_same_bytes(&varied);
        check_same_values(&fixed);
        check_same_values(&varied);
        measure("fixed", &fixed, seconds);
        measure("varied", &varied, seconds);
    }
    avro_reader_free(reader);
    avro_writer_free(writer);
    evolved_close();
    avro_value_decref(&resolving);
    avro_value_decref(&evolved);
    avro_value_iface_decref(through);
    avro_value_decref(&generic);
    avro_value_iface_decref(face);
    avro_schema_decref(schema);
    polkai_arena_deinit(&keep);
    return 0;
}
