"""What is written, and what must come out: values in the form that all peers share.

Numbers are texts: int and long decimal, float and double the hex digits of their IEEE bits ("NaN" for any NaN), decimals with all places
of their scale. Bytes and fixed are hex. A branch of a union that is not null is {its name: value}. Logical types of numbers are the number.
"""
import copy
import random
import struct
import uuid


def float_of(value):
    return "NaN" if value != value else struct.pack(">f", value).hex()


def double_of(value):
    return "NaN" if value != value else struct.pack(">d", value).hex()


def decimal_of(unscaled, scale):
    digits = str(abs(unscaled)).rjust(scale + 1, "0")
    return ("-" if unscaled < 0 else "") + digits[:-scale] + "." + digits[-scale:]


def line(sku, quantity):
    return {"sku": sku, "quantity": str(quantity)}


HIGH = {
    "flag": True, "count": str(2**31 - 1), "big": str(2**63 - 1), "ratio": "NaN", "weight": "NaN",
    "text": "Žluťoučký kůň, 北京, 🐎, NUL \0, e\u0301, \u2028, \"\\/", "data": bytes(range(256)).hex(), "hash": "ff00ff00ff", "state": "PAID",
    "lines": [line("apple", 2**63 - 1), line("", -1)], "matrix": [["1", "-2147483648"], [], ["2147483647"]],
    "totals": {"": double_of(float("inf")), "ключ": double_of(-0.0), "nan": "NaN"}, "choice": {"long": str(2**53 + 1)}, "inner": None,
    "nothing": None, "price": decimal_of(10**38 - 1, 4), "rate": decimal_of(10**18 - 1, 6), "reference": "ffffffff-ffff-4fff-bfff-ffffffffffff",
    "token": "ff" * 16, "day": "2932896", "clock_ms": "86399999", "clock_us": "86399999999", "at_ms": "253402300799999",
    "at_us": "253402300799999999", "at_ns": str(2**63 - 1), "local_ms": "253402300799999", "local_us": "253402300799999999",
    "local_ns": str(2**63 - 1), "took": "ff" * 12, "remark": "🐎"}
LOW = {
    "flag": False, "count": str(-2**31), "big": str(-2**63), "ratio": float_of(float("-inf")), "weight": double_of(-0.0), "text": "", "data": "",
    "hash": "0000000000", "state": "UNKNOWN", "lines": [], "matrix": [], "totals": {}, "choice": None, "inner": None, "nothing": None,
    "price": decimal_of(-(10**38 - 1), 4), "rate": decimal_of(-(10**18 - 1), 6), "reference": "00000000-0000-4000-8000-000000000000",
    "token": "00" * 16, "day": "-719162", "clock_ms": "0", "clock_us": "0", "at_ms": "-62135596800000", "at_us": "-62135596800000000",
    "at_ns": str(-2**63), "local_ms": "-62135596800000", "local_us": "-62135596800000000", "local_ns": str(-2**63), "took": "00" * 12, "remark": ""}
CLOSE = {
    **LOW, "count": "-1", "big": str(2**53 + 1), "ratio": float_of(1.1754944e-38), "weight": double_of(5e-324), "state": "OPEN",
    "choice": {"interop.Line": line("🍏", 2**53 + 1)}, "price": "-0.0001", "rate": "0.000000", "at_us": "-1", "at_ms": "-1", "day": "-1",
    "inner": {**HIGH, "inner": {**LOW, "choice": {"string": "null"}}}}


def any_of(rng):
    """A value of the middle."""
    def some(make):
        return [make() for _ in range(rng.randrange(4))]

    def text():
        return "".join(chr(rng.choice([rng.randrange(0x20, 0x7f), rng.randrange(0xa1, 0xd7ff), rng.randrange(0x10000, 0x10ffff)])) for _ in range(rng.randrange(20)))

    long, integer = (lambda: str(rng.randrange(-2**63, 2**63))), (lambda: str(rng.randrange(-2**31, 2**31)))
    return {
        "flag": rng.random() < 0.5, "count": integer(), "big": long(), "ratio": float_of(rng.uniform(-1e6, 1e6)), "weight": double_of(rng.gauss(0, 1e9)),
        "text": text(), "data": rng.randbytes(rng.randrange(40)).hex(), "hash": rng.randbytes(5).hex(), "state": rng.choice(["UNKNOWN", "OPEN", "PAID"]),
        "lines": some(lambda: line(text(), long())), "matrix": some(lambda: some(integer)), "totals": {text(): double_of(rng.random()) for _ in range(3)},
        "choice": rng.choice([None, {"string": text()}, {"long": long()}, {"interop.Line": line(text(), long())}]), "inner": None, "nothing": None,
        "price": decimal_of(rng.randrange(-10**38 + 1, 10**38), 4), "rate": decimal_of(rng.randrange(-10**18 + 1, 10**18), 6),
        "reference": str(uuid.UUID(int=rng.getrandbits(128), version=4)), "token": rng.randbytes(16).hex(), "day": str(rng.randrange(-700000, 2900000)),
        "clock_ms": str(rng.randrange(86400000)), "clock_us": str(rng.randrange(86400000000)), "at_ms": str(rng.randrange(-6 * 10**13, 25 * 10**13)),
        "at_us": str(rng.randrange(-6 * 10**16, 25 * 10**16)), "at_ns": long(), "local_ms": str(rng.randrange(-6 * 10**13, 25 * 10**13)),
        "local_us": str(rng.randrange(-6 * 10**16, 25 * 10**16)), "local_ns": long(), "took": rng.randbytes(12).hex(), "remark": text()}


def everything(seed):
    """[(written = read value)] by the service's own schema."""
    rng = random.Random(seed)
    return [HIGH, LOW, CLOSE, *({**any_of(rng), "inner": any_of(rng) if number else None} for number in range(3))]


def evolve(rng, value):
    """(what the foreign team writes by evolved/everything.avsc, what the service must read) of a value of ours."""
    def narrow(each):
        return {"sku": each["sku"], "quantity": str(rng.randrange(-2**31, 2**31))}

    written, read = copy.deepcopy(value), copy.deepcopy(value)
    text, whole = value["text"], rng.choice([2**24 + 1, 2**53 + 1, -2**63, 2**63 - 1, -16777219, 0, 7])
    weight = rng.choice(["NaN", float_of(float("inf")), float_of(0.1), "80000000", "00000001"])
    lines, totals = [narrow(each) for each in value["lines"]], {key: str(rng.choice([2**53 + 1, -2**63, 5])) for key in value["totals"]}
    state, big = rng.choice([("REFUNDED", "UNKNOWN"), ("PAID", "PAID"), ("OPEN", "OPEN")]), str(rng.randrange(-2**31, 2**31))
    branch, of = next(iter((value["choice"] or {"null": None}).items()))
    choice = {"null": (None, None), "string": (value["choice"],) * 2, "long": ({"int": big}, {"long": big})}.get(branch)
    if choice is None:
        small = narrow(of)
        choice = {"interop.Line": {**small, "tags": ["a", "b"]}}, {"interop.Line": small}
    inner = evolve(rng, value["inner"]["interop.Values"]) if value["inner"] else None
    for name in ("count", "matrix", "remark"):
        del written[name]
    written.update(priority="-1", number=value["count"], big=big, ratio=str(whole), weight=weight, text=text.encode().hex(), data=text, state=state[0],
                   lines=[{**each, "tags": ["x"] * (at % 3)} for at, each in enumerate(lines)], totals=totals, choice=choice[0],
                   history=[None, {"interop.Line": {"quantity": "1", "sku": "skipped", "tags": []}}, {"map": {"a": "00ff"}}],
                   inner=inner and {"interop.Values": inner[0]})
    read.update(big=big, ratio=float_of(float_from_long(whole)), weight="NaN" if weight == "NaN" else double_of(struct.unpack(">f", bytes.fromhex(weight))[0]),
                data=text.encode().hex(), state=state[1], lines=lines, totals={key: double_of(float(int(each))) for key, each in totals.items()},
                choice=choice[1], matrix=[], remark="none — žádná 北京", inner=inner and {"interop.Values": inner[1]})
    return written, read


def float_from_long(whole):
    """The nearest float of an integer in one rounding, ties to even: by way of a double it would be rounded twice."""
    size = max(abs(whole).bit_length() - 24, 0)
    kept, rest, half = abs(whole) >> size, abs(whole) & ((1 << size) - 1), (1 << size) >> 1
    kept += size > 0 and (rest > half or (rest == half and kept & 1))
    return float((kept << size) * (1 if whole >= 0 else -1))


def tagged(value):
    """`inner` as a branch of its union, all the way down."""
    return {**value, "inner": value["inner"] and {"interop.Values": tagged(value["inner"])}}


def orders(seed, count=4):
    """[(by our schema, by evolved/order_placed.avsc, what payments must say about it)]"""
    rng, rows = random.Random(seed), []
    for number in range(count):
        identity, total = str(uuid.UUID(int=rng.getrandbits(128), version=4)), rng.choice([1, 500000, rng.randrange(1, 500000)])
        lines = [{"sku": sku, "quantity": str(rng.randrange(1, 9)), "unit_price": str(rng.randrange(1, 2**31))} for sku in ("jablko 🍏", "b")[:number]]
        order = {"order_id": identity, "customer_id": f"zákazník-{number}", "placed_at": str(1700000000000 + number), "currency": rng.choice(["EUR", "USD", "GBP", "CZK"]),
                 "lines": lines, "total": str(total), "note": rng.choice([None, {"string": "nechte u dveří 🐎"}])}
        evolved = {**order, "channel": "PHONE", "lines": [{**each, "gift": True} for each in lines]}
        del evolved["note"]
        rows.append((order, evolved, {"order_id": identity, "customer_id": order["customer_id"], "amount": str(total), "currency": order["currency"], "lines": lines}))
    return rows
