"""Poison events among good ones: each in the dead letters once, byte for byte, and nothing else is held up."""
import time

from feed import Plan

BROKERS = 1
SHORT_S, USUAL_S, LONG_S = 4, 15, 30
FIGURE = "each poison event once by its letter id, byte for byte; 0 redelivered"
LEAST = {"acknowledged": 10_000, "letters": 200}
CLAIMS = {"redelivered": 0, "letter_copies": 0, "regroups": False}


def play(stage, span):
    stage.arguments += ("--lanes", "4")
    stage.open(plan=Plan(stage.seed, handling_us=(0, 1000), poison=0.03, retry_once=0.02))
    stage.start("keeper", 1)
    stage.feed.begin(rate=600)
    while span.goes_on(acknowledged=stage.feed.acknowledged):
        time.sleep(0.1)
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    return {}
