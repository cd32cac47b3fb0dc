#!/usr/bin/env python3
"""hostile.py POLKA FOLDER: into FOLDER/valid, documents of manifests that try to break out of one; into FOLDER/planted, documents that are wrong.

What the parser must find in a valid one stands beside it, in NAME.expected.json: [operations, messages, fields of the first message].
"""
import copy
import json
import os
import subprocess
import sys

POLKA, FOLDER = sys.argv[1:]
NAMES = ['a: b', '- x', '"quoted"', "'", '{"$ref": "#/info"}', '&anchor', '*alias', '!!js/function', '# none', '% x', '| ', '\n---\nasyncapi: 9',
         'true', 'null', '1.0', '0x1f', '.inf', '~', '=', '<<', '\u2028', '\x85', '\ufeff', '\x7f', '\U0001f600', '\ufffe', 'x' * 900, ' ', '/../../etc', '#/components']


def record(name, namespace, **more):
    return {"type": "record", "name": name, "namespace": namespace, "polka.topic": "demo.orders", "polka.key": "id", **more,
            "fields": [{"name": "id", "type": "long", "doc": "\n".join(NAMES)}, {"name": "true", "type": ["null", "string"], "default": None}]}


def emit(schema, topic="demo.orders"):
    return {"event": schema["namespace"] + "." + schema["name"], "topic": topic, "key": "id", "schema_version": 1, "schema": schema}


def manifest(service, reactions=(), emits=(), version="1.0.0"):
    return {"polka": 1, "service": service, "version": version, "group": service, "reactions": list(reactions), "emits": list(emits)}


def attributes():
    """A schema whose own attributes look like parts of the document, and one that contains itself."""
    odd = record("Odd", "demo", doc="# " + "".join(NAMES), **{"$ref": "http://127.0.0.1:1/nothing", "$id": "x", "examples": 3, "allOf": [], "x": {"$ref": "#/none"}})
    tree = {"type": "record", "name": "Tree", "namespace": "demo", "polka.topic": "demo.trees", "fields": [
        {"name": "inner", "type": ["null", "demo.Tree"], "default": None}, {"name": "all", "type": {"type": "array", "items": "demo.Tree"}},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"], "default": "A"}, "default": "B"},
        {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 16}, "default": "\u0000" * 16},
        {"name": "map", "type": {"type": "map", "values": "long"}, "default": {}}, {"name": "when", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}}]}
    return [manifest("odd", [], [emit(odd), {**emit(tree, "demo.trees"), "key": None}])]


def topics():
    """Topics that Kafka would refuse; one looks like a template. Names that become one when they are made safe."""
    return [manifest("wild", [], [emit(record("One", "demo"), "orders/{id}"), emit(record("Two", "demo"), "orders__id_"), emit(record("Three", "demo"), "orders {id}")])]


def versions():
    """Two versions of one service, whose schemas differ: a message each."""
    old, new = record("Placed", "demo"), record("Placed", "demo")
    new["fields"] = new["fields"] + [{"name": "note", "type": "string", "default": ""}]
    reaction = {"name": "placed", "emits": [], **emit(old)}
    return [manifest("shop", [], [emit(old)]), manifest("shop", [], [{**emit(new), "schema_version": 2}], version="1.1.0"), manifest("reader", [reaction])]


def write(name, manifests, expected):
    folder = os.path.join(FOLDER, "manifests-" + name)
    os.makedirs(folder)
    for number, one in enumerate(manifests):
        with open(os.path.join(folder, f"{number:03}.json"), "w") as file:
            json.dump(one, file)
    for form in ("yaml", "json"):
        for merged in (True, False) if len({one["service"] for one in manifests}) == 1 else (True,):
            path = os.path.join(FOLDER, "valid", f"{name}-{'merged' if merged else 'own'}.{form}")
            with open(path, "w") as file:
                subprocess.run([POLKA, "docs", "asyncapi", folder, "--format", form, *(["--merged"] if merged else [])], stdout=file, check=True)
            with open(path + ".expected.json", "w") as file:
                json.dump(expected, file)


def plant():
    """Wrong in one way each, made from a document that is right."""
    with open(os.path.join(FOLDER, "valid", "shop.json")) as file:
        right = json.load(file)
    channel = next(iter(right["channels"]))
    message = next(iter(right["components"]["messages"]))
    operation = next(iter(right["operations"]))

    def planted(name, change):
        document = copy.deepcopy(right)
        change(document)
        with open(os.path.join(FOLDER, "planted", name + ".json"), "w") as file:
            json.dump(document, file)
    planted("reference-to-nothing", lambda d: d["operations"][operation]["channel"].update({"$ref": "#/channels/none"}))
    planted("message-of-no-channel", lambda d: d["operations"][operation].update({"messages": [{"$ref": "#/components/messages/" + message}]}))
    planted("payload-is-no-avro", lambda d: d["components"]["messages"][message]["payload"]["schema"].update({"type": "recrod"}))
    planted("unknown-member", lambda d: d["components"]["messages"][message].update({"paylod": {}}))
    planted("no-version", lambda d: d["info"].pop("version"))
    planted("partitions-below-one", lambda d: d["channels"][channel]["bindings"]["kafka"].update({"partitions": 0}))


hostile = []
for name in NAMES:
    hostile.append(manifest(name, [{"name": name, "emits": [], **emit(record("Event", "demo"))}], [emit(record("Event", "demo"))], version=name))
write("names", hostile, [2 * len(NAMES), 1, ["id", "true"]])
write("attributes", attributes(), [2, 2, ["id", "true"]])
write("topics", topics(), [3, 3, ["id", "true"]])
write("versions", versions(), [3, 2, ["id", "true"]])
plant()
