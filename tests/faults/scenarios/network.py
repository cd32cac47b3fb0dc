"""Keepers are cut off from their brokers: both ways, one way, and from the coordinator only, by iptables in a network namespace."""
import random
import time

import isolated
from stage import SESSION_MS
from support import Failed, say

BROKERS, NAMESPACE = 3, isolated.NETWORK
SHORT_S, USUAL_S, WEIGHT, CUTS = 1, 60, 4, 20
FIGURE = "20 cuts in 4 shapes: I1 I3 I4 hold; work goes on within 15 s after healing"
CLAIMS = {}
GROUP_ID, MARK, LONGEST_S, RATE = 4711, "7", 20.0, 400
SHAPES = ("both ways", "to the brokers", "from the brokers", "coordinator only")


def prepare():
    """Connections of keepers are known by their group id when they begin, and by a mark ever after."""
    isolated.run("iptables", "-t", "mangle", "-A", "OUTPUT", "-p", "tcp", "-m", "owner", "--gid-owner", str(GROUP_ID), "-j", "CONNMARK", "--set-mark", MARK)


def drop(direction, port=None):
    side = () if port is None else ("--dport" if direction == "ORIGINAL" else "--sport", str(port))
    isolated.run("iptables", "-A", "OUTPUT", "-p", "tcp", *side, "-m", "connmark", "--mark", MARK, "-m", "conntrack", "--ctdir", direction, "-j", "DROP")


def cut(stage, shape):
    port = stage.cluster.coordinator_of(stage.groups["keeper"]).port if shape == "coordinator only" else None
    if shape != "from the brokers":
        drop("ORIGINAL", port)
    if shape != "to the brokers":
        drop("REPLY", port)


def play(stage, seconds):
    prepare()
    stage.wrap = ("setpriv", "--regid", str(GROUP_ID), "--clear-groups")
    stage.open()
    stage.start("keeper", 3)
    dice = random.Random(stage.seed)
    until, cuts = time.monotonic() + seconds, 0
    longest = max(2.0, min(LONGEST_S, seconds / 8))
    stage.feed.begin(rate=RATE)
    stage.wait_effects(200)
    while cuts == 0 or (time.monotonic() < until and cuts < CUTS):
        shape = SHAPES[cuts % len(SHAPES)]
        fault = stage.fault(f"cut {shape}")
        cut(stage, shape)
        time.sleep(1)
        before = stage.effects()
        time.sleep(dice.uniform(1, longest))
        if shape != "coordinator only" and stage.effects() > before + RATE / 4:
            raise Failed(f"the cut {shape} cut nothing: {stage.effects() - before} effects meanwhile")
        isolated.run("iptables", "-F", "OUTPUT")
        stage.healed(fault, 15 + SESSION_MS / 1000)
        cuts += 1
        stage.wait_flowing(RATE)
        if cuts % 4 == 0:
            say(f"  {cuts} cuts")
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    return {"cuts": cuts}
