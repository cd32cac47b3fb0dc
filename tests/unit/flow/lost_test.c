/* lost_test.c: what a handler can still do when its partition was lost while it runs, or in a child process. */
#include "attack.h"

#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

static polka_outcome before, after, answer;
static unsigned runs;
static bool emits_after, twin_comes;
static int child_code;

static polka_outcome loses(polka_context *ctx, const note *asked)
{
    runs++;
    polka_emit(ctx, &test_answered_event, asked, NULL);
    before = polka_failed(ctx);
    if (twin_comes)
        source.listener.notice(source.listener.user, POLKA_FATAL, "another process is this member now");
    else
        lose_the_partition();
    if (emits_after)
        polka_emit(ctx, &test_answered_event, asked, NULL);
    after = polka_failed(ctx);
    return answer;
}

static polka_outcome forks(polka_context *ctx, const note *asked)
{
    int status;
    pid_t child = fork();
    polka_emit(ctx, &test_answered_event, asked, NULL);
    if (child == 0)
        _exit(ctx->error != NULL && ctx->error->status == POLKA_MISUSE && strcmp(ctx->error->code, "forked") == 0 ? 7 : 1);
    waitpid(child, &status, 0);
    child_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return POLKA_DONE;
}

static const polka_service losing = { .name = "losing", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, loses, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };
static const polka_service forking = { .name = "forking", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, forks, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };

static void lose(polka_outcome how, bool emitting)
{
    prepare();
    answer = how;
    emits_after = emitting;
    start(&losing, (polkai_flow_options){ .group = NULL });
    harness_put(h, "k", "a", NULL);
    harness_turn(h);
    harness_advance_ms(h, 60000);
    cr_expect_eq(runs, 1);
    cr_expect_eq(before, POLKA_DONE);
    cr_expect_eq(after, emitting ? POLKA_RETRY : POLKA_DONE, "the emission is refused at once");
    cr_expect_null(harness_record(h, "test.answers", 0), "nothing is sent, not even what was emitted before");
    cr_expect_null(harness_record(h, "test.asked.losing.dlt", 0));
    cr_expect_lt(harness_committed(h, "losing", "test.asked"), 0);
    cr_expect_eq(polkai_flow_count(h->flow).in_flight, 0, "nothing of it is kept");
    cr_expect_eq(polkai_flow_count(h->flow).dead + polkai_flow_count(h->flow).done + polkai_flow_count(h->flow).retries + polkai_flow_count(h->flow).skipped, 0);
    give_up();
}

Test(lost, effects_are_refused_at_once) { lose(POLKA_DONE, true); }
Test(lost, effects_are_refused_whatever_the_handler_answers_done) { lose(POLKA_DONE, false); }
Test(lost, effects_are_refused_whatever_the_handler_answers_skip) { lose(POLKA_SKIP, false); }
Test(lost, effects_are_refused_whatever_the_handler_answers_retry) { lose(POLKA_RETRY, false); }
Test(lost, effects_are_refused_whatever_the_handler_answers_dead) { lose(POLKA_DEAD, false); }

/* Found: librdkafka gives all partitions up without a word when another process takes the member's place, so emissions still left. */
Test(lost, effects_are_refused_when_the_place_in_the_group_is_another_processs)
{
    prepare();
    polka_error error;
    twin_comes = emits_after = true;
    answer = POLKA_DONE;
    start(&losing, (polkai_flow_options){ .group = NULL });
    harness_put(h, "k", "a", NULL);
    cr_expect_eq(step_fails(&error), POLKA_FATAL);
    cr_expect_not_null(strstr(error.message, "another process"), "%s", error.message);
    cr_expect_eq(runs, 1);
    cr_expect_eq(after, POLKA_RETRY, "the emission is refused at once");
    cr_expect_null(harness_record(h, "test.answers", 0), "nothing is sent, not even what was emitted before");
    cr_expect_lt(harness_committed(h, "losing", "test.asked"), 0);
    give_up();
}

Test(lost, child_processes_cannot_emit_and_their_parent_goes_on)
{
    prepare();
    start(&forking, (polkai_flow_options){ .group = NULL });
    harness_put(h, "k", "a", NULL);
    harness_turn(h);
    cr_expect_eq(child_code, 7);
    cr_expect_not_null(harness_record(h, "test.answers", 0));
    harness_destroy(h);
}
