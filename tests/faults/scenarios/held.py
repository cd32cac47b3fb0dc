"""The topic of dead letters is missing, so that one event cannot end: what is done behind it has a bound, also after a kill -9, and all else goes on."""
from stage import APPENDED, IN_FLIGHT
from support import Failed, wait_for

BROKERS = 1
SHORT_S, USUAL_S, LONG_S = 3, 6, 30
FIGURE = "its partition is held at in_flight.uncommitted, the others go on; redelivered a kill below that and what is in flight; nothing lost once the topic is there"
LEAST = {"kills": 5}
CLAIMS = {"letter_copies": 0}
RATE, UNCOMMITTED, BATCH, RESUME_S = 4000, 1000, 256, 35


def wait_held(keeper):
    """Returns which partition is: the first word of the line."""
    return wait_for("a partition to be held", lambda: [row["message"].split()[0] for row in keeper.says(" is held: the event at offset ")], 60)


def play(stage, span):
    stage.arguments += ("--in_flight.uncommitted", str(UNCOMMITTED), "--lanes", "4")
    stage.open(letters_partitions=None)
    keeper, = stage.start("keeper", 1)
    stage.feed.begin(rate=RATE)
    fault = stage.fault("no topic for dead letters, and an event that needs it")
    stage.feed.ask("needs-a-letter", kind="dead")
    held = wait_held(keeper)
    kills = 0
    while True:
        stage.wait_effects(RATE)
        if kills >= 2 and not span.goes_on(kills=kills):
            break
        keeper.kill()
        kills += 1
        keeper.start()
        keeper.wait_state("ready")
        if wait_held(keeper) != held or len(held) != 1:
            raise Failed(f"held: {wait_held(keeper)}; before the kill {held}, and one event cannot end")
    stage.cluster.make_topics({stage.letters: 1}, config=APPENDED)
    stage.healed(fault, RESUME_S)
    wait_for("the partition to be read again", lambda: keeper.says(f"{held[0]} is read again"), RESUME_S)
    stage.wait_flowing(RATE)
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    stage.claims["redelivered"] = (UNCOMMITTED + 2 * IN_FLIGHT + BATCH) * kills
    return {"kills": kills, "letters": stage.letters_written()}
