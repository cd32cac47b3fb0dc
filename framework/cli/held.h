/*
 * held.h: flows by correlation id, in bounded memory, for `polka watch` and `polka flows`: at most so many, and of each at most CLI_HELD_EVENTS events.
 * When there is no room, the one that ended first is forgotten, else the one that nothing came to for the longest time.
 */
#ifndef POLKA_CLI_HELD_H
#define POLKA_CLI_HELD_H

#include <cli/trace.h>

enum { CLI_HELD_EVENTS = 1000 };

typedef struct cli_held cli_held;
struct cli_held {
    cli_flow flow;
    int64_t touched_ms;                  /* when something of it came */
    int64_t look_ms;                     /* when it shall be judged; INT64_MAX: when something comes */
    bool ended;
    size_t stalls;                       /* what was said of it */
    char **said;                         /* by name, owned: `stalls` of them */
    cli_held *before, *after;            /* in its line, the longest untouched first */
    cli_held *next;                      /* of the same hash */
};

typedef struct { cli_held *first, *last; size_t count; } cli_held_line;
typedef struct {
    size_t limit, slot_count;
    cli_held **slots;
    cli_held_line running, ended;
    size_t forgotten;                    /* running ones, for want of room */
} cli_holding;

void cli_holding_open(cli_holding *holding, size_t limit);
void cli_holding_close(cli_holding *holding);

/* cli_holding_touch: the flow of this correlation id, new when it is not there; it is the last of its line now. */
cli_held *cli_holding_touch(cli_holding *holding, polka_text correlation, int64_t now_ms);
void cli_holding_add(cli_held *held, cli_node node_taken);
void cli_holding_end(cli_holding *holding, cli_held *held);      /* it goes to the other line */
/* cli_holding_expire: forgets what nothing has come to since then, unless it shall be judged yet. */
void cli_holding_expire(cli_holding *holding, int64_t before_ms);

/* cli_held_look_by: it is judged then at the latest: also one that something comes to all the time. */
void cli_held_look_by(cli_held *held, int64_t at_ms);
/* cli_held_say: false: that was said already. */
bool cli_held_say(cli_held *held, const char *what);

#endif
