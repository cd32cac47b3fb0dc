"""Schemas to begin with, random ones, and what is done to them: every mutation makes another JSON tree, valid or not."""
import copy
import json

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
LOGICAL = [("uuid", "string"), ("date", "int"), ("time-millis", "int"), ("time-micros", "long"), ("timestamp-millis", "long"),
           ("timestamp-micros", "long"), ("timestamp-nanos", "long"), ("local-timestamp-millis", "long"),
           ("local-timestamp-micros", "long"), ("local-timestamp-nanos", "long"), ("decimal", "bytes"), ("big-decimal", "bytes")]


def record(name, *fields, **more):
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name, type_, **more):
    return {"name": name, "type": type_, **more}


def enum(name, *symbols, **more):
    return {"type": "enum", "name": name, "symbols": list(symbols), **more}


def fixed(name, size, **more):
    return {"type": "fixed", "name": name, "size": size, **more}


def array(items, **more):
    return {"type": "array", "items": items, **more}


def map_(values, **more):
    return {"type": "map", "values": values, **more}


SEEDS = [
    *PRIMITIVES,
    {"type": "int"}, {"type": "string", "logicalType": "uuid"}, {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
    {"type": "int", "logicalType": "date", "note": {"deep": [1, 2.5, None, "x"]}},
    [], ["null"], ["null", "string"], ["int", "long", "float", "double", "string", "bytes", "boolean", "null"],
    array("int"), map_("string"), array(array(map_(["null", "long"]))),
    enum("Suit", "SPADES", "HEARTS", "DIAMONDS", "CLUBS"), enum("Suit", "A", "B", default="B", namespace="cards", doc="Four of them"),
    enum("Empty"), fixed("MD5", 16), fixed("Nothing", 0), fixed("a.b.Hash", 4, namespace="ignored", aliases=["Old", "c.Older"]),
    fixed("Money", 8, logicalType="decimal", precision=18, scale=4), fixed("Span", 12, logicalType="duration"),
    record("Empty"), record("Error", field("message", "string"), type="error"),
    record("Point", field("x", "int", default=0), field("y", "int", default=0, order="descending", doc="upwards")),
    record("LongList", field("value", "long"), field("next", ["null", "LongList"], default=None), aliases=["LinkedLongs"]),
    record("Tree", field("label", "string"), field("children", array("Tree"), default=[]), namespace="org.forest"),
    record("Graph", field("edges", map_("Graph"), default={}), field("weight", "double", default=1.5)),
    record("Lisp", field("value", ["null", "string", record("Cons", field("car", "Lisp"), field("cdr", "Lisp"))])),
    record("Defaults",
           field("none", "null", default=None), field("flag", "boolean", default=True), field("count", "int", default=-7),
           field("big", "long", default=9007199254740993), field("ratio", "float", default=0.5), field("exact", "double", default=-1e-5),
           field("raw", "bytes", default="\u0000\u00ff"), field("text", "string", default="h\u00e9\u20ac"),
           field("suit", enum("Suit", "S", "H"), default="H"), field("hash", fixed("Two", 2), default="\u00fe\u0001"),
           field("list", array("long"), default=[1, 2, 3]), field("table", map_("int"), default={"a": 1}),
           field("either", ["null", "string"], default=None), field("other", ["string", "null"], default=None),
           field("inner", record("Inner", field("a", "int", default=1), field("b", "string")), default={"b": "x"})),
    record("org.shop.OrderPlaced",
           field("order_id", {"type": "string", "logicalType": "uuid"}), field("placed_at", {"type": "long", "logicalType": "timestamp-millis"}),
           field("lines", array(record("Line", field("sku", "string"), field("quantity", "int"),
                                       field("price", {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2})))),
           field("currency", enum("Currency", "EUR", "USD", namespace="org.money")), field("ship_to", ["null", "org.shop.Line"], default=None),
           **{"polka.topic": "shop.orders", "polka.key": "order_id"}),
    record("Outer", field("inner", record("Inner", field("deep", fixed("Deep", 3)))), field("again", "Inner"), field("deeper", "a.b.Deep"), namespace="a.b"),
    record("Names", field("one", enum("Kind", "A", "B")), field("two", fixed("Kind", 2, namespace="other")),
           field("three", record("third.Kind", field("x", enum("Inside", "I")))), field("four", ["null", "Kind", "other.Kind", "third.Kind", "third.Inside"])),
    record("space.R", field("a", record("R", field("b", "int"), namespace="")), field("c", "R"), field("d", ["null", "space.R"], default=None)),
    record("R", field("record", record("record", field("array", array("record")))), field("map", map_("record")), field("e", enum("enum", "fixed"))),
    [record("A", field("b", ["null", "A"])), record("B", field("a", "A"))],
    [enum("E", "X"), fixed("F", 1), record("G"), array("E"), map_("F")],
    record("Wide", *[field(f"f{i}", PRIMITIVES[i % 8]) for i in range(20)]),
    record("Interop", field("i", "int"), field("l", "long"), field("s", "string"), field("b", "boolean"), field("f", "float"),
           field("d", "double"), field("n", "null"), field("bytes", "bytes"), field("a", array("double")),
           field("m", map_(record("Foo", field("label", "string")))), field("u", ["boolean", "double", array("bytes")]),
           field("e", enum("Kind", "A", "B", "C")), field("x", fixed("MD5", 16)),
           field("r", record("Node", field("label", "string"), field("children", array("Node")))), namespace="org.apache.avro"),
]

NAMES = ["A", "Foo", "Kind", "Inner", "x1", "_", "__a", "record", "array", "a.b", "a.b.C", "A.B.C.D", "int", "string", "null", "x.int",
         "1a", "a-b", "a b", "", ".", ".a", "a.", "a..b", "a.1b", "\u00e9", "a\u20ac", "a\u0000", "Suit", "R", "R.R", "$"]
SPACES = ["", "a", "a.b", "A.B", "_", "x.y.z", "a..b", ".a", "a.", "1", "x y", "\u00e9", None, 5, [], "int", "a.int"]
ALIASES = [[], ["Old"], ["Old", "Older"], ["a.b.Old"], ["Old", "Old"], ["a-b"], [""], ["1"], ["a..b"], [".Old"], ["Old."], [5], [None], "Old", None, {}, ["int"]]
JUNK = [None, True, False, 0, 1, -1, 1.0, 1.5, 1e3, 2147483647, 2147483648, -2147483648, -2147483649, 9223372036854775807, 9223372036854775808,
        -9223372036854775808, 10 ** 20, "", "x", "int", "NaN", "Infinity", "-Infinity", "1.5", "\u0000", "\u00ff", "\u0100", "ab", "SPADES", "A", "B",
        [], {}, [1], ["a"], [None], {"a": 1}, {"a": "x"}, {"x": 1}, {"b": "x", "a": 2}, ["null"], ["null", "int"], "a.b.Deep", "record", "union"]
SIZES = [0, 1, 2, 16, 1000000, 2147483639, -1, 1.0, 1.5, "12", None, 4294967296, True]
ORDERS = ["ascending", "descending", "ignore", "Ascending", "DESCENDING", "other", "", 1, None]


def type_of(random, depth=2, names=None):
    """A random schema; `names` are the full names that may be referred to, and grows."""
    names = names if names is not None else []
    choice = random.random()
    if depth == 0 or choice < 0.45:
        if names and random.random() < 0.25:
            return random.choice(names)
        if random.random() < 0.15:
            logical, base = random.choice(LOGICAL)
            more = {"precision": random.randint(1, 30), "scale": random.randint(0, 5)} if logical == "decimal" else {}
            return {"type": base, "logicalType": logical, **more}
        return random.choice(PRIMITIVES)
    if choice < 0.55:
        return array(type_of(random, depth - 1, names))
    if choice < 0.62:
        return map_(type_of(random, depth - 1, names))
    if choice < 0.75:
        return union_of(random, depth, names)
    name = f"{random.choice('TUVW')}{len(names)}"
    if choice < 0.82:
        names.append(name)
        symbols = random.sample("ABCDEFG", random.randint(1, 5))
        more = {"default": random.choice(symbols)} if random.random() < 0.3 else {}
        return enum(name, *symbols, **more)
    if choice < 0.87:
        names.append(name)
        return fixed(name, random.choice([0, 1, 2, 4, 12, 16]))
    return record_of(random, depth, names, name)


def union_of(random, depth, names):
    branches, seen = [], set()
    for _ in range(random.randint(1, 5)):
        branch = type_of(random, depth - 1, names)
        key = name_in_union(branch)
        if key is not None and key not in seen:
            seen.add(key)
            branches.append(branch)
    return branches


def name_in_union(schema):
    if isinstance(schema, str):
        return schema
    if isinstance(schema, list):
        return None
    return schema.get("name", schema["type"])


def record_of(random, depth, names, name):
    names.append(name)
    fields = []
    for i in range(random.randint(0, 5)):
        type_ = type_of(random, depth - 1, names)
        if name in json.dumps(type_) and not isinstance(type_, list):       # ends only through something that can be empty
            type_ = ["null", type_] if name_in_union(type_) != "null" else type_
        fields.append(field("abcdefgh"[i], type_))
        if random.random() < 0.3:
            value = default_of(random, type_)
            if value is not NO_DEFAULT:
                fields[-1]["default"] = value
    return record(name, *fields)


NO_DEFAULT = object()


def default_of(random, schema):
    """A default that fits a schema without references; NO_DEFAULT when there is none at hand."""
    if isinstance(schema, list):
        return default_of(random, random.choice(schema)) if schema else NO_DEFAULT
    kind = schema if isinstance(schema, str) else schema["type"]
    simple = {"null": [None], "boolean": [True, False], "int": [0, -1, 2147483647], "long": [0, 9007199254740993], "float": [0, 1.5, -2],
              "double": [3, 0.1], "bytes": ["", "\u00ff"], "string": ["", "x", "\u20ac"], "array": [[]], "map": [{}]}
    if kind in simple:
        return random.choice(simple[kind])
    if kind == "enum":
        return random.choice(schema["symbols"]) if schema["symbols"] else NO_DEFAULT
    if kind == "fixed":
        return "\u0001" * schema["size"]
    if kind == "record":
        whole = {}
        for one in schema["fields"]:
            value = one.get("default", default_of(random, one["type"]))
            if value is NO_DEFAULT:
                return NO_DEFAULT
            whole[one["name"]] = value
        return whole
    return NO_DEFAULT


# ---- where things are in a tree -------------------------------------------------------------------

def places(tree, schema=True):
    """(container, key, is it a schema) of everything inside `tree`, which is itself in a list of one."""
    found = []

    def visit(container, key, as_schema):
        found.append((container, key, as_schema))
        value = container[key]
        if isinstance(value, list):
            for i in range(len(value)):
                visit(value, i, as_schema)
        elif isinstance(value, dict):
            for name in list(value):
                if name == "fields" and isinstance(value[name], list):
                    found.append((value, name, False))
                    for i, one in enumerate(value[name]):
                        found.append((value[name], i, False))
                        if isinstance(one, dict):
                            for member in list(one):
                                visit(one, member, member == "type")
                else:
                    visit(value, name, name in ("items", "values") or (name == "type" and not isinstance(value[name], str)))
    visit(tree, 0, schema)
    return found


def named(tree):
    return [c[k] for c, k, _ in places(tree) if isinstance(c[k], dict) and "name" in c[k] and c[k].get("type") in ("record", "enum", "fixed", "error")]


def fields(tree):
    return [one for c, k, _ in places(tree) if k == "fields" and isinstance(c[k], list) for one in c[k] if isinstance(one, dict)]


def objects(tree):
    return [c[k] for c, k, _ in places(tree) if isinstance(c[k], dict) and c[k]]


# ---- one change ------------------------------------------------------------------------------------

def drop_member(random, tree):
    one = random.choice(objects(tree))
    del one[random.choice(list(one))]


def junk_member(random, tree):
    one = random.choice(objects(tree))
    one[random.choice(list(one))] = copy.deepcopy(random.choice(JUNK))


def junk_anywhere(random, tree):
    container, key, _ = random.choice(places(tree))
    container[key] = copy.deepcopy(random.choice(JUNK))


def rename_type(random, tree):
    random.choice(named(tree))["name"] = random.choice(NAMES)


def rename_field(random, tree):
    random.choice(fields(tree))["name"] = random.choice(NAMES)


def set_space(random, tree):
    random.choice(named(tree))["namespace"] = random.choice(SPACES)


def set_aliases(random, tree):
    random.choice(random.choice([named, fields])(tree))["aliases"] = copy.deepcopy(random.choice(ALIASES))


def replace_schema(random, tree):
    container, key, _ = random.choice([place for place in places(tree) if place[2]])
    container[key] = type_of(random, 2, [one["name"] for one in named(tree) if isinstance(one.get("name"), str)])


def graft(random, tree):
    container, key, _ = random.choice([place for place in places(tree) if place[2]])
    container[key] = copy.deepcopy(random.choice(SEEDS))


def wrap(random, tree):
    container, key, _ = random.choice([place for place in places(tree) if place[2]])
    old = container[key]
    container[key] = random.choice([["null", old], [old, "null"], [old], array(old), map_(old), {"type": old}, [old, old]])


def set_default(random, tree):
    one = random.choice(fields(tree))
    value = default_of(random, one.get("type", "null")) if random.random() < 0.4 else random.choice(JUNK)
    if value is not NO_DEFAULT:
        one["default"] = copy.deepcopy(value)


def typed_default(random, tree):
    one = random.choice(fields(tree))
    one["type"] = copy.deepcopy(random.choice([*PRIMITIVES, array("int"), map_("string"), ["null", "int"], ["string", "double"], enum("Q", "A", "B"),
                                               fixed("Q", 1), fixed("Q", 2), record("Q", field("a", "int"), field("b", "string", default="z")), array(["null", "float"])]))
    one["default"] = copy.deepcopy(random.choice(JUNK))


def set_logical(random, tree):
    one = random.choice(objects(tree))
    one["logicalType"] = random.choice([*[name for name, _ in LOGICAL], "duration", "unknown", "", 5, None])
    for name in ("precision", "scale"):
        if random.random() < 0.6:
            one[name] = random.choice([0, 1, 2, 9, 38, 400, -1, 1.5, "2", None])


def duplicate(random, tree):
    lists = [c[k] for c, k, _ in places(tree) if isinstance(c[k], list) and c[k]]
    some = random.choice(lists)
    some.insert(random.randint(0, len(some)), copy.deepcopy(random.choice(some)))


def shuffle(random, tree):
    lists = [c[k] for c, k, _ in places(tree) if isinstance(c[k], list) and len(c[k]) > 1]
    random.shuffle(random.choice(lists))


def shuffle_members(random, tree):
    one = random.choice(objects(tree))
    members = list(one.items())
    random.shuffle(members)
    one.clear()
    one.update(members)


def add_attribute(random, tree):
    random.choice(objects(tree))[random.choice(["doc", "note", "polka.topic", "x", "default", "order", "items", "size", "symbols", "java-class"])] = \
        copy.deepcopy(random.choice(JUNK))


def set_order(random, tree):
    random.choice(fields(tree))["order"] = random.choice(ORDERS)


def set_size(random, tree):
    random.choice([one for one in named(tree) if one["type"] == "fixed"])["size"] = random.choice(SIZES)


def set_symbol(random, tree):
    one = random.choice([one for one in named(tree) if one["type"] == "enum" and isinstance(one.get("symbols"), list)])
    if random.random() < 0.5 and one["symbols"]:
        one["symbols"][random.randrange(len(one["symbols"]))] = random.choice(NAMES)
    else:
        one["default"] = random.choice([*one["symbols"], "NOT_THERE", "", None, 1])


def swap_definition(random, tree):
    """A definition and a reference to it change places: the name is used before it is defined."""
    one = random.choice(named(tree))
    spots = [(c, k) for c, k, s in places(tree) if s and (c[k] == one["name"] or c[k] is one)]
    if len(spots) > 1:
        (first, a), (second, b) = spots[0], spots[-1]
        first[a], second[b] = second[b], first[a]


def refer(random, tree):
    names = [one["name"] for one in named(tree) if isinstance(one["name"], str)]
    container, key, _ = random.choice([place for place in places(tree) if place[2]])
    name = random.choice([*names, "Unknown", "a.b.Inner", "R"])
    container[key] = random.choice([name, {"type": name}])


def set_type(random, tree):
    one = random.choice(named(tree))
    one["type"] = random.choice(["record", "enum", "fixed", "error", "array", "map", "union", "int"])


MUTATIONS = [drop_member, junk_member, junk_anywhere, rename_type, rename_field, set_space, set_aliases, replace_schema, graft, wrap, set_default,
             typed_default, typed_default, set_logical, duplicate, shuffle, shuffle_members, add_attribute, set_order, set_size, set_symbol,
             swap_definition, refer, set_type]


def mutated(random):
    """A schema, one to three changes away from a seed or from a random one."""
    tree = [copy.deepcopy(random.choice(SEEDS)) if random.random() < 0.7 else type_of(random, 3)]
    for _ in range(random.choice([0, 1, 1, 1, 2, 2, 3])):
        for _ in range(20):
            try:
                random.choice(MUTATIONS)(random, tree)
                break
            except (IndexError, KeyError, AttributeError, TypeError):
                continue                 # there was nothing of the kind in it
    return tree[0]


# ---- as text ---------------------------------------------------------------------------------------

def text_of(random, schema):
    """The same JSON in one of the ways to write it; now and then one that is not JSON, or has a member twice."""
    style = random.random()
    if style < 0.5:
        return json.dumps(schema, ensure_ascii=False)
    if style < 0.7:
        return json.dumps(schema, indent=random.choice([0, 1, 4, "\t"]))
    text = json.dumps(schema)
    if style < 0.85:
        return escape_letters(random, text)
    cut = random.randrange(len(text) + 1)
    return random.choice([text, " \n\t" + text + "\r\n ", text[:cut], text + text[:cut], text + "//x", "/* x */" + text, text.replace('"', "'"), "\ufeff" + text,
                          text.replace("}", ",}"), text.replace('"type"', '"type":"x","type"', 1), text.replace(": ", ": 0", 1), text + ",", text + "\u0000"])


def escape_letters(random, text):
    out, quoted, skip = [], False, False
    for c in text:
        if skip:
            skip = False
        elif c == "\\":
            skip = quoted
        elif c == '"':
            quoted = not quoted
        elif quoted and c.isalnum() and "\\u" not in "".join(out[-5:]) and random.random() < 0.2:
            out.append("\\u%04x" % ord(c))
            continue
        out.append(c)
    return "".join(out)
