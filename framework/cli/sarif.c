/* sarif.c: one run, a rule a code, a result a finding (OASIS SARIF 2.1.0, sections 3.13 to 3.30). */
#include <cli/sarif.h>

#include <avro/json.h>
#include <base/arena.h>
#include <cli/project.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *text(const char *value) { return json_pack("{s:o}", "text", polkai_json_text(value)); }

static const char *level(polkai_code code) { return polkai_codes[code].warning ? "warning" : "error"; }

static json_t *rules(void)
{
    json_t *array = json_array();
    for (size_t i = 0; i < POLKAI_CODE_COUNT; i++)
        json_array_append_new(array, json_pack("{s:s, s:o, s:{s:s}}", "id", polkai_codes[i].name, "shortDescription", text(polkai_codes[i].meaning),
                                               "defaultConfiguration", "level", level((polkai_code)i)));
    return array;
}

/* A path as a URI reference (RFC 3986): what is not plain is percent-encoded; an absolute path becomes file://. */
static json_t *uri(const char *path)
{
    char *out = polkai_alloc(3 * strlen(path) + 8);
    size_t used = path[0] == '/' ? (size_t)sprintf(out, "file://") : 0;
    for (; *path != '\0'; path++) {
        unsigned char c = (unsigned char)*path;
        bool plain = isalnum(c) || strchr("-._~/", c) != NULL;
        used += (size_t)sprintf(out + used, plain ? "%c" : "%%%02X", c);
    }
    json_t *value = json_stringn(out, used);
    free(out);
    return value;
}

static json_t *location(const polkai_finding *finding)
{
    json_t *physical = json_pack("{s:{s:o}}", "artifactLocation", "uri", uri(finding->origin));
    if (finding->line > 0)
        json_object_set_new(physical, "region", json_pack("{s:i, s:i}", "startLine", (int)finding->line, "startColumn", (int)finding->column));
    return json_pack("{s:o}", "physicalLocation", physical);
}

static json_t *result(const polkai_finding *finding)
{
    char *more AUTO(cli_free_text) = finding->more > 0 ? cli_format(" (and %zu more like it, about the same)", finding->more) : polkai_strdup("");
    char *words AUTO(cli_free_text) = cli_format("%s%s. %s", finding->message, more, finding->fix);
    json_t *one = json_pack("{s:s, s:i, s:s, s:o, s:{s:o, s:o, s:o}}", "ruleId", polkai_codes[finding->code].name, "ruleIndex", (int)finding->code,
                            "level", level(finding->code), "message", text(words), "properties", "service", polkai_json_text(finding->service), "event", polkai_json_text(finding->event),
                            "fix", polkai_json_text(finding->fix));
    json_object_set_new(one, "locations", finding->origin != NULL ? json_pack("[o]", location(finding)) : json_array());
    return one;
}

json_t *cli_sarif(const polkai_findings *findings)
{
    json_t *results = json_array();
    for (size_t i = 0; i < findings->count; i++)
        json_array_append_new(results, result(&findings->items[i]));
    json_t *driver = json_pack("{s:s, s:s, s:o}", "name", "polka", "version", POLKA_VERSION, "rules", rules());
    return json_pack("{s:s, s:s, s:[{s:{s:o}, s:s, s:o}]}", "$schema", "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0", "runs",
                     "tool", "driver", driver, "columnKind", "unicodeCodePoints", "results", results);
}
