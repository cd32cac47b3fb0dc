"""A handler that never returns: its process ends with 4 after committing what is finished; at the third end the event is parked."""
import os
import time

from support import Failed, Skip, say

BROKERS = 1
SHORT_S, USUAL_S, LONG_S = 1, 30, 90
FIGURE = "each end within the deadline of 3 s and its drain, code 4; a dead letter after three; redelivered counted (what waits behind it in its lane holds back the commits of all partitions)"
LEAST = {"parked": 2}
CLAIMS = {"letter_copies": 0}
DEADLINE_S, ENDS, SLACK_S = 3, 3, 12     # FAULTS_DEADLINE_MS of faults_keeper_hasty
BINARY = "faults_keeper_hasty"


def play(stage, span):
    if not stage.has_property("breaker.folder"):
        raise Skip("the crash-loop breaker is not in this build")
    stage.arguments += ("--lanes", "4", "--breaker.folder", os.path.join(stage.folder, "breaker"), "--breaker.attempts", str(ENDS))
    stage.open()
    keeper = stage.service("keeper", 1, stage.binary(BINARY)).start()
    keeper.wait_state("ready")
    stage.feed.begin(rate=100)
    stage.wait_effects(100)
    parked, slowest = 0, 0.0
    while span.goes_on(parked=parked):
        stage.feed.ask(f"stuck{parked}", 0, "stick")
        slowest = max(slowest, until_parked(stage, keeper, parked))
        parked += 1
        stage.wait_effects(100)
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    return {"parked": parked, "ends": ENDS * parked, "slowest_end_s": round(slowest, 1)}


def until_parked(stage, keeper, parked):
    """It ends with 4 and is started again, until the letter is there. Returns the longest time to an end, from the start or the event on."""
    slowest, began, ends = 0.0, time.monotonic(), 0
    while stage.letters_written() == parked:
        code = keeper.process.poll()
        if code not in (None, 4):
            raise Failed(f"{keeper.name} ended with {code}, not 4: {keeper.tail()}")
        if code == 4:
            slowest, ends = max(slowest, time.monotonic() - began), ends + 1
            began = time.monotonic()
            keeper.start()
        if ends > ENDS:
            raise Failed(f"{ends} ends with 4 at one event, and it is not parked: {keeper.tail()}")
        if time.monotonic() - began > DEADLINE_S + SLACK_S:
            raise Failed(f"{keeper.name} did not end within {DEADLINE_S + SLACK_S} s: {keeper.tail()}")
        time.sleep(0.1)
    say(f"  parked after {ends} ends with 4")
    return slowest
