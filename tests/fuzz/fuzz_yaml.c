/* Any bytes as a configuration file: a tree or an error with a place, never a crash. */
#include <base/yaml.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t visit(const polkai_yaml *node)
{
    size_t nodes = 1;
    if (node->kind == POLKAI_YAML_SCALAR && node->text.data != NULL && strlen(node->text.data) != node->text.size)
        abort();
    if (node->name != NULL && *node->name == '\0')
        abort();
    for (size_t i = 0; i < node->count; i++)
        nodes += visit(polkai_yaml_item(node, i));
    return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    polkai_yaml_document *document;
    polka_error error = { 0 };
    if (polkai_yaml_read_text(&document, (polka_text){ size, (const char *)data }, "fuzz.yaml", &error) == POLKA_OK) {
        if (visit(polkai_yaml_root(document)) > size + 1)
            abort();                     /* a tree larger than its text: something was expanded */
        polkai_yaml_destroy(document);
    } else if (error.message[0] == '\0') {
        abort();
    }
    return 0;
}
