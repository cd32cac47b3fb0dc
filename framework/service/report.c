/* report.c: texts made from the service value and the property table, so that none of them can go stale. */
#include <base/error.h>
#include <base/url.h>
#include <jansson.h>
#include <service/report.h>
#include <service/trace_settings.h>

#include <stdlib.h>

static const char mask[] = "********";

const char *polkai_report_reaction(const polka_reaction *reaction, polka_arena *arena)
{
    const char *function = reaction->function != NULL ? reaction->function : reaction->name != NULL ? reaction->name : "?";
    polka_text row = polkai_arena_format(arena, "%s -> %s", reaction->event != NULL ? reaction->event->name : "any other event", function);
    for (size_t i = 0; i < reaction->emits.count; i++)
        row = polkai_arena_format(arena, "%s%s%s", row.data, i == 0 ? " -> " : ", ", reaction->emits.items[i]->name);
    return row.data;
}

void polkai_report_version(const polkai_config *config, FILE *out)
{
    fprintf(out, "%s %s\npolka %s\nlibrdkafka %s\n", config->service->name, config->service->version, POLKA_VERSION, polkai_kafka_version());
}

/* ---- help ---- */

static void print_reactions(const polka_service *service, FILE *out, polka_arena *arena)
{
    if (service->reactions == NULL || (service->reactions[0].event == NULL && service->reactions[0].any == NULL))
        return;
    fprintf(out, "\nReacts:\n");
    for (const polka_reaction *row = service->reactions; row->event != NULL || row->any != NULL; row++)
        fprintf(out, "  %s\n", polkai_report_reaction(row, arena));
}

static void print_property(const polkai_config_value *value, FILE *out, polka_arena *arena)
{
    const polkai_property *property = &value->property;
    const char *left = polkai_arena_format(arena, "--%s", property->name).data;
    fprintf(out, "  %-24s %s%s%s", left, property->help, *property->help != '\0' ? " " : "", polkai_property_accepts(property, arena));
    if (property->secret)
        fprintf(out, "; or its file by --%s_file", property->name);
    if (property->fallback != NULL && *property->fallback != '\0' && !property->secret)
        fprintf(out, " (%s)", property->fallback);
    else if (property->fallback == NULL && value->text.data != NULL)
        fprintf(out, " (%s)", value->text.data);
    else if (property->fallback == NULL)
        fprintf(out, " (must be set)");
    fputc('\n', out);
}

void polkai_report_help(const polkai_config *config, FILE *out)
{
    const char *name = config->service->name, *section = "";
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    fprintf(out, "%s %s, a service on Polka %s\n\nUsage: %s [run | config | help] [--PROPERTY VALUE ...]\n", name, config->service->version,
            POLKA_VERSION, name);
    print_reactions(config->service, out, &arena);
    fprintf(out,
            "\nCommands:\n"
            "  run                      join the consumer group and react; the default. SIGTERM or Ctrl-C drains\n"
            "  config [--format FORMAT] the effective values and where each was set; table or json\n"
            "  config --reference       the page of all properties\n"
            "  --describe               the manifest, as JSON\n"
            "  --version, --help\n"
            "\nProperties come from the file, the environment and flags; the later wins. The environment variable of\n"
            "log.level is POLKA_LOG_LEVEL, and so on.\n"
            "  --config FILE            YAML file; also POLKA_CONFIG\n"
            "  -X NAME=VALUE            to librdkafka as it is; also POLKA_KAFKA_NAME, and `kafka:` in the file\n");
    for (size_t i = 0; i < config->count; i++) {
        const polkai_property *property = &config->values[i].property;
        if (property->section == NULL)
            continue;
        if (strcmp(section, property->section) != 0)
            fprintf(out, "\n%s:\n", section = property->section);
        print_property(&config->values[i], out, &arena);
    }
    fprintf(out,
            "\nExamples:\n"
            "  %s --brokers localhost:9092\n"
            "  POLKA_LOG_LEVEL=debug %s --lanes 4 --config polka.yaml\n"
            "  %s config --format json\n"
            "\nExit codes: 0 drained; 1 failed; 2 misuse; 3 fatal; 4 a handler is stuck; 5 drain deadline passed; 130 second signal.\n",
            name, name, name);
    polkai_arena_deinit(&arena);
}

/* ---- config ---- */

static const char *shown(const polkai_config_value *value, polka_arena *arena)
{
    if (value->text.data == NULL)
        return "(not set)";
    return value->property.secret && value->text.size > 0 ? mask : polkai_url_masked(arena, value->text.data);
}

static json_t *typed(const polkai_config_value *value, polka_arena *arena)
{
    if (value->text.data == NULL)
        return json_null();
    if (value->property.type == POLKAI_PROPERTY_BOOL && !value->property.secret)
        return json_boolean(value->number != 0);
    return json_string(shown(value, arena));
}

static void print_json_row(const char *name, json_t *value, const char *origin, FILE *out)
{
    json_t *row = json_object();
    json_object_set_new(row, "name", json_string(name));
    json_object_set_new(row, "value", value);
    json_object_set_new(row, "origin", json_string(origin));
    json_dumpf(row, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(row);
}

void polkai_report_config(const polkai_config *config, bool json, FILE *out)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    if (!json)
        fprintf(out, "%-28s %-28s %s\n", "PROPERTY", "VALUE", "SET BY");
    for (size_t i = 0; i < config->count; i++) {
        const polkai_config_value *value = &config->values[i];
        if (json)
            print_json_row(value->property.name, typed(value, &arena), value->origin, out);
        else
            fprintf(out, "%-28s %-28s %s\n", value->property.name, shown(value, &arena), value->origin);
    }
    for (size_t i = 0; i < config->kafka_count; i++) {
        char name[160];
        const char *value = polkai_kafka_secret(config->kafka[i].key) ? mask : config->kafka[i].value;
        snprintf(name, sizeof name, "kafka.%s", config->kafka[i].key);
        if (json)
            print_json_row(name, json_string(value), config->kafka_origins[i], out);
        else
            fprintf(out, "%-28s %-28s %s\n", name, value, config->kafka_origins[i]);
    }
}

/* ---- reference ---- */

static void print_cell(const char *text, FILE *out)
{
    for (; *text != '\0'; text++)
        fputs(*text == '|' ? "\\|" : (char[]){ *text, '\0' }, out);
}

static void print_trace_variables(FILE *out)
{
    fputs("\n## Traces\n\nOpenTelemetry, OTLP over HTTP in JSON; off until an endpoint is set. These are environment variables only, as the standard has them.\n\n"
          "| environment | wins over it | default | |\n|---|---|---|---|\n", out);
    for (const polkai_trace_variable *at = polkai_trace_variables; at->name != NULL; at++) {
        fprintf(out, at->of_traces != NULL ? "| `%s` | `%s` | %s | " : "| `%s` | %s | %s | ", at->name, at->of_traces != NULL ? at->of_traces : "", at->fallback);
        print_cell(at->help, out);
        fputs(" |\n", out);
    }
}

void polkai_report_reference(const polkai_config *config, FILE *out)
{
    const char *section = "";
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    fprintf(out,
            "# Properties of %s\n\n"
            "Built-in < YAML file (`--config`, `POLKA_CONFIG`) < environment < flag; the later wins. In the file a property stands at the\n"
            "top, under `settings`, or under `services.%s`, which wins. A flag is `--` and the property's name. Properties of librdkafka:\n"
            "`-X name=value`, `POLKA_KAFKA_<NAME>` (`_` for a dot, `__` for `_`, `___` for `-`), and `kafka:` in the file.\n"
            "A secret may come from a file: `<name>_file`, `<VARIABLE>_FILE`.\n",
            config->service->name, config->service->name);
    for (size_t i = 0; i < config->count; i++) {
        const polkai_property *property = &config->values[i].property;
        if (property->section == NULL)
            continue;
        if (strcmp(section, property->section) != 0)
            fprintf(out, "\n## %s\n\n| property | environment | takes | default | |\n|---|---|---|---|---|\n", section = property->section);
        const char *fallback = property->fallback != NULL ? property->fallback : config->values[i].text.data;
        fprintf(out, "| `%s` | `%s` | ", property->name, polkai_property_variable(property->name, &arena));
        print_cell(polkai_property_accepts(property, &arena), out);
        fprintf(out, "%s | ", property->secret ? ", secret" : "");
        print_cell(fallback == NULL ? "must be set" : property->secret && *fallback != '\0' ? mask : fallback, out);
        fputs(" | ", out);
        print_cell(property->help, out);
        fputs(" |\n", out);
    }
    print_trace_variables(out);
    polkai_arena_deinit(&arena);
}
