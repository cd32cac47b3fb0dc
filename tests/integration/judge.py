"""Judges a whole run: every record of every topic, read independently, against what the orders call for."""
import collections

import orders as shop
import wire

MOVING = {"shop.OrderShipped": ("shipped_at",)}          # fields that hold the time of handling, so a redelivery may differ in them
ROOT_SOURCE = "/polka/emit"


class Verdict:
    """What was found: errors (each one line), and counts worth telling."""

    def __init__(self):
        self.errors = []
        self.wrong = collections.Counter()
        self.events = collections.Counter()              # by type, without duplicates
        self.duplicates = collections.Counter()          # by the service that said them
        self.changed = collections.Counter()             # duplicates that differ from their first copy in a moving field
        self.records = self.letters = self.letter_copies = self.schemas = self.derived = 0

    def error(self, what, text):
        self.wrong[what] += 1
        if self.wrong[what] <= 5:
            self.errors.append(f"{what}: {text}")


class Event:
    __slots__ = ("record", "type", "value")

    def __init__(self, record, type_name, value):
        self.record, self.type, self.value = record, type_name, value


def judge(records, orders, acknowledged=None, others=frozenset(), registry=None):
    """
    `records`: all of them, polka.schemas and dead letters included; `orders`: those placed; `acknowledged`: what polka emit
    printed; `others`: keys that somebody else judges; `registry`: what ids stand for. Returns a Verdict.
    """
    verdict = Verdict()
    schemas = wire.Schemas([record for record in records if record.topic == wire.SCHEMAS], registry)
    verdict.schemas = len(schemas.by_fingerprint)
    events, letters = {}, []
    for record in records:
        if record.topic == wire.SCHEMAS or record.key in others:
            continue
        verdict.records += 1
        if record.topic.endswith(".dlt"):
            letters.append(record)
        else:
            _take(verdict, schemas, record, events)
    flows = collections.defaultdict(dict)
    for event in events.values():
        key = event.record.key.decode()
        if event.type in flows[key]:
            verdict.error("twice", f"order {key} has two {event.type} with different ids: {event.record.where}, {flows[key][event.type].record.where}")
        flows[key][event.type] = event
        verdict.events[event.type] += 1
    known = {order.id for order in orders}
    for key in flows.keys() - known:
        verdict.error("foreign", f"nobody placed order {key}, yet there is {sorted(flows[key])}")
    for order in orders:
        _flow(verdict, order, flows.get(order.id, {}))
    _letters(verdict, orders, flows, letters)
    if acknowledged is not None:
        _acknowledged(verdict, acknowledged, flows)
    return verdict


def _take(verdict, schemas, record, events):
    """One record of an event topic: decoded, its headers checked, and kept when it is the first of its identity."""
    try:
        type_name, value, dataschema = schemas.decode(record)
        wire.check_headers(record, type_name, dataschema, type_name == "shop.OrderPlaced")
        if record.key.decode() != value["order_id"]:
            raise wire.Wrong(f"{record.where}: key {record.key!r}, but order_id {value['order_id']}")
    except (wire.Wrong, ValueError, EOFError, AttributeError, KeyError) as wrong:
        verdict.error("record", f"{record.where}: {wrong!r}")
        return
    first = events.get(record.identity())
    if first is None:
        events[record.identity()] = Event(record, type_name, value)
        return
    verdict.duplicates[record.header("ce_source").rsplit("/", 1)[1]] += 1
    _duplicate(verdict, first, Event(record, type_name, value))


def _duplicate(verdict, first, copy):
    """A second copy: the same bytes under the same key in the same partition, and the same headers but the time."""
    moving = MOVING.get(copy.type, ())
    same_value = {k: v for k, v in first.value.items() if k not in moving} == {k: v for k, v in copy.value.items() if k not in moving}
    if first.record.value != copy.record.value:
        verdict.changed[copy.type] += 1
        if not moving or not same_value:
            verdict.error("copy", f"{copy.record.where} has the id of {first.record.where} and another value: {copy.value} / {first.value}")
    fixed = [[(k, v) for k, v in event.record.headers if k != "ce_time"] for event in (first, copy)]
    if fixed[0] != fixed[1] or first.record.key != copy.record.key or (first.record.topic, first.record.partition) != (copy.record.topic, copy.record.partition):
        verdict.error("copy", f"{copy.record.where} has the id of {first.record.where} and other headers, key or partition: {fixed[1]} / {fixed[0]}")


def _flow(verdict, order, flow):
    """The tree of one order: which events, caused by which, with which ids and values."""
    tree = shop.TREES[order.kind]
    wanted = {"shop.OrderPlaced"} | set(tree)
    if set(flow) != wanted:
        missing, more = sorted(wanted - set(flow)), sorted(set(flow) - wanted)
        verdict.error("flow", f"order {order.id} ({order.kind}) lacks {missing} and has {more} too much")
        return
    root = flow["shop.OrderPlaced"].record
    _want(verdict, root, "ce_source", ROOT_SOURCE)
    _want(verdict, root, "ce_correlationid", root.header("ce_id"))
    _want(verdict, root, "polka-hops", "0")
    if root.topic != "shop.orders":
        verdict.error("topic", f"{root.where}: OrderPlaced")
    for type_name, event in flow.items():
        _value(verdict, order, flow, event)
        if type_name in tree:
            _caused(verdict, flow, event, *tree[type_name])
            verdict.derived += 1


def _want(verdict, record, name, expected):
    if record.header(name) != expected:
        verdict.error("header", f"{record.where}: {name} is {record.header(name)!r}, not {expected!r}")


def _caused(verdict, flow, event, topic, service, cause_type):
    """Causation, correlation, trace, hops, topic and the derived id of one event that a service said."""
    record, cause, root = event.record, flow[cause_type].record, flow["shop.OrderPlaced"].record
    if record.topic != topic:
        verdict.error("topic", f"{record.where}: {event.type} belongs to {topic}")
    _want(verdict, record, "ce_source", "/shop/" + service)
    _want(verdict, record, "ce_correlationid", root.header("ce_id"))
    _want(verdict, record, "ce_causationid", cause.header("ce_id"))
    _want(verdict, record, "ce_id", wire.derived_id(*cause.identity(), service, cause_type, event.type, "0"))
    _want(verdict, record, "polka-hops", str(int(cause.header("polka-hops")) + 1))
    trace, before = wire.TRACE.fullmatch(record.header("traceparent")), wire.TRACE.fullmatch(root.header("traceparent"))
    if trace[1] != before[1] or trace[2] == wire.TRACE.fullmatch(cause.header("traceparent"))[2]:
        verdict.error("trace", f"{record.where}: traceparent {trace[0]} does not continue {before[0]}")
    if record.timestamp < cause.timestamp:
        verdict.error("time", f"{record.where} is older than its cause {cause.where}")


def _value(verdict, order, flow, event):
    expected = dict(shop.value_of(order, event.type))
    if event.type == "shop.OrderShipped":
        cause = flow["shop.StockReserved"].record
        expected["shipment_id"] = wire.derived_id(*cause.identity(), "shipping", "shop.StockReserved", "polka.new-id", "0")
        expected["shipped_at"] = event.value["shipped_at"]
    if event.value != expected:
        verdict.error("value", f"{event.record.where}: {event.type} says {event.value}, expected {expected}")


def _letters(verdict, orders, flows, letters):
    """One letter an order that payments refuses, byte-identical, and none for any other."""
    wanted = {order.id: order for order in orders if order.kind == "dead"}
    seen = {}
    for letter in letters:
        key, identity = letter.key.decode(), letter.header("polka-letter-id")
        if identity in seen:
            verdict.letter_copies += 1
            if (letter.key, letter.value) != (seen[identity].key, seen[identity].value):
                verdict.error("letter", f"{letter.where} is another copy of {identity} with other bytes")
            continue
        if letter.topic != shop.LETTERS or key not in wanted:
            verdict.error("letter", f"{letter.where}: nobody expects a letter of {key}: {letter.header('polka-error-message')}")
            continue
        seen[identity] = letter
        root = flows[key].get("shop.OrderPlaced")
        if root is None:                                 # told of already
            continue
        original = root.record
        for problem in check_letter(letter, original, "payments", "shop.OrderPlaced", "handler", "dead"):
            verdict.error("letter", problem)
        if f"not {wanted[key].value['total']}" not in letter.header("polka-error-message"):
            verdict.error("letter", f"{letter.where}: the message does not give the total: {letter.header('polka-error-message')!r}")
        del wanted[key]
    verdict.letters = len(seen)
    for key in wanted:
        verdict.error("letter", f"order {key} (total not positive) has no dead letter")


ORIGIN = ("polka-letter-id", "polka-original-topic", "polka-original-partition", "polka-original-offset", "polka-original-timestamp",
          "polka-consumer-group", "polka-handler", "polka-error-class", "polka-error-code", "polka-error-message", "polka-attempts",
          "polka-first-failed-at")
SPRING = ("kafka_dlt-original-topic", "kafka_dlt-original-partition", "kafka_dlt-original-offset", "kafka_dlt-original-timestamp",
          "kafka_dlt-original-timestamp-type", "kafka_dlt-original-consumer-group", "kafka_dlt-exception-fqcn", "kafka_dlt-exception-message")
OMITTED = ("polka-value-omitted", "polka-value-size", "polka-value-sha256")


def check_letter(letter, original, group, reaction, error_class, code, with_value=True, attempts="1", more=()):
    """Yields what is wrong with a dead letter of `original`, one line each; more: headers that it has beside the usual ones."""
    added = dict(letter.headers[len(original.headers):])
    text = {name: value.decode() for name, value in added.items() if name.startswith("polka-")}
    if letter.headers[:len(original.headers)] != original.headers:
        yield f"{letter.where}: the original's headers do not stand first and unchanged"
    if letter.key != original.key or (with_value and letter.value != original.value):
        yield f"{letter.where}: key or value are not those of {original.where}"
    names = ORIGIN + SPRING + (() if with_value else OMITTED) + more
    if len(letter.headers) != len(original.headers) + len(names) or set(added) != set(names):
        yield f"{letter.where}: added headers are {sorted(added)}, not {sorted(names)}"
        return
    expected = {
        "polka-letter-id": f"{group}/{original.topic}/{original.partition}/{original.offset}/{reaction}",
        "polka-original-topic": original.topic, "polka-original-partition": str(original.partition),
        "polka-original-offset": str(original.offset), "polka-original-timestamp": str(original.timestamp),
        "polka-consumer-group": group, "polka-handler": reaction, "polka-error-class": error_class, "polka-error-code": code, "polka-attempts": attempts}
    for name, value in expected.items():
        if text[name] != value:
            yield f"{letter.where}: {name} is {text[name]!r}, not {value!r}"
    if not wire.TIME.fullmatch(text["polka-first-failed-at"]) or not text["polka-error-message"]:
        yield f"{letter.where}: polka-first-failed-at {text['polka-first-failed-at']!r}, message {text['polka-error-message']!r}"
    spring = {
        "kafka_dlt-original-topic": original.topic.encode(), "kafka_dlt-original-partition": original.partition.to_bytes(4, "big"),
        "kafka_dlt-original-offset": original.offset.to_bytes(8, "big"), "kafka_dlt-original-timestamp": original.timestamp.to_bytes(8, "big"),
        "kafka_dlt-original-timestamp-type": b"CreateTime", "kafka_dlt-original-consumer-group": group.encode(),
        "kafka_dlt-exception-message": text["polka-error-message"].encode()}
    for name, value in spring.items():
        if added[name] != value:
            yield f"{letter.where}: {name} is {added[name]!r}, not {value!r}"


def _acknowledged(verdict, acknowledged, flows):
    """What `polka emit` printed is what stands there."""
    placed = {(flow["shop.OrderPlaced"].record.topic, flow["shop.OrderPlaced"].record.partition, flow["shop.OrderPlaced"].record.offset):
              flow["shop.OrderPlaced"].record.header("ce_id") for flow in flows.values() if "shop.OrderPlaced" in flow}
    for row in acknowledged:
        if placed.get((row["topic"], row["partition"], row["offset"])) != row["id"] or row["correlation_id"] != row["id"]:
            verdict.error("emit", f"polka emit printed {row}, but there stands {placed.get((row['topic'], row['partition'], row['offset']))}")
