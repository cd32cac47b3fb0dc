"""`polka schema` and `polka avro`: any schema, any value; no project, no broker."""
import hashlib
import json
import os
import subprocess

from support import POLKA, Case

ORDER1 = {"type": "record", "name": "Order", "namespace": "shop", "fields": [
    {"name": "id", "type": "string"}, {"name": "total", "type": "int"},
    {"name": "currency", "type": {"type": "enum", "name": "Currency", "symbols": ["EUR", "USD"]}}]}
ORDER2 = {"type": "record", "name": "Order", "namespace": "shop", "doc": "more", "fields": [
    {"name": "total", "type": "long"}, {"name": "id", "type": "string"},
    {"name": "currency", "type": {"type": "enum", "name": "Currency", "symbols": ["EUR", "USD", "CZK"]}},
    {"name": "note", "type": ["null", "string"], "default": None}]}
BROKEN = {"type": "record", "name": "Order", "namespace": "shop", "fields": [{"name": "id", "type": "long"}]}
ALL = {"type": "record", "name": "n.All", "fields": [
    {"name": "u", "type": ["null", "string", {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "long"}]}, "bytes"]},
    {"name": "b", "type": "bytes"}, {"name": "d", "type": "double"}, {"name": "l", "type": "long"},
    {"name": "t", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "m", "type": {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}}]}
PLAIN = {"u": {"bytes": "/w=="}, "b": "AP8=", "d": "NaN", "l": 9007199254740993, "t": "1970-01-01T00:00:01.000Z", "m": "12.34"}
AVRO = {"u": {"bytes": "\u00ff"}, "b": "\u0000\u00ff", "d": "NaN", "l": 9007199254740993, "t": 1000, "m": "\u0004\u00d2"}


class Schemas(Case):
    services = {}

    def setUp(self):
        super().setUp()
        self.file = {}
        for name, schema in {"v1": ORDER1, "v2": ORDER2, "broken": BROKEN, "all": ALL, "null": "null", "empty": {"type": "record", "name": "E", "fields": []},
                             "warn": {"type": "record", "name": "W", "fields": [{"name": "a", "type": {"type": "string", "logicalType": "date"}}]},
                             "line": {"type": "fixed", "name": "shop.Line", "size": 1},
                             "lines": {"type": "record", "name": "shop.Lines", "fields": [{"name": "a", "type": {"type": "array", "items": "Line"}}]},
                             "invalid": {"type": "record", "name": "R", "fields": [{"name": "a", "type": "nope"}]}}.items():
            self.file[name] = name + ".avsc"
            self.write(self.file[name], json.dumps(schema))

    def raw(self, *arguments, stdin=b"", code=0):
        """As polka(), with bytes."""
        done = subprocess.run([POLKA, *arguments], cwd=self.root, input=stdin, capture_output=True, timeout=40, env=self.environment)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout


class Validate(Schemas):
    def test_valid_schemas_are_told_and_exit_0(self):
        self.assertEqual(self.polka("schema", "validate", "v1.avsc", "null.avsc").stdout, "v1.avsc: valid\nnull.avsc: valid\n")

    def test_an_invalid_one_exits_1_with_file_path_and_rule_and_the_others_are_judged(self):
        done = self.polka("schema", "validate", "invalid.avsc", "v1.avsc", code=1)
        self.assertIn("invalid.avsc: $.fields[0].type: no type 'nope'", done.stderr)
        self.assertEqual(done.stdout, "v1.avsc: valid\n")

    def test_objects_have_path_and_rule_apart(self):
        bad, good = self.rows("schema", "validate", "--format", "json", "invalid.avsc", "v1.avsc", code=1)
        self.assertEqual((bad["file"], bad["valid"], bad["path"], bad["type"]), ("invalid.avsc", False, "$.fields[0].type", None))
        self.assertTrue(bad["error"].startswith("no type 'nope'"), bad)
        self.assertEqual(good, {"file": "v1.avsc", "valid": True, "type": "record", "name": "shop.Order", "path": None, "error": None, "warnings": []})

    def test_a_path_may_hold_what_ends_it_elsewhere(self):
        self.write("default.avsc", json.dumps({"type": "record", "name": "R", "fields": [{"name": "m", "type": {"type": "map", "values": "int"}, "default": {"a: b": "x"}}]}))
        row, = self.rows("schema", "validate", "--format", "json", "default.avsc", code=1)
        self.assertEqual(row["path"], '$.fields[0].default["a: b"]')
        self.assertEqual(row["error"], 'a default of int was expected, not string "x"')

    def test_a_logical_type_that_does_not_fit_is_a_warning_and_no_error(self):
        done = self.polka("schema", "validate", "warn.avsc")
        self.assertIn("warn.avsc: $.fields[0].type.logicalType: warning: date (of int)", done.stderr)
        row, = self.rows("schema", "validate", "warn.avsc", "--format", "json")
        self.assertTrue(row["valid"])
        self.assertEqual([w["path"] for w in row["warnings"]], ["$.fields[0].type.logicalType"])

    def test_files_may_refer_to_each_other_and_versions_of_one_type_do_not_clash(self):
        self.polka("schema", "validate", "lines.avsc", code=1)
        self.polka("schema", "validate", "lines.avsc", "line.avsc")
        self.polka("schema", "validate", "lines.avsc", "--with", "line.avsc")
        self.polka("schema", "validate", "v1.avsc", "v2.avsc", "broken.avsc", "lines.avsc", "line.avsc")

    def test_a_file_that_is_not_there_exits_2_and_the_others_are_judged(self):
        done = self.polka("schema", "validate", "nowhere.avsc", "v1.avsc", code=2)
        self.assertIn("nowhere.avsc: cannot be read: No such file", done.stderr)
        self.assertEqual(done.stdout, "v1.avsc: valid\n")

    def test_standard_input_is_a_dash(self):
        self.assertEqual(self.polka("schema", "validate", "-", stdin='"int"').stdout, "standard input: valid\n")
        self.assertIn("standard input: $: not JSON", self.polka("schema", "validate", "-", stdin="{", code=1).stderr)

    def test_thousands_of_files_take_one_process(self):
        names = [self.write(f"many/{i}.avsc", json.dumps({"type": "fixed", "name": f"F{i}", "size": i})) for i in range(2000)]
        self.assertEqual(len(self.polka("schema", "validate", *names).stdout.splitlines()), 2000)

    def test_no_file_is_a_usage_error(self):
        self.assertIn("which FILE?", self.polka("schema", "validate", code=2).stderr)


class Forms(Schemas):
    CANONICAL = '{"name":"shop.Order","type":"record","fields":[{"name":"id","type":"string"},{"name":"total","type":"int"},' \
                '{"name":"currency","type":{"name":"shop.Currency","type":"enum","symbols":["EUR","USD"]}}]}'

    def test_canonical_is_the_bare_text(self):
        self.assertEqual(self.polka("schema", "canonical", "v1.avsc").stdout, self.CANONICAL + "\n")
        self.assertEqual(self.polka("schema", "canonical", "-", stdin=json.dumps(ORDER1)).stdout, self.CANONICAL + "\n")
        self.assertEqual(self.rows("schema", "canonical", "v1.avsc", "--format", "json"), [{"file": "v1.avsc", "canonical": self.CANONICAL}])

    def test_fingerprints_are_lower_case_hex(self):
        for algorithm in ("sha256", "md5"):
            expected = hashlib.new(algorithm, self.CANONICAL.encode()).hexdigest()
            self.assertEqual(self.polka("schema", "fingerprint", "--algorithm", algorithm, "v1.avsc").stdout, expected + "\n")
        self.assertEqual(self.polka("schema", "fingerprint", "null.avsc").stdout, "63dd24e7cc258f8a\n")
        self.assertEqual(self.rows("schema", "fingerprint", "null.avsc", "--format", "json"), [{"file": "null.avsc", "algorithm": "crc64", "fingerprint": "63dd24e7cc258f8a"}])
        self.assertIn("crc64, sha256 or md5", self.polka("schema", "fingerprint", "--algorithm", "sha1", "v1.avsc", code=2).stderr)

    def test_an_invalid_schema_exits_1_and_is_an_object_when_asked_for(self):
        for command in (["canonical"], ["fingerprint"], ["diff", "v1.avsc"], ["check", "--writer", "v1.avsc", "--reader"], ["check", "--level", "FULL", "v1.avsc"]):
            done = self.polka("schema", *command, "invalid.avsc", "--format", "json", code=1)
            self.assertIn("$.fields[0].type", json.loads(done.stdout)["error"])
            self.assertIn("$.fields[0].type", done.stderr)
            self.assertEqual(self.polka("schema", *command, "invalid.avsc", code=1).stdout, "")

    def test_one_file_and_no_more(self):
        for command in ("canonical", "fingerprint"):
            self.assertIn("which FILE?", self.polka("schema", command, "v1.avsc", "v2.avsc", code=2).stderr)
            self.polka("schema", command, "nowhere.avsc", code=2)
            self.polka("schema", command, "v1.avsc", "--with", "nowhere.avsc", code=2)


class Diff(Schemas):
    def test_the_same_exits_0(self):
        self.assertEqual(self.polka("schema", "diff", "v1.avsc", "v1.avsc").stdout, "the same\n")
        row, = self.rows("schema", "diff", "v1.avsc", "v1.avsc", "--format", "json")
        self.assertEqual(row, {"same": True, "same_canonical_form": True, "a_reads_b": True, "b_reads_a": True, "changes": []})

    def test_words_say_what_came_what_went_and_who_reads_whom(self):
        said = self.polka("schema", "diff", "v1.avsc", "v2.avsc", code=1).stdout
        self.assertIn('~ $: doc: "more" was added', said)
        self.assertIn("~ $.fields[1].type -> $.fields[0].type: int became long", said)
        self.assertIn("+ $.fields[2].type.symbols[2]: symbol CZK was added", said)
        self.assertIn('+ $.fields[3]: field note (["null","string"]) was added, with default null', said)
        self.assertIn("the fields that both have stand in another order", said)
        self.assertIn("5 differences\nv2.avsc reads what v1.avsc wrote: yes\nv1.avsc reads what v2.avsc wrote: no", said)

    def changes(self, a, b):
        self.write("a.avsc", json.dumps(a))
        self.write("b.avsc", json.dumps(b))
        row, = self.rows("schema", "diff", "a.avsc", "b.avsc", "--format", "json", code=1)
        return [(c["type"], c["a_path"], c["b_path"]) for c in row["changes"]]

    def test_each_kind_of_change_has_its_type_and_paths(self):
        def record(*fields, **more):
            return {"type": "record", "name": "R", **more, "fields": list(fields)}
        a, b = {"name": "a", "type": "int"}, {"name": "b", "type": "int"}
        self.assertEqual(self.changes("int", "long"), [("type_changed", "$", "$")])
        self.assertEqual(self.changes(record(a), record(a, name="S")), [("name_changed", "$", "$")])
        self.assertEqual(self.changes(record(a, b), record(a)), [("field_removed", "$.fields[1]", None)])
        self.assertEqual(self.changes(record(a), record({**b, "aliases": ["a"]})), [("field_renamed", "$.fields[0]", "$.fields[0]"), ("attribute_added", "$.fields[0]", "$.fields[0]")])
        self.assertEqual(self.changes(record(a), record(a, {**b, "aliases": ["a"]})), [("field_added", None, "$.fields[1]")])
        self.assertEqual(self.changes(record({**a, "default": 1}), record({**a, "default": 2})), [("attribute_changed", "$.fields[0]", "$.fields[0]")])
        self.assertEqual(self.changes(record({**a, "default": 1}), record(a)), [("attribute_removed", "$.fields[0]", "$.fields[0]")])
        self.assertEqual(self.changes({"type": "long", "logicalType": "timestamp-millis"}, "long"), [("attribute_removed", "$", "$")])
        enum = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
        self.assertEqual(self.changes(enum, {**enum, "symbols": ["B", "A"]}), [("symbols_reordered", "$", "$")])
        self.assertEqual(self.changes(enum, {**enum, "symbols": ["A"]}), [("symbol_removed", "$.symbols[1]", None)])
        self.assertEqual(self.changes(["null", "int"], ["int", "null", "string"]), [("branch_added", None, "$[2]"), ("branches_reordered", "$", "$")])
        self.assertEqual(self.changes(["null", "int"], ["null"]), [("branch_removed", "$[1]", None)])
        self.assertEqual(self.changes({"type": "fixed", "name": "F", "size": 1}, {"type": "fixed", "name": "F", "size": 2}), [("size_changed", "$", "$")])
        self.assertEqual(self.changes({"type": "array", "items": {"type": "map", "values": "int"}}, {"type": "array", "items": {"type": "map", "values": "long"}}),
                         [("type_changed", "$.items.values", "$.items.values")])

    def test_recursive_types_end(self):
        node = {"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}
        self.assertEqual(self.changes(node, {**node, "doc": "a list"}), [("attribute_added", "$", "$")])


class Check(Schemas):
    def test_a_compatible_pair_exits_0(self):
        self.assertIn("compatible: v2.avsc reads all that v1.avsc writes", self.polka("schema", "check", "--reader", "v2.avsc", "--writer", "v1.avsc").stdout)
        self.assertEqual(self.rows("schema", "check", "--reader", "v2.avsc", "--writer", "v1.avsc", "--format", "json"), [{"compatible": True, "breaks": []}])

    def test_breaks_have_both_paths_a_sentence_and_what_to_change(self):
        row, = self.rows("schema", "check", "--reader", "v1.avsc", "--writer", "v2.avsc", "--format", "json", code=1)
        self.assertFalse(row["compatible"])
        self.assertEqual({b["type"] for b in row["breaks"]}, {"type_mismatch", "missing_enum_symbols"})
        for one in row["breaks"]:
            self.assertEqual(set(one), {"type", "reader_path", "writer_path", "message", "fix"})
            self.assertTrue(all(one.values()), one)
        said = self.polka("schema", "check", "--reader", "v1.avsc", "--writer", "v2.avsc", code=1).stdout
        self.assertIn("not compatible: v1.avsc cannot read all that v2.avsc writes", said)
        self.assertIn("reader $.fields[1].type, writer $.fields[0].type", said)

    def test_a_history_names_the_first_version_that_breaks_its_level(self):
        for level, versions, first in (("BACKWARD", ["v1", "v2"], None), ("FORWARD", ["v1", "v2"], 2), ("FULL", ["v1", "v1", "v2", "broken"], 3),
                                       ("BACKWARD_TRANSITIVE", ["v1", "v2", "broken"], 3), ("backward", ["v1"], None), ("NONE", ["v1", "broken"], None)):
            row, = self.rows("schema", "check", "--level", level, *[v + ".avsc" for v in versions], "--format", "json", code=0 if first is None else 1)
            self.assertEqual((row["compatible"], row["first_broken"], row["level"], row["versions"]), (first is None, first, level.upper(), len(versions)))
            self.assertEqual(bool(row["breaks"]), first is not None)
        said = self.polka("schema", "check", "--level", "FULL", "v1.avsc", "v2.avsc", code=1).stdout
        self.assertIn("version 2 (v2.avsc) breaks FULL", said)
        self.assertIn("compatible: 2 versions keep BACKWARD", self.polka("schema", "check", "--level", "BACKWARD", "v1.avsc", "v2.avsc").stdout)

    def test_a_break_with_every_older_version_is_said_once(self):
        said = self.polka("schema", "check", "--level", "BACKWARD_TRANSITIVE", "v1.avsc", "v2.avsc", "broken.avsc", code=1).stdout
        row, = self.rows("schema", "check", "--level", "BACKWARD_TRANSITIVE", "v1.avsc", "v2.avsc", "broken.avsc", "--format", "json", code=1)
        shared = {b["message"] for b in row["breaks"] if b["writer_version"] == 1} & {b["message"] for b in row["breaks"] if b["writer_version"] == 2}
        self.assertTrue(shared, "JSON says it for each pair")
        self.assertIn("not compatible: broken.avsc cannot read all that v2.avsc, v1.avsc write\n", said)
        self.assertIn("reader $.fields[0].type, writer $.fields[1].type, in v1.avsc $.fields[0].type\n", said)
        for message in shared:
            self.assertEqual(said.count(message), 1, said)

    def test_standard_input_can_be_one_of_them(self):
        self.polka("schema", "check", "--reader", "-", "--writer", "v1.avsc", stdin=json.dumps(ORDER2))
        self.assertIn("once only", self.polka("schema", "check", "--reader", "-", "--writer", "-", code=2).stderr)

    def test_what_is_neither_a_pair_nor_a_history_is_a_usage_error(self):
        for arguments in ([], ["--reader", "v1.avsc"], ["--level", "FULL"], ["v1.avsc"], ["--level", "FULL", "--reader", "v1.avsc", "--writer", "v1.avsc"]):
            self.assertIn("one of: --reader R --writer W, or --level", self.polka("schema", "check", *arguments, code=2).stderr)
        self.assertIn("no level of compatibility", self.polka("schema", "check", "--level", "BACK", "v1.avsc", code=2).stderr)
        self.polka("schema", "check", "--reader", "nowhere.avsc", "--writer", "v1.avsc", code=2)


class Values(Schemas):
    def test_bytes_alone_go_out_and_the_value_alone_comes_back(self):
        body = self.raw("avro", "encode", "--schema", "v1.avsc", stdin=b'{"id":"A","total":3,"currency":"USD"}')
        self.assertEqual(body.hex(), "02410602")
        self.assertEqual(self.raw("avro", "decode", "--writer", "v1.avsc", stdin=body), b'{"id":"A","total":3,"currency":"USD"}\n')

    def test_hex_is_written_and_read(self):
        done = self.polka("avro", "encode", "--schema", "v1.avsc", "--hex", stdin='{"id":"A","total":3,"currency":"USD"}')
        self.assertEqual(done.stdout, "02410602\n")
        self.assertEqual(self.polka("avro", "decode", "--writer", "v1.avsc", "--hex", stdin=" 02 41\n0602\n").stdout, '{"id":"A","total":3,"currency":"USD"}\n')
        self.assertEqual(self.polka("avro", "decode", "--writer", "null.avsc", "--hex", stdin="\n").stdout, "null\n")
        self.assertIn("character 2 is 'g'", self.polka("avro", "decode", "--writer", "v1.avsc", "--hex", stdin="0g", code=1).stderr)
        self.assertIn("half a byte", self.polka("avro", "decode", "--writer", "v1.avsc", "--hex", stdin="012", code=1).stderr)

    def test_plain_and_avro_json_are_the_same_value(self):
        plain = self.polka("avro", "encode", "--schema", "all.avsc", "--hex", stdin=json.dumps(PLAIN)).stdout
        self.assertEqual(plain, self.polka("avro", "encode", "--schema", "all.avsc", "--hex", "--json", "avro", stdin=json.dumps(AVRO)).stdout)
        for form, value in (("plain", PLAIN), ("avro", AVRO)):
            self.assertEqual(json.loads(self.polka("avro", "decode", "--writer", "all.avsc", "--hex", "--json", form, stdin=plain).stdout), value)

    def test_bytes_may_be_text(self):
        done = self.polka("avro", "encode", "--schema", "-", "--bytes", "text", "--hex", self.write("value", '"h\u00e9"'), stdin='"bytes"')
        self.assertEqual(done.stdout, "0668c3a9\n")
        self.write("bytes.avsc", '"bytes"')
        self.assertEqual(self.polka("avro", "decode", "--writer", "bytes.avsc", "--bytes", "text", "--hex", stdin="0668c3a9").stdout, '"h\u00e9"\n')
        self.assertEqual(self.polka("avro", "decode", "--writer", "bytes.avsc", "--bytes", "text", "--hex", stdin="02ff").stdout, '{"base64":"/w=="}\n')
        self.polka("avro", "decode", "--writer", "bytes.avsc", "--bytes", "text", "--json", "avro", code=2)

    def test_empty_input_is_zero_bytes(self):
        self.assertEqual(self.polka("avro", "decode", "--writer", "null.avsc").stdout, "null\n")
        self.assertEqual(self.polka("avro", "decode", "--writer", "empty.avsc").stdout, "{}\n")
        self.assertEqual(self.raw("avro", "encode", "--schema", "empty.avsc", stdin=b"{}"), b"")
        self.polka("avro", "decode", "--writer", "v1.avsc", code=1)
        self.polka("avro", "encode", "--schema", "null.avsc", code=1)

    def test_input_that_cannot_be_read_is_a_matter_of_usage(self):
        for lines in ([], ["--lines"]):
            self.assertIn("cannot be read", self.polka("avro", "decode", "--writer", "null.avsc", *lines, self.root, code=2).stderr)
        self.assertIn("cannot be read", self.polka("schema", "validate", self.root, code=2).stderr)

    def test_differences_are_cut_between_characters(self):
        for extra in ("", "a", "aa"):
            self.write("before.avsc", json.dumps({"type": "record", "name": "E", "doc": "x", "fields": []}))
            self.write("after.avsc", json.dumps({"type": "record", "name": "E", "doc": extra + "\u20ac" * 60, "fields": []}, ensure_ascii=False))
            self.assertIn("\u20ac...", self.polka("schema", "diff", "before.avsc", "after.avsc", "--format", "json", code=1).stdout)

    def test_single_object_carries_the_fingerprint_that_chooses_the_writer(self):
        body = self.raw("avro", "encode", "--schema", "v2.avsc", "--single-object", stdin=b'{"id":"A","total":3,"currency":"CZK"}')
        print_ = self.polka("schema", "fingerprint", "v2.avsc").stdout.strip()
        self.assertEqual(body[:10], b"\xc3\x01" + bytes.fromhex(print_)[::-1])
        both = ("--writer", "v1.avsc", "--writer", "v2.avsc", "--single-object")
        self.assertEqual(json.loads(self.raw("avro", "decode", *both, stdin=body)), {"id": "A", "total": 3, "currency": "CZK", "note": None})
        said = self.polka("avro", "decode", "--writer", "v1.avsc", "--single-object", "--hex", stdin=body.hex(), code=1).stderr
        self.assertIn(print_, said)
        self.assertIn("v1.avsc " + self.polka("schema", "fingerprint", "v1.avsc").stdout.strip(), said)
        for cut in range(10):
            self.raw("avro", "decode", *both, stdin=body[:cut], code=1)
        self.assertIn("--single-object", self.polka("avro", "decode", "--writer", "v1.avsc", "--writer", "v2.avsc", code=2).stderr)

    def test_a_reader_sees_what_a_writer_wrote_as_its_own(self):
        read = ("avro", "decode", "--writer", "v1.avsc", "--reader", "v2.avsc", "--hex")
        self.assertEqual(self.polka(*read, stdin="02410602").stdout, '{"total":3,"id":"A","currency":"USD","note":null}\n')
        self.assertEqual(self.polka(*read, "--json", "avro", "--lines", stdin="02410602\n").stdout, '{"total":3,"id":"A","currency":"USD","note":null}\n')
        self.assertIn("id: a text takes 1 bytes", self.polka(*read, stdin="02", code=1).stderr)
        self.assertIn("at byte 1 of 4", self.polka(*read, stdin="02ff0602", code=1).stderr)
        back = ("avro", "decode", "--writer", "v2.avsc", "--writer", "v1.avsc", "--reader", "v1.avsc", "--single-object", "--lines")
        lines = "".join(self.polka("avro", "encode", "--schema", v + ".avsc", "--single-object", "--hex",
                                   stdin=json.dumps({"id": v, "total": 3, "currency": "USD"})).stdout for v in ("v1", "v2"))
        done = self.polka(*back, stdin=lines, code=1)
        self.assertEqual(json.loads(done.stdout.splitlines()[0]), {"id": "v1", "total": 3, "currency": "USD"})
        self.assertIn("line 2: total", done.stderr)              # a long is not read as an int

    def test_what_is_wrong_with_a_value_or_bytes_is_said_and_exits_1(self):
        self.assertIn("total: expected int, got string", self.polka("avro", "encode", "--schema", "v1.avsc", stdin='{"id":"A","total":"x","currency":"USD"}', code=1).stderr)
        bad = self.polka("avro", "encode", "--schema", "v1.avsc", stdin="{", code=1)
        self.assertIn("not JSON", bad.stderr)
        self.assertEqual(bad.stdout, "")
        self.assertIn("total: the bytes end", self.polka("avro", "decode", "--writer", "v1.avsc", "--hex", stdin="0241", code=1).stderr)
        self.polka("avro", "decode", "--writer", "v1.avsc", "--hex", stdin="0241060200", code=1)
        self.polka("avro", "decode", "--writer", "invalid.avsc", code=1)

    def test_objects_hold_the_value_the_bytes_or_the_error(self):
        value = '{"id":"A","total":3,"currency":"USD"}'
        self.assertEqual(self.rows("avro", "encode", "--schema", "v1.avsc", "--format", "json", stdin=value), [{"hex": "02410602"}])
        self.assertEqual(self.rows("avro", "decode", "--writer", "v1.avsc", "--hex", "--format", "json", stdin="02410602"), [{"value": json.loads(value)}])
        row, = self.rows("avro", "decode", "--writer", "v1.avsc", "--hex", "--format", "json", stdin="02", code=1)
        self.assertIn("id: a text takes 1 bytes", row["error"])
        row, = self.rows("avro", "encode", "--schema", "invalid.avsc", "--format", "json", stdin=value, code=1)
        self.assertIn("invalid.avsc: $.fields[0].type", row["error"])

    def test_a_file_is_read_as_standard_input_is(self):
        with open(os.path.join(self.root, "body"), "wb") as file:
            file.write(bytes.fromhex("02410602"))
        self.assertEqual(json.loads(self.polka("avro", "decode", "--writer", "v1.avsc", "body").stdout)["total"], 3)
        self.polka("avro", "decode", "--writer", "v1.avsc", "nowhere", code=2)
        self.polka("avro", "decode", "--writer", "-", "-", code=2)
        self.polka("avro", "decode", "--writer", "v1.avsc", "body", "body", code=2)

    def test_the_schema_must_be_given(self):
        self.assertIn("--writer FILE", self.polka("avro", "decode", code=2).stderr)
        self.assertIn("--schema FILE", self.polka("avro", "encode", code=2).stderr)
        self.assertIn("plain or avro", self.polka("avro", "encode", "--schema", "v1.avsc", "--json", "bson", code=2).stderr)
        self.assertIn("base64 or text", self.polka("avro", "encode", "--schema", "v1.avsc", "--bytes", "hex", code=2).stderr)


class Lines(Schemas):
    def test_thousands_of_values_take_one_process(self):
        values = [{"id": f"A-{i}", "total": i, "currency": "EUR"} for i in range(20000)]
        text = "".join(json.dumps(v) + "\n" for v in values)
        hexes = self.polka("avro", "encode", "--schema", "v1.avsc", "--lines", stdin=text).stdout
        self.assertEqual(len(hexes.splitlines()), 20000)
        self.assertEqual(hexes, self.polka("avro", "encode", "--schema", "v1.avsc", "--lines", "--hex", stdin=text).stdout)
        for more in ([], ["--hex"]):
            back = self.polka("avro", "decode", "--writer", "v1.avsc", "--lines", *more, stdin=hexes).stdout
            self.assertEqual([json.loads(line) for line in back.splitlines()], values)

    def test_a_bad_line_keeps_its_place_and_stops_no_other(self):
        done = self.polka("avro", "decode", "--writer", "v1.avsc", "--lines", "--hex", stdin="02410602\nxx\n02\n02420602", code=1)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([line.get("id") for line in lines], ["A", None, None, "B"])
        self.assertEqual(set(lines[1]), {"error"})
        self.assertIn("line 2: not hex", done.stderr)
        self.assertIn("line 3: id: a text takes 1 bytes", done.stderr)
        done = self.polka("avro", "encode", "--schema", "v1.avsc", "--lines", stdin='{}\n{"id":"A","total":3,"currency":"USD"}\n\n', code=1)
        lines = done.stdout.splitlines()
        self.assertEqual((json.loads(lines[0])["error"], lines[1], len(lines)), ("id: missing; it has no default, and string was expected", "02410602", 3))
        self.assertIn("line 3: not JSON", done.stderr)

    def test_an_empty_line_is_zero_bytes(self):
        self.assertEqual(self.polka("avro", "decode", "--writer", "null.avsc", "--lines", stdin="\n\n").stdout, "null\nnull\n")
        self.assertEqual(self.polka("avro", "encode", "--schema", "null.avsc", "--lines", stdin="null\r\nnull\n").stdout, "\n\n")
        self.assertEqual(self.polka("avro", "decode", "--writer", "null.avsc", "--lines", stdin="").stdout, "")

    def test_objects_have_the_number_of_their_line(self):
        rows = self.rows("avro", "decode", "--writer", "null.avsc", "--lines", "--format", "json", stdin="\n00\n", code=1)
        self.assertEqual(rows[0], {"line": 1, "value": None})
        self.assertEqual((rows[1]["line"], set(rows[1])), (2, {"line", "error"}))
        self.assertEqual(self.rows("avro", "encode", "--schema", "null.avsc", "--lines", "--format", "json", stdin="null"), [{"line": 1, "hex": ""}])

    def test_single_object_chooses_for_each_line(self):
        lines = "".join(self.polka("avro", "encode", "--schema", v + ".avsc", "--single-object", "--hex", stdin='{"id":"A","total":3,"currency":"USD"}').stdout for v in ("v1", "v2"))
        done = self.polka("avro", "decode", "--writer", "v1.avsc", "--writer", "v2.avsc", "--single-object", "--lines", stdin=lines)
        self.assertEqual(["note" in json.loads(line) for line in done.stdout.splitlines()], [False, True])
