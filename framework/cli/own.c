/* own.c: made from the generated events, which are what is sent. */
#include <cli/own.h>

#include "polka_activity_events.h"
#include "polka_watch_events.h"

#include <service/manifest.h>
#include <stdlib.h>

static bool hears(const polkai_manifest *manifest, const char *event)
{
    for (size_t i = 0; manifest != NULL && i < manifest->reaction_count; i++)
        if (strcmp(manifest->reactions[i].hears.event, event) == 0)
            return true;
    return false;
}

static bool is_wanted(const cli_manifests *manifests, const polkai_manifest *also, const char *event)
{
    bool heard = hears(also, event);
    for (size_t i = 0; i < manifests->count; i++) {
        heard = heard || hears(manifests->items[i], event);
        if (polkai_manifest_find_emit(manifests->items[i], event) != NULL)
            return false;
    }
    return heard;
}

polka_status cli_own_add(cli_manifests *manifests, const polkai_manifest *also, polka_error *error)
{
    static const polka_event *const all[] = { &polka_event_flow_stalled_event, &polka_event_flow_ended_event, &polka_event_reaction_ended_event };
    const polka_event *wanted[sizeof all / sizeof *all];
    polka_service own = { .name = "polka", .domain = "polka", .version = POLKA_VERSION, .emits = { 0, wanted } };
    polkai_manifest *manifest;
    json_t *json;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (is_wanted(manifests, also, all[i]->name))
            wanted[own.emits.count++] = all[i];
    if (own.emits.count == 0)
        return POLKA_OK;
    TRY(polkai_manifest_write(&own, own.name, &json, error));
    char *text AUTO(cli_free_text) = json_dumps(json, 0);
    json_decref(json);
    polkai_manifest_examine(&manifest, polka_text_of(text), "polka " POLKA_VERSION);
    return cli_manifests_take(manifests, manifest, error);
}
