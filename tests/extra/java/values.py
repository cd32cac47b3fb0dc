"""Random values as Avro bytes, bytes broken on purpose, and a reader as lenient as Java's that says what was wrong."""
import struct

MOST_DEPTH = 12
TEXTS = ["", "a", "hello", "h\u00e9llo", "\u20ac", "\U0001f600", "a\u0000b", "x" * 200, "\"\\/\n\t"]


def zigzag(number):
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    number &= (1 << 64) - 1
    while number > 0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def names_of(schema, names=None):
    """Full name -> definition, of a schema in canonical form."""
    names = {} if names is None else names
    if isinstance(schema, list):
        for branch in schema:
            names_of(branch, names)
    elif isinstance(schema, dict):
        if "name" in schema:
            names[schema["name"]] = schema
        for field in schema.get("fields", []):
            names_of(field["type"], names)
        for key in ("items", "values"):
            if key in schema:
                names_of(schema[key], names)
    return names


class TooDeep(Exception):
    pass


class Writer:
    """Values of a schema in canonical form."""

    def __init__(self, random, schema):
        self.random, self.names, self.schema = random, names_of(schema), schema

    def value(self):
        return self.write(self.schema, 0)

    def write(self, schema, depth):
        random = self.random
        if depth > 60:
            raise TooDeep
        if isinstance(schema, list):
            if not schema:
                raise TooDeep            # an empty union has no values
            index = random.randrange(len(schema)) if depth < MOST_DEPTH else schema.index("null") if "null" in schema else 0
            return zigzag(index) + self.write(schema[index], depth + 1)
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind in self.names and isinstance(schema, str):
            schema = self.names[kind]
            kind = schema["type"]
        if kind == "null":
            return b""
        if kind == "boolean":
            return bytes([random.randrange(2)])
        if kind == "int":
            return zigzag(random.choice([0, -1, 1, 63, 64, -65, 2 ** 31 - 1, -2 ** 31, random.randint(-2 ** 31, 2 ** 31 - 1)]))
        if kind == "long":
            return zigzag(random.choice([0, -1, 1, 2 ** 53 + 1, 2 ** 63 - 1, -2 ** 63, 1700000000000, random.randint(-2 ** 63, 2 ** 63 - 1)]))
        if kind == "float":
            return struct.pack("<f", random.choice([0.0, -0.0, 1.5, 0.1, 3.4e38, 1e-45, float("inf"), float("nan"), random.gauss(0, 1e3)]))
        if kind == "double":
            return struct.pack("<d", random.choice([0.0, -0.0, 1.5, 0.1, 1e308, 5e-324, float("-inf"), float("nan"), random.gauss(0, 1e9)]))
        if kind == "string":
            text = random.choice(TEXTS).encode()
            return zigzag(len(text)) + text
        if kind == "bytes":
            size = random.choice([0, 1, 2, 8, 70])
            return zigzag(size) + random.randbytes(size)
        if kind == "fixed":
            return random.randbytes(schema["size"])
        if kind == "enum":
            if not schema["symbols"]:
                raise TooDeep
            return zigzag(random.randrange(len(schema["symbols"])))
        if kind == "record":
            return b"".join(self.write(field["type"], depth + 1) for field in schema["fields"])
        return self.blocks(kind, schema["items" if kind == "array" else "values"], depth)

    def blocks(self, kind, inner, depth):
        random, out = self.random, b""
        used = 0
        for _ in range(random.choice([0, 1, 1, 2]) if depth < MOST_DEPTH else 0):
            count, block = random.randint(1, 3), b""
            for _ in range(count):
                if kind == "map":
                    key = f"k{used}".encode()
                    block += zigzag(len(key)) + key
                    used += 1
                block += self.write(inner, depth + 1)
            out += zigzag(-count) + zigzag(len(block)) + block if random.random() < 0.3 else zigzag(count) + block
        return out + b"\0"


OVERLONG = [b"\x80" * 10 + b"\x00", b"\xff" * 9 + b"\x7f", b"\xff" * 9 + b"\x01", b"\x80\x80\x00", b"\x82\x80\x80\x80\x80\x00", b"\xff\xff\xff\xff\x7f",
            b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x80\x10", b"\xff\xff\xff\xff\xff\x01", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x02"]


def broken(random, body):
    """Bytes that are no longer (or only by luck) a value."""
    body = bytearray(body)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        at = random.randrange(len(body) + 1)
        random.choice([
            lambda: body.__delitem__(slice(at, None)),
            lambda: body.__setitem__(slice(at, at + 1), bytes([random.randrange(256)])),
            lambda: body.__setitem__(slice(at, at + 1), bytes([random.choice([0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0xff, 0xc0, 0xc3])])),
            lambda: body.__setitem__(slice(at, at), random.choice(OVERLONG)),
            lambda: body.__setitem__(slice(at, at + 1), random.choice(OVERLONG)),
            lambda: body.__setitem__(slice(at, at + 1), zigzag(random.choice([-1, -2, -3, 1, 2, 3, 100, 2 ** 31, 2 ** 63 - 1, -2 ** 63, -2 ** 31, 2 ** 40]))),
            lambda: body.extend(random.randbytes(random.randint(1, 3))),
            lambda: body.__delitem__(slice(at, at + random.randint(1, 3))),
        ])()
    return bytes(body)


class Wrong(Exception):
    """What no reader takes."""


class Reader:
    """Reads as leniently as Java does, and notes in `oddities` what the specification does not allow."""

    def __init__(self, schema, body):
        self.names, self.schema, self.body, self.at, self.oddities, self.items = names_of(schema), schema, body, 0, set(), 0

    def read(self):
        self.value(self.schema, 0)
        if self.at != len(self.body):
            self.oddities.add("bytes left over")
        return self.oddities

    def take(self, count):
        if count < 0 or self.at + count > len(self.body):
            raise Wrong("ends too soon")
        self.at += count
        return self.body[self.at - count:self.at]

    def varint(self, most):
        number = 0
        for i in range(most):
            byte = self.take(1)[0]
            number |= (byte & 0x7f) << 7 * i
            if byte < 0x80:
                if number >> (32 if most == 5 else 64):
                    self.oddities.add("number that overflows")
                number &= (1 << (32 if most == 5 else 64)) - 1
                return (number >> 1) ^ -(number & 1)
        raise Wrong("number too long")

    def sized(self, text):
        size = self.varint(10)
        if size < 0:
            self.oddities.add("negative length")
            size = 0
        body = self.take(size)
        if text:
            try:
                body.decode()
            except UnicodeDecodeError:
                self.oddities.add("text that is not UTF-8")

    def value(self, schema, depth):
        if depth > 900:
            raise Wrong("too deep")
        if isinstance(schema, list):
            index = self.varint(5)
            if not 0 <= index < len(schema):
                raise Wrong("no such branch")
            return self.value(schema[index], depth + 1)
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind in self.names and isinstance(schema, str):
            schema = self.names[kind]
            kind = schema["type"]
        if kind == "boolean":
            if self.take(1)[0] > 1:
                self.oddities.add("boolean that is neither 0 nor 1")
        elif kind in ("int", "long"):
            self.varint(5 if kind == "int" else 10)
        elif kind in ("float", "double"):
            self.take(4 if kind == "float" else 8)
        elif kind in ("bytes", "string"):
            self.sized(kind == "string")
        elif kind == "fixed":
            self.take(schema["size"])
        elif kind == "enum":
            if not 0 <= self.varint(5) < len(schema["symbols"]):
                self.oddities.add("enum index out of range")
        elif kind == "record":
            for field in schema["fields"]:
                self.value(field["type"], depth + 1)
        elif kind in ("array", "map"):
            self.blocks(kind, schema["items" if kind == "array" else "values"], depth)

    def blocks(self, kind, inner, depth):
        while True:
            count, end = self.varint(10), None
            if count == -2 ** 63:        # which has no absolute value: Java takes it for the end
                self.oddities.add("block count without an absolute value")
                self.varint(10)
                return
            if count == 0:
                return
            if count < 0:
                size = self.varint(10)
                end = self.at + size
                count = -count
            for _ in range(count):
                self.items += 1
                if self.items > 2000000:
                    raise Wrong("too many items")
                if kind == "map":
                    self.sized(True)
                self.value(inner, depth + 1)
            if end is not None and end != self.at:
                self.oddities.add("block size that is wrong")
