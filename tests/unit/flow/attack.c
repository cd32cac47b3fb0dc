#include "attack.h"

#include <criterion/criterion.h>
#include <stdio.h>

harness *h;
stubborn_sink sink;
stubborn_source source;
unsigned called, second_called, emit_count;
char order[256];

void remember(polka_text text)
{
    size_t used = strlen(order);
    snprintf(order + used, sizeof order - used, "%.*s ", POLKA_TEXT_ARGS(text));
}

void lose_the_partition(void)
{
    polkai_revoked(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 0, 0 }, 1, true);
}

static polka_outcome act(polka_context *ctx, const note *asked)
{
    called++;
    remember(asked->text);
    switch (asked->text.data[0]) {
    case 'l':
        lose_the_partition();
        break;
    case 'm':
        return (polka_outcome)0;
    case 'd':
        return polka_dead(ctx, "no");
    case 'r':
        return polka_retry(ctx, "later");
    case 'o':
        if (polka_caused_by(ctx)->attempt == 1)
            return polka_retry(ctx, "once");
        break;
    default:
        break;
    }
    for (unsigned i = 0; i < emit_count; i++)
        polka_emit(ctx, &test_answered_event, asked, NULL);
    return POLKA_DONE;
}

static polka_outcome act_too(polka_context *ctx, const note *asked)
{
    second_called++;
    polka_emit(ctx, &test_answered_event, asked, NULL);
    return polka_caused_by(ctx)->attempt < 3 ? polka_retry(ctx, "the second is not ready") : POLKA_DONE;
}

#define ANSWERS POLKA_EMITS(&test_answered_event)
#define QUICK { .attempts = 1000, .first_delay_ms = 100, .max_delay_ms = 100 }
const polka_service acts = { .name = "acts", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, act, .emits = ANSWERS, .retry = QUICK), { 0 } } };
const polka_service both = { .name = "both", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, act, .emits = ANSWERS, .retry = QUICK), POLKA_REACT(test_asked, act_too, .name = "second", .emits = ANSWERS, .retry = QUICK), { 0 } } };

void prepare(void)
{
    h = harness_create();
    sink = (stubborn_sink){ .topic = NULL };
    source = (stubborn_source){ .fail_commits = 0 };
    called = second_called = 0;
    emit_count = 1;
    order[0] = '\0';
}

void start(const polka_service *service, polkai_flow_options options)
{
    stubborn_start(h, service, options, &sink, &source);
}

void equal(polka_text text, const char *expected)
{
    cr_assert(polka_text_equal(text, polka_text_of(expected)), "'%.*s' is not '%s'", POLKA_TEXT_ARGS(text), expected);
}

polka_status step_fails(polka_error *error)
{
    polka_status status = POLKA_OK;
    for (int i = 0; i < 10 && status == POLKA_OK; i++)
        status = polkai_flow_step(h->flow, 0, NULL, error);
    return status;
}

void give_up(void)
{
    polkai_flow_destroy(h->flow);
    h->flow = NULL;
    harness_destroy(h);
}
