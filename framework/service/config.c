/* config.c: the values, the rules for setting one, and the order of the layers. */
#include <base/error.h>
#include <base/text.h>
#include <service/config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_SECRET_BYTES = 65536 };

/* ---- the rows: the table, then the service's own settings under app. ---- */

static polkai_property setting_row(const polka_setting *setting, polka_arena *arena)
{
    static const polkai_property_type types[] = {
        [POLKA_SETTING_TEXT] = POLKAI_PROPERTY_TEXT, [POLKA_SETTING_LONG] = POLKAI_PROPERTY_LONG,
        [POLKA_SETTING_BOOL] = POLKAI_PROPERTY_BOOL, [POLKA_SETTING_DURATION_MS] = POLKAI_PROPERTY_DURATION,
    };
    return (polkai_property){ .section = "Service", .name = polkai_arena_format(arena, "app.%s", setting->name).data,
                              .type = types[setting->type], .fallback = setting->fallback, .min = setting->min, .max = setting->max,
                              .secret = setting->secret, .help = setting->help != NULL ? setting->help : "" };
}

static polka_status check_setting(const polka_service *service, size_t index, polka_error *error)
{
    const polka_setting *setting = &service->settings[index];
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    ENSURE(setting->name[0] != '\0' && strspn(setting->name, letters) == strlen(setting->name), POLKA_MISUSE, error, "bad-settings",
           "setting '%s' of service %s: a name is lower-case letters, digits, dots, - and _", setting->name, service->name);
    ENSURE(setting->type >= POLKA_SETTING_TEXT && setting->type <= POLKA_SETTING_DURATION_MS, POLKA_MISUSE, error, "bad-settings",
           "setting '%s' of service %s has no type: .type = POLKA_SETTING_TEXT, _LONG, _BOOL or _DURATION_MS", setting->name, service->name);
    ENSURE(setting->min <= setting->max, POLKA_MISUSE, error, "bad-settings", "setting '%s' of service %s: min is above max", setting->name, service->name);
    for (size_t i = 0; i < index; i++)
        ENSURE(!polkai_property_same_name(service->settings[i].name, setting->name), POLKA_MISUSE, error, "bad-settings",
               "settings '%s' and '%s' of service %s have the same environment variable: rename one", service->settings[i].name, setting->name,
               service->name);
    return POLKA_OK;
}

static polka_status make_rows(polkai_config *config, polka_error *error)
{
    size_t table = 0, own = 0;
    const polka_service *service = config->service;
    while (polkai_properties[table].name != NULL)
        table++;
    for (; service->settings != NULL && service->settings[own].name != NULL; own++)
        TRY(check_setting(service, own, error));
    config->values = polkai_arena_zeroed(&config->arena, table + own, sizeof *config->values);
    for (size_t i = 0; i < table + own; i++)
        config->values[i].property = i < table ? polkai_properties[i] : setting_row(&service->settings[i - table], &config->arena);
    config->count = table + own;
    return POLKA_OK;
}

static polka_status set_built_in(polkai_config *config, polka_error *error)
{
    for (size_t i = 0; i < config->count; i++) {
        const polkai_property *property = &config->values[i].property;
        const char *text = property->fallback, *origin = "built-in";
        if (strcmp(property->name, "group") == 0) {
            text = config->service->group != NULL ? config->service->group : config->service->name;
            origin = "the service";
        } else if (strcmp(property->name, "client_id") == 0) {
            text = config->service->name;
            origin = "the service";
        } else if (i > 0 && strcmp(property->section != NULL ? property->section : "", "Service") == 0) {
            origin = "the service";
        }
        config->values[i].origin = origin;
        if (text != NULL)
            TRY(polkai_config_set(config, &config->values[i], false, text, origin, error));
    }
    return POLKA_OK;
}

/* ---- setting one ---- */

static void close_file(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}

/* A list that is empty by default. */
static bool may_be_empty(const polkai_property *property) { return property->fallback != NULL && *property->fallback == '\0'; }

/* The text of a secret's file, without the newline that editors put at its end. */
static polka_status read_secret(polkai_config *config, const char *path, const char *origin, const char **text, polka_error *error)
{
    FILE *file AUTO(close_file) = fopen(path, "re");
    ENSURE(file != NULL, POLKA_MISUSE, error, "no-file", "%s: %s: %s", origin, path, strerror(errno));
    char *bytes = polkai_arena_zeroed(&config->arena, MOST_SECRET_BYTES + 2, 1);
    size_t size = fread(bytes, 1, MOST_SECRET_BYTES + 1, file);
    ENSURE(!ferror(file), POLKA_MISUSE, error, "no-file", "%s: %s: %s", origin, path, strerror(errno));
    ENSURE(size <= MOST_SECRET_BYTES && memchr(bytes, '\0', size) == NULL, POLKA_MISUSE, error, "bad-value",
           "%s: %s is not a text of at most %d bytes", origin, path, MOST_SECRET_BYTES);
    if (size > 0 && bytes[size - 1] == '\n')
        bytes[--size] = '\0';
    if (size > 0 && bytes[size - 1] == '\r')
        bytes[--size] = '\0';
    *text = bytes;
    return POLKA_OK;
}

polka_status polkai_config_set(polkai_config *config, polkai_config_value *value, bool from_file, const char *text, const char *origin, polka_error *error)
{
    int64_t number;
    if (from_file)
        TRY(read_secret(config, text, origin, &text, error));
    if (polkai_property_parse(&value->property, text, &number, error) != POLKA_OK) {
        polkai_error_where(error, "%s: %s", origin, value->property.name);
        return POLKA_MISUSE;
    }
    ENSURE(value->property.type != POLKAI_PROPERTY_LIST || *text != '\0' || may_be_empty(&value->property), POLKA_MISUSE, error, "bad-value", "%s: %s is empty", origin, value->property.name);
    ENSURE(polkai_utf8_valid(text, strlen(text)), POLKA_MISUSE, error, "bad-value", "%s: %s is not UTF-8", origin, value->property.name);
    value->text = polkai_arena_text(&config->arena, text, strlen(text));
    value->number = number;
    value->origin = origin;
    return POLKA_OK;
}

bool polkai_kafka_secret(const char *key)
{
    static const char *const marks[] = { "password", "secret", "ssl.key.pem", "oauthbearer.config", "jaas" };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strstr(key, marks[i]) != NULL)
            return true;
    return false;
}

polka_status polkai_config_set_kafka(polkai_config *config, const char *key, const char *text, const char *origin, polka_error *error)
{
    size_t size = strlen(key), slot = 0;
    if (size > 5 && strcmp(key + size - 5, "_file") == 0 && polkai_kafka_secret(key)) {
        key = polkai_arena_text(&config->arena, key, size - 5).data;
        TRY(read_secret(config, text, origin, &text, error));
    }
    if (polkai_kafka_property_check(key, text, error) != POLKA_OK) {
        polkai_error_where(error, "%s", origin);
        return POLKA_MISUSE;
    }
    while (slot < config->kafka_count && strcmp(config->kafka[slot].key, key) != 0)
        slot++;
    if (slot == config->kafka_count) {
        size_t count = ++config->kafka_count;
        config->kafka = polkai_realloc(config->kafka, count * sizeof *config->kafka);
        config->kafka_origins = polkai_realloc(config->kafka_origins, count * sizeof *config->kafka_origins);
    }
    config->kafka[slot].key = polkai_arena_text(&config->arena, key, strlen(key)).data;
    config->kafka[slot].value = polkai_arena_text(&config->arena, text, strlen(text)).data;
    config->kafka_origins[slot] = origin;
    return POLKA_OK;
}

polkai_config_value *polkai_config_match(polkai_config *config, const char *name, bool (*same)(const char *a, const char *b), bool *from_file)
{
    *from_file = false;
    for (size_t i = 0; i < config->count; i++)
        if (same(config->values[i].property.name, name))
            return &config->values[i];
    size_t size = strlen(name);
    if (size <= 5 || !polkai_property_same_name(name + size - 5, "_file"))
        return NULL;
    const char *bare = polkai_arena_text(&config->arena, name, size - 5).data;
    *from_file = true;
    for (size_t i = 0; i < config->count; i++)
        if (config->values[i].property.secret && same(config->values[i].property.name, bare))
            return &config->values[i];
    return NULL;
}

polka_status polkai_config_unknown(polkai_config *config, const char *name, const char *const *others, const char *origin, polka_error *error)
{
    size_t count = 0;
    while (others != NULL && others[count] != NULL)
        count++;
    const char **names = polkai_arena_zeroed(&config->arena, count + config->count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = others[i];
    for (size_t i = 0; i < config->count; i++)
        if (config->values[i].property.section != NULL)
            names[count++] = config->values[i].property.name;
    const char *near = polkai_nearest(name, names, count);
    return polkai_fail(error, POLKA_MISUSE, "unknown-property", "%s: unknown property '%.100s'%s%s%s ('%s config --reference' lists all)", origin, name,
                       near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "", config->service->name);
}

/* ---- the whole ---- */

/* What no single value shows. */
static polka_status check_together(const polkai_config *config, polka_error *error)
{
    const polkai_config_value *delivery = polkai_config_find(config, "delivery");
    ENSURE(delivery->number == 0 || polkai_config_number(config, "embedded") == 0, POLKA_MISUSE, error, "not-supported",
           "%s: delivery exactly-once needs transactions, and the embedded broker has none; use polka dev --kafka", delivery->origin);
    const polkai_config_value *group = polkai_config_find(config, "group");
    ENSURE(polkai_topic_valid(group->text.data), POLKA_MISUSE, error, "bad-value",
           "%s: group '%s' becomes part of topic names: use letters, digits, dots, - and _", group->origin, group->text.data);
    return POLKA_OK;
}

static const char *file_of(const polkai_config *config, char *const *environment)
{
    const char *path = config->arguments.file;
    for (; path == NULL && environment != NULL && *environment != NULL; environment++)
        if (strncmp(*environment, "POLKA_CONFIG=", 13) == 0)
            path = *environment + 13;
    return path != NULL && *path != '\0' ? path : NULL;
}

static polka_status read_all(polkai_config *config, int argc, char **argv, char *const *environment, polka_error *error)
{
    TRY(make_rows(config, error));
    polkai_property *rows = polkai_arena_zeroed(&config->arena, config->count, sizeof *rows);
    for (size_t i = 0; i < config->count; i++)
        rows[i] = config->values[i].property;
    TRY(polkai_arguments_read(&config->arguments, argc, argv, rows, config->count, &config->arena, error));
    TRY(set_built_in(config, error));
    /* help and the reference must answer however broken the surroundings are */
    if (config->arguments.command == POLKAI_COMMAND_HELP || config->arguments.command == POLKAI_COMMAND_VERSION ||
        config->arguments.command == POLKAI_COMMAND_REFERENCE)
        return POLKA_OK;
    const char *path = file_of(config, environment);
    if (path != NULL)
        TRY(polkai_config_read_file(config, path, error));
    TRY(polkai_config_read_environment(config, environment, error));
    TRY(polkai_config_read_flags(config, error));
    return check_together(config, error);
}

polka_status polkai_config_create(polkai_config **config, const polka_service *service, int argc, char **argv, char *const *environment,
                                  polka_error *error)
{
    polkai_config *made = polkai_alloc(sizeof *made);
    polkai_arena_init(&made->arena, NULL, 0);
    made->service = service;
    polka_status status = read_all(made, argc, argv, environment, error);
    if (status != POLKA_OK) {
        polkai_config_destroy(made);
        made = NULL;
    }
    *config = made;
    return status;
}

void polkai_config_destroy(polkai_config *config)
{
    if (config == NULL)
        return;
    free(config->kafka);
    free(config->kafka_origins);
    polkai_arena_deinit(&config->arena);
    free(config);
}

polka_status polkai_config_require(const polkai_config *config, polka_error *error)
{
    for (size_t i = 0; i < config->count; i++) {
        const char *name = config->values[i].property.name;
        if (config->values[i].text.data != NULL)
            continue;
        polka_arena arena AUTO(polkai_arena_deinit);
        polkai_arena_init(&arena, NULL, 0);
        return polkai_fail(error, POLKA_MISUSE, "not-set", "%s must be set: --%s, %s%s, or %s in the file given with --config (%s)", name, name,
                           polkai_property_variable(name, &arena), config->values[i].property.secret ? " (or …_FILE)" : "", name,
                           config->values[i].property.help);
    }
    const polkai_config_value *framing = polkai_config_find(config, "framing");
    ENSURE(framing->number == 0 || polkai_config_find(config, "schemas.registry.url")->text.size > 0, POLKA_MISUSE, error, "not-set",
           "%s: framing confluent needs a schema registry: set schemas.registry.url, or use single-object", framing->origin);
    return POLKA_OK;
}

const polkai_config_value *polkai_config_find(const polkai_config *config, const char *name)
{
    for (size_t i = 0; i < config->count; i++)
        if (strcmp(config->values[i].property.name, name) == 0)
            return &config->values[i];
    return NULL;
}

const char *polkai_config_text(const polkai_config *config, const char *name)
{
    return polkai_config_find(config, name)->text.data;
}

int64_t polkai_config_number(const polkai_config *config, const char *name)
{
    return polkai_config_find(config, name)->number;
}

static const polkai_config_value *find_setting(const polkai_config *config, const char *name)
{
    for (size_t i = 0; i < config->count; i++)
        if (strncmp(config->values[i].property.name, "app.", 4) == 0 && strcmp(config->values[i].property.name + 4, name) == 0)
            return &config->values[i];
    return NULL;
}

static bool setting_text(void *user, const char *name, polka_text *value)
{
    const polkai_config_value *found = find_setting(user, name);
    if (found == NULL || found->property.type != POLKAI_PROPERTY_TEXT)
        return false;
    *value = found->text;
    return true;
}

static bool setting_number(void *user, const char *name, int64_t *value)
{
    const polkai_config_value *found = find_setting(user, name);
    if (found == NULL || found->property.type == POLKAI_PROPERTY_TEXT)
        return false;
    *value = found->number;
    return true;
}

polkai_settings polkai_config_settings(polkai_config *config)
{
    return (polkai_settings){ .user = config, .text = setting_text, .number = setting_number };
}
