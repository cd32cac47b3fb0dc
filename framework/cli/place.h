/*
 * place.h: how far consumer groups are in partitions. What is to be known is gathered first, and asked for at once: with 500 services
 * one question after the other would take as many ways to the broker and back.
 */
#ifndef POLKA_CLI_PLACE_H
#define POLKA_CLI_PLACE_H

#include <choreography/names.h>
#include <transport/admin.h>

typedef struct {
    size_t group, topic;                 /* their numbers */
    int32_t partition;
    int64_t committed, high;             /* the next to read, the next to be written; negative: not known, or nothing is there */
} cli_place;

/* Zero-initialise. */
typedef struct {
    polka_arena arena;
    polkai_names groups, topics, keys;   /* keys: "group/topic/partition", as numbers, to the number of the place */
    size_t count, capacity, asked;       /* so many of them have been asked for */
    cli_place *items;
} cli_places;

/* cli_places_need: this will be wanted to know; each once, however often it is said. */
void cli_places_need(cli_places *places, const char *group, const char *topic, int32_t partition);
/* cli_places_ask asks for all that is needed and was not asked for. errors: as admin's committed and watermarks. */
polka_status cli_places_ask(cli_places *places, polkai_admin *admin, polka_error *error);
/* cli_places_find: NULL: it was not needed. */
const cli_place *cli_places_find(const cli_places *places, const char *group, const char *topic, int32_t partition);
void cli_places_forget(cli_places *places);

#endif
