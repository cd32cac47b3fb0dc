"""impact: who breaks if a field, an event or a service goes."""
import json
import os

from choreography import Choreography
from support import PAID, PLACED, manifest


class Impact(Choreography):
    def effects(self, what, *arguments):
        return [(row["effect"], row["service"], row["event"]) for row in self.rows("impact", what, self.good(), *arguments)]

    def test_a_field_breaks_those_who_cannot_do_without_it(self):
        self.assertEqual(self.effects("demo.Placed.total"), [("unreadable", "payments", "demo.Placed")])
        self.assertEqual(self.effects("Placed.lines.sku"), [("unreadable", "payments", "demo.Placed")])
        self.assertEqual(self.effects("demo.Placed.note"), [("defaulted", "payments", "demo.Placed")])
        self.assertEqual(self.effects("demo.Placed.order_id"), [("unreadable", "payments", "demo.Placed"), ("keyless", "storefront", "demo.Placed")])

    def test_a_field_that_a_reader_does_not_know_breaks_nobody(self):
        narrow = {**PLACED, "fields": PLACED["fields"][:1]}
        where = self.folder(self.storefront, manifest("payments", [narrow], [PAID]), name="narrow")
        self.assertEqual(self.rows("impact", "Placed.total", where), [])

    def test_a_service_starves_all_behind_it(self):
        self.assertEqual(self.effects("storefront"), [("unfed", "payments", "demo.Placed"), ("starved", "shipping", "demo.Paid")])
        self.assertEqual(self.effects("payments"), [("unfed", "shipping", "demo.Paid"), ("unheard", "storefront", "demo.Placed")])
        self.assertEqual(self.effects("payments", "--flows", "schemas/flows")[-1], ("broken-flow", None, "demo.Placed"))

    def test_an_event_and_what_follows_from_it(self):
        self.assertEqual(self.effects("demo.Paid"), [("unfed", "shipping", "demo.Paid")])
        self.assertEqual(self.effects("demo.Shipped"), [])

    def field(self, what, written, read):
        """(effect, message) of what happens to `shipping` when a field of demo.Paid goes, as `written` and `read` have its fields."""
        where = self.folder(manifest("payments", [], [{**PAID, "fields": written}]), manifest("shipping", [{**PAID, "fields": read}], []), name="field")
        return [(row["effect"], row["message"]) for row in self.rows("impact", f"demo.Paid.{what}", where) if row["service"] == "shipping"]

    def test_a_field_whose_type_later_fields_have_by_name(self):
        address = {"type": "record", "name": "Address", "fields": [{"name": "street", "type": "string"}]}
        fields = PAID["fields"] + [{"name": "billing", "type": address}, {"name": "delivery", "type": "Address"}]
        (effect, message), = self.field("billing", fields, fields)
        self.assertEqual(effect, "unreadable")
        self.assertIn("billing", message)
        fields[1]["default"] = {"street": ""}
        self.assertEqual(self.field("billing", fields, fields)[0][0], "defaulted")
        self.assertEqual(self.field("delivery.street", fields, fields)[0][0], "unreadable")

    def test_a_field_that_the_reader_knows_by_an_alias(self):
        read = PAID["fields"] + [{"name": "amount", "type": "int", "aliases": ["total"], "default": 0}]
        written = PAID["fields"] + [{"name": "total", "type": "int"}]
        (effect, message), = self.field("total", written, read)
        self.assertEqual((effect, message), ("defaulted", "shipping 1.0.0 reads the default of total instead"))
        del read[1]["default"]
        self.assertEqual(self.field("total", written, read)[0][0], "unreadable")

    def test_a_path_through_names_and_through_any_branch_of_a_union(self):
        def record(name, field):
            return {"type": "record", "name": name, "fields": [{"name": field, "type": "int"}]}
        fields = PAID["fields"] + [{"name": "by", "type": ["null", record("Card", "number"), record("Transfer", "account")]},
                                   {"name": "before", "type": {"type": "array", "items": {"type": "map", "values": "demo.Transfer"}}},
                                   {"name": "apart", "type": {"type": "record", "name": "other.Part", "fields": [{"name": "inner", "type": record("Inner", "deep")},
                                                                                                              {"name": "again", "type": "Inner"}]}}]
        for path in ("by.number", "by.account", "before.account", "apart.again.deep", "apart.inner.deep"):
            self.assertEqual([effect for effect, _ in self.field(path, fields, fields)], ["unreadable"], path)
        self.assertIn("has no field by.nothing", self.polka("impact", "demo.Paid.by.nothing", os.path.join(self.root, "field"), code=2).stderr)

    def test_a_type_that_has_itself(self):
        fields = PAID["fields"] + [{"name": "tree", "type": {"type": "record", "name": "Tree", "fields": [{"name": "size", "type": "int"}, {"name": "left", "type": ["null", "Tree"]}]}}]
        self.assertEqual(self.field("tree.left.left.size", fields, fields)[0][0], "unreadable")

    def test_a_field_that_the_key_lies_in_is_the_key(self):
        fields = [{"name": "order", "type": {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}}]
        where = self.folder(manifest("payments", [], [{**PAID, "fields": fields}]), name="keyed")
        with open(os.path.join(where, "0-payments.json")) as file:
            text = file.read()
        self.write("keyed/0-payments.json", text.replace('"key": "order_id"', '"key": "order.id"'))
        self.assertEqual([row["effect"] for row in self.rows("impact", "demo.Paid.order", where)], ["keyless"])

    def ring(self, *names):
        """Services that cause each other's events in a circle, which nothing from outside begins."""
        events = [{**PAID, "name": name, "polka.final": False} for name in names]
        return self.folder(*[manifest(f"after{one['name']}", [one], [other]) for one, other in zip(events, events[1:] + events[:1])], name="ring")

    def test_in_a_circle_that_nothing_from_outside_begins(self):
        where = self.ring("A", "B", "C")
        def effects(what):
            return [(row["effect"], row["service"], row["event"]) for row in self.rows("impact", what, where)]
        self.assertEqual(effects("demo.B"), [("unfed", "afterB", "demo.B"), ("starved", "afterA", "demo.A"), ("starved", "afterC", "demo.C")])
        self.assertEqual(effects("afterA"), [("unfed", "afterB", "demo.B"), ("starved", "afterC", "demo.C")])

    def test_a_circle_that_stays_is_left_alone(self):
        where = self.ring("A", "B")
        other = manifest("aside", [{**PAID, "name": "B"}], [{**PAID, "name": "D"}])
        self.write("ring/z.json", json.dumps(other))
        self.write("ring/y.json", json.dumps(manifest("last", [{**PAID, "name": "D"}], [])))
        self.assertEqual([(row["effect"], row["service"]) for row in self.rows("impact", "aside", where)], [("unfed", "last")])

    def test_rows_say_what_was_asked_and_whether_it_breaks(self):
        row, = self.rows("impact", "Placed.note", self.good())
        self.assertEqual((row["what"], row["name"], row["breaks"]), ("field", "demo.Placed.note", False))

    def test_unknown_names_are_refused_with_what_there_is(self):
        self.assertIn("did you mean 'payments'?", self.polka("impact", "payment", self.good(), code=2).stderr)
        self.assertIn("it has order_id, total, lines, note", self.polka("impact", "Placed.sum", self.good(), code=2).stderr)
        self.assertIn("what goes?", self.polka("impact", code=2).stderr)
