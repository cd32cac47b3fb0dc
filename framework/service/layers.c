/* layers.c: file, environment and flags, each read whole, each value with its origin. */
#include <base/error.h>
#include <base/text.h>
#include <base/yaml.h>
#include <service/config.h>

#include <ctype.h>

static bool same_exactly(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* A setting of another service, in a place that all services read. One without settings of its own has no typo to make there. */
static bool belongs_to_others(const polkai_config *config, const char *name)
{
    return strncmp(name, "app.", 4) == 0 && (config->service->settings == NULL || config->service->settings[0].name == NULL);
}

/* ---- the file ---- */

/* Members of the project file that are no properties: those that `polka` reads, then those that hold properties. */
static const char *const root_names[] = { "name", "schemas", "build", "topics", "flows", "settings", "services", "kafka", NULL };

typedef struct {
    polkai_config *config;
    bool common;                         /* a place that all services read */
    bool root;                           /* at the top, where more than properties may stand */
    polka_error *error;
} file_reader;

static const char *place(const file_reader *read, const polkai_yaml *node)
{
    return polkai_arena_format(&read->config->arena, "%s:%u:%u", node->file, node->line, node->column).data;
}

static const char *place_of_name(const file_reader *read, const polkai_yaml *member)
{
    return polkai_arena_format(&read->config->arena, "%s:%u:%u", member->file, member->name_line, member->name_column).data;
}

static const char *join(const file_reader *read, const char *path, const char *name)
{
    return *path == '\0' ? name : polkai_arena_format(&read->config->arena, "%s.%s", path, name).data;
}

static polka_status set_list(const file_reader *read, const polkai_yaml *node, polkai_config_value *value)
{
    polka_text joined = POLKA_TEXT("");
    for (size_t i = 0; i < node->count; i++) {
        const char *item = polkai_yaml_text(&node->items[i]);
        if (item == NULL)
            return polkai_yaml_fail(read->error, &node->items[i], "bad-value", "%s is a list of texts", value->property.name);
        joined = polkai_arena_format(&read->config->arena, "%s%s%s", joined.data, joined.size > 0 ? "," : "", item);
    }
    return polkai_config_set(read->config, value, false, joined.data, place(read, node), read->error);
}

/* A map of that name may hold properties: log stands for log.level and log.format. */
static bool is_group(const file_reader *read, const char *path)
{
    size_t size = strlen(path);
    for (size_t i = 0; i < read->config->count; i++)
        if (strncmp(read->config->values[i].property.name, path, size) == 0 && read->config->values[i].property.name[size] == '.')
            return true;
    return strcmp(path, "app") == 0 || strncmp(path, "app.", 4) == 0;        /* also those of other services */
}

static polka_status read_property(const file_reader *read, const polkai_yaml *node, const char *path)
{
    bool from_file;
    polkai_config_value *value = polkai_config_match(read->config, path, same_exactly, &from_file);
    if (value == NULL && node->kind == POLKAI_YAML_MAP && node->count > 0 && is_group(read, path)) {
        for (size_t i = 0; i < node->count; i++)
            TRY(read_property(read, &node->items[i], join(read, path, node->items[i].name)));
        return POLKA_OK;
    }
    if (value == NULL)
        return read->common && belongs_to_others(read->config, path) ? POLKA_OK
             : polkai_config_unknown(read->config, path, read->root && strchr(path, '.') == NULL ? root_names : NULL, place_of_name(read, node), read->error);
    if (node->kind == POLKAI_YAML_LIST && value->property.type == POLKAI_PROPERTY_LIST)
        return set_list(read, node, value);
    if (node->kind != POLKAI_YAML_SCALAR)
        return polkai_yaml_fail(read->error, node, "bad-value", "%s takes %s, not a %s", path,
                                polkai_property_accepts(&value->property, &read->config->arena), polkai_yaml_kind_name(node->kind));
    const char *text = polkai_yaml_text(node);
    return text == NULL ? POLKA_OK : polkai_config_set(read->config, value, from_file, text, place(read, node), read->error);
}

static polka_status read_kafka(const file_reader *read, const polkai_yaml *node, const char *path)
{
    if (node->kind == POLKAI_YAML_MAP) {
        for (size_t i = 0; i < node->count; i++)
            TRY(read_kafka(read, &node->items[i], join(read, path, node->items[i].name)));
        return POLKA_OK;
    }
    const char *text = polkai_yaml_text(node);
    if (text == NULL && node->kind == POLKAI_YAML_SCALAR)
        return POLKA_OK;
    if (text == NULL || *path == '\0')
        return polkai_yaml_fail(read->error, node, "bad-value", "kafka holds properties of librdkafka, one a line: session.timeout.ms: 6000");
    return polkai_config_set_kafka(read->config, path, text, place(read, node), read->error);
}

/* `settings`, or the section of one service. */
static polka_status read_section(const file_reader *read, const polkai_yaml *section, const char *what)
{
    if (section == NULL || (section->kind == POLKAI_YAML_SCALAR && polkai_yaml_text(section) == NULL))
        return POLKA_OK;
    if (section->kind != POLKAI_YAML_MAP)
        return polkai_yaml_fail(read->error, section, "bad-value", "%s is a map of properties, not a %s", what, polkai_yaml_kind_name(section->kind));
    for (size_t i = 0; i < section->count; i++)
        TRY(strcmp(section->items[i].name, "kafka") == 0 ? read_kafka(read, &section->items[i], "")
                                                         : read_property(read, &section->items[i], section->items[i].name));
    return POLKA_OK;
}

static bool is_root_name(const char *name)
{
    for (size_t i = 0; root_names[i] != NULL; i++)
        if (strcmp(name, root_names[i]) == 0)
            return true;
    return false;
}

static polka_status read_root(file_reader *read, const polkai_yaml *root)
{
    if (root->kind != POLKAI_YAML_MAP)
        return polkai_yaml_fail(read->error, root, "bad-value", "a configuration file is a map of properties, not a %s", polkai_yaml_kind_name(root->kind));
    for (size_t i = 0; i < root->count; i++) {
        const polkai_yaml *member = &root->items[i];
        if (strcmp(member->name, "kafka") == 0)
            TRY(read_kafka(read, member, ""));
        else if (!is_root_name(member->name))
            TRY(read_property(read, member, member->name));
    }
    read->root = false;
    TRY(read_section(read, polkai_yaml_member(root, "settings"), "settings"));

    const polkai_yaml *services = polkai_yaml_member(root, "services");
    if (services != NULL && services->kind != POLKAI_YAML_MAP && !(services->kind == POLKAI_YAML_SCALAR && polkai_yaml_text(services) == NULL))
        return polkai_yaml_fail(read->error, services, "bad-value", "services is a map: services: { %s: { group: … } }", read->config->service->name);
    read->common = false;
    return read_section(read, polkai_yaml_member(services, read->config->service->name), read->config->service->name);
}

static void destroy_document(polkai_yaml_document **document)
{
    polkai_yaml_destroy(*document);
}

polka_status polkai_config_read_file(polkai_config *config, const char *path, polka_error *error)
{
    polkai_yaml_document *document AUTO(destroy_document) = NULL;
    TRY(polkai_yaml_read_file(&document, path, error));
    return read_root(&(file_reader){ .config = config, .common = true, .root = true, .error = error }, polkai_yaml_root(document));
}

/* ---- the environment ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), tail = strlen(end);
    return size >= tail && strcmp(text + size - tail, end) == 0;
}

/*
 * Variables that begin with POLKA_ and are not ours: those of `polka` and of the tests, and what Kubernetes sets in every
 * container for a Service named "polka" or "polka-payments" (POLKA_PORT_9092_TCP_ADDR, POLKA_SERVICE_HOST).
 */
static bool of_somebody_else(const char *name, const char *value)
{
    return strcmp(name, "POLKA_CONFIG") == 0 || strcmp(name, "POLKA_BUILD") == 0 || strncmp(name, "POLKA_TEST_", 11) == 0 ||
           ends_with(name, "_SERVICE_HOST") || strstr(name, "_SERVICE_PORT") != NULL || strstr(name, "_TCP_") != NULL ||
           strstr(name, "_UDP_") != NULL || strncmp(value, "tcp://", 6) == 0 || strncmp(value, "udp://", 6) == 0;
}

static polka_status unknown_variable(polkai_config *config, const char *name, const char *origin, polka_error *error)
{
    const char **names = polkai_arena_zeroed(&config->arena, config->count, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < config->count; i++)
        if (config->values[i].property.section != NULL)
            names[count++] = polkai_property_variable(config->values[i].property.name, &config->arena);
    const char *near = polkai_nearest(name, names, count);
    return polkai_fail(error, POLKA_MISUSE, "unknown-property", "%s: no property has this variable%s%s%s ('%s config --reference' lists all)", origin,
                       near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "", config->service->name);
}

static polka_status read_variable(polkai_config *config, const char *name, const char *value, polka_error *error)
{
    bool from_file;
    const char *origin = polkai_arena_format(&config->arena, "environment %s", name).data;
    const char *rest = name + sizeof "POLKA_" - 1;
    if (strncmp(rest, "KAFKA_", 6) == 0) {
        const char *key = polkai_kafka_name(rest + 6, &config->arena);
        /* POLKA_KAFKA_SASL_PASSWORD_FILE: by the mapping sasl.password.file, by what is meant sasl.password_file */
        if (ends_with(name, "_FILE") && polkai_kafka_secret(key))
            key = polkai_arena_format(&config->arena, "%.*s_file", (int)(strlen(key) - 5), key).data;
        return polkai_config_set_kafka(config, key, value, origin, error);
    }
    polkai_config_value *found = polkai_config_match(config, rest, polkai_property_same_name, &from_file);
    if (found != NULL)
        return polkai_config_set(config, found, from_file, value, origin, error);
    bool others = strncmp(rest, "APP_", 4) == 0 && belongs_to_others(config, "app.");
    return others || of_somebody_else(name, value) ? POLKA_OK : unknown_variable(config, name, origin, error);
}

polka_status polkai_config_read_environment(polkai_config *config, char *const *environment, polka_error *error)
{
    static const char alias[] = "KAFKA_BOOTSTRAP_SERVERS=";
    /* the alias first, so that POLKA_BROKERS wins over it */
    for (char *const *entry = environment; entry != NULL && *entry != NULL; entry++)
        if (strncmp(*entry, alias, sizeof alias - 1) == 0) {
            bool from_file;
            polkai_config_value *brokers = polkai_config_match(config, "brokers", same_exactly, &from_file);
            TRY(polkai_config_set(config, brokers, false, *entry + sizeof alias - 1, "environment KAFKA_BOOTSTRAP_SERVERS", error));
        }
    for (char *const *entry = environment; entry != NULL && *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        if (equals == NULL || strncmp(*entry, "POLKA_", 6) != 0)
            continue;
        const char *name = polkai_arena_text(&config->arena, *entry, (size_t)(equals - *entry)).data;
        TRY(read_variable(config, name, equals + 1, error));
    }
    return POLKA_OK;
}

/* ---- flags ---- */

polka_status polkai_config_read_flags(polkai_config *config, polka_error *error)
{
    for (size_t i = 0; i < config->arguments.kafka_count; i++) {
        const polkai_argument *argument = &config->arguments.kafka[i];
        const char *key = polkai_arena_text(&config->arena, argument->name.data, argument->name.size).data;
        const char *origin = polkai_arena_format(&config->arena, "flag -X %s", key).data;
        TRY(polkai_config_set_kafka(config, key, argument->value, origin, error));
    }
    for (size_t i = 0; i < config->arguments.property_count; i++) {
        bool from_file;
        const polkai_argument *argument = &config->arguments.properties[i];
        const char *name = polkai_arena_text(&config->arena, argument->name.data, argument->name.size).data;
        const char *origin = polkai_arena_format(&config->arena, "flag --%s", name).data;
        polkai_config_value *value = polkai_config_match(config, name, polkai_property_same_name, &from_file);
        if (value == NULL)
            return polkai_config_unknown(config, name, NULL, origin, error);
        const char *text = argument->value;
        if (text == NULL && value->property.type == POLKAI_PROPERTY_BOOL)
            text = "true";
        ENSURE(text != NULL, POLKA_MISUSE, error, "usage", "%s needs a value: %s", origin,
               polkai_property_accepts(&value->property, &config->arena));
        TRY(polkai_config_set(config, value, from_file, text, origin, error));
    }
    return POLKA_OK;
}
