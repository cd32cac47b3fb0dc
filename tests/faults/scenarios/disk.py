"""The broker of the dead letters has a full disk: poison waits for it, nothing is lost, and good events are handled meanwhile."""
import os
import time

import isolated
from feed import Plan
from stage import APPENDED
from support import alive, say, wait_for

BROKERS, NAMESPACE = 3, isolated.MOUNT
SHORT_S, USUAL_S, LONG_S = 3, 10, 20
FIGURE = "nothing lost, no commit past a letter that is not written, each letter once it has room"
LEAST = {"disks_filled": 1, "letters": 100}
CLAIMS = {}
DISK_MB, ROOM_MB, MOST_S = 160, 2, 20


def data_of(cluster):
    """Of the last broker, which has the dead letters alone."""
    return os.path.join(cluster.kafka.folder, f"node{cluster.count}", "data")


def before_up(cluster):
    """Its log folder on a small disk of its own."""
    folder = data_of(cluster)
    os.makedirs(folder, exist_ok=True)
    isolated.run("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", folder)


def fill(folder):
    """All but a little of it; returns the file that takes the room."""
    path = os.path.join(folder, "ballast")
    room = os.statvfs(folder)
    with open(path, "wb") as file:
        left = room.f_bavail * room.f_frsize - (ROOM_MB << 20)
        while left > 0:
            left -= file.write(b"\0" * min(left, 1 << 20))
    return path


def play(stage, span):
    stage.open(plan=Plan(stage.seed, poison=0.1, kinds=("dead",), note=b"x" * 8000), letters_partitions=None)
    node = stage.cluster.count
    stage.cluster.make_topics({stage.letters: 1}, assignment=[[node]], config={**APPENDED, "min.insync.replicas": "1"})
    stage.start("keeper", 2)
    broker = stage.cluster.kafka.pid(node)
    stage.feed.begin(rate=200)
    stage.wait_effects(100)
    fault = stage.fault(f"the disk of broker {node} is full")
    ballast = fill(data_of(stage.cluster))
    wait_for(f"broker {node} to give up, as a broker with a full disk does", lambda: not alive(broker), 120)
    say(f"  broker {node} has ended")
    if node > 1:
        stage.wait_effects(100, 60)                      # good events are handled
    time.sleep(min(span.seconds, MOST_S))
    os.remove(ballast)
    stage.cluster.start_missing()
    stage.healed(fault, 30)
    stage.wait_flowing(200)
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    return {"disks_filled": 1}
