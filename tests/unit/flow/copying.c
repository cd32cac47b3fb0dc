#include "copying.h"

#include <criterion/criterion.h>
#include <stdio.h>

unsigned copying_called;

static polka_outcome answer(polka_context *ctx, const note *asked)
{
    copying_called++;
    polka_emit(ctx, &test_answered_event, asked, NULL);
    return POLKA_DONE;
}

/* "late": at the second attempt; "dead": a letter; "skip": nothing. */
static polka_outcome answer_or_not(polka_context *ctx, const note *asked)
{
    copying_called++;
    if (memcmp(asked->text.data, "late", 4) == 0 && polka_caused_by(ctx)->attempt == 1)
        return polka_retry(ctx, "not yet");
    if (memcmp(asked->text.data, "dead", 4) == 0)
        return polka_dead(ctx, "no");
    polka_emit(ctx, &test_answered_event, asked, NULL);
    return memcmp(asked->text.data, "skip", 4) == 0 ? POLKA_SKIP : POLKA_DONE;
}

const polka_service copy = { .name = "copy", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, answer, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };
const polka_service choosy = { .name = "choosy", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, answer_or_not, .emits = POLKA_EMITS(&test_answered_event), .retry = { .attempts = 2, .first_delay_ms = 1000 }), { 0 } } };

void equal(polka_text text, const char *expected)
{
    cr_assert(polka_text_equal(text, polka_text_of(expected)), "'%.*s' is not '%s'", POLKA_TEXT_ARGS(text), expected);
}

void put(harness *h, const char *text)
{
    harness_put(h, text, text, NULL);
}

/* Exactly these answers, in this order; texts with blanks between. */
void expect_answers(harness *h, const char *texts)
{
    char found[1024] = "";
    for (size_t i = 0; harness_record(h, "test.answers", i) != NULL; i++) {
        polka_text text = harness_text(harness_record(h, "test.answers", i));
        size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, "%s%.*s", used > 0 ? " " : "", POLKA_TEXT_ARGS(text));
    }
    cr_assert_str_eq(found, texts);
}
