"""A copy under delivery: exactly-once while keepers and brokers are killed: each event told of once, for a concurrent and a final reader."""
import random
import time

from stage import SESSION_MS
from support import say

BROKERS = 3
SHORT_S, USUAL_S, WEIGHT, BROKER_KILLS = 1, 60, 8, 10
FIGURE = "1,000,000 events, >= 30 client and >= 10 broker kills: 0 copies, 0 missing for a concurrent and a final read_committed reader"
CLAIMS = {"emission_copies": 0}
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


def play(stage, seconds):
    stage.arguments += ("--delivery", "exactly-once")
    stage.open()
    stage.read_along()
    keepers = stage.start("keeper", 2)
    dice = random.Random(stage.seed)
    began, kills, broker_kills = time.monotonic(), 0, 0
    stage.feed.begin(rate=LONG_RATE if seconds > USUAL_S else RATE)
    stage.wait_effects(1000)
    while kills == 0 or time.monotonic() < began + seconds:
        kill_keeper(stage, dice.choice(keepers))
        kills += 1
        stage.wait_effects(1000, 60)
        if seconds > SHORT_S and broker_kills < BROKER_KILLS and time.monotonic() - began > (broker_kills + 0.5) * seconds / BROKER_KILLS:
            kill_broker(stage, dice)
            broker_kills += 1
            stage.wait_flowing(RATE)
        if kills % 10 == 0:
            say(f"  {kills} kills of keepers, {broker_kills} of brokers, {stage.feed.acknowledged} events acknowledged")
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    return {"client_kills": kills, "broker_kills": broker_kills}
