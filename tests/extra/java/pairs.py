"""Pairs of schemas: a writer's, and a reader's that came out of it by the changes that people make, allowed or not."""
import copy

import schemas


def named_of(tree, *kinds):
    return [one for one in schemas.named(tree) if one["type"] in kinds]


def slots(tree):
    return [(c, k) for c, k, s in schemas.places(tree) if s]


PROMOTIONS = {"int": ["long", "float", "double"], "long": ["float", "double", "int"], "float": ["double", "int"], "string": ["bytes"], "bytes": ["string"],
              "double": ["float", "long"], "boolean": ["int"], "null": ["int"]}


def promote(random, tree):
    container, key = random.choice([(c, k) for c, k in slots(tree) if isinstance(c[k], str) and c[k] in PROMOTIONS])
    container[key] = random.choice(PROMOTIONS[container[key]])
    if isinstance(container, dict) and "default" in container:
        del container["default"]


def drop_field(random, tree):
    one = random.choice(named_of(tree, "record"))
    del one["fields"][random.randrange(len(one["fields"]))]


def add_field(random, tree):
    one = random.choice(named_of(tree, "record"))
    type_ = random.choice([*schemas.PRIMITIVES, ["null", "string"], ["int", "null"], ["int", "double"], [schemas.array("int"), "null"], schemas.array("int"), schemas.map_(["null", "double"]),
                           schemas.enum("Added", "X", "Y"), schemas.enum("AddedToo", "X", "Y", default="Y"), schemas.fixed("AddedFixed", 2),
                           schemas.record("AddedRecord", schemas.field("p", "int", default=3), schemas.field("q", ["null", "long"]))])
    new = schemas.field(random.choice(["new", "newer", "a", "x"]), copy.deepcopy(type_))
    value = schemas.default_of(random, type_)
    if value is not schemas.NO_DEFAULT and random.random() < 0.8:
        new["default"] = value
    one["fields"].insert(random.randint(0, len(one["fields"])), new)


def rename_field(random, tree):
    one = random.choice(schemas.fields(tree))
    old = one["name"]
    one["name"] = random.choice(["renamed", "other", "a", "b", "c"])
    if random.random() < 0.7:
        one["aliases"] = random.choice([[old], ["nothing", old], [old, "b"]])


def alias_field(random, tree):
    one = random.choice(named_of(tree, "record"))
    names = [field["name"] for field in one["fields"]]
    random.choice(one["fields"])["aliases"] = random.sample([*names, "q"], 1)


def reorder_fields(random, tree):
    random.shuffle(random.choice(named_of(tree, "record"))["fields"])


def give_default(random, tree):
    one = random.choice(schemas.fields(tree))
    value = schemas.default_of(random, one["type"])
    if value is not schemas.NO_DEFAULT:
        one["default"] = value


def to_union(random, tree):
    container, key = random.choice(slots(tree))
    old = container[key]
    if isinstance(old, list):
        old.insert(random.randint(0, len(old)), random.choice([*schemas.PRIMITIVES, schemas.array("string"), schemas.record("Extra", schemas.field("z", "int", default=0))]))
    else:
        container[key] = random.choice([["null", old], [old, "null"], [old], ["string", old], ["double", "long", old], [old, "bytes"]])
    if isinstance(container, dict) and "default" in container:
        del container["default"]


def from_union(random, tree):
    container, key = random.choice([(c, k) for c, k in slots(tree) if isinstance(c[k], list) and c[k]])
    if random.random() < 0.5:
        container[key] = random.choice(container[key])
    else:
        del container[key][random.randrange(len(container[key]))]
    if isinstance(container, dict) and "default" in container:
        del container["default"]


def reorder_union(random, tree):
    container, key = random.choice([(c, k) for c, k in slots(tree) if isinstance(c[k], list) and c[k]])
    random.shuffle(container[key])


def rename_type(random, tree):
    one = random.choice(schemas.named(tree))
    old = one["name"]
    new = random.choice(["Renamed", "other." + old.split(".")[-1], old.split(".")[-1], "a.b.Renamed"])
    for c, k in slots(tree):
        if c[k] == old:
            c[k] = new
    one["name"] = new
    if random.random() < 0.6:
        one["aliases"] = random.choice([[old], ["." + old], ["x.y.Old", old], [old.split(".")[-1]]])


def move_namespace(random, tree):
    random.choice(schemas.named(tree))["namespace"] = random.choice(["", "moved", "a.b"])


def change_symbols(random, tree):
    one = random.choice(named_of(tree, "enum"))
    random.choice([lambda: one["symbols"].append("NEW"), lambda: one["symbols"].insert(0, "FIRST"), lambda: one["symbols"].pop(),
                   lambda: random.shuffle(one["symbols"]), lambda: one["symbols"].pop(0)])()
    if random.random() < 0.4:
        one["default"] = random.choice(one["symbols"])
    elif one.get("default") not in one["symbols"]:
        one.pop("default", None)


def change_size(random, tree):
    one = random.choice(named_of(tree, "fixed"))
    one["size"] = random.choice([one["size"] + 1, 1, 2])


def replace(random, tree):
    schemas.replace_schema(random, tree)


def logical(random, tree):
    schemas.set_logical(random, tree)


CHANGES = [promote, promote, drop_field, drop_field, add_field, add_field, rename_field, alias_field, reorder_fields, reorder_fields, give_default, to_union, to_union,
           from_union, from_union, reorder_union, rename_type, rename_type, move_namespace, change_symbols, change_symbols, change_size, replace, logical]

SOME = [seed for seed in schemas.SEEDS]
UNIONS = [
    ["null", schemas.record("A", schemas.field("x", "int")), schemas.record("B", schemas.field("x", "int"), schemas.field("y", "string", default="d"))],
    [schemas.record("n.A", schemas.field("x", "int")), schemas.record("m.A", schemas.field("y", "int", default=1))],
    [schemas.enum("n.E", "P", "Q"), schemas.enum("m.E", "Q", "R")],
    [schemas.fixed("n.F", 2), schemas.fixed("m.F", 4), "bytes"],
    ["long", "double", "string"], ["float", "bytes", "null"], ["double", "int"], ["string", "bytes"],
    schemas.array(["null", "int", schemas.array("string")]), schemas.map_(schemas.record("V", schemas.field("k", ["null", "V"], default=None))),
]


def pair(random):
    """(writer, reader), each a JSON tree."""
    choice = random.random()
    writer = copy.deepcopy(random.choice(SOME) if choice < 0.4 else random.choice(UNIONS) if choice < 0.55 else schemas.type_of(random, 3))
    if random.random() < 0.05:
        return writer, copy.deepcopy(random.choice([*SOME, *UNIONS]))
    tree = [copy.deepcopy(writer)]
    for _ in range(random.choice([0, 1, 1, 1, 2, 2, 3, 4])):
        for _ in range(20):
            try:
                random.choice(CHANGES)(random, tree)
                break
            except (IndexError, KeyError, AttributeError, TypeError, ValueError):
                continue
    return (tree[0], writer) if random.random() < 0.3 else (writer, tree[0])
