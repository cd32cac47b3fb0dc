"""Bad input on a real broker: what each case is made of, and how it must end.

Every record goes to shop.orders, which payments (shop.OrderPlaced) and notifications (shop.OrderCancelled) read. A case names
the code of the dead letter of each group, None where there must be none, and whether the order flows all the same.
"""
import base64
import io
import json
import os
import uuid

import fastavro
from confluent_kafka import Producer

TOPIC = "shop.orders"
SOURCE = "/integration/foreign"
HUGE = 10 * 1000 * 1000
TYPE = "shop.OrderPlaced"


class Case:
    """One record. handler: of its letters; says: what the message must contain; flows: (source, id) of the cause, or True for its own."""

    def __init__(self, name, value, headers, payments=None, notifications=None, handler=TYPE, says="", flows=False, with_value=True, key=...):
        self.name, self.value, self.headers = name, value, headers
        self.wanted = {"payments": payments, "notifications": notifications}
        self.handler, self.says, self.flows, self.with_value = handler, says, flows, with_value
        self.order_id = None
        self.key = name.encode() if key is ... else key


class Maker:
    """Makes the cases; schema: shop.OrderPlaced as it stands on polka.schemas."""

    def __init__(self, schema, fingerprint):
        self.schema, self.frame = schema, b"\xc3\x01" + bytes.fromhex(fingerprint)[::-1]

    def order(self, order_id=None):
        return {"order_id": order_id or str(uuid.uuid4()), "customer_id": "C-bad", "placed_at": 1700000000000, "currency": "CZK",
                "lines": [{"sku": "a", "quantity": 1, "unit_price": 5}, {"sku": "b", "quantity": 2, "unit_price": 7}], "total": 19, "note": None}

    def body(self, order):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, self.schema, order)
        return out.getvalue()

    def headers(self, **changed):
        """Good ones; changed by name (with _ for -): None takes one away."""
        identity = str(uuid.uuid4())
        good = {"ce_specversion": "1.0", "ce_id": identity, "ce_source": SOURCE, "ce_type": TYPE, "ce_time": "2026-01-02T03:04:05.678Z",
                "content-type": "application/avro"}
        good.update({name if name.startswith("ce_") else name.replace("_", "-"): value for name, value in changed.items()})
        return [(name, value.encode() if isinstance(value, str) else value) for name, value in good.items() if value is not None]

    def cases(self):
        return [*self.values(), *self.bad_headers(), *self.odd_but_fine(), *self.skipped()]

    def values(self):
        """The value cannot be read."""
        good = self.frame + self.body(self.order())
        stranger = b"\xc3\x01" + bytes.fromhex("0123456789abcdef")[::-1] + b"whatever"
        confluent = b"\0" + (7007).to_bytes(4, "big") + b"whatever"
        count = good.index(b"\x02a")                     # of the first article's name; the count of lines stands right before
        typed = [
            ("empty", b"", "empty-value", ""),
            ("one-byte", good[:1], "truncated", ""),
            ("truncated-in-fingerprint", good[:7], "truncated", "7"),
            ("no-body", good[:10], "bad-bytes", "order_id"),
            ("truncated-in-body", good[:-9], "bad-bytes", TYPE),
            ("one-byte-missing", good[:-1], "bad-bytes", "note"),
            ("bytes-left-over", good + b"\0", "bad-bytes", "1 bytes left over"),
            ("endless-array", good[:count - 1] + b"\xfe" + b"\xff" * 8 + b"\x01" + good[count:], "bad-bytes", "lines"),
            ("length-beyond-64-bits", self.frame + b"\xff" * 12, "bad-bytes", "order_id"),
            ("negative-length", self.frame + b"\x01" + good[11:], "bad-bytes", "order_id"),
            ("not-utf8-text", good.replace(b"C-bad", b"C-\xff\xfe\xfd"), "bad-bytes", "customer_id"),
            ("unknown-enum", good.replace(b"\x06\x04\x02a", b"\x10\x04\x02a"), "bad-bytes", "currency"),
            ("unknown-schema", stranger, "schema-not-found", "0123456789abcdef"),
            ("confluent", confluent, "schema-not-found", "7007"),
            ("unknown-magic", b"\x42" + good, "unknown-framing", "42"),
            ("json", json.dumps(self.order()).encode(), "unknown-framing", "7b"),
            ("c3-02", b"\xc3\x02" + good[2:], "unknown-framing", "c3"),
            ("half-confluent", b"\0\0", "truncated", ""),
        ]
        for name, value, code, says in typed:
            yield Case(name, value, self.headers(), code, None, says=says)
        for name, value, code in (("empty", b"", "empty-value"), ("unknown-schema", stranger, "schema-not-found"), ("confluent", confluent, "schema-not-found"),
                                  ("unknown-magic", b"\x42" + good, "unknown-framing"), ("truncated", good[:7], "truncated")):
            yield Case(name + "-without-headers", value, [], code, code, handler="-")
        yield Case("bad-with-null-key", b"\x42", self.headers(), "unknown-framing", key=None)
        yield Case("bad-with-empty-key", b"\x42", self.headers(), "unknown-framing", key=b"")
        yield Case("bad-with-binary-key", b"\x42", self.headers(), "unknown-framing", key=b"\x00\xff\xfe\x00")
        yield Case("bad-with-1000-headers", b"\x42", self.headers() + [(f"h{n}", os.urandom(20)) for n in range(1000)], "unknown-framing")
        yield Case("bad-with-odd-headers", b"\x42", [("null", None), ("empty", b""), ("twice", b"1"), ("twice", b"2"), ("", b"no name"), ("bin", b"\xff\0\xfe")] +
                   self.headers(), "unknown-framing")

    def bad_headers(self):
        """The envelope cannot be read, so that both groups write a letter, for no reaction in particular."""
        good = self.frame + self.body(self.order())
        for name, changed in (("type-not-utf8", {"ce_type": b"shop.\xff"}), ("id-not-utf8", {"ce_id": b"\xc3\x28"}), ("id-too-long", {"ce_id": "x" * 8193}),
                              ("extension-not-utf8", {"ce_anything": b"\xff"}), ("trace-not-utf8", {"traceparent": b"\xff"}),
                              ("ours-not-utf8", {"polka_hops": b"\xff"})):
            yield Case(name, good, self.headers(**changed), "bad-header", "bad-header", handler="-")
        for name in ("ce_id", "ce_type", "ce_source", "ce_subject", "ce_anything"):
            yield Case("contradictory-" + name, good, self.headers(**{name: "one"}) + [(name, b"other")], "bad-header", "bad-header", handler="-", says=name)
        structured = self.headers(content_type="application/cloudevents+json")
        yield Case("structured-not-json", b"{ not json", structured, "bad-envelope", "bad-envelope", handler="-")
        yield Case("structured-array", b"[1]", structured, "bad-envelope", "bad-envelope", handler="-")
        yield Case("compact-unknown-version", good, [("polka-envelope", b"\xff")], "bad-envelope", "bad-envelope", handler="-")
        yield Case("compact-truncated", good, [("polka-envelope", b"\x01\x00abc")], "bad-envelope", "bad-envelope", handler="-")
        yield Case("too-many-hops", good, self.headers(polka_hops="16"), "too-many-hops")

    def odd_but_fine(self):
        """Strange, and no reason to lose an order."""
        def flowing(name, headers, notifications=None, flows=True, structured=None, **more):
            order = self.order()
            value = self.frame + self.body(order) if structured is None else structured(order)
            case = Case(name, value, headers, None, notifications, handler="-", flows=flows, **more)
            case.order_id = order["order_id"]
            return case

        yield flowing("no-headers", [], flows="foreign")     # its type is the name of its schema, which polka.schemas has
        yield flowing("only-foreign-headers", [("x", b"\xff")], flows="foreign")
        yield flowing("type-only", [("ce_type", TYPE.encode())], flows="foreign")
        yield flowing("empty-type", self.headers(ce_type=""))
        yield flowing("1000-headers", self.headers() + [(f"h{n}", os.urandom(20)) for n in range(1000)])
        yield flowing("1000-extensions", self.headers() + [(f"ce_x{n}", b"v") for n in range(1000)])
        yield flowing("1000-equal-types", self.headers() + [("ce_type", TYPE.encode())] * 1000)
        equal = self.headers()
        yield flowing("id-twice-and-equal", equal + [header for header in equal if header[0] == "ce_id"])
        yield flowing("opaque-header-not-utf8", self.headers(x_bin=b"\xff\xfe") + [("null", None), ("", b"")])
        yield flowing("broken-trace", self.headers(traceparent="00-00000000000000000000000000000000-0000000000000000-00"))
        yield flowing("broken-time", self.headers(ce_time="yesterday"))
        yield flowing("null-key", self.headers(), key=None)
        yield flowing("binary-key", self.headers(), key=b"\xff\x00")
        identity = str(uuid.uuid4())
        envelope = {"specversion": "1.0", "id": identity, "source": SOURCE, "type": TYPE}
        kind = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
        yield flowing("structured-json", kind, flows=(SOURCE, identity), structured=lambda order: json.dumps({**envelope, "data": order}).encode())
        identity2 = str(uuid.uuid4())
        yield flowing("structured-base64", kind, flows=(SOURCE, identity2), structured=lambda order: json.dumps(
            {**envelope, "id": identity2, "data_base64": base64.b64encode(self.frame + self.body(order)).decode()}).encode())

    def skipped(self):
        """Nobody's business here: counted, skipped, no letter."""
        yield Case("unknown-type", b"\x42 whatever", self.headers(ce_type="shop.Nonsense"))
        yield Case("unknown-type-empty-value", b"", self.headers(ce_type="shop.Nonsense"))
        yield Case("tombstone", None, self.headers())
        yield Case("tombstone-without-headers", None, [])
        yield Case("tombstone-null-key", None, [], key=None)

    def huge(self, name, with_value):
        return Case(name, b"\0" * HUGE, self.headers(), "schema-not-found", None, says="id 0", with_value=with_value)


def produce(brokers, cases):
    """Writes the records and notes where each of them is: case.at = (partition, offset, timestamp)."""
    producer = Producer({"bootstrap.servers": brokers, "message.max.bytes": 3 * HUGE, "linger.ms": 0, "log_level": 0, "partitioner": "murmur2_random"})
    failed = []

    def noted(case):
        def report(error, message):
            if error is not None:
                failed.append(f"{case.name}: {error}")
            case.at = message.partition(), message.offset(), message.timestamp()[1]
        return report

    for case in cases:
        producer.produce(TOPIC, case.value, case.key, headers=case.headers, on_delivery=noted(case))
        producer.poll(0)
    producer.flush(60)
    if failed:
        raise RuntimeError(f"not produced: {failed}")
