/* row.c: record in, JSON object out. */
#include <cli/row.h>

#include <avro/json.h>
#include <base/arena.h>
#include <base/clock.h>
#include <base/text.h>
#include <flow/schema/framing.h>
#include <stdio.h>
#include <stdlib.h>

enum { RAW_LIMIT = 4096 };

static char *base64(const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = polkai_alloc(size / 3 * 4 + 5), *at = text;
    for (size_t i = 0; i < size; i += 3) {
        unsigned long three = (unsigned long)bytes[i] << 16 | (i + 1 < size ? (unsigned long)bytes[i + 1] << 8 : 0) | (i + 2 < size ? bytes[i + 2] : 0);
        *at++ = digits[three >> 18];
        *at++ = digits[three >> 12 & 63];
        *at++ = i + 1 < size ? digits[three >> 6 & 63] : '=';
        *at++ = i + 2 < size ? digits[three & 63] : '=';
    }
    return text;
}

json_t *cli_bytes_json(polka_bytes bytes)
{
    if (bytes.data == NULL)
        return json_null();
    if (polkai_utf8_valid(bytes.data, bytes.size))
        return json_stringn((const char *)bytes.data, bytes.size);
    char *text = base64(bytes.data, bytes.size);
    json_t *object = json_pack("{s:s}", "base64", text);
    free(text);
    return object;
}

/* ---- the value ---- */

static void say_reason(cli_row *row, const polka_error *error) { snprintf(row->reason, sizeof row->reason, "%s: %s", error->code, error->message); }

static void read_avro(cli_decoder *decoder, cli_row *row, const polkai_schema_key *key, polka_bytes body)
{
    polka_error error = { 0 };
    const polkai_schema *schema = key->kind == POLKAI_BY_FINGERPRINT ? cli_catalog_schema(decoder->catalog, key->number) : NULL;
    if (schema == NULL && cli_foreign_schema(decoder->foreign, key, &schema, &error) != POLKA_OK) {
        say_reason(row, &error);
        return;
    }
    if (row->envelope.type.data == NULL && schema->name != NULL)
        row->envelope.type = polka_text_of(schema->name);
    if (polkai_json_decode(POLKAI_JSON_PLAIN, schema, body, &row->value, &error) != POLKA_OK)
        say_reason(row, &error);
}

polka_bytes cli_value_of(const polkai_record *record, const polkai_envelope *envelope)
{
    if (envelope->mode != POLKAI_MODE_STRUCTURED)
        return record->value;
    return envelope->json.data != NULL ? (polka_bytes){ envelope->json.size, (const uint8_t *)envelope->json.data } : envelope->data;
}

polka_status cli_value_frame(polka_bytes value, const polkai_envelope *envelope, polkai_schema_key *key, polka_bytes *body, polka_error *error)
{
    *body = value;
    if (envelope->mode != POLKAI_MODE_STRUCTURED && envelope->schema_id.data != NULL)
        return polkai_framing_read_header(envelope->schema_id, key, error);
    return polkai_framing_read(value, key, body, error);
}

static void read_value(cli_decoder *decoder, cli_row *row)
{
    polka_bytes value = cli_value_of(row->record, &row->envelope), body;
    polkai_schema_key key = { 0 };
    polka_error error = { 0 };
    if (value.data == NULL)
        return;
    if (cli_value_frame(value, &row->envelope, &key, &body, &error) == POLKA_OK)
        read_avro(decoder, row, &key, body);
    else if (strcmp(error.code, "unknown-framing") != 0 || polkai_json_parse(value, &row->value, NULL) != POLKA_OK)
        say_reason(row, &error);         /* schema and manifest topics, and what others write, is JSON */
}

/* ---- the row ---- */

static bool listed(const cli_list *list, polka_text text)
{
    for (size_t i = 0; i < list->count; i++)
        if (polka_text_equal(polka_text_of(list->items[i]), text))
            return true;
    return false;
}

static bool wanted(const cli_row_filter *only, const cli_row *row)
{
    const polkai_envelope *envelope = &row->envelope;
    if (only == NULL)
        return true;
    if (only->correlation_id.data != NULL && !polka_text_equal(only->correlation_id, envelope->correlation_id) &&
        !polka_text_equal(only->correlation_id, envelope->id))
        return false;
    return only->types->count + only->whole->count == 0 || listed(only->types, envelope->type) || listed(only->whole, row->record->topic);
}

bool cli_row_read(cli_decoder *decoder, polkai_record *record, const cli_row_filter *only, polka_arena *arena, cli_row *row)
{
    polka_error error = { 0 };
    *row = (cli_row){ .record = record };
    polkai_record_headers(record, arena);
    bool opened = polkai_envelope_open(record, POLKA_TEXT("-"), arena, &row->envelope, &error) == POLKA_OK;
    bool typeless = opened && row->envelope.type.data == NULL;
    if (!typeless && !wanted(only, row))
        return false;
    if (!opened)
        snprintf(row->reason, sizeof row->reason, "%s: %s", error.code, error.message);
    else
        read_value(decoder, row);
    if (typeless && !wanted(only, row)) {     /* the type came from the schema */
        cli_row_free(row);
        return false;
    }
    return true;
}

void cli_row_free(cli_row *row)
{
    json_decref(row->value);
    row->value = NULL;
}

static json_t *text_json(polka_text text) { return cli_bytes_json((polka_bytes){ text.size, (const uint8_t *)text.data }); }

static json_t *headers_json(const polkai_record *record)
{
    json_t *headers = json_object();
    for (size_t i = 0; i < record->header_count; i++) {
        char name[300];
        polkai_text_escape(name, sizeof name, record->headers[i].name.data, record->headers[i].name.size, 256);
        json_object_set_new(headers, name, cli_bytes_json(record->headers[i].value));
    }
    return headers;
}

json_t *cli_row_json(const cli_row *row)
{
    const polkai_record *record = row->record;
    const polkai_envelope *envelope = &row->envelope;
    char time[25];
    polkai_time_write(time, envelope->time_ms != 0 ? envelope->time_ms : record->timestamp_ms);
    json_t *object = json_object();
    json_object_set_new(object, "topic", text_json(record->topic));
    json_object_set_new(object, "partition", json_integer(record->partition));
    json_object_set_new(object, "offset", json_integer(record->offset));
    json_object_set_new(object, "key", cli_bytes_json(record->key));
    json_object_set_new(object, "id", text_json(envelope->id));
    json_object_set_new(object, "type", text_json(envelope->type));
    json_object_set_new(object, "source", text_json(envelope->source));
    json_object_set_new(object, "time", json_string(time));
    json_object_set_new(object, "correlation_id", text_json(envelope->correlation_id));
    json_object_set_new(object, "causation_id", text_json(envelope->causation_id));
    json_object_set_new(object, "headers", headers_json(record));
    json_object_set_new(object, "value", row->value != NULL ? json_incref(row->value) : json_null());
    if (row->reason[0] == '\0')
        return object;
    json_object_set_new(object, "error", text_json(polka_text_of(row->reason)));
    char *raw = base64(record->value.data, record->value.size < RAW_LIMIT ? record->value.size : RAW_LIMIT);
    json_object_set_new(object, "raw", json_string(raw));
    json_object_set_new(object, "size", json_integer((json_int_t)record->value.size));
    free(raw);
    return object;
}
