/* A run beside a contract: who caused whom, what follows, what has ended. */
#include <contract/run.h>

#include <criterion/criterion.h>

enum { NONE = -1, MOST = 8 };

typedef struct { const char *type; int cause; } row;     /* type NULL: the last */
typedef struct {
    const char *what;
    row rows[MOST];
    bool begins, ended;
    int follows;                         /* what follows row 0 by the step */
} run_case;

static const run_case cases[] = {
    { .what = "nothing at all", .follows = NONE },
    { .what = "events of other flows", .rows = { { "a.Other", NONE } }, .follows = NONE },
    { .what = "begun, and nothing more", .rows = { { "a.Begun", NONE } }, .begins = true, .follows = NONE },
    { .what = "begun and ended", .rows = { { "a.Begun", NONE }, { "a.Done", 0 } }, .begins = true, .ended = true, .follows = 1 },
    { .what = "ended by way of another", .rows = { { "a.Begun", NONE }, { "a.Other", 0 }, { "a.Done", 1 } }, .begins = true, .ended = true, .follows = NONE },
    { .what = "a dead letter is no end", .rows = { { "a.Begun", NONE }, { "-", 0 } }, .begins = true, .follows = NONE },
    { .what = "two begun, one ended", .rows = { { "a.Begun", NONE }, { "a.Done", 0 }, { "a.Begun", NONE } }, .begins = true, .follows = 1 },
    { .what = "two begun, two ended", .rows = { { "a.Begun", NONE }, { "a.Begun", NONE }, { "a.Done", 1 }, { "a.Done", 0 } }, .begins = true, .ended = true, .follows = 3 },
    { .what = "an end that says nothing of its cause", .rows = { { "a.Begun", NONE }, { "a.Done", NONE } }, .begins = true, .ended = true, .follows = NONE },
    { .what = "one such end for two", .rows = { { "a.Begun", NONE }, { "a.Begun", NONE }, { "a.Done", NONE } }, .begins = true, .follows = NONE },
    { .what = "two ends of one, none of the other", .rows = { { "a.Begun", NONE }, { "a.Begun", NONE }, { "a.Done", 0 }, { "a.Done", 0 } }, .begins = true, .follows = 2 },
    { .what = "causes that go round", .rows = { { "a.Begun", 2 }, { "a.Other", 0 }, { "a.Done", 1 } }, .begins = true, .ended = true, .follows = NONE },
    { .what = "its own cause", .rows = { { "a.Done", 0 }, { "a.Begun", NONE } }, .begins = true, .ended = true, .follows = 0 },
};

static polkai_happenings run_of(const run_case *each, polkai_happened events[MOST])
{
    size_t count = 0;
    for (; count < MOST && each->rows[count].type != NULL; count++)
        events[count] = (polkai_happened){ strcmp(each->rows[count].type, "-") == 0 ? NULL : each->rows[count].type,
                                           each->rows[count].cause == NONE ? SIZE_MAX : (size_t)each->rows[count].cause };
    return (polkai_happenings){ count, events };
}

Test(run, is_held_against_its_contract)
{
    polka_error error = { 0 };
    polkai_contract *contract = NULL;
    cr_assert_eq(polkai_contract_read_text(&contract, POLKA_TEXT("flow: f\nstarts: a.Begun\nends: a.Done\nsteps:\n  - after: a.Begun\n    one_of: a.Done\n"), "f.yaml", &error),
                 POLKA_OK, "%s", error.message);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        polkai_happened events[MOST];
        const run_case *each = &cases[i];
        const polkai_happenings run = run_of(each, events);
        size_t follows = each->follows == NONE ? SIZE_MAX : (size_t)each->follows;
        cr_expect_eq(polkai_contract_begins(contract, &run), each->begins, "%s: begins", each->what);
        cr_expect_eq(polkai_contract_has_ended(contract, &run), each->ended, "%s: ended", each->what);
        cr_expect_eq(polkai_contract_follows(&contract->steps[0], &run, 0), follows, "%s: follows", each->what);
    }
    polkai_contract_destroy(contract);
}
