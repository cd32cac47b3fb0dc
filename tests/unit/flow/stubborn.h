/* stubborn.h: a sink whose queue is full now and then, and a source whose commits fail, around those of the memory. */
#ifndef TEST_FLOW_STUBBORN_H
#define TEST_FLOW_STUBBORN_H

#include "harness.h"

#include <stdatomic.h>

typedef struct {
    polkai_sink sink;
    polkai_sink *inner;
    polkai_flow *flow;
    const char *topic;                   /* what it is stubborn about */
    unsigned refuse;                     /* so many sends in a row find the queue full … */
    unsigned every;                      /* … and after that each n-th; 0: none */
    unsigned tried, full;
    bool backwards;                      /* failures of one poll are reported last one first, as when a producer ends */
} stubborn_sink;

typedef struct {
    polkai_source source;
    polkai_source *inner;
    polkai_source_listener listener;     /* the flow's */
    void (*on_revoked)(void *user);      /* called before the flow is told; NULL: nothing is */
    void *user;
    unsigned fail_commits;               /* so many, told as an asynchronous one is: by a notice */
    bool stale;                          /* the group has put us out: no commit that is waited for is taken … */
    bool tells_loss, tells_handover;     /* … and the next poll says so; or that a handover was on its way already */
    unsigned knows_after;                /* so many polls before that know nothing of it yet */
    const char *second;                  /* records with this key are of partition 1 */
    void (*on_commit)(void);             /* called before a commit that is waited for; NULL: nothing is */
    void (*on_poll)(void);               /* called by each poll; NULL: nothing is */
    unsigned unanswered;                 /* so many asynchronous ones find that the one before has no answer yet */
    unsigned swallowed;                  /* so many asynchronous ones come to nothing, and no answer to them either */
    bool unsure;                         /* one was */
    unsigned fail_rewinds;               /* so many find the coordinator gone */
    unsigned commits, pauses, holds, rewinds, polls;
    bool unsure_of_begin;                /* it assigns without knowing where reading begins */
    int64_t rewound_to;                  /* where nothing is committed, of the first partition */
    bool polling;                        /* one is under way */
    atomic_uint released;                /* records given back */
    int commit_ms, close_ms;             /* what the flow gave the last of each; 0: an asynchronous commit, or none */
} stubborn_source;

/* harness_start with these two in between; both live as long as the flow. */
void stubborn_start(harness *h, const polka_service *service, polkai_flow_options options, stubborn_sink *sink, stubborn_source *source);
void stubborn_source_init(stubborn_source *source, polkai_source *inner);

#endif
