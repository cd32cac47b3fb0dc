"""SIGTERM of one keeper of two after the other, under load: what is finished is never done again."""
import random
import time

from feed import Plan
from support import say

BROKERS = 1
SHORT_S, USUAL_S, LONG_S = 8, 45, 200
FIGURE = "200 drains: each exits 0 within the deadline of 8 s, 0 redelivered, committed = finished"
LEAST = {"drains": 200}
CLAIMS = {"redelivered": 0, "letter_copies": 0}
DEADLINE_S, FEWEST = 8, 5


def play(stage, span):
    stage.arguments += ("--lanes", "4", "-X", "heartbeat.interval.ms=300")
    stage.open(plan=Plan(stage.seed, handling_us=(0, 3000), poison=0.005, kinds=("dead", "truncated")))
    keepers = stage.start("keeper", 2)
    dice = random.Random(stage.seed)
    drains, slowest = 0, 0.0
    stage.feed.begin(rate=700)
    stage.wait_effects(200)
    while span.goes_on(drains=drains) or drains < FEWEST:
        victim = keepers[drains % 2]
        victim.term()
        slowest = max(slowest, victim.end(0, DEADLINE_S + 2))
        drains += 1
        victim.start()
        if dice.random() < 0.7:                          # else the next one goes while the group is still forming
            victim.wait_state("ready")
            stage.wait_effects(dice.randrange(50, 300))
        else:
            time.sleep(dice.uniform(0.1, 0.5))
        if drains % 20 == 0:
            say(f"  {drains} drains, the slowest took {slowest:.2f} s")
        keepers[drains % 2].wait_state("ready")
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    if slowest > DEADLINE_S:
        stage.stuck_text = f"a drain took {slowest:.1f} s, not {DEADLINE_S} s at most"
    return {"drains": drains, "slowest_drain_s": round(slowest, 2)}
