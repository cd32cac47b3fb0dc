/* plain.c: values of events as plain JSON and back, for handlers. */
#include <avro/json.h>
#include <flow/inner.h>

polka_status polka_from_json(polka_context *ctx, const polka_event *event, polka_bytes json, void *value, polka_error *error)
{
    polkai_schema_set *set = polkai_schema_set_create();
    const polkai_schema *schema;
    json_t *tree = NULL;
    polka_buffer buffer = { .arena = ctx->arena };
    polka_status status = polkai_schema_parse(set, polka_text_of(event->schema), NULL, &schema, error);
    if (status == POLKA_OK)
        status = polkai_json_parse(json, &tree, error);
    if (status == POLKA_OK)
        status = polkai_json_encode(POLKAI_JSON_PLAIN, schema, tree, &buffer, error);
    if (status == POLKA_OK)
        status = event->codec->decode((polka_bytes){ buffer.size, buffer.data }, ctx->arena, value, error);
    json_decref(tree);
    polkai_schema_set_destroy(set);
    return status;
}

polka_text polka_to_json(polka_context *ctx, const polka_event *event, const void *value)
{
    polkai_schema_set *set = polkai_schema_set_create();
    const polkai_schema *schema;
    polka_buffer buffer = { .arena = ctx->arena };
    polka_error error = { .status = POLKA_OK };
    json_t *tree = NULL;
    polka_text text = POLKA_TEXT("null");
    if (event->codec->encode(value, &buffer, &error) == POLKA_OK && polkai_schema_parse(set, polka_text_of(event->schema), NULL, &schema, &error) == POLKA_OK &&
        polkai_json_decode(POLKAI_JSON_PLAIN, schema, (polka_bytes){ buffer.size, buffer.data }, &tree, &error) == POLKA_OK) {
        polka_buffer written = { .arena = ctx->arena };
        polkai_json_write(tree, &written);
        *polka_buffer_reserve(&written, 1) = '\0';
        text = (polka_text){ written.size, (const char *)written.data };
    } else {
        polkai_context_fail(ctx, error.status, error.code, "%s as JSON: %s", event->name, error.message);
    }
    json_decref(tree);
    polkai_schema_set_destroy(set);
    return text;
}
