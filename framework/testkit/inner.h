/* inner.h: what the files of the test kit share: the test itself. */
#ifndef POLKA_TESTKIT_INNER_H
#define POLKA_TESTKIT_INNER_H

#include <base/arena.h>
#include <base/random.h>
#include <flow/flow.h>
#include <polka/test.h>
#include <transport/memory/memory.h>

enum { SERVICES_MOST = 64, TOPICS_MOST = 256, PARTITIONS = 4, TURNS_MOST = 1000000, SETTINGS_MOST = 64, SEED = 20261122 };

typedef struct { const char *topic; int32_t partition; size_t seen; } seen_mark;
/* Something a service said: an emission, or a dead letter. Also what was given, which counts as expected. */
typedef struct said said;
struct said {
    said *next;
    bool dead, given, expected;
    const polkai_record *record;
    polka_text type, id, cause, reason;
};

typedef struct { const polka_service *service; polkai_flow *flow; void *resource; polka_test *test; } member;

struct polka_test {
    polkai_clock clock;                  /* first: the functions below get back to the test from it */
    int64_t now_ns;
    polkai_memory *memory;
    polkai_sink *sink;                   /* of what is given */
    member members[SERVICES_MOST];
    size_t member_count;
    const char *settings[SETTINGS_MOST][2];
    size_t setting_count;
    polkai_log log;
    polka_arena arena;
    polkai_random random;
    polka_text_entry headers[16];
    size_t header_count;
    polkai_record given;                 /* the last one */
    seen_mark marks[TOPICS_MOST * PARTITIONS];
    size_t mark_count;
    said *first, *last;
    polka_text expected_id;
    bool started;
    char last_log[1024];
};

/* polkai_test_fail says what does not hold, and where (file NULL: nowhere in particular), and ends the process. */
_Noreturn void polkai_test_fail(const char *file, int line, const char *format, ...) POLKA_PRINTF(3, 4);

void polkai_test_start(polka_test *test);                /* all services, once */
void polkai_test_turn(polka_test *test);                 /* until nothing moves any more; what was said is then collected */
void polkai_test_before_start(const polka_test *test, const char *what);     /* fails when they have started */
said *polkai_test_note(polka_test *test, const polkai_record *record);       /* puts it behind what was said; `record` lives as long as the test, and so does what is returned */
polkai_settings polkai_test_settings(member *of);
int64_t polkai_test_wall_ms(const polka_test *test);

#endif
