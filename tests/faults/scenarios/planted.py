"""A planted bug for each invariant: the smallest run that must catch it, and the line in which the checker names it."""
import os
import signal
import time

from feed import Plan
from stage import SESSION_MS, Stage
from support import Failed, Skip, say, wait_for

BINARY = "faults_keeper_planted"


def keepers(stage, bug, count, *arguments, **plan):
    """That many with the bug, ready, and a feed that has not begun."""
    stage.open(plan=Plan(stage.seed, **plan))
    made = [stage.service("keeper", number + 1, stage.binary(BINARY)) for number in range(count)]
    for keeper in made:
        keeper.command = ["env", f"FAULTS_PLANTED_BUG={bug}", *keeper.command]
        keeper.start(*arguments)
    for keeper in made:
        keeper.wait_state("ready")
    return made


def end(stage, still_s=30):
    stage.feed.end(at_once=True)
    stage.wait_done(still_s)
    stage.term_all()


def commit_unfinished(stage, bug):
    """What is committed and not done is lost when the process is killed."""
    keeper, = keepers(stage, bug, 1, handling_us=5000)
    stage.feed.begin(rate=500)
    stage.wait_effects(200)
    keeper.kill()
    keeper.start()
    keeper.wait_state("ready")
    stage.wait_effects(20)
    end(stage)


def drain_commit(stage, bug):
    keeper, = keepers(stage, bug, 1, "--commit.interval_ms", "5s")
    stage.feed.begin(rate=500)
    stage.wait_effects(200)
    keeper.term()
    keeper.end(0)
    keeper.start()
    keeper.wait_state("ready")
    stage.wait_effects(20)
    end(stage)


def on_lanes(stage, bug):
    keepers(stage, bug, 1, "--lanes", "4", "--commit.interval_ms", "50ms", slow=(0.05, 100000, 300000))
    stage.feed.begin(count=600, rate=300)
    stage.feed.thread.join()
    end(stage)


def letters(stage, bug):
    keepers(stage, bug, 1, poison=0.2, kinds=("dead",))
    stage.feed.begin(count=100, rate=500)
    stage.feed.thread.join()
    end(stage)


def zombie(stage, bug):
    frozen, _ = keepers(stage, bug, 2, "--lanes", "8", slow=(0.3, 1000000, 2000000))
    stage.feed.begin(rate=40)
    stage.wait_effects(40)
    frozen.stop()
    time.sleep(SESSION_MS / 1000 + 2)
    frozen.cont()
    wait_for(lambda: f"{frozen.name} to say that its partitions were lost: {frozen.tail()}", frozen.losses, 20)
    time.sleep(3)
    end(stage)


def frozen_broker(stage, bug):
    """With a backlog, so that the budget is full of what is not acknowledged; shorter than a session, whose end would end the pause too."""
    keepers(stage, bug, 1, "--in_flight.events", "100", "-X", "session.timeout.ms=20000", handling_us=3000)
    stage.feed.begin(rate=1000)
    stage.wait_effects(300)
    fault = stage.fault("broker 1 frozen")
    stage.cluster.kafka.signal(signal.SIGSTOP)
    time.sleep(3)
    stage.cluster.kafka.signal(signal.SIGCONT)
    stage.healed(fault, 10)
    time.sleep(2)
    end(stage, still_s=10)


def many(stage, bug):
    keepers(stage, bug, 1)
    stage.feed.begin(count=30000, rate=3000)
    stage.feed.thread.join()
    end(stage)


NO_REGROUPS = {"redelivered": 0, "regroups": False, "letter_copies": 0}
PLANTS = (("I1", "commit_unfinished", commit_unfinished, {}), ("I2", "drain_commit", drain_commit, {"redelivered": 0}),
          ("I3", "lane_by_offset", on_lanes, NO_REGROUPS), ("I4", "watermark_highest", on_lanes, NO_REGROUPS),
          ("I5", "letter_truncated", letters, NO_REGROUPS), ("I6", "stale_send", zombie, {}),
          ("I7", "never_resume", frozen_broker, {}), ("I8", "leak", many, NO_REGROUPS))


def play_all(options, cluster, wanted=()):
    """Each bug that is wanted (all, if none is named); returns how many were not named by the checker."""
    if not os.path.exists(os.path.join(options.build, "bin", BINARY)):
        raise Skip(f"{BINARY} is not built")
    missed = 0
    for invariant, bug, play, claims in PLANTS:
        if wanted and bug not in wanted and invariant not in wanted:
            continue
        began = time.monotonic()
        stage = Stage(cluster, options, f"planted-{bug}", claims)
        try:
            play(stage, bug)
            lines = stage.judge().lines
        except Failed as why:
            lines = [str(why)]
        finally:
            stage.close()
        found = next((line for line in lines if line.startswith(invariant + ":")), None)
        say(f"{invariant} {bug}: {'found' if found else 'NOT FOUND'} after {time.monotonic() - began:.0f} s: {found or lines}")
        missed += found is None
        if found and not options.keep:
            stage.forget()
    return missed
