/* events.c: made by polka_avro_generate; changes go into the schemas. */
#include <polka/wire.h>

#include "events.h"

#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Woverlength-strings"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#endif

const char *shop_channel_name(shop_channel value)
{
    static const char *const names[] = {
        "OTHER", "WEB", "SHOP",
    };
    return (unsigned)value - 1 < 3 ? names[(unsigned)value - 1] : "?";
}


static const uint8_t *shop_order_line__quantity__read(polka_reader *r, const uint8_t *at, const int64_t **v)
{
    unsigned branch;
    if ((at = polka_read_index(r, at, 2, "union", &branch)) == NULL)
        return NULL;
    *v = NULL;
    if (branch == 0)
        return at;
    int64_t *value = polka_read_memory(r, at, sizeof *value);
    if ((*v = value) == NULL)
        return NULL;
    return polka_read_long(r, at, value);
}

static const uint8_t *shop_order_line__tags__read(polka_reader *r, const uint8_t *at, polka_text_array *v)
{
    polka_text *items = NULL;
    size_t room = 0, count = 0;
    for (polka_block block;;) {
        if ((at = polka_read_block(r, at, 1, &block)) == NULL)
            return NULL;
        if (block.count == 0)
            break;
        if ((items = polka_read_room(r, at, items, count, block.count, &room, sizeof *items)) == NULL)
            return NULL;
        for (size_t end = count + block.count; count < end; count++)
            if ((at = polka_read_text(r, at, &items[count])) == NULL)
                return polka_read_in_item(r, count);
        if ((at = polka_read_block_end(r, at, &block)) == NULL)
            return NULL;
    }
    v->count = count;
    v->items = items;
    return at;
}

static const uint8_t *shop_order_line__read(polka_reader *r, const uint8_t *at, shop_order_line *v)
{
    if ((at = polka_read_text(r, at, &v->sku)) == NULL)
        return polka_read_in(r, "sku");
    if ((at = shop_order_line__quantity__read(r, at, &v->quantity)) == NULL)
        return polka_read_in(r, "quantity");
    if ((at = shop_order_line__tags__read(r, at, &v->tags)) == NULL)
        return polka_read_in(r, "tags");
    return at;
}

static const uint8_t *shop_channel__read(polka_reader *r, const uint8_t *at, shop_channel *v)
{
    unsigned index;
    if ((at = polka_read_index(r, at, 3, "enum", &index)) == NULL)
        return NULL;
    *v = (shop_channel)(index + 1);
    return at;
}

static const uint8_t *shop_order_placed__lines__read(polka_reader *r, const uint8_t *at, shop_order_line_array *v)
{
    shop_order_line *items = NULL;
    size_t room = 0, count = 0;
    for (polka_block block;;) {
        if ((at = polka_read_block(r, at, 3, &block)) == NULL)
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
    if ((at = polka_read_long(r, at, &v->placed_at_ms)) == NULL)
        return polka_read_in(r, "placed_at");
    if ((at = polka_read_text(r, at, &v->order_id)) == NULL)
        return polka_read_in(r, "order_id");
    if ((at = polka_read_text(r, at, &v->country)) == NULL)
        return polka_read_in(r, "country");
    if ((at = shop_order_placed__lines__read(r, at, &v->lines)) == NULL)
        return polka_read_in(r, "lines");
    if ((at = shop_channel__read(r, at, &v->channel)) == NULL)
        return polka_read_in(r, "channel");
    return at;
}

static polka_status shop_order_placed__decode(polka_bytes body, polka_arena *arena, void *value, polka_error *error)
{
    polka_reader reader;
    const uint8_t *at = shop_order_placed__read(&reader, polka_reader_begin(&reader, body, arena, true, error), value);
    return POLKA_LIKELY(at == reader.end) ? POLKA_OK : polka_read_failed(&reader, at, "shop.OrderPlaced");
}

static uint64_t shop_order_line__quantity__bound(const int64_t *const *v)
{
    return *v == NULL ? 0 : 10;
}

static uint64_t shop_order_line__tags__bound(const polka_text_array *v)
{
    uint64_t bound = 0;
    for (size_t i = 0; v->items != NULL && i < v->count && bound <= POLKA_BODY_MAX; i++)
        bound += 0 + polka_bound_size(v->items[i].size);
    return bound;
}

static uint64_t shop_order_line__bound(const shop_order_line *v)
{
    return polka_bound_size(v->sku.size)
        + shop_order_line__quantity__bound(&v->quantity)
        + shop_order_line__tags__bound(&v->tags);
}

static uint8_t *shop_order_line__quantity__write(polka_writer *w, uint8_t *at, const int64_t *const *v)
{
    if (*v == NULL)
        return polka_write_size(at, 0);
    at = polka_write_size(at, 1);
    return polka_write_long(at, **v);
}

static uint8_t *shop_order_line__tags__write(polka_writer *w, uint8_t *at, const polka_text_array *v)
{
    if (v->count > 0) {
        if (v->items == NULL)
            return polka_write_items_fail(w, v->count);
        at = polka_write_size(at, v->count);
        for (size_t i = 0; i < v->count; i++)
            if ((at = polka_write_text(w, at, v->items[i])) == NULL)
                return polka_write_in_item(w, i);
    }
    *at = 0;
    return at + 1;
}

static uint8_t *shop_order_line__write(polka_writer *w, uint8_t *at, const shop_order_line *v)
{
    if ((at = polka_write_text(w, at, v->sku)) == NULL)
        return polka_write_in(w, "sku");
    if ((at = shop_order_line__quantity__write(w, at, &v->quantity)) == NULL)
        return polka_write_in(w, "quantity");
    if ((at = shop_order_line__tags__write(w, at, &v->tags)) == NULL)
        return polka_write_in(w, "tags");
    return at;
}

static uint64_t shop_order_placed__lines__bound(const shop_order_line_array *v)
{
    uint64_t bound = 0;
    for (size_t i = 0; v->items != NULL && i < v->count && bound <= POLKA_BODY_MAX; i++)
        bound += 12 + shop_order_line__bound(&v->items[i]);
    return bound;
}

static uint64_t shop_order_placed__bound(const shop_order_placed *v)
{
    return polka_bound_size(v->order_id.size)
        + polka_bound_size(v->country.size)
        + shop_order_placed__lines__bound(&v->lines);
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
    at = polka_write_long(at, v->placed_at_ms);
    if ((at = polka_write_text(w, at, v->order_id)) == NULL)
        return polka_write_in(w, "order_id");
    if ((at = polka_write_text(w, at, v->country)) == NULL)
        return polka_write_in(w, "country");
    if ((at = shop_order_placed__lines__write(w, at, &v->lines)) == NULL)
        return polka_write_in(w, "lines");
    if ((at = polka_write_symbol(w, at, (unsigned)v->channel, 3)) == NULL)
        return polka_write_in(w, "channel");
    return at;
}

static polka_status shop_order_placed__encode(const void *value, polka_buffer *buffer, polka_error *error)
{
    polka_writer writer;
    uint8_t *at = polka_writer_begin(&writer, buffer, 26 + shop_order_placed__bound(value), error);
    if (at == NULL || (at = shop_order_placed__write(&writer, at, value)) == NULL)
        return polka_write_failed(&writer, "shop.OrderPlaced");
    buffer->size = (size_t)(at - buffer->data);
    return POLKA_OK;
}

/* ---- version 1 of shop.OrderPlaced ---- */

static const uint8_t *shop_order_placed__read1_0(polka_reader *r, const uint8_t *at, shop_order_placed *v);
static const uint8_t *shop_order_placed__pass1_1(polka_reader *r, const uint8_t *at);
static const uint8_t *shop_order_placed__read1_2(polka_reader *r, const uint8_t *at, shop_order_line_array *v);
static const uint8_t *shop_order_placed__read1_3(polka_reader *r, const uint8_t *at, shop_channel *v);
static const uint8_t *shop_order_placed__read1_4(polka_reader *r, const uint8_t *at, shop_order_line *v);
static const uint8_t *shop_order_placed__read1_5(polka_reader *r, const uint8_t *at, const int64_t **v);
static const uint8_t *shop_order_placed__default1_6(polka_reader *reader, const uint8_t *place, polka_text_array *v);

static const uint8_t *shop_order_placed__read1_0(polka_reader *r, const uint8_t *at, shop_order_placed *v)
{
    if ((at = polka_read_text(r, at, &v->order_id)) == NULL)
        return polka_read_in(r, "order_id");
    if ((at = shop_order_placed__pass1_1(r, at)) == NULL)
        return polka_read_in(r, "remark");
    if ((at = polka_read_long(r, at, &v->placed_at_ms)) == NULL)
        return polka_read_in(r, "placed_at");
    if ((at = shop_order_placed__read1_2(r, at, &v->lines)) == NULL)
        return polka_read_in(r, "lines");
    if ((at = shop_order_placed__read1_3(r, at, &v->channel)) == NULL)
        return polka_read_in(r, "channel");
    if ((at = polka_pass_long(r, at)) == NULL)
        return polka_read_in(r, "counter");
    v->country = (polka_text){ 2, "CZ" };
    return at;
}

static const uint8_t *shop_order_placed__pass1_1(polka_reader *r, const uint8_t *at)
{
    unsigned branch;
    if ((at = polka_read_index(r, at, 2, "union", &branch)) == NULL)
        return NULL;
    switch (branch) {
    case 0: return at;
    default: return polka_pass_text(r, at);
    }
}

static const uint8_t *shop_order_placed__read1_2(polka_reader *r, const uint8_t *at, shop_order_line_array *v)
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
            if ((at = shop_order_placed__read1_4(r, at, &items[count])) == NULL)
                return polka_read_in_item(r, count);
        if ((at = polka_read_block_end(r, at, &block)) == NULL)
            return NULL;
    }
    v->count = count;
    v->items = items;
    return at;
}

static const uint8_t *shop_order_placed__read1_3(polka_reader *r, const uint8_t *at, shop_channel *v)
{
    static const shop_channel symbols[] = {
        SHOP_CHANNEL_OTHER, SHOP_CHANNEL_SHOP, SHOP_CHANNEL_WEB,
    };
    unsigned index;
    if ((at = polka_read_index(r, at, 3, "enum", &index)) == NULL)
        return NULL;
    *v = symbols[index];
    return at;
}

static const uint8_t *shop_order_placed__read1_4(polka_reader *r, const uint8_t *at, shop_order_line *v)
{
    if ((at = polka_read_text(r, at, &v->sku)) == NULL)
        return polka_read_in(r, "sku");
    if ((at = shop_order_placed__read1_5(r, at, &v->quantity)) == NULL)
        return polka_read_in(r, "quantity");
    if ((at = shop_order_placed__default1_6(r, at, &v->tags)) == NULL)
        return polka_read_in(r, "tags");
    return at;
}

static const uint8_t *shop_order_placed__read1_5(polka_reader *r, const uint8_t *at, const int64_t **v)
{
    int64_t *value = polka_read_memory(r, at, sizeof *value);
    if ((*v = value) == NULL)
        return NULL;
    return polka_read_int_as_long(r, at, value);
}

static const uint8_t *shop_order_placed__default1_6(polka_reader *reader, const uint8_t *place, polka_text_array *v)
{
    static const uint8_t bytes[] = {
        0x02, 0x0a, 0x70, 0x6c, 0x61, 0x69, 0x6e, 0x00,
    };
    polka_reader inner, *r = &inner;
    const uint8_t *at = polka_default_begin(r, reader, place, 8, bytes);
    return at == NULL ? NULL : polka_default_end(reader, place, r, shop_order_line__tags__read(r, at, v));
}

static polka_status shop_order_placed__decode1(polka_bytes body, polka_arena *arena, void *value, polka_error *error)
{
    polka_reader reader;
    const uint8_t *at = shop_order_placed__read1_0(&reader, polka_reader_begin(&reader, body, arena, true, error), value);
    return POLKA_LIKELY(at == reader.end) ? POLKA_OK : polka_read_failed(&reader, at, "shop.OrderPlaced");
}

static const polka_older_schema shop_order_placed__older[] = {
    { 1, UINT64_C(0x676c7811eb8b11ff),
      "{\"type\":\"record\",\"name\":\"OrderPlaced\",\"namespace\":\"shop\",\"polka.topic\":\"shop.orders\",\"polka.key\":\"or"
      "der_id\",\"fields\":[{\"name\":\"order_id\",\"type\":\"string\"},{\"name\":\"remark\",\"type\":[\"null\",\"string\"],\"def"
      "ault\":null},{\"name\":\"placed_at\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},{\"name\":\"li"
      "nes\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"OrderLine\",\"namespace\":\"shop\",\"fields\":"
      "[{\"name\":\"sku\",\"type\":\"string\"},{\"name\":\"count\",\"type\":\"int\"}]}}},{\"name\":\"channel\",\"type\":{\"type\":\""
      "enum\",\"name\":\"Channel\",\"namespace\":\"shop\",\"symbols\":[\"PHONE\",\"SHOP\",\"WEB\"]}},{\"name\":\"counter\",\"type"
      "\":\"long\",\"default\":0}]}",
      shop_order_placed__decode1 },
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
        "{\"type\":\"record\",\"name\":\"OrderPlaced\",\"namespace\":\"shop\",\"polka.topic\":\"shop.orders\",\"polka.key\":\"or"
        "der_id\",\"fields\":[{\"name\":\"placed_at\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},{\"nam"
        "e\":\"order_id\",\"type\":\"string\"},{\"name\":\"country\",\"type\":\"string\",\"default\":\"CZ\"},{\"name\":\"lines\",\"ty"
        "pe\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"OrderLine\",\"namespace\":\"shop\",\"fields\":[{\"name\""
        ":\"sku\",\"type\":\"string\"},{\"name\":\"quantity\",\"type\":[\"null\",\"long\"],\"default\":null,\"aliases\":[\"count\"]"
        "},{\"name\":\"tags\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[\"plain\"]}]}}},{\"name\":\"channel\""
        ",\"type\":{\"type\":\"enum\",\"name\":\"Channel\",\"namespace\":\"shop\",\"symbols\":[\"OTHER\",\"WEB\",\"SHOP\"],\"default"
        "\":\"OTHER\"}}]}",
    .fingerprint = UINT64_C(0x2adafc89a6457d42),
    .version = 2,
    .final = false,
    .value_size = sizeof(shop_order_placed),
    .invoke = shop_order_placed__invoke,
    .codec = &shop_order_placed__codec,
};
