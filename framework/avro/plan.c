/* plan.c: a plan's life, and what is said when a value does not come through. */
#include <avro/plan_inner.h>

#include <avro/match.h>
#include <avro/words.h>
#include <base/error.h>
#include <stdio.h>
#include <stdlib.h>

polka_status polkai_plan_create(polkai_plan **plan, const polkai_schema *writer, const polkai_schema *reader, polka_error *error)
{
    bool alike = polkai_match_alike(writer, reader, true);       /* then no alias counts */
    return polkai_plan_build(plan, writer, alike ? writer : reader, error);
}

void polkai_plan_destroy(polkai_plan *plan)
{
    free(plan);
}

bool polkai_plan_is_identity(const polkai_plan *plan)
{
    return plan->identity;
}

static void say(const polkai_mismatch *mismatch, char *out, size_t capacity)
{
    polkai_words writer = polkai_words_schema(mismatch->writer), reader = polkai_words_schema(mismatch->reader);
    switch (mismatch->kind) {
    case POLKAI_WRONG_TYPE: snprintf(out, capacity, "%s was written, which cannot be read as %s", writer.text, reader.text); break;
    case POLKAI_WRONG_NAME: snprintf(out, capacity, "%s was written, and the reader expects %s", writer.text, reader.text); break;
    case POLKAI_WRONG_SIZE:
        snprintf(out, capacity, "%s was written with %zu bytes, and the reader's has %zu", writer.text, mismatch->writer->fixed_size, mismatch->reader->fixed_size);
        break;
    case POLKAI_NO_BRANCH: snprintf(out, capacity, "%s was written, and no branch of the reader's union can read it", writer.text); break;
    case POLKAI_NO_FIELD: snprintf(out, capacity, "the reader's field '%.60s' was not written, and has no default", mismatch->name); break;
    case POLKAI_TWO_FIELDS: snprintf(out, capacity, "the reader's field '%.60s' stands by name and aliases for several that were written", mismatch->name); break;
    case POLKAI_NO_SYMBOL: snprintf(out, capacity, "symbol %.60s was written, which the reader's %s does not have, nor a default", mismatch->name, reader.text); break;
    }
}

POLKA_COLD polka_status polkai_plan_refuse(const polkai_plan *plan, polka_bytes body, const polkai_walk_limits *limits, const polkai_plan_stop *stop, polka_error *error)
{
    char reason[320];
    if (stop->mismatch != NULL) {
        say(stop->mismatch, reason, sizeof reason);
        TRY(polkai_walk_blame(plan->writer, body, limits, stop->mismatch->writer, stop->offset, reason, error));
    } else if (!stop->too_much) {
        TRY(polkai_walk(plan->writer, body, limits, error));
    }
    return polkai_fail(error, POLKA_POISON, "bad-bytes", "the value has more than %d bytes of defaults, or too many records of no bytes, at byte %zu of %zu",
                       POLKAI_PLAN_DEFAULT_BYTES, stop->offset, body.size);
}
