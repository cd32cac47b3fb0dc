"""The others: kafkajs and avsc, Apache Avro for Java, confluent-kafka and fastavro. Each does two requests, with its own libraries alone:

write {topic, type, framing: confluent|header|single-object, schema, subject, level, rows: [{key, value}]} -> {schema: id or fingerprint}
      registers the schema at the registry or announces it on polka.schemas, encodes the rows with it and sends them
read  {topics: {name: records}, seconds} -> {rows: [{topic, key, type, framing, dataschema, schema, value}], undecoded}
      from the beginning of the topics, each value by the schema that its writer named
Values are in the form of cases.py.
"""
import datetime
import decimal
import io
import json
import os
import struct
import subprocess
import threading
import time
import uuid

import fastavro
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, header_schema_id_serializer, prefix_schema_id_serializer, record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

import cases

HERE = os.path.dirname(os.path.abspath(__file__))
EPOCH = datetime.datetime(1970, 1, 1)
MICROSECOND = datetime.timedelta(microseconds=1)


class Failed(Exception):
    """Something is not as it should be."""


class Pipe:
    """A peer in another language: JSON lines in and out."""

    def __init__(self, name, command, log, **more):
        self.name, self.log = name, log
        with open(log, "w") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8", **more)

    def ask(self, verb, **request):
        timer = threading.Timer(120, self.process.kill)                     # bounded, whatever a library does
        timer.start()
        try:
            self.process.stdin.write(json.dumps({"do": verb, **request}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        finally:
            timer.cancel()
        if not line:
            raise Failed(f"{self.name} ended or did not answer within 120 s: {open(self.log).read()[-500:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(f"{self.name}: {answer['error']}")
        return answer

    def close(self):
        try:
            self.process.stdin.close()
            self.process.wait(15)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()


def node(brokers, registry, build, _embedded):
    return Pipe("node", ["node", os.path.join(HERE, "peer.js"), brokers, registry], os.path.join(build, "node.log"),
                env={**os.environ, "NODE_PATH": os.path.join(build, "node_modules"), "KAFKAJS_NO_PARTITIONER_WARNING": "1"})


def java(brokers, registry, build, embedded):
    """embedded: with the older Kafka client, for the reason in java/pom.xml."""
    path = f"{build}/java/classes:" + (f"{build}/java/mock/*:" if embedded else "") + f"{build}/java/libraries/*"
    return Pipe("java", ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", path, "Peer", brokers, registry], os.path.join(build, "java.log"))


class Python:
    """confluent-kafka with its own registry client and serialisers, and fastavro; in this process."""
    name = "python"

    def __init__(self, brokers, registry, _build, _embedded):
        self.brokers, self.registry = brokers, SchemaRegistryClient({"url": registry})
        self.producer = Producer({"bootstrap.servers": brokers, "log_level": 0})
        self.deserialise = AvroDeserializer(self.registry, conf={"subject.name.strategy": record_subject_name_strategy})   # the default asks the registry anew each time

    def close(self):
        self.producer.flush(10)

    def ask(self, verb, **request):
        return {"write": self.write, "read": self.read}[verb](**request)

    def write(self, topic, type, framing, schema, subject, rows, **_):
        parsed, name = fastavro.parse_schema(json.loads(schema)), None
        kinds = named(json.loads(schema))
        if framing == "single-object":
            name = fingerprint(json.loads(schema))
            self.producer.produce("polka.schemas", key=name, value=schema)
            self.producer.flush(20)
        for row in rows:
            headers = [("ce_specversion", b"1.0"), ("ce_type", type.encode()), ("ce_source", b"/foreign/python"), ("ce_id", row["key"].encode())]
            value = typed(kinds, json.loads(schema), row["value"])
            if framing == "single-object":
                body = io.BytesIO()
                fastavro.schemaless_writer(body, parsed, value)
                value = b"\xc3\x01" + bytes.fromhex(name)[::-1] + body.getvalue()
            else:
                name, value, more = self.serialised(topic, schema, subject, framing, value)
                headers += more
            self.producer.produce(topic, key=row["key"], value=value, headers=headers)
        if self.producer.flush(30):
            raise Failed(f"python: {len(self.producer)} records were not acknowledged")
        return {"schema": name}

    def serialised(self, topic, schema, subject, framing, value):
        """By Confluent's serialiser: in front, or in the header __value_schema_id as a GUID where the registry has them, else as an id."""
        headers, context = [], SerializationContext(topic, MessageField.VALUE)
        options = {"subject.name.strategy": record_subject_name_strategy, "schema.id.serializer": prefix_schema_id_serializer}
        if framing == "header":
            prefixed, name = AvroSerializer(self.registry, schema, conf=options)(value, context), None
            name = str(int.from_bytes(prefixed[1:5], "big"))
            if self.registry.lookup_schema(subject, Schema(schema, "AVRO")).guid is None:
                return name, prefixed[5:], [("__value_schema_id", prefixed[:5])]
            options["schema.id.serializer"] = header_schema_id_serializer
        context.headers = headers
        out = AvroSerializer(self.registry, schema, conf=options)(value, context)
        return (name if framing == "header" else str(int.from_bytes(out[1:5], "big"))), out, headers

    def read(self, topics, seconds):
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": "interop-python", "enable.auto.commit": False, "auto.offset.reset": "earliest",
                             "fetch.wait.max.ms": 50, "log_level": 0})
        known = consumer.list_topics(timeout=20).topics
        consumer.assign([TopicPartition(topic, partition, 0) for topic in (*topics, "polka.schemas") for partition in known[topic].partitions])
        left, schemas, waiting, rows, until = dict(topics), {}, [], [], time.monotonic() + seconds
        while any(count > 0 for count in left.values()) and time.monotonic() < until:
            for message in consumer.consume(500, timeout=0.2):
                if message.error():
                    raise Failed(f"python: {message.error()}")
                if message.topic() == "polka.schemas":
                    text = json.loads(message.value())
                    if fingerprint(text) != message.key().decode():
                        raise Failed(f"polka.schemas: {message.key()} holds {fingerprint(text)}")
                    schemas[message.key().decode()] = text
                else:
                    waiting.append(message)
            again = []
            for message in waiting:
                row = self.decoded(message, schemas)
                if row is None:
                    again.append(message)
                else:
                    rows.append(row)
                    left[message.topic()] -= 1
            waiting = again
        consumer.close()
        return {"rows": rows, "undecoded": len(waiting)}

    def decoded(self, message, schemas):
        headers, value = dict(message.headers() or []), message.value()
        row = {"topic": message.topic(), "key": message.key().decode(), "type": headers["ce_type"].decode(), "dataschema": headers.get("ce_dataschema", b"").decode()}
        if value[0] == 0:
            name = int.from_bytes(value[1:5], "big")
            schema = json.loads(self.registry.get_schema(name).schema_str)
            read = self.deserialise(value, SerializationContext(message.topic(), MessageField.VALUE))
            return {**row, "framing": "confluent", "schema": str(name), "value": plain(named(schema), schema, read)}
        name = value[2:10][::-1].hex()
        if value[:2] != b"\xc3\x01" or name not in schemas:
            return None
        body = io.BytesIO(value[10:])
        read = fastavro.schemaless_reader(body, fastavro.parse_schema(schemas[name]), None)
        if body.read():
            raise Failed(f"python: bytes left over in {message.topic()}/{message.partition()}/{message.offset()}")
        return {**row, "framing": "single-object", "schema": name, "value": plain(named(schemas[name]), schemas[name], read)}


def fingerprint(schema):
    """CRC-64-AVRO as 16 hex digits, most significant first; fastavro gives the bytes as they stand after C3 01."""
    return bytes.fromhex(fastavro.schema.fingerprint(fastavro.schema.to_parsing_canonical_form(schema), "CRC-64-AVRO"))[::-1].hex()


# ---- values in the form that all peers share, and back ----

def named(schema, space="", found=None):
    """{full name: definition} of all named types in a schema."""
    found = {} if found is None else found
    if isinstance(schema, list):
        for each in schema:
            named(each, space, found)
    elif isinstance(schema, dict):
        if "name" in schema:
            space = schema.get("namespace", space)
            found[f"{space}.{schema['name']}"] = found[schema["name"]] = {**schema, "full": f"{space}.{schema['name']}"}
        for each in ([schema.get("items"), schema.get("values")] + [field["type"] for field in schema.get("fields", [])]):
            named(each, space, found)
    return found


def resolved(kinds, schema):
    """A schema as a dict, its names looked up."""
    if isinstance(schema, str):
        return kinds.get(schema) or {"type": schema}
    return schema if isinstance(schema, list) else kinds.get(schema.get("name")) or (resolved(kinds, schema["type"]) if isinstance(schema["type"], (dict, list)) else schema)


def branch_of(kinds, union, value):
    """The branch of ours that a value of Python's belongs to: no union here has two that Python holds alike."""
    wanted = {type(None): ("null",), str: ("string",), int: ("int", "long"), dict: ("record", "map")}[type(value)]
    return next(each for each in (resolved(kinds, each) for each in union) if each["type"] in wanted)


def plain(kinds, schema, value):
    schema = resolved(kinds, schema)
    if isinstance(schema, list):
        branch = branch_of(kinds, schema, value)
        return None if value is None else {branch.get("full", branch["type"]): plain(kinds, branch, value)}
    kind = schema["type"]
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, uuid.UUID):
        return str(value) if kind == "string" else value.bytes.hex()
    if isinstance(value, datetime.datetime):
        micros = (value.replace(tzinfo=None) - EPOCH) // MICROSECOND
        return str(micros if schema["logicalType"].endswith("micros") else micros // 1000)
    if isinstance(value, datetime.date):
        return str((value - EPOCH.date()).days)
    if isinstance(value, datetime.time):
        micros = (datetime.datetime.combine(EPOCH, value) - EPOCH) // MICROSECOND
        return str(micros if schema["logicalType"] == "time-micros" else micros // 1000)
    return {
        "int": str, "long": str, "float": cases.float_of, "double": cases.double_of,
        "bytes": bytes.hex, "fixed": bytes.hex,
        "array": lambda items: [plain(kinds, schema["items"], item) for item in items],
        "map": lambda entries: {key: plain(kinds, schema["values"], item) for key, item in entries.items()},
        "record": lambda fields: {field["name"]: plain(kinds, field["type"], fields[field["name"]]) for field in schema["fields"]},
    }.get(kind, lambda same: same)(value)


def typed(kinds, schema, value):
    schema = resolved(kinds, schema)
    if isinstance(schema, list):
        if value is None:
            return None
        (name, inside), = value.items()
        branch = next(each for each in (resolved(kinds, each) for each in schema) if each.get("full", each["type"]) == name)
        return (name, typed(kinds, branch, inside)) if branch["type"] == "record" else typed(kinds, branch, inside)
    if schema.get("logicalType") == "decimal":
        return decimal.Decimal(value)
    number = lambda code: lambda text: float("nan") if text == "NaN" else struct.unpack(code, bytes.fromhex(text))[0]    # noqa: E731
    return {
        "int": int, "long": int, "float": number(">f"), "double": number(">d"),
        "bytes": bytes.fromhex, "fixed": bytes.fromhex,
        "array": lambda items: [typed(kinds, schema["items"], item) for item in items],
        "map": lambda entries: {key: typed(kinds, schema["values"], item) for key, item in entries.items()},
        "record": lambda fields: {field["name"]: typed(kinds, field["type"], fields[field["name"]]) for field in schema["fields"]},
    }.get(schema["type"], lambda same: same)(value)


ALL = {"python": Python, "node": node, "java": java}
