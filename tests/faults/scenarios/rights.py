"""The right to write is taken from the topic of the emissions, and given back: waited for without a hot loop, nothing lost, no dead letter."""
import time

from confluent_kafka.admin import AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient, ResourcePatternType, ResourceType

from checker import KEPT
from support import Failed, say, wait_for

BROKERS = 1
# of its own cluster, as brokers of several that know no principals cannot find together under an authorizer
SETTINGS = ("authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", "allow.everyone.if.no.acl.found=true")
SHORT_S, USUAL_S, LONG_S = 3, 8, 20
FIGURE = "without the right nothing lost, no dead letter, a line that names it, at most 20 attempts a keeper; all goes on within 35 s of its return"
LEAST = {"taken_away": 2}
CLAIMS = {"emission_copies": 0, "letter_copies": 0}
RATE, RESUME_S, MOST_ATTEMPTS, MOST_S = 200, 35, 20, 8
ANYBODY, NOBODY = "User:ANONYMOUS", "User:nobody"


class Rights:
    """On one topic. Who has none named may do everything, as long as no one is named at all."""

    def __init__(self, brokers, topic):
        self.admin, self.topic = AdminClient({"bootstrap.servers": brokers, "log_level": 0}), topic

    def only(self, principal, operation):
        binding = AclBinding(ResourceType.TOPIC, self.topic, ResourcePatternType.LITERAL, principal, "*", operation, AclPermissionType.ALLOW)
        for future in self.admin.create_acls([binding]).values():
            future.result(30)

    def all(self):
        every = AclBindingFilter(ResourceType.TOPIC, self.topic, ResourcePatternType.LITERAL, None, None, AclOperation.ANY, AclPermissionType.ANY)
        for future in self.admin.delete_acls([every]).values():
            future.result(30)


def waits(keepers):
    """The lines that tell whom and what, and how often it was tried."""
    told = [row["message"] for keeper in keepers for row in keeper.says(f"{ANYBODY} needs the right WRITE on {KEPT}")]
    return told, max(len(keeper.says("was aborted")) for keeper in keepers)


def play(stage, span):
    stage.arguments += ("--delivery", "exactly-once")
    stage.open()
    stage.read_along()
    rights = Rights(stage.brokers, KEPT)
    keepers = stage.start("keeper", 2)
    stage.feed.begin(rate=RATE)
    stage.wait_effects(2 * RATE)
    attempts, taken = 0, 0
    try:
        for what, principal, operation in (("write", ANYBODY, AclOperation.READ), ("see", NOBODY, AclOperation.READ)):
            fault = stage.fault(f"nobody may {what} {KEPT}")
            rights.only(principal, operation)
            wait_for(f"a keeper to tell that it may not write {KEPT}", lambda: waits(keepers)[0], 30)
            time.sleep(min(span.seconds, MOST_S))
            told, tried = waits(keepers)
            for row in told[:1]:
                say(f"  {row}")
            rights.all()
            stage.healed(fault, RESUME_S)
            stage.wait_flowing(RATE)
            attempts, taken = max(attempts, tried), taken + 1
            for keeper in keepers:
                keeper.term()
                keeper.end(0)
                keeper.start()
                keeper.wait_state("ready")
    finally:
        rights.all()
    stage.feed.end(at_once=True)
    stage.wait_done()
    stage.term_all()
    if attempts > MOST_ATTEMPTS:
        raise Failed(f"{attempts} transactions were tried without the right, at most {MOST_ATTEMPTS} are to be")
    return {"taken_away": taken, "attempts": attempts}
