"""A copy under delivery: exactly-once on lanes, with poison, while keepers and brokers are killed: each event told of once and in exact order."""
import random
import time

from feed import Plan
from stage import SESSION_MS
from support import say

BROKERS = 3
SHORT_S, USUAL_S, LONG_S, CLIENT_KILLS = 1, 60, 420, 3               # of these between two of brokers
FIGURE = "1,000,000 events, >= 30 client and >= 10 broker kills: 0 copies, 0 missing for a concurrent and a final read_committed reader; on each partition its exact order"
LEAST = {"acknowledged": 1_000_000, "client_kills": 30, "broker_kills": 10}
CLAIMS = {"emission_copies": 0, "letter_copies": 0, "exact_order": True}
RATE, LONG_RATE, RESUME_S = 2200, 3600, 30


def kill_broker(stage, dice):
    node = dice.randrange(stage.cluster.count) + 1
    fault = stage.fault(f"kill -9 of broker {node}")
    stage.cluster.kafka.kill(node)
    time.sleep(dice.uniform(0, 1))
    stage.cluster.start_missing()
    stage.healed(fault, RESUME_S + SESSION_MS / 1000)


def kill_keeper(stage, keeper):
    fault = stage.fault(f"kill -9 of {keeper.name}")
    keeper.kill()
    keeper.start()
    stage.healed(fault, RESUME_S + SESSION_MS / 1000)
    keeper.wait_state("ready")


def play(stage, span):
    stage.arguments += ("--delivery", "exactly-once", "--lanes", "4")
    stage.open(plan=Plan(stage.seed, poison=0.005, retry_once=0.005))
    stage.read_along()
    keepers = stage.start("keeper", 2)
    dice = random.Random(stage.seed)
    kills, broker_kills = 0, 0
    stage.feed.begin(rate=LONG_RATE if span.long else RATE)
    stage.wait_effects(1000)
    while span.goes_on(client_kills=kills, broker_kills=broker_kills, acknowledged=stage.feed.acknowledged):
        kill_keeper(stage, dice.choice(keepers))
        kills += 1
        stage.wait_effects(1000, 60)
        if kills % CLIENT_KILLS == 0:
            kill_broker(stage, dice)
            broker_kills += 1
            stage.wait_flowing(RATE)
        if kills % 10 == 0:
            say(f"  {kills} kills of keepers, {broker_kills} of brokers, {stage.feed.acknowledged} events acknowledged")
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    return {"client_kills": kills, "broker_kills": broker_kills}
