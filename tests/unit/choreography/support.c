#include "support.h"

#include <dirent.h>

char *file_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    char *text = calloc(1, 1 << 17);
    size_t size = fread(text, 1, (1 << 17) - 1, file);
    cr_assert_lt(size, (size_t)(1 << 17) - 1, "%s", path);
    fclose(file);
    return text;
}

size_t each_entry(const char *folder, void (*visit)(void *context, const char *name), void *context)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    size_t visited = 0;
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            visit(context, entries[i]->d_name);
            visited++;
        }
        free(entries[i]);
    }
    free(entries);
    return visited;
}

void stage_manifest(stage *s, const char *text, const char *origin)
{
    s->manifests = realloc(s->manifests, (s->manifest_count + 1) * sizeof(polkai_manifest *));
    polkai_manifest_examine(&s->manifests[s->manifest_count++], polka_text_of(text), origin);
}

void stage_contract(stage *s, const char *text, const char *file)
{
    polka_error error = { 0 };
    s->contracts = realloc(s->contracts, (s->contract_count + 1) * sizeof(polkai_contract *));
    cr_assert_eq(polkai_contract_read_text(&s->contracts[s->contract_count++], polka_text_of(text), file, &error), POLKA_OK, "%s", error.message);
}

typedef struct { stage *s; const char *folder; bool flows; } entry;

static void read_entry(void *context, const char *name)
{
    entry *e = context;
    char path[2048];
    snprintf(path, sizeof path, "%s/%s", e->folder, name);
    char *text = file_text(path);
    (e->flows ? stage_contract : stage_manifest)(e->s, text, name);
    free(text);
}

void stage_folder(stage *s, const char *folder)
{
    char path[900];
    snprintf(path, sizeof path, "%s/manifests", folder);
    cr_assert_gt(each_entry(path, read_entry, &(entry){ s, path, false }), 0u, "%s", path);
    snprintf(path, sizeof path, "%s/flows", folder);
    each_entry(path, read_entry, &(entry){ s, path, true });
}

const char *stage_check(stage *s)
{
    const char *text = "";
    s->findings.arena = &s->arena;
    s->graph = polkai_graph_create((const polkai_manifest *const *)s->manifests, s->manifest_count);
    s->all = (polkai_choreography){ s->graph, (const polkai_contract *const *)s->contracts, s->contract_count };
    polkai_check(&s->all, &s->findings);
    for (size_t i = 0; i < s->findings.count; i++) {
        const polkai_finding *one = &s->findings.items[i];
        text = polkai_arena_format(&s->arena, "%s%s %s %s %s\n", text, polkai_codes[one->code].warning ? "warning" : "error", polkai_codes[one->code].name,
                                   one->service != NULL ? one->service : "-", one->event != NULL ? one->event : "-").data;
        cr_expect(strlen(one->message) > 10 && strlen(one->fix) > 10, "%s", one->message);
    }
    return text;
}

static void add_event(FILE *to, char letter)
{
    fprintf(to, "\"event\":\"t.%c\",\"topic\":\"t.a\",\"key\":null,\"schema\":{\"type\":\"record\",\"name\":\"t.%c\",\"fields\":[]}", letter, letter);
}

void stage_service(stage *s, const char *name, const char *reactions)
{
    char *text = NULL, said[64] = "";
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    fprintf(to, "{\"polka\":1,\"service\":\"%s\",\"version\":\"1\",\"group\":\"%s\",\"reactions\":[", name, name);
    for (const char *at = reactions; *at != '\0'; at += *at == ' ') {
        fprintf(to, "%s{", at == reactions ? "" : ",");
        add_event(to, *at);
        fprintf(to, ",\"emits\":[");
        bool first = true;
        for (at++; *at != '\0' && *at != ' '; at++) {
            if (*at == '>' || *at == ',')
                continue;
            fprintf(to, "%s\"t.%c\"", first ? "" : ",", *at);
            first = false;
            if (strchr(said, *at) == NULL)
                said[strlen(said)] = *at;
        }
        fprintf(to, "]}");
    }
    fprintf(to, "],\"emits\":[");
    for (size_t i = 0; said[i] != '\0'; i++) {
        fprintf(to, "%s{", i > 0 ? "," : "");
        add_event(to, said[i]);
        fputc('}', to);
    }
    fprintf(to, "]}");
    fclose(to);
    stage_manifest(s, text, name);
    free(text);
}

void stage_close(stage *s)
{
    polkai_graph_destroy(s->graph);
    for (size_t i = 0; i < s->manifest_count; i++)
        polkai_manifest_destroy(s->manifests[i]);
    for (size_t i = 0; i < s->contract_count; i++)
        polkai_contract_destroy(s->contracts[i]);
    free(s->manifests);
    free(s->contracts);
    polkai_arena_deinit(&s->arena);
}
