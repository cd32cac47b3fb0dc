"""check, pairs, manifests, can-deploy, map, impact: pure functions over manifests, from outside."""
import copy
import json
import os

from support import PAID, PLACED, Case, event, manifest

SHIPPED = {"type": "record", "name": "Shipped", "namespace": "demo", "polka.topic": "demo.shipments", "polka.key": "order_id", "polka.final": True,
           "fields": [{"name": "order_id", "type": "string"}]}
FLOW = """flow: order
starts: demo.Placed
ends: [demo.Shipped]
steps:
  - after: demo.Placed
    one_of: [demo.Paid]
    within: 5s
  - after: demo.Paid
    one_of: [demo.Shipped]
    within: 1m
"""


class Choreography(Case):
    services = {"payments": ([PLACED], [PAID]), "shipping": ([PAID], [SHIPPED])}

    def setUp(self):
        super().setUp()
        self.write("schemas/flows/order.yaml", FLOW)
        self.payments, self.shipping = manifest("payments", [PLACED], [PAID]), manifest("shipping", [PAID], [SHIPPED])
        self.storefront = manifest("storefront", [], [PLACED])

    def folder(self, *manifests, name="manifests"):
        for number, one in enumerate(manifests):
            text = one if isinstance(one, str) else json.dumps(one)
            self.write(f"{name}/{number}-{'text' if isinstance(one, str) else one.get('service')}.json", text)
        return os.path.join(self.root, name)

    def good(self):
        return self.folder(self.storefront, self.payments, self.shipping)

    def codes(self, *arguments, code=1, **more):
        return [row["code"] for row in self.rows("check", *arguments, code=code, **more)]


class Check(Choreography):
    def test_a_whole_project_has_no_finding(self):
        done = self.polka("check")
        self.assertEqual(done.stdout, "")
        self.assertIn("2 manifests, 3 events, 1 pair, 1 flow: 0 errors, 0 warnings", done.stderr)

    def test_findings_have_six_members_and_nothing_else_is_on_standard_output(self):
        row, = self.rows("check", self.folder(self.payments, self.shipping), code=1)
        self.assertEqual(sorted(row), ["code", "event", "fix", "message", "service", "severity"])
        self.assertEqual((row["code"], row["severity"], row["service"], row["event"]), ("unfed-reaction", "error", "payments", "demo.Placed"))

    def test_with_manifests_given_nothing_of_the_project_is_read(self):
        self.write("polka.yaml", "this: is: no: yaml\n")
        self.write("schemas/flows/order.yaml", "neither\n")
        self.assertEqual(self.codes(self.good(), code=0), [])
        self.assertIn("polka.yaml", self.polka("check", code=2).stderr)

    def test_files_folders_and_programs_can_be_mixed(self):
        file = self.write("one/storefront.json", json.dumps(self.storefront))
        program = os.path.join(self.build, "bin", "payments")
        self.assertEqual(self.codes(file, program, self.folder(self.shipping), code=0), [])

    def test_a_warning_alone_exits_0(self):
        row, = self.rows("check", self.folder(self.storefront), code=0)
        self.assertEqual((row["code"], row["severity"], row["event"]), ("unheard-event", "warning", "demo.Placed"))

    def test_flows_feed_their_starts_and_hear_their_ends(self):
        flows = self.write("other/flows/pay.yaml", "flow: pay\nstarts: demo.Placed\nends: demo.Paid\n")
        where = self.folder({**self.payments, "emits": [{**event(PAID), "schema": {k: v for k, v in PAID.items() if k != "polka.final"}}]})
        self.assertEqual(self.codes(where), ["unfed-reaction", "unheard-event"])
        self.assertEqual(self.codes(where, "--flows", os.path.dirname(flows), code=0), [])

    def test_manifests_that_cannot_be_read_are_findings_and_never_usage_errors(self):
        later = {**manifest("later", [], []), "polka": 2}
        for bad in ("", "{", "null", "[]", json.dumps(self.payments)[:200], json.dumps(later), "\x00\x01", "{}"):
            rows = self.rows("check", self.folder(self.storefront, self.payments, self.shipping, bad), code=1)
            self.assertEqual({row["code"] for row in rows}, {"bad-manifest"}, bad)
            self.assertIn("3-text.json", rows[0]["message"])

    def test_no_manifests_at_all_is_a_usage_error(self):
        os.makedirs(os.path.join(self.root, "empty"))
        self.assertIn("no manifests", self.polka("check", "empty", code=2).stderr)
        self.assertIn("nowhere.json", self.polka("check", "nowhere.json", code=2).stderr)
        self.assertIn("--format is text, json or sarif", self.polka("check", "--format", "xml", code=2).stderr)

    def test_flow_files_are_refused_with_line_and_column(self):
        for text, expected in ((FLOW.replace("steps", "stps"), "order.yaml:4:1: a flow contract has no member 'stps'; did you mean 'steps'?"),
                               (FLOW.replace("5s", "5parsecs"), "order.yaml:7:13: within is a duration"),
                               (FLOW.replace("[demo.Paid]", "[demo.Payd]"), "order.yaml:6:14: no service says or hears demo.Payd; did you mean 'demo.Paid'?")):
            self.write("schemas/flows/order.yaml", text)
            done = self.polka("check", code=2)
            self.assertIn(expected, done.stderr)
            self.assertEqual(done.stdout, "")
        self.assertIn("No such file", self.polka("check", self.good(), "--flows", "nowhere", code=2).stderr)

    def test_two_flows_of_one_name_are_refused(self):
        self.write("schemas/flows/z.yaml", FLOW)
        self.assertIn("z.yaml:1:7: the flow order stands in", self.polka("check", code=2).stderr)

    def test_an_event_with_a_schema_but_no_service_is_a_gap_and_no_typo(self):
        refused = {**PAID, "name": "Refused", "polka.topic": "demo.payments"}
        self.write("schemas/demo/refused.v1.avsc", json.dumps(refused))
        self.write("schemas/flows/order.yaml", FLOW.replace("[demo.Paid]", "[demo.Refused]"))
        self.assertEqual(self.codes(), ["flow-gap"])

    def test_text_is_for_people_with_service_file_and_fix(self):
        where = self.folder(self.payments, self.shipping)
        text = self.polka("check", where, "--format", "text", code=1).stdout
        self.assertIn("error unfed-reaction: payments reacts to demo.Placed", text)
        for label, value in (("service", "payments"), ("file", where + "/0-payments.json"), ("fix", "Add the manifest")):
            self.assertRegex(text, rf"\n  {label} +{value}")
        self.assertNotIn("\033", text)

    def test_hostile_names_do_not_reach_the_terminal(self):
        bad = copy.deepcopy(self.payments)
        bad["service"] = "pay\033[31mments"
        self.assertNotIn("\033", self.polka("check", self.folder(bad), "--format", "text", code=1).stdout)
        self.assertNotIn("\033", self.polka("pairs", self.folder(bad, self.shipping), "--format", "text").stdout)

    def test_sarif_names_rules_places_and_levels(self):
        self.write("schemas/flows/order.yaml", FLOW.replace("[demo.Shipped]\n    within", "[demo.Placed]\n    within"))
        done = self.polka("check", "--format", "sarif", code=1)
        log = json.loads(done.stdout)
        self.assertEqual(log["version"], "2.1.0")
        run, = log["runs"]
        ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        self.assertEqual(len(ids), 12)
        for result in run["results"]:
            self.assertEqual(ids[result["ruleIndex"]], result["ruleId"])
            self.assertIn(result["level"], ("error", "warning"))
        gap = next(result for result in run["results"] if result["ruleId"] == "flow-gap")
        place = gap["locations"][0]["physicalLocation"]
        self.assertTrue(place["artifactLocation"]["uri"].endswith("schemas/flows/order.yaml"))
        self.assertEqual(place["region"], {"startLine": 8, "startColumn": 12})

    def test_sarif_without_findings_is_a_whole_document(self):
        self.assertEqual(json.loads(self.polka("check", "--format", "sarif").stdout)["runs"][0]["results"], [])

    def test_ten_thousand_manifests(self):
        for number in range(10000):
            one = manifest(f"s{number}", [], [])
            self.write(f"many/{number}.json", json.dumps(one))
        done = self.polka("check", "many", timeout=120)
        self.assertIn("10000 manifests", done.stderr)


class Pairs(Choreography):
    def test_a_row_for_every_emission_with_every_reaction(self):
        rows = self.rows("pairs", self.good())
        self.assertEqual([(row["event"], row["writer"], row["reader"], row["verdict"], row["break"]) for row in rows],
                         [("demo.Placed", "storefront", "payments", "compatible", None), ("demo.Paid", "payments", "shipping", "compatible", None)])
        self.assertEqual((rows[0]["writer_version"], rows[0]["reader_version"], rows[0]["writer_schema_version"]), ("1.0.0", "1.0.0", 1))

    def test_what_breaks_is_told_with_field_and_rule(self):
        wide = copy.deepcopy(PAID)
        wide["fields"].append({"name": "amount", "type": "long"})
        where = self.folder(self.storefront, self.payments, manifest("shipping", [wide], [SHIPPED]))
        row = next(row for row in self.rows("pairs", where, code=1) if row["verdict"] != "compatible")
        self.assertEqual((row["verdict"], row["writer"], row["reader"]), ("incompatible", "payments", "shipping"))
        self.assertEqual((row["breaks"][0]["rule"], row["breaks"][0]["field"]), ("reader_field_missing_default_value", "amount"))
        self.assertIn("incompatible   demo.Paid", self.polka("pairs", where, "--broken", "--format", "text", code=1).stdout)
        self.assertEqual(len(self.rows("pairs", where, "--broken", code=1)), 1)

    def test_a_reader_on_another_topic_is_a_pair_that_never_meets(self):
        moved = {**PAID, "polka.topic": "demo.moved"}
        row, = self.rows("pairs", self.folder(self.payments, manifest("shipping", [moved], [SHIPPED])), "--broken", code=1)
        self.assertEqual(row["verdict"], "topic-mismatch")
