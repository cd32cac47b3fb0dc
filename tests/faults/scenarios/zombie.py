"""Half of the keepers are frozen past their session under load, and wake up as members no more."""
import random
import time

from feed import Plan
from stage import SESSION_MS
from support import say, wait_for

BROKERS = 1
SHORT_S, USUAL_S, LONG_S = 1, 45, 260
FIGURE = "50 zombies: 0 stale commits, 0 records sent after the loss was known"
LEAST = {"zombies": 50}
CLAIMS = {}
FEW, MANY = 4, 6                        # keepers; many in the long form, so that each freeze makes three


def play(stage, span):
    stage.arguments += ("--lanes", "8", "-X", "heartbeat.interval.ms=300")
    stage.open(plan=Plan(stage.seed, slow=(0.05, 300000, 1500000)))
    keepers = stage.start("keeper", MANY if span.long else FEW)
    dice = random.Random(stage.seed)
    zombies, frozen = 0, 0
    stage.feed.begin(rate=150)
    stage.wait_effects(200)
    while span.goes_on(zombies=zombies):
        victims = dice.sample(keepers, len(keepers) // 2)
        lost = sum(victim.losses() for victim in victims)
        fault = stage.fault(f"{' and '.join(victim.name for victim in victims)} frozen")
        for victim in victims:
            victim.stop()
        time.sleep(SESSION_MS / 1000 + dice.uniform(1, 2))
        stage.wait_effects(20)                           # the others have taken over
        for victim in victims:
            victim.cont()
        stage.healed(fault, within_s=20)
        for victim in victims:                           # each works again; one that was frozen between two assignments had nothing to lose
            done = stage.effects(f"{victim.name}-{victim.pid}.") + 8
            wait_for(f"{victim.name} to have partitions again", lambda: stage.effects(f"{victim.name}-{victim.pid}.") > done, 30, pause=0.2)
        frozen, zombies = frozen + len(victims), zombies + sum(victim.losses() for victim in victims) - lost
        if frozen % 12 == 0:
            say(f"  {frozen} frozen, {zombies} of them with partitions to lose")
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    return {"zombies": zombies, "frozen": frozen}
