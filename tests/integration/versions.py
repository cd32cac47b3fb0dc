#!/usr/bin/env python3
"""One event type in four versions on a real Kafka: an old and a new service side by side, a foreign older writer and a foreign newer one
whose schema comes to polka.schemas after its events. Each reads what all write; nothing is dead-lettered. Then the same with the ids of
a schema registry, where one can be had (tests/registry/up)."""
import argparse
import collections
import io
import json
import os
import sys
import time

import fastavro
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic

import wire
from support import SKIP, Bench, Failed, Registry, Service, Skip, lag, say, wait_for

NAMES = ("versions_old", "versions_new")
TOPICS = ("ver.asked", "ver.answers")


def record(name, *fields):
    return {"type": "record", "name": "ver." + name, "fields": [{"name": field, "type": kind} for field, kind in fields]}


OLD = record("Asked", ("id", "string"), ("remark", "string"), ("amount", "long"))
# A writer that nobody here knows: another order, an int for the long, a symbol and a field more.
NEWEST = record("Asked", ("urgent", "boolean"), ("amount", "int"),
                ("state", {"type": "enum", "name": "State", "symbols": ["paid", "refunded", "new"]}), ("id", "string"))


class Writer:
    """Writes ver.Asked with a schema of its own, framed by fingerprint or by an id, without a line of Polka."""

    def __init__(self, brokers, schema):
        self.schema, self.text = fastavro.parse_schema(schema), json.dumps(schema)
        self.name = bytes.fromhex(fastavro.schema.fingerprint(fastavro.schema.to_parsing_canonical_form(schema), "CRC-64-AVRO"))[::-1].hex()
        self.producer = Producer({"bootstrap.servers": brokers, "linger.ms": 5})

    def announce(self):
        self.producer.produce("polka.schemas", key=self.name, value=self.text)
        self.producer.flush(20)

    def write(self, values):
        for value in values:
            body = io.BytesIO()
            fastavro.schemaless_writer(body, self.schema, value)
            self.producer.produce("ver.asked", key=value["id"], value=b"\xc3\x01" + bytes.fromhex(self.name)[::-1] + body.getvalue(),
                                  headers=[("ce_specversion", b"1.0"), ("ce_type", b"ver.Asked"), ("ce_source", b"/foreign"), ("ce_id", value["id"].encode())])
            self.producer.poll(0)
        self.producer.flush(20)


def make_topics(reader):
    letters = [f"{topic}.{name}.dlt" for topic in TOPICS for name in NAMES]
    made = [NewTopic(topic, 4, 1) for topic in (*TOPICS, "ver.seen", *letters)] + [NewTopic("polka.schemas", 1, 1, config={"cleanup.policy": "compact"})]
    for each in reader.admin.create_topics(made).values():
        each.result(20)
    return letters


def expected(count, tag):
    """{(id, answered by, seen by): (amount, note)} of `count` events of the old writer and as many of the newest."""
    found = {}
    for number in range(count):
        for kind, amount, note in ((f"old-{tag}-{number}", number, "new"), (f"newest-{tag}-{number}", -number, ("paid", "new", "new")[number % 3])):
            for by in NAMES:
                found[kind, by, "versions_old"] = amount, "-"
                found[kind, by, "versions_new"] = amount, note if by == "versions_new" else "none"
    return found


def olds(count, tag):
    return [{"id": f"old-{tag}-{number}", "remark": "gone", "amount": number} for number in range(count)]


def newests(count, tag):
    return [{"id": f"newest-{tag}-{number}", "amount": -number, "urgent": True, "state": ("paid", "refunded", "new")[number % 3]} for number in range(count)]


def id_of(value):
    return int.from_bytes(value[1:5], "big")


def seen(reader, decode):
    found = collections.Counter()
    for each in reader.read_all(["ver.seen"]):
        value = decode(each)
        found[(value["id"], value["answered_by"], value["seen_by"]), (value["amount"], value["note"])] += 1
    return found


def check(reader, wanted, decode, letters):
    wait_for(lambda: f"{len(wanted)} events on ver.seen", lambda: sum(reader.ends(["ver.seen"]).values()) >= len(wanted), 90)
    groups = {name: list(TOPICS) for name in NAMES}
    wait_for(lambda: f"committed offsets = end; lag {lag(reader, groups)}", lambda: not lag(reader, groups), 30)
    found = seen(reader, decode)
    problems = [f"{key} is {value}, not {wanted.get(key)}" for (key, value) in found if wanted.get(key) != value][:5]
    if problems or sum(found.values()) != len(wanted):
        raise Failed(f"{sum(found.values())} events seen, {len(wanted)} expected; {problems}")
    dead = {topic: end for topic, end in reader.ends(letters).items() if end}
    if dead:
        raise Failed(f"dead letters: {dead}")


def decoder(reader, registry=None):
    schemas = wire.Schemas(reader.read_all(["polka.schemas"]), registry)

    def decode(each):
        _, value, dataschema = schemas.decode(each)
        if each.header("ce_dataschema") != dataschema:
            raise Failed(f"{each.where}: ce_dataschema is {each.header('ce_dataschema')}, not {dataschema}")
        return value

    return decode


def side_by_side(bench, reader, letters, count):
    """single-object framing, schemas on polka.schemas"""
    services = [Service(bench, name).start() for name in NAMES]
    bench.services.update({service.name: service for service in services})
    for service in services:
        service.wait_state("ready")
    old, newest = Writer(bench.brokers, OLD), Writer(bench.brokers, NEWEST)
    old.announce()
    newest.write(newests(count, "a"))                    # before anybody could know its schema
    old.write(olds(count, "a"))
    before = {key: value for key, value in expected(count, "a").items() if key[0].startswith("old")}
    wait_for("the old writer's events to flow past those that wait", lambda: sum(reader.ends(["ver.seen"]).values()) >= len(before), 60)
    wait_for("the services to say what they wait for", lambda: all(service.says(newest.name) for service in services), 30)
    newest.announce()
    wanted = expected(count, "a")
    check(reader, wanted, decoder(reader), letters)
    fingerprints = {each.value[2:10][::-1].hex() for each in reader.read_all(["ver.answers"])}
    if len(fingerprints) != 2:
        raise Failed(f"ver.answers was to be written in two versions, not {fingerprints}")
    for service in services:
        service.term()
        service.end(0)
    say(f"  {len(wanted)} of {len(wanted)} seen as they should be, two versions on ver.answers, no dead letter")
    return wanted


def with_registry(bench, reader, letters, count, wanted):
    """confluent framing, ids of a registry"""
    registry = Registry(bench.folder)
    try:
        registry.up()
        url = registry.url
        services = [Service(bench, name) for name in NAMES]
        for service in services:
            service.start("--framing", "confluent", "--schemas.registry.url", url, "--schemas.cache", os.path.join(bench.folder, "cache"))
            bench.services[service.name] = service
        for service in services:
            service.wait_state("ready")
        Writer(bench.brokers, OLD).write(olds(count, "b"))
        Writer(bench.brokers, NEWEST).write(newests(count, "b"))
        wanted.update(expected(count, "b"))
        check(reader, wanted, decoder(reader, wire.Registry(url)), letters)
        ids = {id_of(each.value) for each in reader.read_all(["ver.answers"]) if each.value[:1] == b"\0"}
        if len(ids) != 2:
            raise Failed(f"ver.answers was to be written with two ids, not {ids}")
        for service in services:
            service.term()
            service.end(0)
        say(f"  {len(wanted)} of {len(wanted)} seen as they should be, ids {sorted(ids)} on ver.answers, no dead letter")
    except Skip as why:
        say(f"  skipped: {why}")
    finally:
        registry.down()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.environ.get("POLKA_BUILD"), help="the build folder, with bin/")
    parser.add_argument("--events", type=int, default=300, help="of each foreign writer")
    options = parser.parse_args()
    if options.build is None:
        parser.error("--build or POLKA_BUILD")
    began = time.monotonic()
    try:
        with Bench(options.build) as bench:
            reader = wire.Reader(bench.brokers)
            letters = make_topics(reader)
            say(f"side by side: {side_by_side.__doc__}")
            wanted = side_by_side(bench, reader, letters, options.events)
            say(f"with a registry: {with_registry.__doc__}")
            with_registry(bench, reader, letters, options.events, wanted)
            reader.close()
    except Skip as why:
        say(f"skipped: {why}")
        return SKIP
    except Failed as why:
        say(f"FAILED: {why}")
        return 1
    say(f"passed in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
