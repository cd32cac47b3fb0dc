#include "sample.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

bool sample_blocks, sample_floods;
sample_fault sample_fails;

static volatile int depth, *volatile nowhere;

static __attribute__((noinline)) int without_end(int n)
{
    volatile char much[4096] = { 0 };
    return n < 0 ? 0 : n + without_end(++depth) + much[n % 4096];
}

static void fail(void)
{
    switch (sample_fails) {
    case SAMPLE_FINE: return;
    case SAMPLE_NULL: *nowhere = 1; return;
    case SAMPLE_STACK: depth = without_end(depth); return;
    case SAMPLE_ABORT: abort();
    case SAMPLE_KILL: kill(getpid(), SIGKILL); return;
    }
}

static polka_outcome invoke(polka_function handler, polka_context *ctx, const void *value)
{
    (void)handler, (void)value;
    if (polka_reaction_of(ctx)->name == NULL && polka_text_equal(polka_caused_by(ctx)->id, POLKA_TEXT("bad")))
        fail();
    if (sample_fails != SAMPLE_FINE && polka_reaction_of(ctx)->name != NULL)
        polka_info(ctx, "audited %.*s", POLKA_TEXT_ARGS(polka_caused_by(ctx)->id));
    if (sample_blocks)
        polka_info(ctx, "blocked");
    while (sample_floods)
        polka_info(ctx, "flooded");
    while (sample_blocks)
        pause();
    return POLKA_DONE;
}

static polka_status encode(const void *value, polka_buffer *buffer, polka_error *error)
{
    (void)value, (void)buffer, (void)error;
    return POLKA_OK;
}

static polka_status decode(polka_bytes body, polka_arena *arena, void *value, polka_error *error)
{
    (void)body, (void)arena, (void)value, (void)error;
    return POLKA_OK;
}

static const polka_codec codec = { .encode = encode, .decode = decode };

#define RECORD(NAME) "{\"type\":\"record\",\"name\":\"" NAME "\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"}]}"
const polka_event sample_placed_event = { .name = "t.Placed", .topic = "t.orders", .key = "id", .schema = RECORD("t.Placed"),
                                          .fingerprint = 0x0123456789abcdef, .version = 2, .value_size = 8, .invoke = invoke, .codec = &codec };
const polka_event sample_paid_event = { .name = "t.Paid", .topic = "t.payments", .schema = RECORD("t.Paid"), .fingerprint = 7, .final = true,
                                        .value_size = 8, .invoke = invoke, .codec = &codec };
const polka_event sample_declined_event = { .name = "t.Declined", .topic = "t.payments", .key = "id", .schema = RECORD("t.Declined"),
                                            .fingerprint = 8, .version = 1, .value_size = 8, .invoke = invoke, .codec = &codec };

static void handler(void)
{
}

const polka_service sample_service = {
    .name = "payments", .domain = "t", .version = "1.2.3",
    .settings = (const polka_setting[]){
        { .name = "smtp.host", .type = POLKA_SETTING_TEXT, .fallback = "localhost", .help = "SMTP server" },
        { .name = "smtp.port", .type = POLKA_SETTING_LONG, .fallback = "25", .min = 1, .max = 65535 },
        { .name = "smtp.password", .type = POLKA_SETTING_TEXT, .fallback = "", .secret = true },
        { .name = "pause", .type = POLKA_SETTING_DURATION_MS, .fallback = "2s" },
        { .name = "strict", .type = POLKA_SETTING_BOOL, .fallback = "false" },
        { .name = "tenant", .type = POLKA_SETTING_TEXT, .help = "whose events" },
        { 0 },
    },
    .reactions = (const polka_reaction[]){
        { .event = &sample_placed_event, .handler = handler, .function = "on_placed", .polka_row = 1,
          .emits = POLKA_EMITS(&sample_paid_event, &sample_declined_event), .retry = { .attempts = 3, .first_delay_ms = 100 } },
        { .event = &sample_placed_event, .handler = handler, .function = "audit", .name = "audit", .polka_row = 1,
          .emits = POLKA_EMITS(&sample_paid_event), .deadline_ms = 5000 },
        { 0 },
    },
};

polka_reaction sample_reaction(void)
{
    return (polka_reaction){ .event = &sample_placed_event, .handler = handler, .function = "on_placed", .polka_row = 1 };
}
