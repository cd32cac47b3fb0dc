/* plan_change.c: the steps that change what is passed: constants, promotions, symbols, branches, fields that change places. */
#include <avro/plan_numbers.h>
#include <avro/plan_run.h>

/* A number as float or double. */
static bool convert(polkai_run *r, polkai_step_kind kind)
{
    polkai_output *o = &r->output;
    bool is_int = kind == POLKAI_STEP_INT_FLOAT || kind == POLKAI_STEP_INT_DOUBLE;
    uint64_t raw, bits;
    uint32_t half;
    const uint8_t *next = is_int ? int_number(r->at, o->end, &raw) : number(r->at, o->end, &raw);
    if (next == NULL)
        return false;
    float narrow = (float)unzigzag(raw);
    double wide = (double)unzigzag(raw);
    memcpy(&half, &narrow, sizeof half);
    memcpy(&bits, &wide, sizeof bits);
    polkai_run_keep(r, r->at);
    r->to = polkai_output_room(o, r->to, sizeof bits);
    if (kind == POLKAI_STEP_INT_FLOAT || kind == POLKAI_STEP_LONG_FLOAT) {
        polka_store32(r->to, half);
        r->to += sizeof half;
    } else {
        polka_store64(r->to, bits);
        r->to += sizeof bits;
    }
    r->at = r->from = next;
    return true;
}

static bool widen(polkai_run *r)
{
    polkai_output *o = &r->output;
    uint32_t half;
    uint64_t bits;
    float narrow;
    if (o->end - r->at < (ptrdiff_t)sizeof half)
        return false;
    half = polka_load32(r->at);
    memcpy(&narrow, &half, sizeof narrow);
    double wide = (double)narrow;
    memcpy(&bits, &wide, sizeof bits);
    polkai_run_keep(r, r->at);
    r->to = polkai_output_room(o, r->to, sizeof bits);
    polka_store64(r->to, bits);
    r->to += sizeof bits;
    r->at = r->from = r->at + sizeof half;
    return true;
}

/* An enum's index as the reader's. */
static bool change_symbol(polkai_run *r, const polkai_symbols *symbols)
{
    uint64_t index;
    const uint8_t *next = pass_index(r->at, r->output.end, symbols->count, &index);
    if (next == NULL)
        return false;
    if (symbols->found[index] < 0) {
        r->symbol = (polkai_mismatch){ .kind = POLKAI_NO_SYMBOL, .writer = symbols->writer, .reader = symbols->reader, .name = symbols->writer->symbols[index] };
        r->stop.mismatch = &r->symbol;
        return false;
    }
    if ((uint64_t)symbols->found[index] != index) {      /* else it stays where it is */
        polkai_run_keep(r, r->at);
        r->to = polkai_output_number(&r->output, r->to, (uint64_t)symbols->found[index] << 1);
        r->from = next;
    }
    r->at = next;
    return true;
}

static bool put(polkai_run *r, const polkai_constant *constant, bool is_default)
{
    polkai_output *o = &r->output;
    polkai_run_keep(r, r->at);
    r->from = r->at;
    if (is_default && (o->default_bytes += constant->size) > POLKAI_PLAN_DEFAULT_BYTES) {
        r->stop.too_much = true;
        return false;
    }
    r->to = polkai_output_room(o, r->to, constant->size);
    memcpy(r->to, constant->data, constant->size);
    r->to += constant->size;
    return true;
}

bool polkai_run_change(polkai_run *r, const polkai_plan *plan, const polkai_step *step)
{
    switch ((polkai_step_kind)step->kind) {
    case POLKAI_STEP_PUT: return put(r, polkai_plan_at(plan, step->to), (step->flags & POLKAI_DEFAULT) != 0);
    case POLKAI_STEP_INT_FLOAT:
    case POLKAI_STEP_INT_DOUBLE:
    case POLKAI_STEP_LONG_FLOAT:
    case POLKAI_STEP_LONG_DOUBLE: return convert(r, (polkai_step_kind)step->kind);
    case POLKAI_STEP_FLOAT_DOUBLE: return widen(r);
    case POLKAI_STEP_SYMBOL: return change_symbol(r, polkai_plan_at(plan, step->to));
    case POLKAI_STEP_TAG:
        polkai_run_keep(r, r->tag);
        r->to = polkai_output_number(&r->output, r->to, (uint64_t)step->to << 1);
        r->from = r->at;
        return true;
    case POLKAI_STEP_UNTAG:
        polkai_run_keep(r, r->tag);
        r->from = r->at;
        return true;
    case POLKAI_STEP_RECORD:
        polkai_run_keep(r, r->at);
        r->from = r->at;
        polkai_run_open_record(r, (size_t)step->to);
        return true;
    case POLKAI_STEP_ARRANGE:
        r->stop.too_much = !polkai_run_close_record(r, polkai_plan_at(plan, step->to));
        return !r->stop.too_much;
    case POLKAI_STEP_FAIL:
        r->stop.mismatch = polkai_plan_at(plan, step->to);
        return false;
    default: __builtin_unreachable();
    }
}
