/* events.c: made by polka_avro_generate; changes go into the schemas. */
#include <polka/wire.h>

#include "events.h"

#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Woverlength-strings"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#endif

const char *shop_currency_name(shop_currency value)
{
    static const char *const names[] = {
        "EUR", "USD", "GBP", "CZK",
    };
    return (unsigned)value - 1 < 4 ? names[(unsigned)value - 1] : "?";
}


static const uint8_t *shop_currency__read(polka_reader *r, const uint8_t *at, shop_currency *v)
{
    unsigned index;
    if ((at = polka_read_index(r, at, 4, "enum", &index)) == NULL)
        return NULL;
    *v = (shop_currency)(index + 1);
    return at;
}

static const uint8_t *shop_order_line__read(polka_reader *r, const uint8_t *at, shop_order_line *v)
{
    if ((at = polka_read_text(r, at, &v->sku)) == NULL)
        return polka_read_in(r, "sku");
    if ((at = polka_read_int(r, at, &v->quantity)) == NULL)
        return polka_read_in(r, "quantity");
    return at;
}

static const uint8_t *shop_order_placed__lines__read(polka_reader *r, const uint8_t *at, shop_order_line_array *v)
{
    shop_order_line *items = NULL;
    size_t room = 0, count = 0;
    for (polka_block block;;) {
        if ((at = polka_read_block(r, at, 2, &block)) == NULL)
            return NULL;
        if (block.count == 0)
            break;
        if ((items = polka_read_room(r, at, items, count, block.count, &room, sizeof *items)) == NULL)
            return NULL;
        for (size_t end = count + block.count; count < end; count++)
            if ((at = shop_order_line__read(r, at, &items[count])) == NULL)
                return polka_read_in_item(r, count);
        if ((at = polka_read_block_end(r, at, &block)) == NULL)
            return NULL;
    }
    v->count = count;
    v->items = items;
    return at;
}

static const uint8_t *shop_order_placed__read(polka_reader *r, const uint8_t *at, shop_order_placed *v)
{
    if ((at = polka_read_text(r, at, &v->order_id)) == NULL)
        return polka_read_in(r, "order_id");
    if ((at = shop_currency__read(r, at, &v->currency)) == NULL)
        return polka_read_in(r, "currency");
    if ((at = shop_order_placed__lines__read(r, at, &v->lines)) == NULL)
        return polka_read_in(r, "lines");
    if ((at = polka_read_text_or_null(r, at, 0, &v->note)) == NULL)
        return polka_read_in(r, "note");
    return at;
}

static polka_status shop_order_placed__decode(polka_bytes body, polka_arena *arena, void *value, polka_error *error)
{
    polka_reader reader;
    const uint8_t *at = shop_order_placed__read(&reader, polka_reader_begin(&reader, body, arena, true, error), value);
    return POLKA_LIKELY(at == reader.end) ? POLKA_OK : polka_read_failed(&reader, at, "shop.OrderPlaced");
}

static uint64_t shop_order_line__bound(const shop_order_line *v)
{
    return polka_bound_size(v->sku.size);
}

static uint8_t *shop_order_line__write(polka_writer *w, uint8_t *at, const shop_order_line *v)
{
    if ((at = polka_write_text(w, at, v->sku)) == NULL)
        return polka_write_in(w, "sku");
    at = polka_write_long(at, v->quantity);
    return at;
}

static uint64_t shop_order_placed__lines__bound(const shop_order_line_array *v)
{
    uint64_t bound = 0;
    for (size_t i = 0; v->items != NULL && i < v->count && bound <= POLKA_BODY_MAX; i++)
        bound += 5 + shop_order_line__bound(&v->items[i]);
    return bound;
}

static uint64_t shop_order_placed__bound(const shop_order_placed *v)
{
    return polka_bound_size(v->order_id.size)
        + shop_order_placed__lines__bound(&v->lines)
        + polka_bound_size(v->note.size);
}

static uint8_t *shop_order_placed__lines__write(polka_writer *w, uint8_t *at, const shop_order_line_array *v)
{
    if (v->count > 0) {
        if (v->items == NULL)
            return polka_write_items_fail(w, v->count);
        at = polka_write_size(at, v->count);
        for (size_t i = 0; i < v->count; i++)
            if ((at = shop_order_line__write(w, at, &v->items[i])) == NULL)
                return polka_write_in_item(w, i);
    }
    *at = 0;
    return at + 1;
}

static uint8_t *shop_order_placed__write(polka_writer *w, uint8_t *at, const shop_order_placed *v)
{
    if ((at = polka_write_text(w, at, v->order_id)) == NULL)
        return polka_write_in(w, "order_id");
    if ((at = polka_write_symbol(w, at, (unsigned)v->currency, 4)) == NULL)
        return polka_write_in(w, "currency");
    if ((at = shop_order_placed__lines__write(w, at, &v->lines)) == NULL)
        return polka_write_in(w, "lines");
    if ((at = polka_write_text_or_null(w, at, 0, v->note)) == NULL)
        return polka_write_in(w, "note");
    return at;
}

static polka_status shop_order_placed__encode(const void *value, polka_buffer *buffer, polka_error *error)
{
    polka_writer writer;
    uint8_t *at = polka_writer_begin(&writer, buffer, 17 + shop_order_placed__bound(value), error);
    if (at == NULL || (at = shop_order_placed__write(&writer, at, value)) == NULL)
        return polka_write_failed(&writer, "shop.OrderPlaced");
    buffer->size = (size_t)(at - buffer->data);
    return POLKA_OK;
}

static const polka_older_schema shop_order_placed__older[] = {
    { 1, UINT64_C(0x62e17589c56d0e01),
      "{\"type\":\"record\",\"name\":\"OrderPlaced\",\"namespace\":\"shop\",\"polka.topic\":\"shop.orders\",\"polka.key\":\"or"
      "der_id\",\"fields\":[{\"name\":\"order_id\",\"type\":\"string\"}]}",
      NULL },
};

static polka_status shop_order_placed__key(const void *value, polka_arena *arena, polka_bytes *key, polka_error *error)
{
    const shop_order_placed *v = value;
    return polka_key_text("shop.OrderPlaced", "order_id", v->order_id, key, error);
}

static const polka_codec shop_order_placed__codec = {
    .encode = shop_order_placed__encode,
    .decode = shop_order_placed__decode,
    .key = shop_order_placed__key,
    .older = shop_order_placed__older,
    .older_count = 1,
};

static polka_outcome shop_order_placed__invoke(polka_function handler, polka_context *ctx, const void *value)
{
    return ((shop_order_placed_handler *)handler)(ctx, value);
}

const polka_event shop_order_placed_event = {
    .name = "shop.OrderPlaced",
    .topic = "shop.orders",
    .key = "order_id",
    .schema =
        "{\"type\":\"record\",\"name\":\"OrderPlaced\",\"namespace\":\"shop\",\"doc\":\"An order.\",\"polka.topic\":\"shop.order"
        "s\",\"polka.key\":\"order_id\",\"polka.final\":true,\"fields\":[{\"name\":\"order_id\",\"type\":{\"type\":\"string\",\"l"
        "ogicalType\":\"uuid\"}},{\"name\":\"currency\",\"type\":{\"type\":\"enum\",\"name\":\"Currency\",\"namespace\":\"shop\",\""
        "symbols\":[\"EUR\",\"USD\",\"GBP\",\"CZK\"],\"doc\":\"What the shop takes; amounts are in its minor units.\"}},{\""
        "name\":\"lines\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"OrderLine\",\"namespace\":\"shop\","
        "\"fields\":[{\"name\":\"sku\",\"type\":\"string\"},{\"name\":\"quantity\",\"type\":\"int\"}]}}},{\"name\":\"note\",\"type\":"
        "[\"null\",\"string\"],\"default\":null}]}",
    .fingerprint = UINT64_C(0xb46ed95fc6b83a4c),
    .version = 2,
    .final = true,
    .value_size = sizeof(shop_order_placed),
    .invoke = shop_order_placed__invoke,
    .codec = &shop_order_placed__codec,
};
