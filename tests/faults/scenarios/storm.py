"""Keepers come and go, one to eight and back to one, with toggles at random, by SIGTERM and by kill -9."""
import random
import time

from support import Failed, say, wait_for

BROKERS = 1
SHORT_S, USUAL_S, LONG_S, MOST = 8, 60, 630, 8
FIGURE = "500,000 events, 24 partitions, 10 minutes: I1 I3 I4 hold, redelivered < 5 %"
LEAST = {"acknowledged": 500_000, "storm_s": 600}
CLAIMS = {}
RATE, LONG_RATE, KILLED, REDELIVERED = 900, 1300, 0.15, 0.05


class Crowd:
    """Up to eight keepers; whoever was told to end is looked at when it has."""

    def __init__(self, stage):
        self.keepers = [stage.service("keeper", number + 1) for number in range(MOST)]
        self.ending, self.toggles, self.kills = {}, 0, 0

    def up(self):
        return [keeper for keeper in self.keepers if keeper.running() and keeper not in self.ending]

    def look(self):
        """Those whose drain is over must have ended with 0, in time."""
        for keeper, began in list(self.ending.items()):
            code = keeper.process.poll()
            if code is None and time.monotonic() - began > 12:
                raise Failed(f"{keeper.name} does not end within 12 s after SIGTERM: {keeper.tail()}")
            if code is not None:
                del self.ending[keeper]
                if code != 0:
                    raise Failed(f"{keeper.name} ended with {code} after SIGTERM: {keeper.tail()}")

    def start(self, keeper):
        keeper.start()
        self.toggles += 1

    def end(self, keeper, killed):
        if not killed:                   # SIGTERM ends a process that has not come to its main function yet, and with -15
            wait_for(f"{keeper.name} to say something", keeper.lines, 20)
        self.toggles += 1
        if killed:
            keeper.kill()
            self.kills += 1
        else:
            keeper.term()
            self.ending[keeper] = time.monotonic()

    def toggle(self, dice):
        self.look()
        free = [keeper for keeper in self.keepers if keeper not in self.ending]
        keeper = dice.choice(free) if free else None
        if keeper is None:
            return
        if not keeper.running():
            self.start(keeper)
        elif len(self.up()) > 1:
            self.end(keeper, dice.random() < KILLED)


def play(stage, span):
    stage.arguments += ("-X", "heartbeat.interval.ms=300")
    stage.open()
    crowd, dice = Crowd(stage), random.Random(stage.seed)
    crowd.keepers[0].start().wait_state("ready")
    stage.feed.begin(rate=LONG_RATE if span.long else RATE)
    began, waves, lasted = time.monotonic(), 0, 0
    while span.goes_on(storm_s=lasted, acknowledged=stage.feed.acknowledged):
        waves += 1
        fault = stage.fault(f"wave {waves}")
        for keeper in crowd.keepers:                     # up to eight
            if not keeper.running():
                crowd.start(keeper)
                time.sleep(dice.uniform(0, 0.5))
        for _ in range(3 if span.short else 10):
            crowd.toggle(dice)
            time.sleep(dice.uniform(0, 0.5))
        for keeper in crowd.up()[1:]:                    # and back to one
            crowd.end(keeper, dice.random() < KILLED)
            time.sleep(dice.uniform(0, 0.5))
        stage.healed(fault, 20)
        stage.wait_effects(500, 60)
        crowd.look()
        lasted = int(time.monotonic() - began)
        say(f"  wave {waves}: {crowd.toggles} toggles, {crowd.kills} of them kills, {stage.feed.acknowledged} events acknowledged")
    events = stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    stage.claims["redelivered"] = None if span.short else int(REDELIVERED * events)
    return {"storm_s": lasted, "waves": waves, "toggles": crowd.toggles, "kills": crowd.kills}
