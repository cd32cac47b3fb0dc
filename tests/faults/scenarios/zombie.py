"""Two keepers of four are frozen past their session under load, and wake up as members no more."""
import random
import time

from feed import Plan
from stage import SESSION_MS
from support import say, wait_for

BROKERS = 1
SHORT_S, USUAL_S, WEIGHT, LIMIT = 1, 45, 6, 50
FIGURE = "50 zombies: 0 stale commits, 0 records sent after the loss was known"
CLAIMS = {}


def play(stage, seconds):
    stage.arguments += ("--lanes", "8", "-X", "heartbeat.interval.ms=300")
    stage.open(plan=Plan(stage.seed, slow=(0.05, 300000, 1500000)))
    keepers = stage.start("keeper", 4)
    dice = random.Random(stage.seed)
    until, zombies = time.monotonic() + seconds, 0
    stage.feed.begin(rate=150)
    stage.wait_effects(200)
    while (time.monotonic() < until and zombies < LIMIT) or zombies == 0:
        victims = dice.sample(keepers, 2)
        lost = {victim: len(victim.says("partitions were lost")) for victim in victims}
        fault = stage.fault(f"{' and '.join(victim.name for victim in victims)} frozen")
        for victim in victims:
            victim.stop()
        time.sleep(SESSION_MS / 1000 + dice.uniform(1, 2))
        stage.wait_effects(20)                           # the others have taken over
        for victim in victims:
            victim.cont()
        stage.healed(fault, within_s=10 + SESSION_MS / 1000)
        for victim in victims:
            wait_for(lambda: f"{victim.name} to say that its partitions were lost: {victim.tail()}", lambda: len(victim.says("partitions were lost")) > lost[victim], 20)
        zombies += 2
        stage.wait_effects(100)
        if zombies % 10 == 0:
            say(f"  {zombies} zombies")
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    return {"zombies": zombies}
