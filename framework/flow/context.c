/* context.c: what a handler can ask of its unit of work. */
#include <base/error.h>
#include <flow/inner.h>

#include <stdio.h>

/* ---- errors and outcomes ---- */

polka_status polkai_context_fail(polka_context *unit, polka_status status, const char *code, const char *format, ...)
{
    if (unit->error != NULL)
        return status;                   /* the first one tells the cause */
    unit->error = polka_arena_alloc(unit->arena, sizeof *unit->error);
    va_list arguments;
    va_start(arguments, format);
    unit->error->status = status;
    snprintf(unit->error->code, sizeof unit->error->code, "%s", code);
    vsnprintf(unit->error->message, sizeof unit->error->message, format, arguments);
    va_end(arguments);
    return status;
}

void polkai_context_begin_attempt(polka_context *unit)
{
    size_t declared = unit->reaction == NULL ? unit->flow->service->emits.count : unit->reaction->emits.count;
    unit->error = NULL;
    unit->traced = NULL;
    unit->called = false;
    unit->reason = (polka_text){ 0, NULL };
    unit->first = unit->last = unit->to_send = NULL;
    unit->middleware = 0;
    unit->reached = false;
    unit->new_ids = 0;
    unit->cause.attempt = unit->attempt;
    unit->started_ns = 0;
    if (unit->first_failed_ms != 0 || unit->state == UNIT_QUEUED)        /* what it emits now was not so when the event came */
        unit->again_ms = unit->flow->options.clock->wall_ms(unit->flow->options.clock);
    unit->ordinals = declared == 0 ? NULL : polkai_arena_zeroed(unit->arena, declared, sizeof *unit->ordinals);
}

static polka_outcome with_reason(polka_context *ctx, polka_outcome outcome, const char *format, va_list arguments)
{
    ctx->reason = polkai_arena_vformat(ctx->arena, format, arguments);
    return outcome;
}

polka_outcome polka_retry(polka_context *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    polka_outcome outcome = with_reason(ctx, POLKA_RETRY, format, arguments);
    va_end(arguments);
    return outcome;
}

polka_outcome polka_dead(polka_context *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    polka_outcome outcome = with_reason(ctx, POLKA_DEAD, format, arguments);
    va_end(arguments);
    return outcome;
}

polka_outcome polka_failed(polka_context *ctx)
{
    if (ctx->error == NULL)
        return POLKA_DONE;
    return ctx->error->status == POLKA_TRANSIENT ? POLKA_RETRY : POLKA_DEAD;
}

/* What a handler asks for after its lane went on without it. */
bool polkai_context_is_lost(polka_context *unit, const char *what)
{
    if (unit->worker == NULL || !polkai_running_is_lost(&unit->worker->running))
        return false;
    polkai_context_fail(unit, POLKA_POISON, POLKAI_DEADLINE_EXCEEDED, "%s past the deadline of reaction %s: its event is a dead letter by now, and nothing of it "
                        "counts any more", what, polkai_reaction_name(unit->reaction));
    return true;
}

polka_outcome polka_proceed(polka_context *ctx)
{
    if (polkai_context_is_lost(ctx, "polka_proceed"))
        return POLKA_DEAD;
    if (ctx->reaction != NULL)
        return polkai_walk_next(ctx);
    polkai_context_fail(ctx, POLKA_MISUSE, "no-reaction", "polka_proceed is for middleware around a reaction; here is none");
    return POLKA_DEAD;
}

/* ---- time, memory, settings ---- */

int64_t polka_now_ms(polka_context *ctx)
{
    if (ctx->again_ms != 0)
        return ctx->again_ms;
    if (ctx->delivery != NULL && ctx->delivery->now_ms != 0)
        return ctx->delivery->now_ms;
    return ctx->flow->options.clock->wall_ms(ctx->flow->options.clock);
}

int64_t polka_elapsed_ns(polka_context *ctx)
{
    int64_t now_ns = ctx->flow->options.clock->steady_ns(ctx->flow->options.clock);
    if (ctx->started_ns == 0)
        ctx->started_ns = now_ns;
    return now_ns - ctx->started_ns;
}

void *polka_alloc(polka_context *ctx, size_t count, size_t size)
{
    return polkai_arena_zeroed(ctx->arena, count, size);
}

polka_text polka_format(polka_context *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    polka_text text = polkai_arena_vformat(ctx->arena, format, arguments);
    va_end(arguments);
    return text;
}

void *polka_resource(polka_context *ctx)
{
    return ctx->worker == NULL ? NULL : ctx->worker->resource;
}

static void no_such_setting(polka_context *ctx, const char *name)
{
    polkai_context_fail(ctx, POLKA_MISUSE, "no-such-setting", "setting %s is not declared in the service value with this type", name);
}

polka_text polka_setting_text(polka_context *ctx, const char *name)
{
    const polkai_settings *settings = &ctx->flow->options.settings;
    polka_text value = { 0, NULL };
    if (settings->text == NULL || !settings->text(settings->user, name, &value))
        no_such_setting(ctx, name);
    return value;
}

int64_t polka_setting_long(polka_context *ctx, const char *name)
{
    const polkai_settings *settings = &ctx->flow->options.settings;
    int64_t value = 0;
    if (settings->number == NULL || !settings->number(settings->user, name, &value))
        no_such_setting(ctx, name);
    return value;
}

/* ---- the cause ---- */

polka_text polka_header(polka_context *ctx, const char *name)
{
    const polkai_header *header = ctx->delivery == NULL ? NULL : polkai_record_header(&ctx->delivery->record, polka_text_of(name));
    return header == NULL ? (polka_text){ 0, NULL } : (polka_text){ header->value.size, (const char *)header->value.data };
}

const polka_cause *polka_caused_by(polka_context *ctx)
{
    return ctx->reaction == NULL ? NULL : &ctx->cause;
}

const polka_reaction *polka_reaction_of(polka_context *ctx)
{
    return ctx->reaction;
}

/* ---- logs ---- */

static void log_lines(polka_context *unit, polkai_log_level level, const char *format, va_list arguments)
{
    polkai_log_fields fields = { .event = unit->cause.type, .event_id = unit->cause.id, .correlation_id = unit->cause.correlation_id };
    if (unit->reaction != NULL)
        fields.reaction = polka_text_of(polkai_reaction_name(unit->reaction));
    polkai_log_vwrite(unit->flow->options.log, level, &fields, format, arguments);
}

void polkai_context_log(polka_context *unit, polkai_log_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_lines(unit, level, format, arguments);
    va_end(arguments);
}

void polka_info(polka_context *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_lines(ctx, POLKAI_LOG_INFO, format, arguments);
    va_end(arguments);
}

void polka_warn(polka_context *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_lines(ctx, POLKAI_LOG_WARN, format, arguments);
    va_end(arguments);
}
