"""random_schemas.py SEED COUNT FOLDER: writes COUNT event schemas and some shared types, random_<n>.avsc, that refer to each other.
Each event has an earlier version, random_<n>.v1.avsc, from which the newest, random_<n>.v2.avsc, has gone on (random_history.py).

Every Avro type and logical type turns up, nested, shared and recursive, with names that C minds. The same seed writes the same files.
"""
import json
import pathlib
import random
import sys

from random_history import History

HOSTILE = ["int", "class", "default", "errno", "stdin", "linux", "register", "operator", "alignas", "bool", "value", "r", "w", "v", "at", "items",
           "count", "tag", "as", "size", "data", "key", "_id", "id", "camelCase", "sa_handler", "st_size", "HTTPServer", "Upper", "x__y", "final", "depth", "bound", "branch", "index"]
PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
LOGICAL = [("string", "uuid"), ("int", "date"), ("int", "time-millis"), ("long", "time-micros"), ("long", "timestamp-millis"), ("long", "timestamp-micros"),
           ("long", "timestamp-nanos"), ("long", "local-timestamp-millis"), ("long", "local-timestamp-micros"), ("bytes", "decimal")]
DOCS = ["plain", "ends */ here", "/* begins", "a \\ backslash", "trigraph ??/ here", "žluťoučký kůň", "quote \" and 'x'", "bidi \u202e text", "tab\tnewline\nend"]


class Maker:
    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.number = 0
        self.names = []
        self.shared = []                 # full names of types in files of their own

    def fresh(self, what):
        """Some are called like a function or table of the source, or like another type but for an underscore."""
        self.number += 1
        name = f"{what}{self.number}"
        if self.names and self.chance.random() < 0.2:
            like = self.chance.choice(self.names) + self.chance.choice(["Codec", "Read", "Write", "Older", "Key", "_x"])
            name = name if like in self.names else like
        self.names.append(name)
        return name

    def doc(self, node):
        if self.chance.random() < 0.2:
            node["doc"] = self.chance.choice(DOCS)
        return node

    def decimal(self):
        precision = self.chance.choice([1, 2, 5, 9, 17, 18, 19, 30])
        return {"logicalType": "decimal", "precision": precision, "scale": self.chance.randint(0, precision)}

    def enum(self):
        symbols = [self.chance.choice(["A", "EOF", "int", "NULL", "inTransit", "Z9z", "MAX", "_x"]) + f"{i}" for i in range(self.chance.choice([1, 2, 5, 70]))]
        return self.doc({"type": "enum", "name": self.fresh(self.chance.choice(["Colour", "INT", "kind", "E"])), "symbols": symbols})

    def fixed(self):
        roll = self.chance.random()
        if roll < 0.2:
            return {"type": "fixed", "name": self.fresh("Span"), "size": 12, "logicalType": "duration"}
        size = self.chance.choice([1, 4, 16, 33])
        node = {"type": "fixed", "name": self.fresh("Hash"), "size": size}
        if roll < 0.5:
            most = {1: 2, 4: 9, 16: 38, 33: 70}[size]
            precision = self.chance.randint(1, most)
            node.update({"logicalType": "decimal", "precision": precision, "scale": self.chance.randint(0, precision)})
        return node

    def record(self, depth, within, name=None):
        name = name or self.fresh(self.chance.choice(["Order", "HTTPReply", "line", "Item"]))
        fields = []
        count = self.chance.choice([0, 1, 3, 6]) if depth > 0 else self.chance.randint(1, 9)
        for i in range(count):
            field = {"name": self.chance.choice(HOSTILE) + f"F{i}" if self.chance.random() < 0.5 else f"field{i}",
                     "type": self.type(depth + 1, within + [name])}
            fields.append(self.doc(field))
        if self.chance.random() < 0.4:
            fields.append({"name": self.chance.choice(HOSTILE), "type": self.chance.choice(["int", "string", ["null", "string"]])})
        return self.doc({"type": "record", "name": name, "fields": fields})

    def union(self, depth, within):
        branches, seen = [], set()
        for _ in range(self.chance.randint(1, 5)):
            branch = self.type(depth + 1, within, union=True)
            kind = branch if isinstance(branch, str) else branch["type"]
            label = branch["name"] if isinstance(branch, dict) and "name" in branch else kind
            if label not in seen:
                seen.add(label)
                branches.append(branch)
        return branches

    def recursion(self, within):
        name = self.chance.choice(within)
        return self.chance.choice([["null", name], [name, "null"], {"type": "array", "items": name}, {"type": "map", "values": name},
                                   ["string", name, "null"], {"type": "array", "items": ["null", name]}])

    def type(self, depth, within, union=False):
        roll = self.chance.random()
        if depth > 4 or roll < 0.35:
            return self.chance.choice(PRIMITIVES)
        if roll < 0.5:
            base, logical = self.chance.choice(LOGICAL)
            return {"type": base, **(self.decimal() if logical == "decimal" else {"logicalType": logical})}
        if roll < 0.56 and self.shared:
            return self.chance.choice(self.shared)
        if roll < 0.62 and within and not union:
            return self.recursion(within)
        if roll < 0.68:
            return self.enum()
        if roll < 0.74:
            return self.fixed()
        if roll < 0.80:
            return self.record(depth, within)
        if roll < 0.87 and not union:
            other = self.type(depth + 1, within, union=True)
            if other != "null":
                return self.chance.choice([["null", other], [other, "null"]])
        if roll < 0.91 and not union:
            return self.union(depth, within)
        if roll < 0.96:
            return {"type": "array", "items": self.type(depth + 1, within)}
        return {"type": "map", "values": self.type(depth + 1, within)}


def main():
    seed, count, folder = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    maker = Maker(seed)

    def write(name, node):
        (folder / name).write_text(json.dumps({**node, "namespace": "random.types"}, ensure_ascii=maker.chance.random() < 0.5))

    shared = {}
    for n, make in enumerate([maker.enum, maker.fixed, lambda: maker.record(1, []), lambda: maker.record(1, [])]):
        node = make()
        write(f"random_{n}.avsc", node)
        maker.shared.append(f"random.types.{node['name']}")
        shared[maker.shared[-1]] = node
    for n in range(4, count + 4):
        newest = {**maker.record(0, [], f"Event{n - 4}"), "polka.topic": "random"}
        write(f"random_{n}.v1.avsc", History(maker, shared).before(newest))      # and gives the newest its defaults and aliases
        write(f"random_{n}.v2.avsc", newest)
    (folder / "schemas.yaml").write_text("compatibility: NONE\n")


main()
