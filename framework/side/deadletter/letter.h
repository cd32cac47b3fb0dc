/*
 * letter.h: what goes to <topic>.<group>.dlt: the record as it was, and why.
 */
#ifndef POLKA_SIDE_LETTER_H
#define POLKA_SIDE_LETTER_H

#include <transport/record.h>

typedef struct {
    const polkai_record *record;         /* with its headers */
    const char *group;
    polka_text reaction;                 /* "-" where the type could not be told */
    const char *error_class;             /* "poison", "handler" */
    const char *code;                    /* "schema-not-found", "dead", "attempts-used-up" */
    polka_text message;
    unsigned attempts;
    int64_t first_failed_ms;
    bool without_value;                  /* the dead-letter topic does not take a record of this size */
} polkai_letter;

/*
 * polkai_letter_write makes the record of a dead letter.
 *
 * Value, key and headers are those of the original, byte for byte; then come polka-letter-id, -original-…, -consumer-group,
 * -handler, -error-…, -attempts, -first-failed-at (text) and Spring Kafka's kafka_dlt-… (numbers big-endian).
 * A record that stands for a range that cannot be read has no value, and polka-range-from and -to, the offset after it. Headers of those
 * names that the original had already are left out, so that a letter of a letter tells of the last failure.
 * ownership: `letter` borrows from the record; the rest lives in `arena`.
 */
void polkai_letter_write(const polkai_letter *from, polka_arena *arena, polkai_record *letter);

/* polkai_letter_topic: "<topic>.<group>.dlt" */
polka_text polkai_letter_topic(polka_text topic, const char *group, polka_arena *arena);

#endif
