"""Where our answer may differ from Java Avro's: each class of DIFFERENCES.md by name, with what must be true of the case."""
import json
import re
import struct

import values

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
        return "a member twice" if "a duplicate member" in our["error"] else DIFFERENT
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
    if all(our.get(name, their[name]) == their[name] for name in ("canonical", "crc64", "SHA-256", "MD5")):     # judge.c has no digests
        return SAME
    return "own name before that outside" if own_name_outside(tree_of(case["text"])) else DIFFERENT


def acceptance(case, their, our):
    """The class of what we take and Java refuses."""
    tree = tree_of(case["text"])
    sizes = [one["size"] for one in definitions(tree) if one["type"] == "fixed"]
    if "longer than 2147483639 bytes in Java" in their["error"] and max(sizes) > 2147483639:
        return "fixed above what Java can hold"
    if re.search(r"Can't set a property to null|\"datum\" is null", their["error"]) and any(isinstance(one, int) and not -2 ** 63 <= one < 2 ** 63 for one in walk(tree)):
        return "attribute beyond 64 bits"
    if "Schema fields not set yet" in their["error"] and any("default" in one for one in walk(tree) if isinstance(one, dict)):
        return "default of a record inside itself"
    return DIFFERENT


def each(answer, case, of="hex"):
    """The answers to each value of a case; where the schemas were refused, that refusal for each."""
    return answer["values"] if answer["ok"] else [answer] * len(case[of])


def of_compat(case, their, our):
    if not their["ok"] and "matches multiple fields" in their["error"]:
        their = {"ok": True, "compatible": False}        # said by an exception
        fields = [one for one in walk(json.loads(case["reader"])) if isinstance(one, dict) and isinstance(one.get("aliases"), list)]
        if our["ok"] and our["compatible"] and any(one["name"] in one["aliases"] for one in fields):
            return "field that is its own alias"
        if our["ok"] and our["compatible"] and alias_of_two(case):
            return "alias that two fields have"
    if not their["ok"] or not our["ok"]:
        return REFUSED if their["ok"] == our["ok"] else DIFFERENT
    if their["compatible"] == our["compatible"]:
        return SAME
    outside = [alias for one in definitions(json.loads(case["reader"])) for alias in one.get("aliases", []) if re.fullmatch(r"\.\w+", alias)]
    if our["compatible"] and outside:
        return "alias without a namespace"
    return "field taken by another's alias" if (alias_of_a_name if our["compatible"] else alias_of_a_name_without_a_default)(case) else DIFFERENT


def alias_of_two(case):
    """Two fields of a record of the reader have one alias."""
    return any(len(aliases) > len(set(aliases)) for aliases in
               ([alias for field in one["fields"] for alias in set(field.get("aliases", []))] for one in definitions(json.loads(case["reader"])) if "fields" in one))


def alias_of_a_name(case):
    """A record of the reader has a field whose alias is the name of a field beside it."""
    return any({alias for field in one["fields"] for alias in field.get("aliases", [])} & {field["name"] for field in one["fields"]}
               for one in definitions(json.loads(case["reader"])) if "fields" in one)


def alias_of_a_name_without_a_default(case):
    """That field beside it has no default: it is missing when the other one has taken what was written."""
    return any({alias for field in one["fields"] for alias in field.get("aliases", [])} & {field["name"] for field in one["fields"] if "default" not in field}
               for one in definitions(json.loads(case["reader"])) if "fields" in one)


def same_json(one, other):
    """The same values, whatever the order of members; a float may be written with more digits than it takes."""
    return is_json(one) and same_tree(json.loads(one), json.loads(other))


def is_json(text):
    try:
        json.loads(text)
        return True
    except ValueError:
        return False


def same_tree(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_tree(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_tree, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return isinstance(one, (int, float)) and isinstance(other, (int, float)) and (one == other or as_float(one) == as_float(other))
    return type(one) is type(other) and one == other


def as_float(number):
    try:
        return struct.pack("<f", number)
    except OverflowError:
        return number


def reals_as_text(text):
    return any(one in ("NaN", "Infinity", "-Infinity") for one in walk(json.loads(text)))


def alias_of_another(schema):
    """Is there a record of which a field's alias is what another field is called?"""
    for record in definitions(json.loads(schema)):
        names = {field["name"] for field in record.get("fields", ())}
        if any(names & set(field.get("aliases", ())) for field in record.get("fields", ())):
            return True
    return False


def of_encoding(case, their, our):
    if their["ok"] and our["ok"]:
        return SAME if their["hex"] == our["hex"] or sorted(their["hex"]) == sorted(our["hex"]) and "{" in case["json"] else DIFFERENT
    if their["ok"] == our["ok"]:
        return REFUSED
    if our["ok"] and alias_of_another(case["schema"]):
        return "alias that is the name of another field"
    if our["ok"]:
        return "NaN and infinities as text" if "Got VALUE_STRING" in their["error"] and reals_as_text(case["json"]) else DIFFERENT
    tree, error = json.loads(case["json"]), our["error"]
    if re.search(r"expected .*, got an object", error) and any(isinstance(one, dict) and len(one) > 1 for one in walk(tree)):
        return "union with more than one member"
    if re.search(r": record \S+ has no such field", error):
        return "member that is no field"
    if re.search(r"code points U\+0000 to U\+00FF\), got string", error) and any(isinstance(one, str) and max(one, default="") > "\u00ff" for one in walk(tree)):
        return "code points above U+00FF"
    if re.search(r"expected record \S+, got |missing; .* record \S+ was expected", error) and '"fields": []' in case["schema"]:
        return "JSON of a record without fields"
    return DIFFERENT


def oddities_of(canonical, body):
    """What the specification does not allow in the bytes, although Java may read them; None: nothing reads them."""
    reader = values.Reader(canonical, bytes.fromhex(body))
    try:
        return reader.read()
    except (values.Wrong, RecursionError):
        return None


def same_value(their, our):
    if their["hex"] == our["hex"] and "{}" in our["json"] and not is_json(their["json"]):
        return "JSON of a record without fields"
    if not same_json(their["json"], our["json"]):
        return DIFFERENT
    if their["hex"] == our["hex"] or '"NaN"' in our["json"]:             # which NaN it was, JSON does not say
        return SAME
    return SAME if sorted(their["hex"]) == sorted(our["hex"]) and "{" in our["json"] else DIFFERENT      # maps in another order


def moved_in_union(case, their):
    """Java finds no branch for an enum or fixed, and the reader has one of that short name."""
    found = re.search(r"Found (\S+), expecting union\[(.*)\]", their.get("error", ""))
    name = found and found.group(1).split(".")[-1]
    kinds = {one["type"] for one in definitions(json.loads(case["writer"])) if one["name"].split(".")[-1] == name}
    if found is None or name not in found.group(2).split(", "):
        return False
    return bool(kinds & {"enum", "fixed"}) or ("record" in kinds and moved_leaves(case))


def moved_leaves(case):
    """An enum or fixed of the writer is in another namespace in the reader: a record around it then does not match either."""
    ours, theirs = ({one["name"] for one in full_definitions(json.loads(case[which])) if one["type"] in ("enum", "fixed")} for which in ("writer", "reader"))
    return any(one not in theirs and one.split(".")[-1] in {other.split(".")[-1] for other in theirs} for one in ours)


def renamed_in_a_moved_record(case):
    """A record of the same short name in another namespace (by its full name, and no alias), with aliases of fields."""
    writers = {one["name"] for one in full_definitions(json.loads(case["writer"])) if one["type"] in ("record", "error")}
    return any(one["type"] in ("record", "error") and one["name"] not in writers and not writers & set(one["aliases"]) and one["name"].split(".")[-1] in {name.split(".")[-1] for name in writers}
               and any(field.get("aliases") for field in one["fields"]) for one in full_definitions(json.loads(case["reader"])))


def has_union(tree):
    """Itself, or somewhere inside; names of types are not looked up."""
    if not isinstance(tree, dict):
        return isinstance(tree, list)
    return any(has_union(field["type"]) for field in tree.get("fields", [])) or any(has_union(tree.get(name)) for name in ("type", "items", "values"))


def union_default(case):
    """The reader has a field with a default and a union in it, in which Java takes the first enum, record, array or map, or number type."""
    return any("default" in one and has_union(one.get("type")) for one in walk(json.loads(case["reader"])) if isinstance(one, dict))


def full_definitions(tree, space=""):
    """Definitions with their full names and full aliases."""
    if isinstance(tree, list):
        for one in tree:
            yield from full_definitions(one, space)
    elif isinstance(tree, dict):
        if "name" in tree and tree.get("type") in ("record", "error", "enum", "fixed"):
            name = tree["name"]
            if "." not in name:
                around = tree.get("namespace", space) or ""
                name = f"{around}.{name}" if around else name
            space = name.rpartition(".")[0]
            aliases = [alias[1:] if re.fullmatch(r"\.\w+", alias) else alias if "." in alias or not space else f"{space}.{alias}" for alias in tree.get("aliases", [])]
            yield {"type": tree["type"], "name": name, "aliases": aliases, "fields": tree.get("fields", [])}
            for field in tree.get("fields", []):
                yield from full_definitions(field["type"], space)
        for key in ("items", "values"):
            if key in tree:
                yield from full_definitions(tree[key], space)
        if isinstance(tree.get("type"), (dict, list)):
            yield from full_definitions(tree["type"], space)


def resolved_by_us_alone(case, their):
    if moved_in_union(case, their):
        return "enum or fixed of another namespace in a union"
    if re.search(r"missing required field|expecting union\[", their["error"]) and renamed_in_a_moved_record(case):
        return "aliases of fields of a moved record"
    if re.search(r"Found \w+, expecting", their["error"]) and alias_of_a_name(case):
        return "aliases that change places"
    if "Duplicate field" in their["error"] and '"aliases"' in case["reader"]:
        return "alias that gives a name twice"
    if "Duplicate in union" in their["error"] and '"aliases"' in case["reader"]:
        return "aliases of two branches"
    if "Invalid default for field" in their["error"] and '"aliases"' in case["reader"]:
        return "default of the writer under a new name"
    if re.search(r"Not an? \w+: \[|enum value '|No default value for|Not compatible default", their["error"]) and union_default(case):
        return "default of a union"
    if "StackOverflowError" in their["error"]:
        return "recursion that Java does not end"
    if "NullPointerException: null value for (non-nullable)" in their["error"]:
        return "record that Java leaves unfilled"
    return DIFFERENT


def of_value(case, canonical, their, our):
    taken = their["ok"] and their["end"]
    if taken and our["ok"]:
        same = same_value(their, our)
        if same == DIFFERENT and renamed_in_a_moved_record(case):
            return "aliases of fields of a moved record"
        if same == DIFFERENT and alias_of_a_name(case):
            return "aliases that change places"
        return "default of a union" if same == DIFFERENT and union_default(case) else same
    if taken == our["ok"]:
        return REFUSED
    if not taken:
        return resolved_by_us_alone(case, their)
    if "a text that is not UTF-8" in our["error"] and "\ufffd" in their["json"]:
        return "text that is not UTF-8"
    if re.search(r"was not written, and has no default|stands by name and aliases for several|was written, which cannot be read as|was written, and no branch", our["error"]) and renamed_in_a_moved_record(case):
        return "aliases of fields of a moved record"
    if "was written, which cannot be read as" in our["error"] and alias_of_a_name(case):
        return "aliases that change places"
    oddities = oddities_of(canonical, case["hex"])
    if oddities is None and case["writer"] != case["reader"] and "a length of -" in our["error"]:        # of what is dropped, Java looks at no length
        return "negative length"
    if oddities is None and case["writer"] != case["reader"] and re.search(r"\[\S*\]|a block", our["error"]):
        return "block that is passed over"
    return ", ".join(sorted(oddities)) if oddities else DIFFERENT
