#!/usr/bin/env python3
"""Members of a group come, go, are replaced and have twins under load: pauses measured, and the invariants of tests/faults checked."""
import argparse
import collections
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
import traceback
import urllib.request

from confluent_kafka.admin import AdminClient

import stage as faults
from checker import DEPOSITS
from feed import Plan
from ledgers import Ledgers
from support import ENVIRONMENT, SKIP, Failed, Skip, free_port, say, wait_for

PARTITIONS, RATE, HEARTBEAT_MS, SESSION_MS = 12, 1200, 1000, 10000
BROKER = (f"group.consumer.min.heartbeat.interval.ms={HEARTBEAT_MS}", f"group.consumer.heartbeat.interval.ms={HEARTBEAT_MS}",
          f"group.consumer.min.session.timeout.ms={SESSION_MS}", f"group.consumer.session.timeout.ms={SESSION_MS}")
TWIN = "group.instance.id"
FROZEN = 3                               # times a member is stopped
SPARE_S = 15                             # a heartbeat to join, two seconds without partitions, and a slow machine
AFTER_S = 4                              # measured after a member has come or gone

faults.PARTITIONS = PARTITIONS
faults.LOSSES += (f"source: {TWIN}", TWIN, "the group has put this process out")

Case = collections.namedtuple("Case", "play protocol arguments old new")
COOPERATIVE = ("-X", "partition.assignment.strategy=cooperative-sticky")
CONSUMER = ("-X", "group.protocol=consumer")
EXACTLY_ONCE = ("--delivery", "exactly-once")


class Row:
    def __init__(self, name):
        self.name, self.pauses, self.said, self.problems, self.seconds = name, [], [], [], 0.0


# ---- members

class Group:
    """One group under load on a stage of its own."""

    def __init__(self, options, cluster, name, case):
        claims = {"redelivered": None}
        if EXACTLY_ONCE[1] in case.arguments:
            claims["emission_copies"] = 0
        self.stage, self.options, self.case = faults.Stage(cluster, options, name, claims), options, case
        self.stage.arguments = ("--in_flight.events", str(faults.IN_FLIGHT), *case.arguments)
        self.admin = AdminClient({"bootstrap.servers": cluster.brokers, "log_level": 0})

    def begin(self, slow=None):
        self.stage.open(plan=Plan(self.options.seed, keys=600, slow=slow))
        if EXACTLY_ONCE[1] in self.case.arguments:
            self.stage.read_along()

    def member(self, number, release, *arguments):
        """Starts one with this librdkafka."""
        keeper = self.stage.service("keeper", number)
        keeper.command = [*self.options.releases[release], *keeper.command]
        keeper.with_arguments = arguments
        return keeper.start(*arguments)

    def wait_share(self, keeper, events=200, seconds=30):
        """Until it has partitions, and has handled that many events."""
        want = self.stage.effects(f"{keeper.name}-{keeper.pid}.") + events
        wait_for(lambda: f"{events} effects of {keeper.name}; it said {keeper.tail()}", lambda: self.stage.effects(f"{keeper.name}-{keeper.pid}.") >= want, seconds)

    def description(self):
        return self.admin.describe_consumer_groups([self.stage.groups["keeper"]])[self.stage.groups["keeper"]].result(20)

    def shares(self):
        """[(instance id or None, sorted partitions)] when all partitions are given out and nothing moves."""
        def settled():
            found = self.description()
            shares = [(member.group_instance_id, sorted(at.partition for at in member.assignment.topic_partitions if at.topic == DEPOSITS)) for member in found.members]
            complete = sorted(sum((share for _, share in shares), [])) == list(range(PARTITIONS))
            return sorted(shares, key=str) if complete and found.state.name == "STABLE" else None
        return wait_for("a stable group that has all partitions", settled, 30, pause=0.2)

    def finish(self, row):
        """Ends all, and judges."""
        self.stage.feed.end(at_once=True)
        self.stage.wait_done()
        self.stage.term_all()
        verdict = self.stage.judge()
        figures = verdict.figures
        row.said.append(f"{figures['acknowledged']:,} events, {figures['redelivered_keeper']} redelivered")
        row.problems += verdict.lines
        if verdict.wrong:
            row.problems.append(f"{sum(verdict.wrong.values())} violations: {dict(verdict.wrong)}")
        return Ledgers(self.stage.folder)


# ---- how long nothing was handled

class Pauses:
    """The longest times without a handled event that end in a window: over all partitions, and partition by partition."""

    def __init__(self, book):
        where = {event: partition for partition, _, _, event in book.deposits}
        self.times = {partition: [] for partition in range(PARTITIONS)}
        for rows in book.effects["keeper"].values():
            for effect in rows:
                self.times[where[effect.id]].append(effect.ended_us)
        for times in self.times.values():
            times.sort()
        self.all = sorted(sum(self.times.values(), []))

    @staticmethod
    def _longest(times, begin_us, end_us):
        return max((after - before for before, after in zip(times, times[1:]) if begin_us < after <= end_us), default=0) / 1000

    def between(self, begin_us, end_us):
        """(all, worst partition, median partition) in ms."""
        each = [self._longest(times, begin_us, end_us) for times in self.times.values()]
        return round(self._longest(self.all, begin_us, end_us)), round(max(each)), round(statistics.median(each))


def now_us():
    return time.time_ns() // 1000


# ---- the cases

def join_leave(group, case, row):
    """A second member comes and goes."""
    group.begin()
    group.member(1, case.old).wait_state("ready")
    group.stage.feed.begin(rate=RATE)
    group.stage.wait_effects(RATE)
    began = now_us()
    time.sleep(2)
    joined, fault = now_us(), group.stage.fault("a second member comes")
    second = group.member(2, case.new)
    group.wait_share(second)
    group.stage.healed(fault, within_s=10)
    if [len(share) for _, share in group.shares()] != [PARTITIONS // 2] * 2:
        raise Failed(f"the two members have {group.shares()}")
    time.sleep(AFTER_S)
    left, fault = now_us(), group.stage.fault("it goes")
    second.term()
    second.end(0)
    group.stage.healed(fault, within_s=10)
    time.sleep(AFTER_S)
    ended = now_us()
    pauses = Pauses(group.finish(row))
    row.pauses += [("before", *pauses.between(began, joined)), ("join", *pauses.between(joined, left)), ("leave", *pauses.between(left, ended))]


def rolling(group, case, row):
    """Old and new in one group, then the old one is replaced."""
    group.begin()
    old = group.member(1, case.old)
    old.wait_state("ready")
    group.stage.feed.begin(rate=RATE)
    group.stage.wait_effects(RATE)
    mixed = now_us()
    new = group.member(2, case.new)
    group.wait_share(new)
    group.wait_share(old)
    shares, assignor = group.shares(), group.description().partition_assignor
    if [len(share) for _, share in shares] != [PARTITIONS // 2] * 2 or assignor != "range":
        raise Failed(f"old and new have {shares} by {assignor}")
    time.sleep(2)
    replaced = now_us()
    old.term()
    old.end(0)
    group.wait_share(group.member(3, case.new))
    shares = group.shares()
    if [len(share) for _, share in shares] != [PARTITIONS // 2] * 2:
        raise Failed(f"after the replacement the members have {shares}")
    time.sleep(AFTER_S)
    ended = now_us()
    pauses = Pauses(group.finish(row))
    row.said.insert(0, f"6 + 6 partitions by {assignor} with both")
    row.pauses += [("mixed", *pauses.between(mixed, replaced)), ("replaced", *pauses.between(replaced, ended))]


def static(group, case, row):
    """A restart of a static member moves nothing; a twin is told apart from it."""
    group.begin(slow=(0.02, 300000, 900000))
    first = group.member(1, case.old, "--lanes", "8", "-X", f"{TWIN}=till-1")
    first.wait_state("ready")
    second = group.member(2, case.new, "--lanes", "8", "-X", f"{TWIN}=till-2")
    second.wait_state("ready")
    before = group.shares()
    group.stage.feed.begin(rate=RATE // 4)
    group.wait_share(first)
    group.wait_share(second)
    restarted = now_us()
    second.term()
    second.end(0)
    time.sleep(2 * HEARTBEAT_MS / 1000)                  # a member that had heard of a rebalance would have joined again by now
    second.start(*second.with_arguments)
    group.wait_share(second)
    ended = now_us()
    if group.shares() != before:
        raise Failed(f"a restart of till-2 moved partitions: {before} became {group.shares()}")
    fenced = _twin(group, case, first, row)
    book = group.finish(row)
    share = dict(before)["till-1"]
    where = {event: partition for partition, _, _, event in book.deposits}
    for process in first.processes[:1]:
        strange = {where[effect.id] for effect in book.effects["keeper"][process] if effect.began_us < fenced} - set(share)
        if strange:
            row.problems.append(f"{first.name} handled events of partitions {sorted(strange)}, its share is {share}")
    row.said.insert(0, "a restart moved nothing")
    row.pauses.append(("restart", *Pauses(book).between(restarted, ended)))


def _twin(group, case, first, row):
    """The one that has to go ends with 3 and says why, the other works on. Returns when the twin came."""
    came = now_us()
    twin = group.member(3, case.new, "--lanes", "8", "-X", f"{TWIN}=till-1")
    gone, stays = (twin, first) if case.protocol == "consumer" else (first, twin)
    gone.end(3, 25)
    said = gone.says(f"{TWIN} till-1 of group {group.stage.groups['keeper']}")
    if not said or "needs one of its own" not in said[0]["message"]:
        raise Failed(f"{gone.name} does not say why it ended: {gone.tail()}")
    group.wait_share(stays)
    row.said.append(f"the {'newcomer' if gone is twin else 'old'} twin ended with 3")
    return came


def frozen(group, case, row):
    """A member is stopped for longer than its session, and goes on as one that the group has put out: nothing that was under way leaves."""
    group.begin(slow=(0.05, 300000, 1500000))
    first, second = [group.member(number, case.new, "--lanes", "8") for number in (1, 2)]
    first.wait_state("ready")
    second.wait_state("ready")
    group.stage.feed.begin(rate=RATE // 12)
    group.wait_share(first, 50)
    group.wait_share(second, 50)
    for _ in range(FROZEN):
        fault = group.stage.fault(f"{second.name} frozen")
        second.stop()
        time.sleep(SESSION_MS / 1000 + 3)
        second.cont()
        group.stage.healed(fault, within_s=20)
        group.wait_share(second, 20)
    told, lost = len(second.says("the group has put this process out")), second.losses()
    if lost == 0 or (told == 0 and case.protocol == "consumer"):     # with the others the client library may know it at once
        row.problems.append(f"{second.name} was frozen {FROZEN} times and has not noticed: {second.tail()}")
    group.finish(row)
    row.said.insert(0, f"frozen {FROZEN} times, put out {told} times by its own question")


def spare(group, case, row):
    """More members than partitions: the one that gets none is ready all the same, and takes over when another goes."""
    group.begin()
    members = [group.member(number + 1, case.new) for number in range(PARTITIONS)]
    for member in members:
        member.wait_state("ready")
    wait_for("all partitions given out", lambda: [len(share) for _, share in group.shares()] == [1] * PARTITIONS, 60, pause=0.5)
    began, port = time.monotonic(), free_port(1)
    last = group.member(PARTITIONS + 1, case.new, "--http.address", "127.0.0.1", "--http.port", str(port))
    last.wait_state("ready", SPARE_S)
    took = time.monotonic() - began
    if sorted(len(share) for _, share in group.shares()) != [0] + [1] * PARTITIONS:
        raise Failed(f"the members have {group.shares()}")
    for page in ("startupz", "readyz"):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=5) as answer:     # all but 2xx raises
            answer.read()
    group.stage.feed.begin(rate=RATE // 12)
    group.wait_share(members[0], 20)
    fault = group.stage.fault(f"{members[0].name} goes")
    members[0].term()
    members[0].end(0)
    group.stage.healed(fault, within_s=20)
    group.wait_share(last, 20)
    group.finish(row)
    row.said.insert(0, f"{PARTITIONS + 1} members of {PARTITIONS} partitions: the last was ready after {took:.1f} s")


CASES = {
    "join-leave-range-old": Case(join_leave, "range", (), "old", "old"),
    "join-leave-range": Case(join_leave, "range", (), "new", "new"),
    "join-leave-cooperative": Case(join_leave, "cooperative-sticky", COOPERATIVE, "new", "new"),
    "join-leave-consumer": Case(join_leave, "consumer", CONSUMER, "new", "new"),
    "rolling": Case(rolling, "range", (), "old", "new"),
    "static": Case(static, "range", (), "old", "old"),
    "static-exactly-once": Case(static, "range", EXACTLY_ONCE, "new", "new"),
    "static-consumer": Case(static, "consumer", CONSUMER, "new", "new"),
    "frozen-cooperative": Case(frozen, "cooperative-sticky", COOPERATIVE, "new", "new"),
    "frozen-consumer": Case(frozen, "consumer", CONSUMER, "new", "new"),
    "spare-consumer": Case(spare, "consumer", CONSUMER, "new", "new"),
}


# ---- all of it

def play(options, cluster, name):
    case, row, began = CASES[name], Row(name), time.monotonic()
    group = Group(options, cluster, name, case)
    try:
        case.play(group, case, row)
    except (Failed, OSError, RuntimeError) as why:
        row.problems += [str(why), *traceback.format_exc().splitlines()[-3:-1]]
    finally:
        group.stage.close()
    row.seconds = time.monotonic() - began
    versions = sorted({options.versions[release] for release in (case.old, case.new)})
    row.said.insert(0, f"{case.protocol}, librdkafka {' and '.join(versions)}")
    say(f"{name}: {'FAILED' if row.problems else 'passed'} in {row.seconds:.0f} s: {'; '.join(row.said)}")
    for problem in row.problems:
        say(f"  {problem}")
    if row.problems:
        say(f"  seed {options.seed}; ledgers and logs are in {group.stage.folder}")
    elif not options.keep:
        group.stage.forget()
    return row


def table(rows):
    lines = [f"{'case':<24} {'when':<9} {'all':>6} {'worst':>6} {'median':>6}   longest time without a handled event, ms: over all partitions, in the worst and the median one"]
    for row in rows:
        for when, *pauses in row.pauses or [("-", "-", "-", "-")]:
            lines.append(f"{row.name:<24} {when:<9} {pauses[0]:>6} {pauses[1]:>6} {pauses[2]:>6}   {'; '.join(row.said) if when == (row.pauses or [('-',)])[0][0] else ''}".rstrip())
    return "\n".join(lines)


def pauses(rows):
    """The table in a line: of join-leave-…, over all partitions and in the worst one."""
    def said(row):
        return f"{row.name.removeprefix('join-leave-')} " + ", ".join(f"{every} ({worst})" for when, every, worst, _ in row.pauses if when != "before")
    measured = [row for row in rows if row.name.startswith("join-leave-") and row.pauses]
    return f"; pause in ms on join, leave (in the worst partition): {'; '.join(said(row) for row in measured)}" if measured else ""


def version_of(options, release):
    done = subprocess.run([*options.releases[release], os.path.join(options.build, "bin", "faults_keeper"), "--version"], capture_output=True, text=True, env=ENVIRONMENT)
    found = [row.split()[1] for row in done.stdout.splitlines() if row.startswith("librdkafka ")]
    if not found:
        raise Failed(f"which librdkafka? {done.stdout}{done.stderr}")
    return found[0]


def parse():
    parser = argparse.ArgumentParser(prog="tests/extra/rebalance/run", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"some of {' '.join(CASES)}; all without words")
    parser.add_argument("--newest", required=True, help="the folder with the newest librdkafka.so.1")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--folder", help="for logs, ledgers and Kafka; in the build folder else")
    parser.add_argument("--keep", action="store_true", help="keeps the ledgers and logs of cases that passed, too")
    parser.add_argument("--port", type=int, help="of Kafka; a free one else")
    options = parser.parse_args()
    for name in options.cases:
        if name not in CASES:
            parser.error(f"no case {name}; there are {' '.join(CASES)}")
    options.cases = options.cases or list(CASES)
    options.build, options.run = os.path.abspath(os.environ["POLKA_BUILD"]), f"{int(time.time())}"
    options.folder = os.path.abspath(options.folder or os.path.join(options.build, "rebalance"))
    options.releases = {"old": (), "new": ("env", f"LD_LIBRARY_PATH={os.path.abspath(options.newest)}")}
    options.versions = {release: version_of(options, release) for release in options.releases}
    return options


def main():
    options, began, rows = parse(), time.monotonic(), []
    say(f"seed {options.seed}; librdkafka {options.versions['old']} and {options.versions['new']}")
    cluster = faults.Cluster(os.path.join(options.folder, f"kafka-{options.run}"), 1)
    cluster.kafka.settings += [word for setting in BROKER for word in ("--set", setting)]
    if options.port:
        cluster.kafka.port, cluster.kafka.brokers = options.port, f"127.0.0.1:{options.port}"
    try:
        cluster.up()
        rows = [play(options, cluster, name) for name in options.cases]
    except Skip as why:
        print(f"RESULT: skipped: {why}")
        return SKIP
    finally:
        cluster.down()
    failed = [row for row in rows if row.problems]
    print(table(rows))
    if not failed:
        shutil.rmtree(cluster.folder, ignore_errors=True)
    print(f"RESULT: {len(rows) - len(failed)} of {len(rows)} cases passed in {time.monotonic() - began:.0f} s, seed {options.seed}{pauses(rows)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
