/*
 * fuzz_shelf.c: any sequence of requests to the registry of `polka dev`. Requests are divided by 0xff; the first byte of one is its method,
 * the rest of its first line its URI, what follows its body. Every request is answered; ids stay what they are; what is kept parses.
 */
#include "avro_schemas.h"

#include <cli/shelf.h>

static void check_ledger(const cli_ledger *ledger)
{
    const char *id;
    json_t *schema;
    json_object_foreach(ledger->schemas, id, schema) {
        polka_error error = { 0 };
        cli_entry entry;
        const json_t *references = json_object_get(schema, "references");
        /* references may have been deleted for good since */
        if (references == NULL)
            HOLDS(cli_entry_read(&entry, ledger, polka_text_of(json_string_value(json_object_get(schema, "schema"))), NULL, &error) == POLKA_OK, "%s: %s", id, error.message);
        else if (cli_entry_read(&entry, ledger, polka_text_of(json_string_value(json_object_get(schema, "schema"))), references, &error) != POLKA_OK)
            HOLDS(strcmp(error.code, "no-reference") == 0 || strcmp(error.code, "bad-schema") == 0, "%s: %s", id, error.message);
        HOLDS(references != NULL || cli_ledger_id(ledger, &entry) == strtoll(id, NULL, 10), "another id than %s", id);
        cli_entry_free(&entry);
    }
}

static void ask(cli_ledger *ledger, const uint8_t *data, size_t size)
{
    static const char *const methods[] = { "GET", "POST", "PUT", "DELETE", "PATCH" };
    char uri[512];
    const uint8_t *line = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
    if (line == NULL || (size_t)(line - data) >= sizeof uri)
        return;
    snprintf(uri, sizeof uri, "%.*s", (int)(line - data - 1), (const char *)data + 1);
    cli_reply reply = cli_shelf_answer(ledger, methods[data[0] % 5], uri, (const char *)line + 1, size - (size_t)(line + 1 - data));
    HOLDS(reply.status >= 200 && reply.status < 600 && reply.json != NULL, "no answer: %s", uri);
    char *text = json_dumps(reply.json, JSON_ENCODE_ANY);
    HOLDS(text != NULL, "an answer that is no JSON: %s", uri);
    free(text);
    json_decref(reply.json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool aside;
    cli_ledger ledger;
    if (cli_ledger_open(&ledger, NULL, &aside, NULL) != POLKA_OK)
        abort();
    for (unsigned i = 0; i < 16 && size > 0; i++) {
        const uint8_t *end = memchr(data, 0xff, size);
        size_t one = end != NULL ? (size_t)(end - data) : size;
        ask(&ledger, data, one);
        data += end != NULL ? one + 1 : one;
        size -= end != NULL ? one + 1 : one;
    }
    check_ledger(&ledger);
    cli_ledger_close(&ledger);
    return 0;
}
