/*
 * polka-codegen NAME FOLDER FILE.avsc … [--uses OTHER FILE.avsc …] …
 *
 * Writes FOLDER/NAME.h and FOLDER/NAME.c from Avro schemas. Types of the files after --uses OTHER come from OTHER.h.
 * Exit: 0 written; 1 a schema is wrong or a file cannot be written (one line on stderr says where); 2 usage.
 */
#include "gen.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] = "usage: polka-codegen NAME FOLDER FILE.avsc ... [--uses OTHER FILE.avsc ...] ...\n"
                            "Writes FOLDER/NAME.h and FOLDER/NAME.c from Avro schemas; the types of OTHER come from OTHER.h.\n";

static bool is_c_name(const char *name)
{
    if (!isalpha((unsigned char)*name))
        return false;
    for (; *name != '\0'; name++)
        if (!isalnum((unsigned char)*name) && *name != '_')
            return false;
    return true;
}

static bool read_arguments(gen *g, int argc, char **argv)
{
    bool used = false;
    if (argc < 4 || !is_c_name(argv[1]))
        return false;
    g->target = argv[1];
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--uses") != 0) {
            gen_add_file(g, argv[i], used);
            continue;
        }
        used = true;
        if (++i == argc || !is_c_name(argv[i]))
            return false;
        LIST_ADD(&g->arena, &g->headers, argv[i]);
    }
    return g->files.count > 0 && !g->files.items[0].used;
}

static polka_status save(gen *g, const char *folder, const char *ending, void (*write)(gen *, out *))
{
    out o AUTO(out_deinit) = { 0 };
    write(g, &o);
    return out_save(&o, polkai_arena_format(&g->arena, "%s/%s.%s", folder, g->target, ending).data, g->error);
}

static polka_status generate(gen *g, const char *folder)
{
    TRY(gen_read_files(g));
    TRY(gen_model(g));
    TRY(gen_events(g));
    TRY(gen_read_older(g));
    TRY(gen_check_histories(g));
    TRY(gen_order(g));
    TRY(gen_check_sizes(g));
    TRY(save(g, folder, "h", gen_write_header));
    return save(g, folder, "c", gen_write_source);
}

static void print_warnings(const gen *g)
{
    const polkai_schema_notice *warning;
    for (size_t i = 0; (warning = polkai_schema_warning(g->set, i)) != NULL; i++)
        fprintf(stderr, "polka-codegen: %s: %s: warning: %s\n", warning->file, warning->path, warning->message);
}

int main(int argc, char **argv)
{
    polka_error error = { 0 };
    gen g = { .error = &error };
    polkai_arena_init(&g.arena, NULL, 0);
    g.set = polkai_schema_set_create();
    g.by_name = json_object();
    g.names = json_object();
    g.places = json_object();
    g.compounds = json_object();
    int code = 2;
    if (!read_arguments(&g, argc, argv)) {
        fputs(usage, stderr);
    } else {
        code = generate(&g, argv[2]) == POLKA_OK ? 0 : 1;
        print_warnings(&g);
        if (code != 0)
            fprintf(stderr, "polka-codegen: %s%s\n", error.message, g.details == NULL ? "" : g.details);
    }
    json_decref(g.compounds);
    json_decref(g.places);
    json_decref(g.names);
    json_decref(g.by_name);
    polkai_pairs_deinit(&g.sized);
    for (size_t i = 0; i < g.older_sets.count; i++)
        polkai_schema_set_destroy(g.older_sets.items[i]);
    polkai_schema_set_destroy(g.set);
    polkai_arena_deinit(&g.arena);
    return code;
}
