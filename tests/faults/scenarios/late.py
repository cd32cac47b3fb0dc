"""Handlers that come back long after their deadline, and one that never does: lanes are replaced, and the process goes on."""
import time

from support import Failed, wait_for

BROKERS = 1
SHORT_S, USUAL_S, LONG_S = 1, 15, 45
FIGURE = "a letter each within the deadline of 3 s and 10 more, what is behind it in its key goes on, nothing late in the topic, no end of the process; the drain in 8 s beside one that hangs"
LEAST = {"late": 5}
CLAIMS = {"redelivered": 0, "regroups": False, "letter_copies": 0}
DEADLINE_S, SLACK_S, LATE_US, DRAIN_S = 3, 10, 4500000, 8            # FAULTS_DEADLINE_MS of faults_keeper_hasty


def play(stage, span):
    stage.arguments += ("--lanes", "2", "--deadline.action", "replace-lane")
    stage.open()
    keeper = stage.service("keeper", 1, stage.binary("faults_keeper_hasty")).start()
    keeper.wait_state("ready")
    stage.feed.begin(rate=100)
    stage.wait_effects(50)
    late, slowest = 0, 0.0
    while span.goes_on(late=late):
        slowest = max(slowest, until_lettered(stage, f"late{late}", LATE_US, "late"))
        late += 1
    wait_for("the late handlers to return", lambda: len(keeper.says("that was past its deadline has returned")) == late)
    slowest = max(slowest, until_lettered(stage, "hangs", 0, "hang"))
    stage.feed.end(at_once=True)
    stage.wait_done()
    began = time.monotonic()
    stage.term_all(DRAIN_S)
    return {"late": late, "slowest_letter_s": round(slowest, 1), "drain_s": round(time.monotonic() - began, 1)}


def until_lettered(stage, key, handling_us, kind):
    """Returns the seconds from the event to its letter. Behind it another of its key waits, and becomes an effect as all do."""
    began, known = time.monotonic(), stage.letters_written()
    stage.feed.ask(key, 0)               # the last that is asked for is sent first
    stage.feed.ask(key, handling_us, kind)
    wait_for(f"the letter of {key}", lambda: stage.letters_written() > known, 60, pause=0.1)
    took = time.monotonic() - began
    if took > DEADLINE_S + SLACK_S:
        raise Failed(f"the letter of {key} came after {took:.1f} s, not within {DEADLINE_S + SLACK_S}")
    stage.wait_effects(50)
    return took
