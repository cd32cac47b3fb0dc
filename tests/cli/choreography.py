"""check, pairs, manifests, can-deploy, map: pure functions over manifests, from outside."""
import copy
import json
import os
import re
import unittest
import xml.dom.minidom

from support import PAID, PLACED, Case, event, manifest

SHIPPED = {"type": "record", "name": "Shipped", "namespace": "demo", "polka.topic": "demo.shipments", "polka.key": "order_id", "polka.final": True,
           "fields": [{"name": "order_id", "type": "string"}]}
BUILD = os.environ.get("POLKA_BUILD", "")
TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHOP = ("inventory", "notifications", "orders", "payments", "shipping")
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

    def test_an_event_that_no_given_manifest_knows_is_a_gap_and_told_with_its_place(self):
        where = self.folder(self.storefront, self.payments)
        done = self.polka("check", where, "--flows", "schemas/flows", code=1)
        self.assertEqual([json.loads(line)["code"] for line in done.stdout.splitlines()], ["flow-gap"])
        self.assertIn("schemas/flows/order.yaml:3:8: no service says or hears demo.Shipped", done.stderr)
        self.write("schemas/flows/order.yaml", FLOW.replace("demo.Paid", "demo.Payd"))
        self.assertIn("order.yaml:6:14: no service says or hears demo.Payd; did you mean 'demo.Paid'?",
                      self.polka("check", self.good(), "--flows", "schemas/flows", code=2).stderr)

    def test_two_flows_of_one_name_are_refused(self):
        self.write("schemas/flows/z.yaml", FLOW)
        self.assertIn("z.yaml:1:7: the flow order stands in", self.polka("check", code=2).stderr)

    def test_two_flows_that_begin_with_one_event_are_refused_with_both_places(self):
        self.write("schemas/flows/z.yaml", "flow: second\nends: demo.Paid\nstarts:\n  - demo.Shipped\n  - demo.Placed\n")
        said = self.polka("check", code=2).stderr
        self.assertIn("schemas/flows/z.yaml:5:5: with demo.Placed the flow order begins already, schemas/flows/order.yaml:2:9", said)

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

    def test_a_name_of_one_letter_and_one_of_control_characters_are_shown_whole(self):
        for name, shown in (("p", "p"), ("\1" * 700, r"\x01" * 700), ("é" * 3000, "é" * 3000)):
            path = self.write("one.json", json.dumps({**self.payments, "service": name}))
            text = self.polka("check", path, "--format", "text", code=1).stdout
            self.assertIn(f"\n  service  {shown}\n", text)

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

    def test_with_a_manifest_that_cannot_be_read_nothing_is_promised(self):
        for bad in ("{", json.dumps({**self.payments, "polka": 2})):
            done = self.polka("pairs", self.folder(self.storefront, self.payments, self.shipping, bad), code=1)
            self.assertEqual(len(done.stdout.splitlines()), 2)
            self.assertIn("3-text.json: ", done.stderr)
            self.assertIn("1 manifest could not be read whole", done.stderr)

    def test_a_reader_on_another_topic_is_a_pair_that_never_meets(self):
        moved = {**PAID, "polka.topic": "demo.moved"}
        row, = self.rows("pairs", self.folder(self.payments, manifest("shipping", [moved], [SHIPPED])), "--broken", code=1)
        self.assertEqual(row["verdict"], "topic-mismatch")


class CanDeploy(Choreography):
    def rows_of(self, who, manifest_, *against, code):
        path = self.write("new.json", json.dumps(manifest_))
        return self.rows("can-deploy", who, "--manifest", path, "--against", self.folder(*against, name="running"), code=code)

    def test_what_goes_with_all_that_runs_can_be_deployed(self):
        self.assertEqual(self.rows_of("payments", {**self.payments, "version": "1.1.0"}, self.storefront, self.payments, self.shipping, code=0), [])

    def test_a_writer_that_a_running_reader_cannot_read_is_stopped(self):
        other = {**PAID, "fields": [{"name": "id", "type": "string"}]}
        new = {**manifest("payments", [PLACED], [other]), "version": "2.0.0"}
        row, = self.rows_of("payments@2.0.0", new, self.storefront, self.payments, self.shipping, code=1)
        self.assertEqual((row["candidate"], row["writer"], row["writer_version"], row["reader"]), ("writer", "payments", "2.0.0", "shipping"))
        self.assertEqual(row["breaks"][0]["field"], "order_id")

    def test_a_reader_that_cannot_read_a_running_writer_is_stopped(self):
        wide = {**PLACED, "fields": PLACED["fields"] + [{"name": "currency", "type": "string"}]}
        row, = self.rows_of("payments", {**manifest("payments", [wide], [PAID]), "version": "2.0.0"}, self.storefront, self.shipping, code=1)
        self.assertEqual((row["candidate"], row["writer"], row["reader"], row["reader_version"]), ("reader", "storefront", "payments", "2.0.0"))
        self.assertIn("currency", row["break"])

    def test_what_breaks_between_others_is_not_the_candidates_fault(self):
        other = manifest("shipping", [{**PAID, "fields": [{"name": "x", "type": "long"}]}], [SHIPPED])
        self.assertEqual(self.rows_of("storefront", self.storefront, self.payments, other, code=0), [])

    def test_the_same_version_is_replaced_and_an_older_one_stays(self):
        moved = {**PAID, "polka.topic": "demo.moved"}
        broken = manifest("shipping", [moved], [SHIPPED])
        self.assertEqual(self.rows_of("shipping", self.shipping, broken, self.payments, code=0), [])
        row, = self.rows_of("payments", {**manifest("payments", [PLACED], [moved]), "version": "2"}, self.payments, self.shipping, code=1)
        self.assertEqual(row["verdict"], "topic-mismatch")

    def test_a_program_is_asked_and_a_wrong_name_refused(self):
        program, running = os.path.join(self.build, "bin", "payments"), self.good()
        self.assertIn("payments 1.0.0 can be deployed", self.polka("can-deploy", "payments", "--manifest", program, "--against", running).stderr)
        for who in ("payment", "payments@2", "paymentsx", "shipping"):
            self.assertIn("is no manifest of " + who, self.polka("can-deploy", who, "--manifest", program, "--against", running, code=2).stderr)
        self.assertIn("--manifest", self.polka("can-deploy", "payments", code=2).stderr)
        self.assertIn("polka dev", self.polka("can-deploy", "payments", "--manifest", program, code=3).stderr)
        self.assertIn("--against or --brokers", self.polka("can-deploy", "payments", "--manifest", program, "--against", running, "-b", "x:1", code=2).stderr)
        self.assertIn("not JSON", self.polka("can-deploy", "payments", "--manifest", program, "--against", self.folder("{", name="torn"), code=1).stderr)


class Manifests(Choreography):
    def test_they_are_collected_into_a_folder_that_check_reads(self):
        self.polka("manifests", "collected")
        self.assertEqual(sorted(os.listdir(os.path.join(self.root, "collected"))), ["payments@1.0.0.json", "shipping@1.0.0.json"])
        self.assertEqual(self.codes("collected", "--flows", "schemas/flows", code=0), [])
        with open(os.path.join(self.root, "collected", "payments@1.0.0.json")) as file:
            self.assertEqual(json.load(file), self.payments)

    def test_without_a_folder_they_are_printed_one_a_line(self):
        self.assertEqual(self.rows("manifests"), [self.payments, self.shipping])

    def test_what_is_not_of_this_build_is_told_of(self):
        self.write("collected/gone@0.1.json", "{}")
        self.assertIn("collected/gone@0.1.json is not of this build", self.polka("manifests", "collected").stderr)

    def test_forgetting_needs_a_name_and_a_version_and_a_broker(self):
        self.assertIn("SERVICE@VERSION", self.polka("manifests", "forget", "payments", code=2).stderr)
        self.assertIn("goes with forget", self.polka("manifests", "--execute", code=2).stderr)
        self.polka("manifests", "forget", "payments@1.0.0", code=3)
        self.polka("manifests", "--running", code=3)

    def test_two_of_one_name_and_version_are_not_written_over_each_other(self):
        self.write("build/dev/bin/shipping.json", json.dumps({**self.shipping, "service": "payments"}))
        said = self.polka("manifests", "collected", code=1).stderr
        for word in ("build/dev/bin/payments", "build/dev/bin/shipping", "both say that they are payments 1.0.0"):
            self.assertIn(word, said)
        self.assertFalse(os.path.exists(os.path.join(self.root, "collected")))
        self.write("build/dev/bin/shipping.json", json.dumps(self.payments))
        self.polka("manifests", "collected")

    def test_a_name_that_leads_out_of_the_folder_is_refused(self):
        self.write("build/dev/bin/payments.json", json.dumps({**self.payments, "service": "../payments"}))
        self.assertIn("can be no file name", self.polka("manifests", "collected", code=1).stderr)
        self.assertEqual(os.listdir(os.path.join(self.root, "collected")), [])


class Map(Choreography):
    def test_text_says_for_each_service_what_it_hears_and_says(self):
        lines = [line.split() for line in self.polka("map", self.good(), "--flows", "schemas/flows", "--format", "text").stdout.splitlines()]
        self.assertEqual(lines, [["payments"], ["hears", "demo.Placed", "←", "storefront"], ["says", "demo.Paid", "→", "shipping"],
                                 ["shipping"], ["hears", "demo.Paid", "←", "payments"], ["says", "demo.Shipped", "→", "nobody", "needs", "to", "hear", "it"],
                                 ["storefront"], ["says", "demo.Placed", "→", "payments"]])

    def test_a_start_of_a_flow_comes_from_outside(self):
        self.assertIn("demo.Placed   ← outside: a flow starts with it", self.polka("map", "--format", "text").stdout)

    def test_json_has_a_row_from_who_says_to_who_hears(self):
        rows = self.rows("map")
        self.assertEqual([(row["from"], row["event"], row["to"], row["topic"]) for row in rows],
                         [("payments", "demo.Paid", "shipping", "demo.payments"), (None, "demo.Placed", "payments", "demo.orders"),
                          ("shipping", "demo.Shipped", None, "demo.shipments")])

    def test_a_focus_leaves_out_what_is_further_away(self):
        def names(*arguments):
            return {name for row in self.rows("map", self.good(), *arguments) for name in (row["from"], row["event"], row["to"]) if name}
        self.assertEqual(names("--focus", "storefront"), {"storefront", "demo.Placed", "payments"})
        self.assertEqual(names("--focus", "Placed"), {"storefront", "demo.Placed", "payments"})
        self.assertEqual(names("--focus", "storefront", "--depth", "2"), {"storefront", "demo.Placed", "payments", "demo.Paid", "shipping"})
        self.assertIn("did you mean 'payments'?", self.polka("map", self.good(), "--focus", "payment", code=2).stderr)
        self.assertIn("--focus", self.polka("map", self.good(), "--depth", "2", code=2).stderr)

    def test_names_of_others_cannot_break_out_of_a_form(self):
        bad = copy.deepcopy(self.payments)
        bad["service"] = 'a"]; click x "<script>&'
        bad["emits"][0]["topic"] = "a\u0001<b>"         # XML has no such character, however it is written
        where = self.folder(bad, self.shipping)
        self.assertIn('["a#quot;]; click x #quot;#lt;script#gt;#amp;"]', self.polka("map", where, "--format", "mermaid").stdout)
        self.assertIn('[label="a\\"]; click', self.polka("map", where, "--format", "dot").stdout)
        svg = self.polka("map", where, "--format", "svg").stdout
        self.assertNotIn("<script>", svg)
        self.assertEqual(xml.dom.minidom.parseString(svg).documentElement.tagName, "svg")

    def test_a_name_cannot_begin_a_directive_of_mermaid(self):
        bad = {**self.payments, "service": '%%{init: {"theme":"dark"}}%%'}
        text = self.polka("map", self.folder(bad, self.shipping), "--format", "mermaid").stdout
        self.assertIn('["#37;#37;{init: {#quot;theme#quot;:#quot;dark#quot;}}#37;#37;"]', text)
        self.assertNotIn("%", text)

    def test_two_names_that_look_alike_stay_two(self):
        one, two = manifest("a-b", [PAID], []), manifest("a_b", [PAID], [])
        text = self.polka("map", self.folder(self.payments, one, two), "--format", "mermaid").stdout
        self.assertIn('s_a_b["a-b"]', text)
        self.assertIn('s_a_b_2["a_b"]', text)

    def test_an_unknown_form_is_refused(self):
        self.assertIn("--format is text, json, mermaid, dot or svg", self.polka("map", "--format", "png", code=2).stderr)


@unittest.skipUnless(all(os.path.exists(os.path.join(BUILD, "bin", name)) for name in SHOP), "the shop is not built")
class Shop(Case):
    services = {}

    def test_the_shop_keeps_its_contract_without_a_finding(self):
        done = self.polka("check", "--build", os.path.abspath(BUILD), folder=TREE)
        self.assertEqual(done.stdout, "")
        self.assertIn("1 flow: 0 errors, 0 warnings", done.stderr)

    def test_the_map_in_its_readme_is_what_the_command_says(self):
        with open(os.path.join(TREE, "services", "README.md")) as file:
            written = re.search(r"```mermaid\n(.*?)```", file.read(), re.DOTALL).group(1)
        self.assertEqual(written, self.polka("map", "--format", "mermaid", "--build", os.path.abspath(BUILD), folder=TREE).stdout)
