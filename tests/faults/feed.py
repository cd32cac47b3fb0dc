"""The driver: sends deposits at a rate, each with id, key and sequence of its key, and writes down what Kafka acknowledged."""
import contextlib
import functools
import json
import os
import random
import threading
import time

import fastavro
from confluent_kafka import Producer

import wire
from checker import DEPOSITS, SOURCE
from support import Failed

HERE = os.path.dirname(os.path.abspath(__file__))
CONDUCTS = ("KEEP", "RETRY_ONCE", "RETRY_ALWAYS", "DEAD", "STICK", "LATE")
KINDS = {"keep": "KEEP", "retry-once": "RETRY_ONCE", "retry": "RETRY_ALWAYS", "dead": "DEAD", "stick": "STICK", "late": "LATE", "hang": "STICK"}


def _schema():
    with open(os.path.join(HERE, "schemas", "deposited.v1.avsc")) as file:
        parsed = fastavro.parse_schema(json.load(file))
    return wire.fingerprint(fastavro.schema.to_parsing_canonical_form(parsed))


FRAME = b"\xc3\x01" + _schema().to_bytes(8, "little")


def _long(number):
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def value_of(identity, key, sequence, handling_us, kind, note=b"."):
    """The bytes of one deposit; of poison, what nobody can read."""
    texts = [_long(len(text)) + text for text in (identity.encode(), key.encode(), note)]
    good = FRAME + texts[0] + texts[1] + _long(sequence) + _long(handling_us) + _long(CONDUCTS.index(KINDS.get(kind, "KEEP"))) + texts[2]
    return {"empty": b"", "truncated": good[:-1], "framing": b"\x42" + good}.get(kind, good)


class Plan:
    """What each event is: how long its handler takes and what kind it is, by a seed."""

    def __init__(self, seed, keys=200, handling_us=0, poison=0.0, kinds=("dead", "retry", "truncated", "empty", "framing"), retry_once=0.0, slow=None, note=b"."):
        """slow: (share, from, to) of events whose handlers take that many microseconds."""
        self.slow, self.random, self.keys, self.handling_us, self.poison = slow, random.Random(seed), keys, handling_us, poison
        self.kinds, self.retry_once, self.note = kinds, retry_once, note

    def next(self):
        """(key, handling_us, kind)"""
        draw = self.random.random()
        kind = self.random.choice(self.kinds) if draw < self.poison else "retry-once" if draw < self.poison + self.retry_once else "keep"
        takes = self.slow[1:] if self.slow and self.random.random() < self.slow[0] else self.handling_us
        return f"k{self.random.randrange(self.keys)}", self.random.randrange(*takes) if isinstance(takes, tuple) else takes, kind


class Feed:
    """Sends in a thread of its own until `count` are sent or stop is called; each send is repeated until Kafka has it."""

    def __init__(self, brokers, folder, prefix, plan):
        self.prefix, self.plan = prefix, plan
        self.producer = Producer({"bootstrap.servers": brokers, "acks": "all", "enable.idempotence": True, "message.timeout.ms": 0, "linger.ms": 5,
                                  "partitioner": "murmur2_random", "log_level": 0, "queue.buffering.max.messages": 2000000,
                                  "reconnect.backoff.max.ms": 500})
        self.file = open(os.path.join(folder, "sent.ledger"), "a")
        self.sequences, self.sent, self.acknowledged, self.failed = {}, 0, 0, []
        self.stopping, self.holding, self.thread, self.asked = threading.Event(), threading.Event(), None, []

    def begin(self, count=None, rate=2000):
        self.stopping.clear()
        self.thread = threading.Thread(target=self._work, args=(count, rate), daemon=True)
        self.thread.start()
        return self

    def send(self, key, handling_us=0, kind="keep"):
        sequence = self.sequences.get(key, 0)
        self.sequences[key] = sequence + 1
        identity = f"{self.prefix}-{self.sent}"
        self.sent += 1
        headers = [("ce_specversion", b"1.0"), ("ce_id", identity.encode()), ("ce_source", SOURCE.encode()), ("ce_type", b"faults.Deposited")]
        report = functools.partial(self._reported, identity, key, sequence, kind)
        while True:
            try:
                self.producer.produce(DEPOSITS, value_of(identity, key, sequence, handling_us, kind, self.plan.note), key.encode(), headers=headers, on_delivery=report)
                return
            except BufferError:
                self.producer.poll(0.05)

    def ask(self, key, handling_us=0, kind="keep"):
        """A certain one, sent by the thread of the feed with its next ones."""
        self.asked.append((key, handling_us, kind))

    def _reported(self, identity, key, sequence, kind, error, message):
        if error is not None:
            self.failed.append(f"{identity}: {error}")
            return
        self.acknowledged += 1
        self.file.write(f"{identity} {key} {sequence} {kind}\n")

    def _work(self, count, rate):
        began, done = time.monotonic(), 0
        while not self.stopping.is_set() and (count is None or done < count):
            if self.holding.is_set():
                self.producer.poll(0.01)
                began = time.monotonic() - done / rate       # what it did not send meanwhile it never does
                continue
            due = int((time.monotonic() - began) * rate) + 1
            for _ in range(max(0, min(due - done, 1000, (count or 1 << 60) - done))):
                self.send(*(self.asked.pop() if self.asked else self.plan.next()))
                done += 1
            self.producer.poll(0.01)

    @contextlib.contextmanager
    def held(self):
        """Nothing new is sent within."""
        self.holding.set()
        yield
        self.holding.clear()

    def is_sending(self):
        return self.thread.is_alive()

    def rest(self, seconds=10):
        """Nothing more is sent, and what is acknowledged so far stands in the ledger. After an end it does nothing."""
        self.stopping.set()
        if self.thread is not None:
            self.thread.join(seconds)
        self.producer.flush(seconds)
        self.file.flush()

    def end(self, seconds=60, at_once=False):
        """Waits until all is sent (at_once: no more is sent) and acknowledged."""
        if at_once:
            self.stopping.set()
        self.thread.join(None if at_once else 36000)
        left = self.producer.flush(seconds)
        self.file.flush()
        if left or self.failed:
            raise Failed(f"{left} sends are not acknowledged after {seconds} s, {len(self.failed)} failed: {self.failed[:3]}")
        return self.acknowledged
