"""Batches that the client library would refetch for ever: parked where that is wanted, stepped over as a range, and nobody else is held up."""
import os
import time

import segment
from checker import DEPOSITS
from feed import Plan
from stage import IN_FLIGHT, PARTITIONS, micros
from support import Failed, say, wait_for

BROKERS = 1
SHORT_S, USUAL_S, LONG_S = 2, 10, 10
FIGURE = "each unreadable batch in the dead letters as a range within 30 s of its first error, the others unaffected"
LEAST = {"batches": 3}
# Once they are started anew: a drain waits for no retry, and what was done behind an event that has to be tried again is done again.
CLAIMS = {"redelivered": IN_FLIGHT, "letter_copies": 0, "regroups": True}
BURSTS, BURST, RATE, LETTER_S, LEAST_RECORDS, MOST_S = 4, 1500, 300, 30, 3, 10


def damage(stage):
    """One batch of each kind, each in a partition of its own, with others before it and behind it."""
    made, folder = [], os.path.join(stage.cluster.kafka.folder, "node1")
    for partition in range(PARTITIONS):
        if len(made) == len(segment.KINDS):
            return made
        ours = [batch for batch in segment.batches(folder, DEPOSITS, partition) if batch.first >= stage.starts[DEPOSITS, partition]]
        fit = [batch for batch in ours[1:-1] if batch.next - batch.first >= LEAST_RECORDS]
        if fit:
            made.append(segment.Damage(stage.cluster.kafka, DEPOSITS, partition, fit[0].first, list(segment.KINDS)[len(made)]))
            say(f"  {DEPOSITS}/{partition}: offsets {made[-1].first} to {made[-1].next - 1} have {made[-1].kind}")
    raise Failed(f"only {len(made)} of {PARTITIONS} partitions have a batch of {LEAST_RECORDS} records between others")


def said_us(keepers, hurt, text):
    """When one of the keepers said so of this partition, first since its last start; None: not yet."""
    rows = [row for keeper in keepers for row in keeper.says(text) if f"{hurt.topic}/{hurt.partition}" in row["message"]]
    return min((micros(row["time"]) for row in rows), default=None)


def start(stage, keepers, *arguments):
    for keeper in keepers:
        keeper.start(*arguments)
    for keeper in keepers:
        keeper.wait_state("ready")


def work(stage, hurts, seconds):
    stage.feed.begin(rate=RATE)
    keepers = [stage.service("keeper", number) for number in (1, 2)]
    start(stage, keepers, "--unreadable_batch", "park")
    wait_for("the three partitions to be parked", lambda: all(said_us(keepers, hurt, "is parked at offset") for hurt in hurts), 60)
    stage.wait_effects(10 * RATE)                        # all other partitions go on
    stage.term_all()
    if any(said_us(keepers, hurt, "are stepped over") for hurt in hurts):
        raise Failed("a batch was stepped over where its partition is to be parked")
    fault = stage.fault(f"{len(hurts)} batches cannot be read")
    start(stage, keepers)
    stage.healed(fault, LETTER_S)
    wait_for("the batches to be stepped over", lambda: all(said_us(keepers, hurt, "are stepped over") for hurt in hurts), 60)
    time.sleep(seconds)
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.unreadable = [{"partition": hurt.partition, "from": hurt.first, "to": hurt.next, "kind": hurt.kind, "within_s": LETTER_S,
                         "noticed_us": said_us(keepers, hurt, "cannot be read (")} for hurt in hurts]
    stage.term_all()


def play(stage, span):
    stage.arguments += ("--lanes", "4")
    stage.open(plan=Plan(stage.seed, poison=0.01, retry_once=0.01))
    for _ in range(BURSTS):                              # so that each partition has several batches, with many records
        stage.feed.begin(count=BURST, rate=1000000)
        stage.feed.end()
    hurts = damage(stage)
    try:
        work(stage, hurts, min(span.seconds, MOST_S))
    finally:
        for hurt in hurts:
            hurt.mend()                                  # so that the independent reader says what was in them, and others find nothing
    return {"batches": len(hurts)}
