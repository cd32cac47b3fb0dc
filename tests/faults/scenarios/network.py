"""Keepers are cut off from their brokers: both ways, one way, and from the coordinator only, by iptables in a network namespace."""
import random
import time

import isolated
from stage import SESSION_MS
from support import Failed, say

BROKERS, NAMESPACE = 3, isolated.NETWORK
SHORT_S, USUAL_S, LONG_S = 1, 60, 300
FIGURE = "20 cuts in 4 shapes: I1 I3 I4 hold; work goes on within 15 s after healing"
LEAST = {"cuts": 20}
CLAIMS = {}
GROUP_ID, MARK, LONGEST_S, RATE = 4711, "7", 12.0, 400
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


def dropped():
    """How many packets each rule has caught so far."""
    rows = isolated.run("iptables", "-L", "OUTPUT", "-v", "-n", "-x").splitlines()[2:]
    return [int(row.split()[0]) for row in rows]


def committed(stage):
    """The sum of all that the coordinator has of keepers; who asks is not cut off."""
    return sum(stage.committed("keeper").values())


# What stands still in each shape, and how much of it may be under way when the cut begins.
STILL = {shape: (lambda stage: stage.effects(), RATE / 4) for shape in SHAPES[:3]} | {"coordinator only": (committed, 0)}


def look(stage, shape, seconds):
    """The cut is there for so long: it catches packets, and what it is to stop has stopped."""
    measure, allowed = STILL[shape]
    time.sleep(1)
    before = measure(stage)
    time.sleep(seconds)
    went_on, caught = measure(stage) - before, dropped()
    if went_on > allowed:
        raise Failed(f"the cut {shape} cut nothing: {went_on} {'commits' if measure is committed else 'effects'} meanwhile")
    if not caught or sum(caught) == 0:
        raise Failed(f"the cut {shape} cut nothing: its {len(caught)} rules caught no packet")


def play(stage, span):
    prepare()
    stage.wrap = ("setpriv", "--regid", str(GROUP_ID), "--clear-groups")
    stage.open()
    stage.start("keeper", 3)
    dice = random.Random(stage.seed)
    cuts, longest = 0, LONGEST_S if span.long else max(2.0, min(LONGEST_S, span.seconds / 8))
    stage.feed.begin(rate=RATE)
    stage.wait_effects(200)
    while span.goes_on(cuts=cuts):
        shape = SHAPES[cuts % len(SHAPES)]
        fault = stage.fault(f"cut {shape}")
        cut(stage, shape)
        look(stage, shape, dice.uniform(1, longest))
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
