"""Brokers of three are killed, and now and then restarted or frozen, one after the other, and all of them are down once."""
import random
import signal
import time

from feed import Plan
from stage import SESSION_MS
from support import say

BROKERS = 3
SHORT_S, USUAL_S, LONG_S = 1, 60, 480
FIGURE = "20 hard bounces of 3, all down once for 60 s: work goes on within 10 s after healing or the end of a session"
LEAST = {"hard_bounces": 20, "all_down_s": 60}
CLAIMS = {}
RESUME_S = 10 + SESSION_MS / 1000
FROZEN_S, DOWN_S, RATE, SOFT = (2.0, 8.0), 60, 500, 4    # every fourth bounce is no kill -9


def bounce(stage, dice, how):
    """One broker away and back again."""
    node = dice.randrange(stage.cluster.count) + 1
    fault = stage.fault(f"broker {node} {how}")
    if how == "frozen":
        stage.cluster.kafka.signal(signal.SIGSTOP, node)
        time.sleep(dice.uniform(*FROZEN_S))
        stage.cluster.kafka.signal(signal.SIGCONT, node)
    else:
        if how == "killed":
            stage.cluster.kafka.kill(node)
        else:
            stage.cluster.kafka.stop(node)
        time.sleep(dice.uniform(0, 3))
        stage.cluster.start_missing()
    stage.healed(fault, RESUME_S)
    stage.wait_flowing(RATE)


def all_down(stage, seconds):
    """Nothing is sent meanwhile: how soon work goes on is asked, not how fast brokers that are cold take what has gathered."""
    with stage.feed.held():
        fault = stage.fault(f"all brokers down for {seconds:.0f} s")
        for node in range(1, stage.cluster.count + 1):
            stage.cluster.kafka.kill(node)
        time.sleep(seconds)
        stage.cluster.start_missing()
        stage.healed(fault, RESUME_S)
    stage.wait_flowing(RATE)


def play(stage, span):
    stage.open(auditor=True, plan=Plan(stage.seed, poison=0.002, kinds=("dead",)))
    stage.start("keeper", 2), stage.start("auditor", 1)
    dice = random.Random(stage.seed)
    bounces, hard = 0, 0
    stage.feed.begin(rate=RATE)
    stage.wait_effects(200)
    while span.goes_on(hard_bounces=hard):
        how = dice.choice(("frozen", "restarted")) if bounces % SOFT == SOFT - 1 else "killed"
        bounce(stage, dice, how)
        bounces, hard = bounces + 1, hard + (how == "killed")
        if bounces % 5 == 0:
            say(f"  {bounces} bounces, {hard} of them hard")
    outage = 0 if span.short else DOWN_S if span.long else DOWN_S // 4
    if outage > 0:
        all_down(stage, outage)
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    return {"hard_bounces": hard, "bounces": bounces, "all_down_s": outage}
