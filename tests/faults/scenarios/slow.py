"""A handler takes three times max.poll.interval, again and again: nobody is evicted, nothing is done twice."""
import time

from feed import Plan

BROKERS = 1
SHORT_S, USUAL_S, LONG_S = 0, 30, 60
FIGURE = "handlers of 3 x max.poll.interval: 0 evictions, 0 redelivered"
LEAST = {"slow_handlers": 8}
CLAIMS = {"redelivered": 0, "letter_copies": 0, "regroups": False}
INTERVAL_MS = 4000


def play(stage, span):
    stage.arguments += ("--lanes", "4", "-X", f"max.poll.interval.ms={INTERVAL_MS}")
    stage.open(plan=Plan(stage.seed))
    keepers = stage.start("keeper", 2)
    stage.feed.begin(rate=400)
    stage.wait_effects(200)
    slow = 0
    while span.goes_on(slow_handlers=slow):
        for number in range(4):
            stage.feed.ask(f"slow{number}", 3000 * INTERVAL_MS)
            slow += 1
        time.sleep(3 * INTERVAL_MS / 1000)
        stage.wait_effects(100)
    stage.feed.end(at_once=True)
    stage.wait_done(still_s=60)
    stage.term_all(3 * INTERVAL_MS / 1000 + 10)
    lost = sum(keeper.losses() + len(keeper.says("max.poll.interval")) for keeper in keepers)
    if lost > 0:
        stage.stuck_text = f"{lost} times a member was evicted"
    return {"slow_handlers": slow, "evictions": lost}
