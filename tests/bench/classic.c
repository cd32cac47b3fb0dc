/* classic.c: avro-c as it is used by hand: one generic value a type, filled and read field by field. */
#include "classic.h"

#include <avro.h>
#include <stdio.h>
#include <stdlib.h>

static avro_value_t placed, priced;
static avro_reader_t reader;
static avro_writer_t writer;

static void make(const polka_event *event, avro_value_t *value)
{
    avro_schema_t schema;
    if (avro_schema_from_json_length(event->schema, strlen(event->schema), &schema) != 0) {
        fprintf(stderr, "%s: %s\n", event->name, avro_strerror());
        exit(1);
    }
    avro_value_iface_t *kind = avro_generic_class_from_schema(schema);
    avro_generic_value_new(kind, value);
}

void classic_open(void)
{
    make(&bench_order_placed_event, &placed);
    make(&bench_order_priced_event, &priced);
    reader = avro_reader_memory("", 0);
    writer = avro_writer_memory("", 0);
}

/* ---- read ---- */

static polka_text text_at(avro_value_t *record, size_t index)
{
    avro_value_t field;
    polka_text text = { 0, "" };
    avro_value_get_by_index(record, index, &field, NULL);
    avro_value_get_string(&field, &text.data, &text.size);
    text.size--;
    return text;
}

static int64_t long_at(avro_value_t *record, size_t index)
{
    avro_value_t field;
    int64_t number = 0;
    avro_value_get_by_index(record, index, &field, NULL);
    avro_value_get_long(&field, &number);
    return number;
}

static bool read_lines(avro_value_t *record, classic_order *read)
{
    avro_value_t field, item, part;
    avro_value_get_by_index(record, 4, &field, NULL);
    avro_value_get_size(&field, &read->order.lines.count);
    if (read->order.lines.count > CLASSIC_LINES)
        return false;
    read->order.lines.items = read->lines;
    for (size_t i = 0; i < read->order.lines.count; i++) {
        avro_value_get_by_index(&field, i, &item, NULL);
        read->lines[i].sku = text_at(&item, 0);
        avro_value_get_by_index(&item, 1, &part, NULL);
        avro_value_get_int(&part, &read->lines[i].quantity);
        read->lines[i].unit_price = long_at(&item, 2);
    }
    return true;
}

bool classic_read(polka_bytes body, classic_order *read)
{
    avro_value_t field, part;
    int number = 0;
    avro_reader_memory_set_source(reader, (const char *)body.data, (int64_t)body.size);
    if (avro_value_read(reader, &placed) != 0)
        return false;
    read->order.order_id = text_at(&placed, 0);
    read->order.customer_id = text_at(&placed, 1);
    read->order.placed_at_ms = long_at(&placed, 2);
    avro_value_get_by_index(&placed, 3, &field, NULL);
    avro_value_get_enum(&field, &number);
    read->order.currency = (bench_currency)(number + 1);
    avro_value_get_by_index(&placed, 5, &field, NULL);
    avro_value_get_discriminant(&field, &number);
    avro_value_get_current_branch(&field, &part);
    read->order.note = (polka_text){ 0, NULL };
    if (number == 1) {
        avro_value_get_string(&part, &read->order.note.data, &read->order.note.size);
        read->order.note.size--;
    }
    return read_lines(&placed, read);
}

/* ---- write ---- */

/* avro-c counts the NUL of a text as its last byte, and wants it there. */
static void put_text(size_t index, polka_text text)
{
    avro_value_t field;
    char copy[256];
    size_t size = text.size < sizeof copy - 1 ? text.size : sizeof copy - 1;
    memcpy(copy, text.data, size);
    copy[size] = '\0';
    avro_value_get_by_index(&priced, index, &field, NULL);
    avro_value_set_string_len(&field, copy, size + 1);
}

size_t classic_write(const bench_order_priced *price, uint8_t *out, size_t capacity)
{
    avro_value_t field;
    avro_value_reset(&priced);
    put_text(0, price->order_id);
    put_text(1, price->customer_id);
    avro_value_get_by_index(&priced, 2, &field, NULL);
    avro_value_set_long(&field, price->total);
    avro_value_get_by_index(&priced, 3, &field, NULL);
    avro_value_set_enum(&field, (int)price->currency - 1);
    avro_writer_memory_set_dest(writer, (const char *)out, (int64_t)capacity);
    return avro_value_write(writer, &priced) == 0 ? (size_t)avro_writer_tell(writer) : 0;
}
