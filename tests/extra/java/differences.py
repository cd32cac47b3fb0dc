"""Where our answer may differ from Java Avro's: each class of DIFFERENCES.md by name, with what must be true of the case."""
import json
import re

SAME, REFUSED, DIFFERENT = "the same", "both refuse", "DIFFERENT"


class Twice(Exception):
    pass


def members(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise Twice(keys)
    return dict(pairs)


def tree_of(text):
    return json.loads(text, object_pairs_hook=members)


def at(tree, error):
    """What stands at the JSON path that an error begins with: "$.fields[2].type: …"."""
    path = re.match(r"\$([^:]*): ", error)
    for name, index, key in re.findall(r"\.([^.\[]+)|\[(\d+)\]|\[\"([^\"]*)\"\]", path.group(1)):
        tree = tree[int(index)] if index else tree[name or key]
    return tree


def walk(value):
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from walk(inner)


def definitions(tree):
    return [one for one in walk(tree) if isinstance(one, dict) and isinstance(one.get("name"), str) and one.get("type") in ("record", "error", "enum", "fixed")]


def contains_itself(canonical):
    """By Java's own canonical form: is there a circle of records as fields of records?"""
    inside = {}
    records = [one for one in walk(json.loads(canonical)) if isinstance(one, dict) and one.get("type") == "record" and "fields" in one]
    names = {one["name"] for one in records}
    for one in records:
        types = [field["type"] for field in one["fields"]]
        inside[one["name"]] = {t if isinstance(t, str) else t["name"] for t in types
                               if (isinstance(t, str) and t in names) or (isinstance(t, dict) and t["type"] == "record")}
    for start in inside:
        seen, todo = set(), [start]
        while todo:
            for name in inside[todo.pop()]:
                if name == start:
                    return True
                if name not in seen:
                    seen.add(name)
                    todo.append(name)
    return False


def own_name_outside(tree):
    """A record in a namespace whose short name is also that of a type without one."""
    outside = {one["name"] for one in definitions(tree) if "." not in one["name"]}
    return any(one["type"] in ("record", "error") and one["name"].split(".")[-1] in outside for one in definitions(tree))


def misfit(tree, error):
    """A text where an enum, a fixed or bytes was expected: Java takes any text."""
    return any(isinstance(one, str) for one in walk(at(tree, error))) and re.search(r"a default of (enum |fixed |bytes|one of the union's branches)", error) is not None


def long_number(tree, error):
    return error.startswith("$: not JSON") and "real number overflow" in error


def defined_later(tree, error):
    found = re.search(r"no type '([^']*)'|: \"(\w+)\" needs an object", error)
    name = found and (found.group(1) or found.group(2))
    return name is not None and any(one["name"].split(".")[-1] == name.split(".")[-1] for one in definitions(tree))


def defined_twice(tree, error):
    name = re.search(r": '([^']*)' is defined twice", error)
    return name is not None and len([one for one in definitions(tree) if one["name"].split(".")[-1] == name.group(1).split(".")[-1]]) > 1


# What Java takes and we refuse: name, a pattern of our words, and what is true of the schema.
REFUSALS = [
    ("forward reference", r"is defined before this|needs an object of its own", lambda tree, error, their: defined_later(tree, error)),
    ("defined twice alike", r"is defined twice", lambda tree, error, their: defined_twice(tree, error)),
    ("default that does not fit", r"a default of .* was expected, not ", lambda tree, error, their: misfit(tree, error)),
    ("contains itself", r"contains it again without end", lambda tree, error, their: contains_itself(their["canonical"])),
    ("own name before that outside", r"contains it again without end", lambda tree, error, their: own_name_outside(tree)),
    ("letters beyond ASCII", r"is not a (name|field's name|symbol|namespace)", lambda tree, error, their: not str(at(tree, error)).isascii()),
    ("primitive's name in a namespace", r"is the name of a primitive type", lambda tree, error, their: "." in their["canonical"]),
    ("namespace that is no text", r"is not a namespace", lambda tree, error, their: not isinstance(at(tree, error), str)),
    ("enum default that is no text", r"is not one of the symbols", lambda tree, error, their: not isinstance(at(tree, error), str)),
    ("order in capitals", r"is not \"ascending\"", lambda tree, error, their: at(tree, error).lower() in ("ascending", "descending", "ignore")),
    ("name that begins with a dot", r"is not a name: letters", lambda tree, error, their: re.fullmatch(r"\.\w+", at(tree, error)) is not None),
]


def refusal(case, their, our):
    """The class of what Java takes and we refuse."""
    text = case["text"]
    try:
        tree = tree_of(text)
    except Twice:
        return "a member twice" if "duplicate object key" in our["error"] else DIFFERENT
    except ValueError:
        bare = re.sub(r"^/\* x \*/|//x$|\x00$", "", text)
        return "comments and NUL around the JSON" if bare != text and "not JSON" in our["error"] else DIFFERENT
    for name, words, holds in REFUSALS:
        if re.search(words, our["error"]) and holds(tree, our["error"], their):
            return name
    return DIFFERENT


def of_schema(case, their, our):
    if their["ok"] and not our["ok"]:
        return refusal(case, their, our)
    if our["ok"] and not their["ok"]:
        return acceptance(case, their, our)
    if not our["ok"]:
        return REFUSED
    if their["canonical"] == our["canonical"] and their["crc64"] == our["crc64"]:
        return SAME
    return "own name before that outside" if own_name_outside(tree_of(case["text"])) else DIFFERENT


def acceptance(case, their, our):
    """The class of what we take and Java refuses."""
    tree = tree_of(case["text"])
    sizes = [one["size"] for one in definitions(tree) if one["type"] == "fixed"]
    if "longer than 2147483639 bytes in Java" in their["error"] and max(sizes) > 2147483639:
        return "fixed above what Java can hold"
    if "Can't set a property to null" in their["error"] and any(isinstance(one, int) and not -2 ** 63 <= one < 2 ** 63 for one in walk(tree)):
        return "attribute beyond 64 bits"
    if "Schema fields not set yet" in their["error"] and any("default" in one for one in walk(tree) if isinstance(one, dict)):
        return "default of a record inside itself"
    return DIFFERENT
