"""A handler that never returns: its process ends with 4 after committing what is finished, and the others go on."""
import time

from support import Failed, say

BROKERS = 1
SHORT_S, USUAL_S, WEIGHT = 1, 20, 1
FIGURE = "exit 4 within its deadline of 3 s; finished work is not done again"
CLAIMS = {"letter_copies": 0}
DEADLINE_S = 3                           # FAULTS_DEADLINE_MS of faults_keeper_hasty
BINARY = "faults_keeper_hasty"


def play(stage, seconds):
    stage.arguments += ("--lanes", "4")
    stage.open()
    keepers = [stage.service("keeper", number, stage.binary(BINARY)).start() for number in (1, 2)]
    for keeper in keepers:
        keeper.wait_state("ready")
    stage.feed.begin(rate=200)
    stage.wait_effects(100)
    until, stuck, slowest = time.monotonic() + seconds, 0, 0.0
    while stuck == 0 or time.monotonic() < until:
        stage.feed.ask(f"stuck{stuck}", 0, "stick")
        stuck += 1
        slowest = max(slowest, until_parked(stage, keepers))
        stage.wait_effects(100)
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    return {"stuck_events": stuck, "slowest_end_s": round(slowest, 1)}


def until_parked(stage, keepers):
    """Each that ends with 4 is started again, until the event is parked. Returns the longest time until an end."""
    slowest, began, ends = 0.0, time.monotonic(), 0
    while not any(keeper.says("dead letter") and stage.letters_written() for keeper in keepers):
        for keeper in keepers:
            code = keeper.process.poll()
            if code is None:
                continue
            if code != 4:
                raise Failed(f"{keeper.name} ended with {code}, not 4: {keeper.tail()}")
            ends += 1
            slowest, began = max(slowest, time.monotonic() - began), time.monotonic()
            keeper.start()
        if ends > 3:
            raise Failed(f"{ends} ends with 4 at one event, and it is not parked")
        if time.monotonic() - began > 10 * DEADLINE_S:
            raise Failed(f"nobody ended with 4 within {10 * DEADLINE_S} s: {keepers[0].tail()}")
        time.sleep(0.1)
    say(f"  parked after {ends} ends with 4")
    return slowest
