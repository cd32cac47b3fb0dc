/*
 * transaction.h: records and offsets that become visible together or not at all (exactly-once). Beside sink.h and not in it:
 * every call here may block, all of them are for one thread, and a producer of transactions can send nothing outside of one.
 *
 * Each function makes one call of the protocol and says what has to come next; nothing is tried again inside.
 */
#ifndef POLKA_TRANSPORT_TRANSACTION_H
#define POLKA_TRANSPORT_TRANSACTION_H

#include <transport/source.h>

typedef enum {
    POLKAI_TRANSACTION_DONE = 1,
    POLKAI_TRANSACTION_AGAIN,                /* the same call with the same arguments: it goes on where it was */
    POLKAI_TRANSACTION_ABORT,                /* abort; the reader goes back to what is committed */
    POLKAI_TRANSACTION_RENEW,                /* nothing is known any more: init makes the producer anew; then as ABORT */
    POLKAI_TRANSACTION_STOP,                 /* and that would not help: a right is missing, or a setting is wrong */
} polkai_transaction_verdict;

typedef struct polkai_transaction polkai_transaction;
typedef struct {
    /*
     * init makes the producer, anew when there is one, and ends what an earlier one of the same id left open: so when it is DONE,
     * what is committed is certain. Called first, and after RENEW.
     */
    polkai_transaction_verdict (*init)(polkai_transaction *transaction, polka_error *error);
    polkai_transaction_verdict (*begin)(polkai_transaction *transaction, polka_error *error);
    /* send: value.data is borrowed until commit or abort is DONE, or init is called. AGAIN: the queue is full. */
    polkai_transaction_verdict (*send)(polkai_transaction *transaction, const polkai_record *record, void *cookie, polka_error *error);
    /*
     * offsets of the member's group become part of the transaction; refused (ABORT) when the member has come to a later generation.
     * Positions and membership are borrowed as send's values are.
     */
    polkai_transaction_verdict (*offsets)(polkai_transaction *transaction, const polkai_position *positions, size_t count, const polkai_membership *membership,
                              polka_error *error);
    polkai_transaction_verdict (*commit)(polkai_transaction *transaction, polka_error *error);
    polkai_transaction_verdict (*abort)(polkai_transaction *transaction, polka_error *error);
    void (*close)(polkai_transaction *transaction);      /* what is open stays so until the broker's time-out, or the next init of this id */
} polkai_transaction_operations;

struct polkai_transaction {
    const polkai_transaction_operations *operations;
    void *refused;                       /* after ABORT: the cookie of a record that the broker refuses for good; NULL: none */
    int64_t request_ms;                  /* a commit or abort that took longer has met a time-out, and may still be under way at the broker */
    int64_t call_ms;                     /* no call takes longer, unless it hangs */
};

#endif
