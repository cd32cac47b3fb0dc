#!/usr/bin/env python3
"""What a real Kafka and its users do to services: missing, stopped, killed, frozen; topics missing; signals; bad input."""
import argparse
import collections
import os
import random
import signal
import sys
import time

from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

import bad
import orders as shop
import wire
from judge import check_letter, judge
from shop import SHORT_SESSION, breakdowns, report
from support import SKIP, Bench, Emit, Failed, Progress, Service, Skip, free_port, lag, say, wait_for

LATE_LIMIT = 2.5                         # seconds for a drain of 1 s whose deadline passes, and a moment for the broker
OTHER_LETTERS = "shop.orders.notifications.dlt"


def need(condition, text):
    if not condition:
        raise Failed(text)


class Scene:
    """One Kafka through all acts; every order ever placed is judged at the end."""

    def __init__(self, bench, options):
        self.bench, self.options = bench, options
        self.services, self.kafka = bench.services, bench.kafka
        self.orders, self.archive, self.others = [], [], set()
        self.seeds = random.Random(options.seed)
        self.reader = self.progress = None
        self.expected = self.letters = 0

    def open(self):
        self.reader = wire.Reader(self.bench.brokers)
        self.groups = self.bench.groups()
        self.progress = Progress(self.reader, shop.TOPICS, shop.LETTERS)

    def place(self, count, kinds=None, rate=None):
        """Places that many orders (of these kinds only) and adds up what must come of all so far."""
        made = shop.make(self.seeds.getrandbits(32), count * (1 if kinds is None else 8), int(time.time() * 1000))
        made = [order for order in made if kinds is None or order.kind in kinds][:count]
        self.orders += made
        self.expected += sum(shop.LENGTH[order.kind] for order in made)
        self.letters += sum(order.kind == "dead" for order in made)
        return Emit(self.bench, made, rate)

    def ended(self):
        self.progress.look()
        return len(self.progress.seen) >= self.expected and len(self.progress.letters) >= self.letters

    def wait_ended(self, seconds=90):
        began = time.monotonic()
        wait_for(lambda: f"{self.expected} events and {self.letters} letters; there are {len(self.progress.seen)} and {len(self.progress.letters)}",
                 self.ended, seconds, pause=0)
        return time.monotonic() - began

    def seen(self):
        return len(self.progress.look().seen)

    def wait_seen(self, since, count):
        """Until there are so many more distinct events than at `since`: asked for before what makes them is started, or they may all be there by then."""
        wanted = since + count
        wait_for(lambda: f"{wanted} events; there are {len(self.progress.seen)}", lambda: len(self.progress.look().seen) >= wanted, 60, pause=0)

    def wait_committed(self, seconds=40):
        wait_for(lambda: f"committed offsets = end of topics; lag: {lag(self.reader, self.groups)}", lambda: not lag(self.reader, self.groups), seconds, pause=0.2)

    def delete(self, topic):
        for done in self.reader.admin.delete_topics([topic]).values():
            done.result(20)
        wait_for(f"{topic} to be gone", lambda: topic not in self.reader.topics(), 20)
        self.progress.forget(topic)

    def configure(self, topic, **values):
        entries = [ConfigEntry(name.replace("_", "."), str(value), incremental_operation=AlterConfigOpType.SET) for name, value in values.items()]
        for done in self.reader.admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)]).values():
            done.result(20)


# ---- acts, in order ----------------------------------------------------------------------------------

def no_broker(scene):
    """A service without a broker says so with the address, stays alive, and ends at once when asked to."""
    port = free_port()
    payments = Service(scene.bench, "payments").start(brokers=f"127.0.0.1:{port}")
    wait_for(lambda: f"words about 127.0.0.1:{port}; it said {payments.tail()}", lambda: payments.says(f"no broker answers at 127.0.0.1:{port}"), 15)
    say("  it says: " + payments.says("no broker")[0]["message"])
    need(payments.process.poll() is None, "it ended by itself")
    payments.term()
    took = payments.end(0, 5)
    say(f"  SIGTERM: ended with 0 after {took:.2f} s")
    need(took < 2, f"that took {took:.2f} s")


def broker_and_topics_come_later(scene):
    """Services first, then the broker, then the topics: all are waited for, and then all works."""
    for service in scene.services.values():
        service.start()
    for service in scene.services.values():
        wait_for(lambda: f"{service.name} to miss the broker; it said {service.tail()}", lambda: service.says(f"no broker answers at {scene.bench.brokers}"), 15)
    scene.kafka.up()
    for service in scene.services.values():
        wait_for(lambda: f"{service.name} to miss its topics; it said {service.tail()}", lambda: service.says("does not exist"), 40)
    say("  payments says: " + scene.services["payments"].says("does not exist")[0]["message"])
    scene.bench.make_topics()
    began = time.monotonic()
    for service in scene.services.values():
        service.wait_state("ready", 60)
    say(f"  ready {time.monotonic() - began:.1f} s after the topics were made")
    scene.open()
    scene.place(100).rows()
    say(f"  100 orders ended after {scene.wait_ended():.1f} s")
    scene.wait_committed()
    need(scene.progress.duplicates() == 0, f"{scene.progress.duplicates()} duplicates")


def drain_under_load(scene):
    """SIGTERM to all in mid-flow: exit 0 in time, nothing lost, and nothing twice."""
    before, times, to_come = scene.progress.duplicates(), [], []
    for _ in range(2):                                   # orders of its own each time: on a slow machine the first may have ended by then
        since = scene.seen()
        emit = scene.place(scene.options.orders // 2, rate=scene.options.orders / 4)
        scene.wait_seen(since, scene.options.orders // 4)
        times.append(scene.bench.stop_all())
        to_come.append(scene.expected - len(scene.progress.seen))
        scene.bench.start_all()
        emit.rows()
    scene.wait_ended()
    scene.wait_committed()
    say(f"  drained under load within {', '.join(f'{took:.2f}' for took in times)} s with {', '.join(map(str, to_come))} events to come; "
        f"{scene.progress.duplicates() - before} duplicates of {scene.options.orders} orders")
    need(scene.progress.duplicates() == before, "a drain must leave nothing to be done twice")


def broker_gone(scene):
    """The broker is killed in mid-flow and comes back after a while: nothing lost."""
    before = scene.progress.duplicates()
    scene.bench.stop_all()
    since, orders = scene.seen(), 4 * scene.options.orders           # so many that they have not ended when the first events of theirs are seen
    scene.place(orders).rows()
    for service in scene.services.values():
        service.start(*SHORT_SESSION)
    scene.wait_seen(since, orders + scene.options.orders)
    scene.kafka.kill()
    gone = time.monotonic()
    need(scene.seen() < scene.expected, "all had ended before the broker was killed")
    for service in scene.services.values():
        wait_for(lambda: f"{service.name} to miss the broker; it said {service.tail()}", lambda: service.says("no broker answers at"), 15)
    say(f"  broker killed (SIGKILL) with {scene.expected - len(scene.progress.seen)} events to come; all five say so")
    while time.monotonic() - gone < scene.options.outage:
        time.sleep(0.2)                                  # the outage itself, not a wait for something
        for service in scene.services.values():
            need(service.process.poll() is None, f"{service.name} ended with {service.process.returncode}: {service.tail()}")
    scene.kafka.up()
    back = time.monotonic()
    scene.wait_ended(120)
    scene.wait_committed(60)
    say(f"  back after {back - gone:.1f} s; all ended {time.monotonic() - back:.1f} s later; {scene.progress.duplicates() - before} duplicates")
    for service in scene.services.values():
        need(service.says("a broker answers again"), f"{service.name} does not say that the broker is back")


def frozen_broker(scene):
    """The broker's process is stopped (its connections stay): SIGTERM still ends a service in time; afterwards nothing is lost."""
    scene.bench.stop_all()
    before, since = scene.progress.duplicates(), scene.seen()
    scene.place(scene.options.orders).rows()
    payments, inventory = scene.services["payments"], scene.services["inventory"]
    payments.start("--drain.deadline_ms", "1s")
    inventory.start("--drain.deadline_ms", "1s")
    scene.wait_seen(since, 2 * scene.options.orders + scene.options.orders // 4)       # what was placed, and of their 1.8 times as many
    scene.kafka.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        for service in (payments, inventory):
            service.term()
        for service in (payments, inventory):
            wait_for(lambda: f"{service.name} to end; it said {service.tail()}", lambda: service.process.poll() is not None, 30)
            code = service.process.returncode
            took = time.monotonic() - began
            say(f"  deadline of 1 s: {service.name} ended with {code} after {took:.2f} s: {service.tail(1)[0]}")
            need(code in (0, 1, 5), f"{service.name} ended with {code}")
            need(took < LATE_LIMIT, f"{service.name} took {took:.1f} s")
    finally:
        scene.kafka.signal(signal.SIGCONT)
    scene.bench.start_all()
    scene.wait_ended()
    scene.wait_committed()
    say(f"  all ended; {scene.progress.duplicates() - before} duplicates")


def letters_have_nowhere_to_go(scene):
    """The dead-letter topic is missing, later too small: nothing advances past the event, and all other keys flow."""
    payments = scene.services["payments"]
    scene.archive += scene.reader.read_all([shop.LETTERS])
    scene.delete(shop.LETTERS)
    row = scene.place(1, ["dead"]).rows()[0]
    wait_for(lambda: f"payments to say that the topic is missing; it said {payments.tail()}",
             lambda: [line for line in payments.lines() if shop.LETTERS in line.get("message", "") and line["level"] in ("warn", "error") and
                      not line["message"].startswith("dead letter (")], 40)
    say("  missing; payments says: " + [line["message"] for line in payments.lines() if shop.LETTERS in line.get("message", "")][-1])
    _stuck_at(scene, row)
    scene.bench.make_topics()
    scene.progress.remember()
    began = time.monotonic()
    scene.wait_ended(120)
    scene.wait_committed()
    say(f"  letter written and offsets at the end {time.monotonic() - began:.1f} s after the topic was made again")

    scene.configure(shop.LETTERS, max_message_bytes=100)
    row = scene.place(1, ["dead"]).rows()[0]
    wait_for(lambda: f"payments to say that the letter is refused; it said {payments.tail()}", lambda: payments.says("MSG_SIZE_TOO_LARGE"), 40)
    say("  not writable; payments says: " + payments.says("MSG_SIZE_TOO_LARGE")[-1]["message"])
    _stuck_at(scene, row)
    _signals(scene, payments)
    scene.configure(shop.LETTERS, max_message_bytes=1200000)
    began = time.monotonic()
    scene.wait_ended(120)
    scene.wait_committed()
    say(f"  letter written and offsets at the end {time.monotonic() - began:.1f} s after the topic took it")
    letter = scene.reader.read_all([shop.LETTERS])[-1]
    original = _original(scene, row["partition"], row["offset"])
    problems = list(check_letter(letter, original, "payments", bad.TYPE, "handler", "dead", with_value=letter.value is not None))
    need(not problems, "\n  ".join(problems))
    scene.others.add(original.key)                       # its letter has no value, and was judged here
    scene.orders = [order for order in scene.orders if order.id.encode() != original.key]


def emissions_have_nowhere_to_go(scene):
    """A topic that is only written to is deleted: its events wait, nothing becomes a dead letter, and nothing is lost."""
    topic, notifications = "shop.notifications", scene.services["notifications"]
    scene.archive += scene.reader.read_all([topic])
    scene.delete(topic)
    rows = scene.place(50, ["shipped", "rejected", "declined"]).rows()
    wait_for(lambda: f"all but what goes to {topic}; {scene.expected - len(scene.progress.seen)} events are missing",
             lambda: len(scene.progress.look().seen) >= scene.expected - len(rows), 40, pause=0)
    wait_for(lambda: f"notifications to say that {topic} is missing; it said {notifications.tail()}",
             lambda: [line for line in notifications.lines() if topic in line.get("message", "") and line["level"] == "warn"], 40)
    say("  notifications says: " + [line["message"] for line in notifications.lines() if topic in line.get("message", "")][-1])
    scene.bench.make_topics()
    scene.progress.remember()
    began = time.monotonic()
    scene.wait_ended(120)
    scene.wait_committed(60)
    say(f"  50 events written and offsets at the end {time.monotonic() - began:.1f} s after the topic was made again")


def _signals(scene, payments):
    """With a letter that cannot be written, a drain cannot end: a second signal leaves at once, a deadline is kept."""
    began = time.monotonic()
    payments.term()
    wait_for(lambda: f"payments to drain; it said {payments.tail()}", lambda: payments.state("draining"), 10)
    payments.term()
    payments.end(130, 5)
    say(f"  second signal: ended with 130 after {time.monotonic() - began:.2f} s")
    payments.start("--drain.deadline_ms", "1s")
    wait_for(lambda: f"payments to try the letter again; it said {payments.tail()}", lambda: payments.says("MSG_SIZE_TOO_LARGE"), 60)
    began = time.monotonic()
    payments.term()
    payments.end(5, 15)
    took = time.monotonic() - began
    say(f"  deadline of 1 s: ended with 5 after {took:.2f} s: {payments.tail(1)[0]}")
    need(1 <= took < LATE_LIMIT, f"a deadline of 1 s took {took:.2f} s")
    payments.start()


def _stuck_at(scene, row):
    """50 orders on the same topic end, while the committed offset stays at or before the stuck event, whatever comes behind it."""
    at = row["topic"], row["partition"]
    scene.place(50, ["shipped", "rejected", "declined"]).rows()
    wait_for(lambda: f"the other orders to end; {scene.expected - len(scene.progress.seen)} events are missing",
             lambda: len(scene.progress.look().seen) >= scene.expected, 40, pause=0)
    behind = scene.reader.ends([row["topic"]])[at] - row["offset"] - 1
    until = time.monotonic() + 1.5                       # three times the commit interval
    while time.monotonic() < until:
        committed = scene.reader.committed("payments", [row["topic"]])[at]
        need(committed <= row["offset"], f"committed {committed} passed the event at {row}")
        time.sleep(0.1)
    need(behind > 0, "nothing came behind the event in its partition, so that the check says nothing")
    say(f"  50 other orders ended, {behind} records behind it in its partition were handled; committed stays at {committed}, event at {row['offset']}")


def _original(scene, partition, offset):
    return next(record for record in scene.reader.read_all([bad.TOPIC]) if (record.partition, record.offset) == (partition, offset))


def bad_input(scene):
    """Every kind of nonsense: a byte-identical dead letter with the right code, or counted and skipped; orders flow before, between, after."""
    schemas = wire.Schemas(scene.reader.read_all([wire.SCHEMAS]))
    name = next(name for name, schema in schemas.by_fingerprint.items() if schema["name"] == bad.TYPE)
    maker = bad.Maker(schemas.by_fingerprint[name], name)
    cases = maker.cases()
    scene.configure(bad.TOPIC, max_message_bytes=bad.HUGE + 1000000)
    random.Random(scene.options.seed).shuffle(cases)
    too_large = maker.huge("ten-mb-dlt-too-small", False)
    middle = len(cases) // 2
    scene.place(30).rows()
    bad.produce(scene.bench.brokers, cases[:middle] + [too_large])
    scene.place(30).rows()
    bad.produce(scene.bench.brokers, cases[middle:])
    scene.place(30).rows()
    cases.append(too_large)
    _take_account(scene, cases)
    scene.wait_committed(60)
    scene.configure(shop.LETTERS, max_message_bytes=bad.HUGE + 1000000)
    large = maker.huge("ten-mb", True)
    bad.produce(scene.bench.brokers, [large])
    cases.append(large)
    _take_account(scene, [large])
    scene.place(30).rows()
    scene.wait_committed(60)
    problems, codes = _judge_cases(scene, cases)
    say(f"  {len(cases)} cases: " + ", ".join(f"{count} {code}" for code, count in sorted(codes.items())))
    need(not problems, "\n  ".join([f"{len(problems)} problems", *problems]))
    memory = {name: f"{service.memory_kb() / 1024:.0f} MiB" for name, service in scene.services.items()}
    say(f"  resident afterwards: {memory}")


def _take_account(scene, cases):
    """Keys of these records and of what comes of them are judged here, not with the orders."""
    for case in cases:
        scene.others.add(case.key)
        if case.order_id:
            scene.others.add(case.order_id.encode())


def _judge_cases(scene, cases):
    originals = {(record.partition, record.offset): record for record in scene.reader.read_all([bad.TOPIC])}
    letters = {"payments": collections.defaultdict(list), "notifications": collections.defaultdict(list)}
    for group, topic in (("payments", shop.LETTERS), ("notifications", OTHER_LETTERS)):
        for letter in scene.reader.read_all([topic]):
            letters[group][int(letter.header("polka-original-partition")), int(letter.header("polka-original-offset"))].append(letter)
    schemas = wire.Schemas(scene.reader.read_all([wire.SCHEMAS]))
    flows = collections.defaultdict(dict)
    ours = {case.at[:2] for case in cases}
    for record in scene.reader.read_all(shop.TOPICS):
        if record.key in scene.others and (record.topic != bad.TOPIC or (record.partition, record.offset) not in ours):
            flows[record.key.decode()][record.header("ce_type")] = record
    problems, codes = [], collections.Counter()
    for case in cases:
        at = case.at[:2]
        for group, code in case.wanted.items():
            found = letters[group].pop(at, [])
            if len(found) != (code is not None):
                problems.append(f"{case.name}: {len(found)} letters of {group}, expected {code}: {[letter.header('polka-error-message') for letter in found]}")
            elif code is not None:
                codes[code] += 1
                problems += [f"{case.name}: {text}" for text in
                             check_letter(found[0], originals[at], group, case.handler, "poison", code, case.with_value)]
                if case.says not in found[0].header("polka-error-message"):
                    problems.append(f"{case.name}: the message does not say '{case.says}': {found[0].header('polka-error-message')}")
        if case.flows:
            codes["flowed all the same"] += 1
            problems += [f"{case.name}: {text}" for text in _flowed(scene, schemas, case, originals[at], flows[case.order_id])]
        elif not any(case.wanted.values()):
            codes["skipped"] += 1
    return problems, codes


def _flowed(scene, schemas, case, original, flow):
    """The five events that come of an order, by ids that follow from the record."""
    tree = shop.TREES["shipped"]
    if set(flow) != set(tree):
        yield f"only {sorted(flow)} came of it"
        return
    if case.flows == "foreign":
        cluster = scene.reader.admin.list_topics(timeout=20).cluster_id
        cause = f"/{cluster}/{original.topic}", f"{original.partition}/{original.offset}/{original.timestamp}"
    elif case.flows is True:
        found = dict(original.headers)
        cause = found["ce_source"].decode(), found["ce_id"].decode()
    else:
        cause = case.flows
    identities = {bad.TYPE: cause}
    for type_name, (_, service, cause_type) in tree.items():
        record = flow[type_name]
        identities[type_name] = record.identity()
        schemas.decode(record)
        wanted = wire.derived_id(*identities[cause_type], service, cause_type, type_name, "0")
        if record.header("ce_id") != wanted or record.header("ce_causationid") != identities[cause_type][1] or record.header("ce_correlationid") != cause[1]:
            yield f"{record.where}: {type_name} has id {record.header('ce_id')}, expected {wanted} of cause {identities[cause_type]}; correlation {record.header('ce_correlationid')}"


def last_account(scene):
    """All orders of all acts, judged as in shop.py."""
    scene.wait_ended()
    say(f"  SIGTERM: all five ended with 0 within {scene.bench.stop_all():.2f} s")
    topics = scene.reader.topics()
    records = scene.reader.read_all([wire.SCHEMAS, *shop.TOPICS, *(name for name in topics if name.endswith(".dlt"))])
    verdict = judge(records + scene.archive, scene.orders, others=scene.others)
    report(verdict, topics)
    problems = verdict.errors + breakdowns(scene.bench)
    need(not problems, "\n  ".join([f"{sum(verdict.wrong.values())} problems: {dict(verdict.wrong)}", *problems]))


ACTS = (no_broker, broker_and_topics_come_later, drain_under_load, broker_gone, frozen_broker, letters_have_nowhere_to_go, emissions_have_nowhere_to_go, bad_input,
        last_account)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.environ.get("POLKA_BUILD"), help="the build folder, with bin/")
    parser.add_argument("--orders", type=int, default=1000, help="in each act under load")
    parser.add_argument("--outage", type=float, default=6, help="seconds that the broker is gone")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--only", help="acts by name, with commas; the first two and the last are always played")
    options = parser.parse_args()
    if options.build is None:
        parser.error("--build or POLKA_BUILD")
    say(f"seed {options.seed}")
    began, act = time.monotonic(), None
    try:
        with Bench(options.build, up=False) as bench:
            bench.arguments = ("--schemas.missing_ms", "2s")         # so that an unknown schema is given up while we look
            scene = Scene(bench, options)
            for act in ACTS:
                if options.only and act.__name__ not in options.only.split(",") and act not in (*ACTS[:2], ACTS[-1]):
                    continue
                say(f"{act.__name__}: {act.__doc__}")
                act(scene)
    except Skip as why:
        say(f"skipped: {why}")
        return SKIP
    except Failed as why:
        say(f"FAILED in {act.__name__ if act else 'start'}: {why}")
        return 1
    say(f"passed in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
