#!/usr/bin/env python3
"""Exactly-once on a real Kafka: a service copies a topic by transactions, and is killed with SIGKILL again and again, as are brokers.
There are three of them: one alone that is killed and started again is fenced while the coordinator sends the markers of a transaction that was
being committed, and Kafka 4.3.1 then drops those as "likely deleted already": half of a transaction is committed, whoever wrote it.
A reader of what is committed, from the beginning to the end of it all, and one that comes afterwards: each line once, in exact order."""
import argparse
import os
import random
import struct
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import NewTopic

import wire
from support import SKIP, Bench, Failed, Service, Skip, lag, say, wait_for

LINES, COPIES, LETTERS = "copy.lines", "copy.copies", "copy.lines.exactly_once.dlt"
KEYS, SHOWN, BROKERS = 50, 10, 3
ID, SOURCE, EMISSION = "ce_id", "/copy/test", ("exactly_once", "copy.Line", "copy.Copied", "0")


def make_topics(reader):
    made = [NewTopic(topic, 1, BROKERS) for topic in (LINES, COPIES, LETTERS, "polka.services")]
    made.append(NewTopic("polka.schemas", 1, BROKERS, config={"cleanup.policy": "compact"}))
    for each in reader.admin.create_topics(made).values():
        each.result(60)


def zigzag(number):
    number = number << 1 ^ number >> 63
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def number_of(value):
    """The last field of what single-object encoding holds: after the key, which is a short string."""
    at, shift, number = 11 + (value[10] >> 1), 0, 0
    while True:
        number |= (value[at] & 127) << shift
        if value[at] < 128:
            return number >> 1 ^ -(number & 1)
        at, shift = at + 1, shift + 7


class Gate:
    """How many lines may be written so far: what is to come to pass in mid-flow must not find all of them copied."""

    def __init__(self):
        self.open_to, self.changed = 0, threading.Condition()

    def open(self, count):
        with self.changed:
            self.open_to = max(self.open_to, count)
            self.changed.notify_all()

    def wait(self, number):
        if number >= self.open_to:
            with self.changed:
                self.changed.wait_for(lambda: number < self.open_to)


def write(brokers, count, gate):
    """`count` lines, numbered from 0, into one partition."""
    canonical = '{"name":"copy.Line","type":"record","fields":[{"name":"key","type":"string"},{"name":"number","type":"long"}]}'
    frame = b"\xc3\x01" + struct.pack("<Q", wire.fingerprint(canonical))
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 20, "enable.idempotence": True, "log_level": 0})
    for number in range(count):
        if number >= gate.open_to:
            producer.flush(120)
        gate.wait(number)
        key = b"k%d" % (number % KEYS)
        while True:
            try:
                producer.produce(LINES, key=key, value=frame + zigzag(len(key)) + key + zigzag(number),
                                 headers=[("ce_specversion", b"1.0"), ("ce_type", b"copy.Line"), ("ce_source", SOURCE.encode()), ("ce_id", b"%d" % number)])
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    if producer.flush(120):
        raise Failed("the lines could not all be written")


class Committed:
    """Reads the copies as they are committed; judges at once, and keeps none of them. That no id comes twice follows: each is that of its line."""

    def __init__(self, brokers, name):
        self.name, self.seen, self.problems, self.wrong = name, 0, [], 0
        self.consumer = Consumer({"bootstrap.servers": brokers, "group.id": "exactly-once-" + name, "enable.auto.commit": False, "log_level": 0,
                                  "isolation.level": "read_committed", "enable.partition.eof": True, "auto.offset.reset": "earliest",
                                  "fetch.wait.max.ms": 50, "reconnect.backoff.max.ms": 500})
        self.consumer.assign([TopicPartition(COPIES, 0, 0)])
        self.ended = False
        self.next = 0

    def look(self):
        for message in self.consumer.consume(2000, timeout=0.1):
            if message.error():
                self.ended = self.ended or message.error().code() == KafkaError._PARTITION_EOF
            elif message.offset() >= self.next:
                self.next = message.offset() + 1
                self.take(message)
        return self

    def take(self, message):
        number, identity = number_of(message.value()), dict(message.headers())[ID].decode()
        if number != self.seen:
            kind = "again" if number < self.seen else "out of turn"
            self.problem(f"line {number} {kind}, at offset {message.offset()}, where {self.seen} was to come")
        if identity != wire.derived_id(SOURCE, str(number), *EMISSION):
            self.problem(f"line {number}, at offset {message.offset()}, has the id {identity}, which does not follow from its cause")
        self.seen = number + 1 if number >= self.seen else self.seen


    def problem(self, text):
        self.wrong += 1
        if self.wrong <= SHOWN:
            self.problems.append(f"{self.name}: {text}")


class Watcher(threading.Thread):
    """The concurrent reader."""

    def __init__(self, brokers):
        super().__init__(daemon=True)
        self.reader, self.stopping = Committed(brokers, "concurrent"), threading.Event()
        self.start()

    def run(self):
        while not self.stopping.is_set():
            self.reader.look()


def acts(options, rng):
    """[(at this many copies, what)]: spread over the run, in random order."""
    rows = ["kill"] * options.kills + ["broker"] * options.broker_kills
    rng.shuffle(rows)
    step = options.events / (len(rows) + 1)
    return [(int(step * (i + 0.5 + rng.random() / 2)), row) for i, row in enumerate(rows)]


def alive(service, code=None):
    found = service.process.poll()
    if found is not None and found != code:
        raise Failed(f"the service ended by itself, with {found}: {service.tail()}")
    return True


def do(bench, service, act, at, rng):
    began = time.monotonic()
    if act == "kill":
        service.kill()
        service.start(*ARGUMENTS)
    else:
        bench.kafka.kill(rng.randrange(BROKERS) + 1)
        bench.kafka.up()
    say(f"  {act} at {at} copies; again after {time.monotonic() - began:.1f} s")


# a member that was killed is waited for by the group: the least time that Kafka allows
ARGUMENTS = ("-X", "session.timeout.ms=6000", "--delivery", "exactly-once", "--lanes", "4", "--transaction.events", "1000")


def run(bench, options, rng):
    reader = wire.Reader(bench.brokers)
    make_topics(reader)
    service = bench.services["exactly_once"] = Service(bench, "exactly_once").start(*ARGUMENTS)
    gate = Gate()
    writer = threading.Thread(target=write, args=(bench.brokers, options.events, gate), daemon=True)
    watcher = Watcher(bench.brokers)
    writer.start()
    began, seen = time.monotonic(), watcher.reader
    for at, act in acts(options, rng):
        gate.open(at + options.events // (4 * (options.kills + options.broker_kills)))
        wait_for(lambda: f"{at} copies; there are {seen.seen}; the service said {service.tail()}", lambda: alive(service) and seen.seen >= at, 300)
        do(bench, service, act, seen.seen, rng)
    gate.open(options.events)
    wait_for(lambda: f"{options.events} copies; there are {seen.seen}; the service said {service.tail()}",
             lambda: alive(service) and seen.seen >= options.events, 600)
    took = time.monotonic() - began
    writer.join(60)
    service.wait_state("ready")          # the last kill may have been a moment ago
    service.term()
    service.end(0)
    left = lag(reader, {"exactly_once": [LINES]})
    watcher.stopping.set()
    watcher.join(30)
    final = Committed(bench.brokers, "final")
    wait_for("the end of the copies", lambda: final.look().ended, 120)
    judge(options, reader, (seen, final), left)
    aborted = len([row for row in service.lines(whole=True) if "was aborted" in (row.get("message") or "")])
    say(f"{options.events} lines, {options.kills} kills of the service, {options.broker_kills} of the broker, {aborted} aborted transactions, "
        f"in {took:.0f} s: 0 duplicates, 0 missing, exact order for both readers")


def judge(options, reader, readers, left):
    problems = [problem for each in readers for problem in each.problems]
    problems += [f"{each.name}: {each.seen} of {options.events} lines" for each in readers if each.seen != options.events]
    # the last record of a topic that is copied by transactions is no line, but the end of one: the lines' own topic has none
    problems += [f"committed is {-count} off the end of {at}" for at, count in left.items()]
    letters = sum(reader.ends([LETTERS]).values())
    problems += [f"{letters} dead letters"] if letters else []
    if problems:
        counts = ", ".join(f"{each.name}: {each.wrong} wrong" for each in readers)
        raise Failed(f"{counts}; " + "; ".join(problems[:10]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.environ.get("POLKA_BUILD"), help="the build folder, with bin/")
    parser.add_argument("--events", type=int, default=10000, help="lines; the long run has 1000000")
    parser.add_argument("--kills", type=int, default=2, help="of the service; the long run has 30")
    parser.add_argument("--broker-kills", type=int, default=1, help="of a broker of three; the long run has 10")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    if options.build is None:
        parser.error("--build or POLKA_BUILD")
    say(f"exactly-once copy: --events {options.events} --kills {options.kills} --broker-kills {options.broker_kills} --seed {options.seed}")
    try:
        with Bench(options.build, brokers=BROKERS) as bench:
            run(bench, options, random.Random(options.seed))
    except Skip as why:
        say(f"skipped: {why}")
        return SKIP
    except Failed as why:
        say(f"FAILED: {why}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
