"""kill -9 of keepers and auditors under load, one of each at a time."""
import random
import time

from feed import Plan
from stage import IN_FLIGHT, SESSION_MS
from support import say

BROKERS = 1
SHORT_S, USUAL_S, LONG_S = 10, 60, 360
FIGURE = "0 lost, 0 order breaks; redelivered below 2 x in flight a kill; long: >= 60 kills a role, >= 1,000,000 events"
LEAST = {"kills_a_role": 60, "acknowledged": 1_000_000}
CLAIMS = {}
RATE, LONG_RATE = 2200, 3600


def play(stage, span):
    stage.open(auditor=True, plan=Plan(stage.seed, poison=0.01, retry_once=0.005))
    keepers, auditors = stage.start("keeper", 3), stage.start("auditor", 2)
    dice = random.Random(stage.seed)
    kills = 0
    stage.feed.begin(rate=LONG_RATE if span.long else RATE)
    stage.wait_effects(1000)
    while span.goes_on(kills_a_role=kills, acknowledged=stage.feed.acknowledged):
        victims = dice.choice(keepers), dice.choice(auditors)
        fault = stage.fault(f"kill -9 of {' and '.join(victim.name for victim in victims)}")
        for victim in victims:
            victim.kill()
        kills += 1
        time.sleep(dice.uniform(0, 1))
        for victim in victims:
            victim.start()
        stage.healed(fault, within_s=10 + SESSION_MS / 1000)
        for victim in victims:
            victim.wait_state("ready")
        stage.wait_effects(dice.randrange(500, 4000))
        if kills % 10 == 0:
            say(f"  {kills} kills a role, {stage.feed.acknowledged} events acknowledged")
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    stage.claims["redelivered"] = 2 * IN_FLIGHT * kills                  # of each role, whose kills these are
    return {"kills_a_role": kills}
