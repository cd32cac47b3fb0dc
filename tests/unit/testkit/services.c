#include "services.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int64_t asked_ms, heard_ms;
unsigned attempt_count, opened;
char heard[64];

static void answer(polka_context *ctx, const kit_asked *asked, polka_text text)
{
    kit_answered_emit(ctx, &(kit_answered){ .id = asked->id, .text = text });
}

#define ASKED(FN, ...) POLKA_REACT(kit_asked, FN, .emits = POLKA_EMITS(&kit_answered_event), __VA_ARGS__)
#define SERVICE(NAME, FN, ...)                                                                                 \
    const polka_service NAME = { .name = #NAME, .domain = "kit", .version = "1", __VA_ARGS__,                 \
                                 .reactions = (const polka_reaction[]){ ASKED(FN, .retry = { .attempts = 3, .first_delay_ms = 1000 }), { 0 } } }

static polka_outcome on_echo(polka_context *ctx, const kit_asked *asked)
{
    if (polka_text_equal(asked->text, POLKA_TEXT("twice"))) {
        answer(ctx, asked, POLKA_TEXT("first"));
        answer(ctx, asked, POLKA_TEXT("second"));
    } else if (asked->text.size > 0) {
        answer(ctx, asked, asked->text);
    }
    return POLKA_DONE;
}
SERVICE(echo, on_echo, .group = "echoes");

static polka_outcome on_judge(polka_context *ctx, const kit_asked *asked) { return polka_dead(ctx, "%.*s", POLKA_TEXT_ARGS(asked->text)); }
SERVICE(judge, on_judge, .group = NULL);

static polka_outcome on_patient(polka_context *ctx, const kit_asked *asked)
{
    attempt_count++;
    asked_ms = polka_now_ms(ctx);
    if (polka_caused_by(ctx)->attempt < 3)
        return polka_retry(ctx, "not yet");
    answer(ctx, asked, asked->text);
    return POLKA_DONE;
}
SERVICE(patient, on_patient, .group = NULL);

static polka_outcome on_reader(polka_context *ctx, const kit_asked *asked)
{
    polka_text note = polka_header(ctx, "x-note");
    answer(ctx, asked, note.data != NULL ? note : POLKA_TEXT("none"));
    return POLKA_DONE;
}
SERVICE(reader, on_reader, .group = NULL);

static polka_status open_porter(polka_context *ctx, void **resource, polka_error *error)
{
    static char own[] = "its own";
    (void)ctx, (void)error;
    opened++;
    *resource = own;
    return POLKA_OK;
}

static polka_outcome on_porter(polka_context *ctx, const kit_asked *asked)
{
    answer(ctx, asked, polka_text_of(polka_resource(ctx)));
    return POLKA_DONE;
}
SERVICE(porter, on_porter, .open = open_porter);

static polka_outcome on_clerk(polka_context *ctx, const kit_asked *asked)
{
    if (polka_text_equal(asked->text, POLKA_TEXT("tell"))) {
        polka_info(ctx, "only told");
        return POLKA_SKIP;
    }
    if (polka_text_equal(asked->text, POLKA_TEXT("warn"))) {
        polka_warn(ctx, "%s careful", "be");
        return POLKA_SKIP;
    }
    answer(ctx, asked, polka_format(ctx, "%s %" PRId64 " %" PRId64 " %" PRId64, polka_setting_text(ctx, "greeting").data, polka_setting_long(ctx, "limit"),
                                    polka_setting_long(ctx, "pause"), polka_setting_long(ctx, "strict")));
    return POLKA_DONE;
}
SERVICE(clerk, on_clerk, .settings = (const polka_setting[]){
    { .name = "greeting", .type = POLKA_SETTING_TEXT, .fallback = "hello" },
    { .name = "limit", .type = POLKA_SETTING_LONG, .fallback = "10", .min = 1, .max = 100 },
    { .name = "pause", .type = POLKA_SETTING_DURATION_MS, .fallback = "2s" },
    { .name = "strict", .type = POLKA_SETTING_BOOL, .fallback = "false" }, { 0 } });

static polka_outcome on_caller(polka_context *ctx, const kit_asked *asked)
{
    answer(ctx, asked, polka_format(ctx, "%s %s", polka_caused_by(ctx)->id.data, polka_new_id(ctx).data));
    return POLKA_DONE;
}
SERVICE(caller, on_caller, .group = NULL);

static polka_outcome on_listener(polka_context *ctx, const kit_answered *answered)
{
    heard_ms = polka_now_ms(ctx);
    snprintf(heard, sizeof heard, "%.*s", POLKA_TEXT_ARGS(answered->text));
    return POLKA_DONE;
}
const polka_service listener = { .name = "listener", .version = "1", .emits = POLKA_EMITS(&kit_asked_event),
                                 .reactions = (const polka_reaction[]){ POLKA_REACT(kit_answered, on_listener), { 0 } } };

static polka_outcome on_rogue(polka_context *ctx, const kit_asked *asked)
{
    kit_asked_emit(ctx, asked);
    return POLKA_DONE;
}
SERVICE(rogue, on_rogue, .group = NULL);

void hold_flow(polka_test *test, const char *contract)
{
    char path[64];
    int file = memfd_create("flow.yaml", 0);             /* whatever comes of it, nothing is left on a disk */
    if (write(file, contract, strlen(contract)) != (ssize_t)strlen(contract))
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    POLKA_EXPECT_FLOW(test, path);
    close(file);
}
