/* pair_row.c: versions, verdict, and what breaks it. */
#include <cli/pair_row.h>
#include <cli/terminal.h>

#include <avro/json.h>
#include <base/arena.h>
#include <stdio.h>

static json_t *version_or_null(int64_t version) { return version != 0 ? json_integer(version) : json_null(); }
static const char *or_none(const char *text) { return text != NULL ? text : "(none)"; }

/* What breaks it, in words; NULL: nothing. */
static const char *break_of(const polkai_pair *pair, polka_arena *arena)
{
    switch (pair->verdict) {
    case POLKAI_PAIR_COMPATIBLE: return NULL;
    case POLKAI_PAIR_INCOMPATIBLE: return polkai_breaks_text(pair, arena);
    case POLKAI_PAIR_TOPIC_MISMATCH:
        return polkai_arena_format(arena, "it is emitted to the topic %s, and read from %s", pair->writer->topic, pair->reader->topic).data;
    case POLKAI_PAIR_KEY_MISMATCH:
        return polkai_arena_format(arena, "it is emitted with the key %s, and expected with %s", or_none(pair->writer->key), or_none(pair->reader->key)).data;
    case POLKAI_PAIR_UNKNOWN: return pair->uncompared ? "not compared: the event has too many different pairs of schemas" : "a schema of it does not parse";
    }
    return NULL;
}

json_t *cli_pair_json(const polkai_pair *pair, polka_arena *arena)
{
    json_t *breaks = json_array(), *row = json_object();
    for (size_t i = 0; i < pair->breaks.count; i++) {
        const polkai_break *one = &pair->breaks.items[i];
        json_array_append_new(breaks, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "rule", one->type, "field", polkai_json_text(polkai_break_field(pair, one, arena)), "reader_path",
                                                polkai_json_text(one->reader_path), "writer_path", polkai_json_text(one->writer_path), "message", polkai_json_text(one->message),
                                                "fix", polkai_json_text(one->fix)));
    }
    json_object_set_new(row, "event", polkai_json_text(pair->event->name));
    json_object_set_new(row, "writer", polkai_json_text(pair->writer->manifest->service));
    json_object_set_new(row, "writer_version", polkai_json_text(pair->writer->manifest->version));
    json_object_set_new(row, "writer_schema_version", version_or_null(pair->writer->as->version));
    json_object_set_new(row, "reader", polkai_json_text(pair->reader->manifest->service));
    json_object_set_new(row, "reader_version", polkai_json_text(pair->reader->manifest->version));
    json_object_set_new(row, "reader_schema_version", version_or_null(pair->reader->as->version));
    json_object_set_new(row, "reaction", polkai_json_text(pair->reader->reaction->name));
    json_object_set_new(row, "verdict", json_string(polkai_verdict_name(pair->verdict)));
    json_object_set_new(row, "break", polkai_json_text(break_of(pair, arena)));
    json_object_set_new(row, "breaks", breaks);
    return row;
}

static void print_party(const polkai_party *party)
{
    char version[32] = "";
    if (party->as->version != 0)
        snprintf(version, sizeof version, ", schema v%" PRId64, party->as->version);
    cli_print_text(party->manifest->service, strlen(party->manifest->service), 200);
    printf(" %s(", cli_dim());
    cli_print_text(party->manifest->version, strlen(party->manifest->version), 100);
    printf("%s)%s", version, cli_plain());
}

void cli_pair_print(const polkai_pair *pair, polka_arena *arena)
{
    bool good = pair->verdict == POLKAI_PAIR_COMPATIBLE;
    const char *what = break_of(pair, arena);
    printf("%s%-14s%s %s", good ? "" : cli_red(), polkai_verdict_name(pair->verdict), good ? "" : cli_plain(), cli_bold());
    cli_print_text(pair->event->name, strlen(pair->event->name), 300);
    printf("%s  ", cli_plain());
    print_party(pair->writer);
    printf(" → ");
    print_party(pair->reader);
    putchar('\n');
    if (what == NULL)
        return;
    printf("  ");
    cli_print_text(what, strlen(what), 4000);
    putchar('\n');
    if (pair->breaks.count > 0) {
        printf("  %sfix%s ", cli_dim(), cli_plain());
        cli_print_text(pair->breaks.items[0].fix, strlen(pair->breaks.items[0].fix), 4000);
        putchar('\n');
    }
}
