#!/usr/bin/env python3
"""Judges the judge: a made-up run without a fault is accepted, and each planted fault is found. Needs no Kafka."""
import copy
import glob
import io
import json
import os
import sys

import fastavro

import orders as shop
import wire
from judge import judge
from support import ROOT

SEED, COUNT = 7, 40


class Made(wire.Record):
    """A record as a consumer would have read it."""
    __slots__ = ()

    def __init__(self, topic, offset, key, value, headers, timestamp=1760000000000):
        self.topic, self.partition, self.offset, self.timestamp = topic, 0, offset, timestamp
        self.key, self.value, self.headers = key, value, headers


class Maker:
    """Writes what the services would write, from schemas/shop."""

    def __init__(self):
        self.records, named, texts = [], {}, {}
        files = sorted(glob.glob(os.path.join(ROOT, "schemas", "shop", "*.avsc")), key=lambda path: "topic" in open(path).read())
        for path in files:
            with open(path) as file:
                text = json.load(file)
            fastavro.parse_schema(text, named_schemas=named)
            texts["shop." + text["name"]] = text
        self.schemas = {}
        for name, text in texts.items():
            whole = self._whole(text, texts, set())
            parsed = fastavro.parse_schema(whole, named_schemas={})
            print_ = wire.fingerprint(fastavro.schema.to_parsing_canonical_form(parsed))
            self.schemas[name] = parsed, print_
            if "polka.topic" in text:
                self.records.append(Made(wire.SCHEMAS, len(self.records), f"{print_:016x}".encode(), json.dumps(whole).encode(), []))

    def _whole(self, schema, texts, seen):
        """Every type written out at its first use."""
        if isinstance(schema, str) and schema in texts and schema not in seen:
            return self._whole(texts[schema], texts, seen)
        if isinstance(schema, list):
            return [self._whole(each, texts, seen) for each in schema]
        if not isinstance(schema, dict):
            return schema
        if "name" in schema and schema.get("type") in ("record", "enum", "fixed"):
            seen.add("shop." + schema["name"])
        found = dict(schema)
        for member in ("items", "values"):
            if member in found:
                found[member] = self._whole(found[member], texts, seen)
        if "fields" in found:
            found["fields"] = [{**field, "type": self._whole(field["type"], texts, seen)} for field in found["fields"]]
        return found

    def event(self, topic, type_name, value, source, identity, correlation, cause=None, hops=0, second="b7ad6b7169203331"):
        schema, fingerprint = self.schemas[type_name]
        body = io.BytesIO()
        fastavro.schemaless_writer(body, schema, value)
        key = value["order_id"]
        headers = {"ce_specversion": "1.0", "ce_id": identity, "ce_source": source, "ce_type": type_name, "ce_time": "2026-01-02T03:04:05.678Z",
                   "ce_subject": key, "ce_correlationid": correlation, "ce_causationid": cause, "ce_dataschema": f"polka:{fingerprint:016x}",
                   "content-type": "application/avro", "traceparent": f"00-{correlation.replace('-', '')}-{second}-01", "polka-hops": str(hops)}
        record = Made(topic, len(self.records), key.encode(), b"\xc3\x01" + fingerprint.to_bytes(8, "little") + body.getvalue(),
                      [(name, text.encode()) for name, text in headers.items() if text is not None])
        self.records.append(record)
        return record

    def order(self, number, order):
        root_id = f"0199a000-0000-7000-8000-{number:012x}"
        made = {"shop.OrderPlaced": self.event("shop.orders", "shop.OrderPlaced", order.value, "/polka/emit", root_id, root_id)}
        for type_name, (topic, service, cause_type) in shop.TREES[order.kind].items():
            cause = made[cause_type]
            identity = wire.derived_id(*cause.identity(), service, cause_type, type_name, "0")
            value = dict(shop.value_of(order, type_name))
            if type_name == "shop.OrderShipped":
                value.update(shipment_id=wire.derived_id(*cause.identity(), "shipping", "shop.StockReserved", "polka.new-id", "0"), shipped_at=1760000000000)
            made[type_name] = self.event(topic, type_name, value, "/shop/" + service, identity, root_id, cause.header("ce_id"),
                                         int(cause.header("polka-hops")) + 1, identity.replace("-", "")[16:])
        if order.kind == "dead":
            self.letter(made["shop.OrderPlaced"], f"total must be positive, not {order.value['total']}")

    def letter(self, of, message):
        text = {"polka-letter-id": f"payments/{of.topic}/{of.partition}/{of.offset}/shop.OrderPlaced", "polka-original-topic": of.topic,
                "polka-original-partition": str(of.partition), "polka-original-offset": str(of.offset), "polka-original-timestamp": str(of.timestamp),
                "polka-consumer-group": "payments", "polka-handler": "shop.OrderPlaced", "polka-error-class": "handler", "polka-error-code": "dead",
                "polka-error-message": message, "polka-attempts": "1", "polka-first-failed-at": "2026-01-02T03:04:05.678Z",
                "kafka_dlt-original-topic": of.topic, "kafka_dlt-original-partition": of.partition.to_bytes(4, "big"),
                "kafka_dlt-original-offset": of.offset.to_bytes(8, "big"), "kafka_dlt-original-timestamp": of.timestamp.to_bytes(8, "big"),
                "kafka_dlt-original-timestamp-type": "CreateTime", "kafka_dlt-original-consumer-group": "payments",
                "kafka_dlt-exception-fqcn": "polka.dead", "kafka_dlt-exception-message": message}
        headers = [(name, value.encode() if isinstance(value, str) else value) for name, value in text.items()]
        self.records.append(Made(shop.LETTERS, len(self.records), of.key, of.value, of.headers + headers))


def nth(records, type_name, number=0):
    return [record for record in records if ("ce_type", type_name.encode()) in record.headers and not record.topic.endswith(".dlt")][number]


def letter(records):
    return next(record for record in records if record.topic == shop.LETTERS)


def changed(record, name, value):
    record.headers = [(key, value.encode() if key == name else old) for key, old in record.headers]


def again(records, record, **members):
    twin = copy.copy(record)
    twin.headers, twin.offset = list(record.headers), 100000
    for member, value in members.items():
        setattr(twin, member, value)
    records.append(twin)
    return twin


def flipped(data):
    return data[:-1] + bytes([data[-1] ^ 2])


def of_nobody(records):
    first = nth(records, "shop.OrderPlaced")
    record = again(records, first, key=OTHER.encode(), value=first.value.replace(first.key, OTHER.encode()))
    changed(record, "ce_subject", OTHER)
    changed(record, "ce_id", "0199a000-0000-7000-8000-ffffffffffff")


def of_a_good_order(records):
    record = again(records, letter(records), key=nth(records, "shop.OrderPlaced").key)
    changed(record, "polka-letter-id", "payments/shop.orders/0/1/shop.OrderPlaced")


OTHER = "11111111-1111-8111-8111-111111111111"
PLANTED = {
    "an event is lost": lambda r: r.remove(nth(r, "shop.CustomerNotified")),
    "an order was never written": lambda r: r.remove(nth(r, "shop.OrderPlaced", 3)),
    "a letter is lost": lambda r: r.remove(letter(r)),
    "an effect happens twice, by two ids": lambda r: changed(again(r, nth(r, "shop.OrderShipped")), "ce_id", OTHER),
    "an order of nobody": of_nobody,
    "a copy with other bytes": lambda r: again(r, nth(r, "shop.StockReserved"), value=nth(r, "shop.StockReserved").value.replace(b"sku-", b"sko-")),
    "a copy in another partition": lambda r: again(r, nth(r, "shop.StockReserved"), partition=1),
    "a copy with another cause": lambda r: changed(again(r, nth(r, "shop.StockReserved")), "ce_causationid", OTHER),
    "an id that does not follow from its cause": lambda r: changed(nth(r, "shop.CustomerNotified"), "ce_id", OTHER),
    "a wrong causation": lambda r: changed(nth(r, "shop.OrderCompleted"), "ce_causationid", OTHER),
    "a wrong correlation": lambda r: changed(nth(r, "shop.OrderCompleted"), "ce_correlationid", OTHER),
    "a wrong source": lambda r: changed(nth(r, "shop.OrderCompleted"), "ce_source", "/shop/payments"),
    "a trace that breaks off": lambda r: changed(nth(r, "shop.OrderCompleted"), "traceparent", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"),
    "a wrong count of hops": lambda r: changed(nth(r, "shop.OrderCompleted"), "polka-hops", "1"),
    "a time without milliseconds": lambda r: changed(nth(r, "shop.OrderCompleted"), "ce_time", "2026-01-02T03:04:05Z"),
    "a subject that is not the key": lambda r: changed(nth(r, "shop.OrderCompleted"), "ce_subject", OTHER),
    "a wrong dataschema": lambda r: changed(nth(r, "shop.OrderCompleted"), "ce_dataschema", "polka:0123456789abcdef"),
    "a header twice": lambda r: nth(r, "shop.OrderCompleted").headers.append(("ce_time", b"2026-01-02T03:04:05.678Z")),
    "a header too much": lambda r: nth(r, "shop.OrderCompleted").headers.append(("polka-attempt", b"2")),
    "a header too few": lambda r: nth(r, "shop.OrderCompleted").headers.pop(),
    "a key that is not the order": lambda r: setattr(nth(r, "shop.StockRejected"), "key", OTHER.encode()),
    "a wrong topic": lambda r: setattr(nth(r, "shop.StockRejected"), "topic", "shop.payments"),
    "an event older than its cause": lambda r: setattr(nth(r, "shop.StockRejected"), "timestamp", 1),
    "a byte too much": lambda r: setattr(nth(r, "shop.StockRejected"), "value", nth(r, "shop.StockRejected").value + b"\0"),
    "a byte too few": lambda r: setattr(nth(r, "shop.StockRejected"), "value", nth(r, "shop.StockRejected").value[:-1]),
    "another value": lambda r: setattr(nth(r, "shop.PaymentAuthorised"), "value", nth(r, "shop.PaymentAuthorised").value.replace(b"sku-", b"sko-")),
    "the value of another order": lambda r: setattr(nth(r, "shop.StockReserved"), "value", nth(r, "shop.StockReserved", 1).value),
    "another framing": lambda r: setattr(nth(r, "shop.StockReserved"), "value", b"\0" + nth(r, "shop.StockReserved").value[1:]),
    "a schema that was not announced": lambda r: r.remove(next(x for x in r if x.topic == wire.SCHEMAS and b"CustomerNotified" in x.value)),
    "a schema under another fingerprint": lambda r: setattr(next(x for x in r if x.topic == wire.SCHEMAS), "key", b"0123456789abcdef"),
    "a letter with another value": lambda r: setattr(letter(r), "value", flipped(letter(r).value)),
    "a letter without the headers of its record": lambda r: letter(r).headers.pop(0),
    "a letter of another offset": lambda r: changed(letter(r), "polka-original-offset", "99999"),
    "a letter with another code": lambda r: changed(letter(r), "polka-error-code", "poison"),
    "a letter with little-endian numbers": lambda r: changed(letter(r), "kafka_dlt-original-offset", "\1\0\0\0\0\0\0\0"),
    "a letter nobody asked for": of_a_good_order,
}


def main():
    made, orders = Maker(), shop.make(SEED, COUNT, 1760000000000)
    for number, order in enumerate(orders):
        made.order(number, order)
    verdict = judge(copy.deepcopy(made.records), orders)
    failed = [f"a run without a fault is refused: {text}" for text in verdict.errors]
    copies = copy.deepcopy(made.records)
    for record in list(copies):
        if record.topic != wire.SCHEMAS:
            again(copies, record)
    verdict = judge(copies, orders)
    failed += [f"a run of honest duplicates is refused: {text}" for text in verdict.errors]
    for name, plant in PLANTED.items():
        records = copy.deepcopy(made.records)
        plant(records)
        try:
            found = judge(records, orders).errors
        except wire.Wrong as wrong:
            found = [str(wrong)]
        print(f"{'found' if found else 'NOT FOUND'}: {name}: {found[0][:150] if found else ''}")
        if not found:
            failed.append(f"{name} was not found")
    for text in failed:
        print(f"FAILED: {text}")
    print(f"{len(made.records)} records, {sum(verdict.duplicates.values())} duplicates accepted, {len(PLANTED)} planted faults, {len(failed)} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
