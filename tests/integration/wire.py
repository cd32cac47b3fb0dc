"""Reads what stands on the topics without a line of Polka: Kafka by confluent-kafka, Avro by fastavro, the rest by the documents.

A value is Avro single-object encoding (C3 01, CRC-64-AVRO little-endian, body), its schema stands on the topic polka.schemas
under the fingerprint as 16 hex digits; or 00, the id of a registry as four bytes, body. The CloudEvents attributes are headers.
"""
import hashlib
import io
import json
import re
import time
import urllib.request
import uuid

import fastavro
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

SCHEMAS = "polka.schemas"
EMPTY = 0xC15D213AA4D7A795


def _crc_table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = (i >> 1) ^ (EMPTY & -(i & 1))
        table.append(i)
    return table


_TABLE = _crc_table()


def fingerprint(canonical):
    """CRC-64-AVRO of a schema's Parsing Canonical Form (Avro 1.12 specification, "Schema Fingerprints")."""
    crc = EMPTY
    for byte in canonical.encode():
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def derived_id(*parts):
    """The id that repeats: UUIDv8 of SHA-256 over the parts, each after its length as 4 bytes, big-endian."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(4, "big") + data)
    raw = bytearray(digest.digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))


class Wrong(Exception):
    """A record that is not as the documents say."""


class Record:
    __slots__ = ("topic", "partition", "offset", "timestamp", "key", "value", "headers")

    def __init__(self, message):
        self.topic, self.partition, self.offset = message.topic(), message.partition(), message.offset()
        self.timestamp = message.timestamp()[1]
        self.key, self.value = message.key(), message.value()
        self.headers = [(name, value) for name, value in (message.headers() or [])]

    @property
    def where(self):
        return f"{self.topic}/{self.partition}/{self.offset}"

    def header(self, name):
        """The text of a header that may stand there once; None: absent."""
        found = [value for key, value in self.headers if key == name]
        if len(found) > 1:
            raise Wrong(f"{self.where}: header {name} stands there {len(found)} times")
        return found[0].decode() if found and found[0] is not None else None

    def identity(self):
        return self.header("ce_source"), self.header("ce_id")


def consumer_of(brokers, group="integration-reader"):
    """A consumer that joins no group, commits nothing and is quiet about a broker that is gone: tests stop it on purpose."""
    return Consumer({"bootstrap.servers": brokers, "group.id": group, "enable.auto.commit": False, "enable.auto.offset.store": False,
                     "auto.offset.reset": "earliest", "fetch.wait.max.ms": 50, "allow.auto.create.topics": False, "reconnect.backoff.max.ms": 500,
                     "fetch.message.max.bytes": 20000000, "log_level": 0})


def patiently(ask, seconds=90):
    """What ask() answers; again while a leader or a coordinator is moving, or no broker is there."""
    until = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except KafkaException as why:
            if time.monotonic() > until or why.args[0].fatal():
                raise
        time.sleep(0.2)


class Reader:
    """Reads any topics from their beginning, and asks for offsets; joins no group."""

    def __init__(self, brokers):
        self.brokers = brokers
        self.admin = AdminClient({"bootstrap.servers": brokers, "log_level": 0})
        self.consumer = consumer_of(brokers)

    def close(self):
        self.consumer.close()

    def topics(self):
        """{topic: partition count}, without Kafka's own."""
        found = patiently(lambda: self.admin.list_topics(timeout=20).topics)
        return {name: len(topic.partitions) for name, topic in found.items() if not name.startswith("__")}

    def ends(self, topics):
        """{(topic, partition): end offset}."""
        known = self.topics()
        found = {}
        for topic in topics:
            for partition in range(known.get(topic, 0)):
                at = TopicPartition(topic, partition)
                found[topic, partition] = patiently(lambda: self.consumer.get_watermark_offsets(at, timeout=20)[1])
        return found

    def read_all(self, topics):
        """All records of the topics, from their beginning to the end as it is now."""
        left = {at: end for at, end in self.ends(topics).items() if end > 0}
        consumer = consumer_of(self.brokers)             # a new one each time: an old one remembers the id of a topic that was deleted
        consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in left])
        records, until = [], time.monotonic() + 30
        while left:
            for message in consumer.consume(1000, timeout=0.5):
                if message.error():
                    raise RuntimeError(f"reading {message.topic()}: {message.error()}")
                until = time.monotonic() + 30
                at = message.topic(), message.partition()
                if message.offset() < left.get(at, 0):
                    records.append(Record(message))
                if message.offset() + 1 >= left.get(at, 0):
                    left.pop(at, None)
            if time.monotonic() > until:
                raise RuntimeError(f"nothing came for 30 s, and the end of {sorted(left)} was not reached")
        consumer.close()
        return records

    def committed(self, group, topics):
        """{(topic, partition): committed offset, -1001: none} of a group."""
        consumer = consumer_of(self.brokers, group)
        known = self.topics()
        asked = [TopicPartition(topic, partition) for topic in topics for partition in range(known.get(topic, 0))]
        found = {(at.topic, at.partition): at.offset for at in patiently(lambda: consumer.committed(asked, timeout=20))}
        consumer.close()
        return found


class Registry:
    """The schemas of a registry by id, as its own answers give them; it may be known under several URLs."""

    def __init__(self, *urls):
        self.urls, self.by_id = urls, {}

    def schema(self, number):
        if number not in self.by_id:
            with urllib.request.urlopen(f"{self.urls[0]}/schemas/ids/{number}", timeout=20) as answer:
                self.by_id[number] = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
        return self.by_id[number]


class Schemas:
    """The topic polka.schemas, each entry checked against fastavro's own canonical form; and a registry, where there is one."""

    def __init__(self, records, registry=None):
        self.by_fingerprint, self.registry = {}, registry
        for record in records:
            text = record.value.decode()
            parsed = fastavro.parse_schema(json.loads(text))
            canonical = fastavro.schema.to_parsing_canonical_form(parsed)
            name = f"{fingerprint(canonical):016x}"
            if record.key.decode() != name:
                raise Wrong(f"{record.where}: key {record.key!r}, but the schema's fingerprint is {name}")
            theirs = bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))[::-1].hex()
            if theirs != name:
                raise Wrong(f"fastavro says {theirs}, this file {name}")
            self.by_fingerprint[name] = parsed

    def decode(self, record):
        """(type, value, what ce_dataschema must say); every byte of the value must belong to it."""
        schema, dataschema, body = self._by_id(record) if (record.value or b"")[:1] == b"\0" else self._by_fingerprint(record)
        rest = io.BytesIO(body)
        decoded = fastavro.schemaless_reader(rest, schema, None)
        if rest.tell() != len(body):
            raise Wrong(f"{record.where}: {len(body) - rest.tell()} bytes left over after the value")
        return schema["name"], plain(decoded), dataschema

    def _by_fingerprint(self, record):
        value = record.value
        if value is None or value[:2] != b"\xc3\x01" or len(value) < 10:
            raise Wrong(f"{record.where}: the value does not begin with C3 01: {value[:12] if value else value!r}")
        name = f"{int.from_bytes(value[2:10], 'little'):016x}"
        schema = self.by_fingerprint.get(name)
        if schema is None:
            raise Wrong(f"{record.where}: schema {name} does not stand on {SCHEMAS}")
        return schema, "polka:" + name, value[10:]

    def _by_id(self, record):
        if self.registry is None or len(record.value) < 5:
            raise Wrong(f"{record.where}: the value begins with 00: an id of a registry, where none is expected: {record.value[:12]!r}")
        number = int.from_bytes(record.value[1:5], "big")
        names = [f"{url}/schemas/ids/{number}" for url in self.registry.urls]
        said = record.header("ce_dataschema")
        return self.registry.schema(number), said if said in names else names[0], record.value[5:]


def plain(value):
    """Logical types as what they stand for on the wire."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, uuid.UUID):
        return str(value)
    if hasattr(value, "timestamp"):
        return round(value.timestamp() * 1000)
    return value


TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TRACE = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
ALWAYS = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_correlationid", "ce_dataschema", "content-type",
          "traceparent", "polka-hops")


def check_headers(record, type_name, dataschema, root):
    """What holds for each event's headers by itself; raises Wrong."""
    def want(name, expected):
        found = record.header(name)
        if found != expected:
            raise Wrong(f"{record.where}: header {name} is {found!r}, not {expected!r}")

    names = [name for name, _ in record.headers]
    expected = set(ALWAYS) | (set() if root else {"ce_causationid"})
    if set(names) != expected or len(names) != len(expected):
        raise Wrong(f"{record.where}: headers {sorted(names)}, not {sorted(expected)}")
    want("ce_specversion", "1.0")
    want("ce_type", type_name)
    want("ce_subject", record.key.decode())
    want("ce_dataschema", dataschema)
    want("content-type", "application/avro")
    if not TIME.fullmatch(record.header("ce_time")):
        raise Wrong(f"{record.where}: ce_time {record.header('ce_time')!r} is not RFC 3339 with milliseconds in UTC")
    trace = TRACE.fullmatch(record.header("traceparent"))
    if not trace or set(trace[1]) == {"0"} or set(trace[2]) == {"0"}:
        raise Wrong(f"{record.where}: traceparent {record.header('traceparent')!r}")
    identity = uuid.UUID(record.header("ce_id"))
    if str(identity) != record.header("ce_id") or identity.version != (7 if root else 8) or identity.variant != uuid.RFC_4122:
        raise Wrong(f"{record.where}: ce_id {identity} is not a UUIDv{7 if root else 8}")
