"""check where there is much of it or of any kind: names that are no UTF-8, thousands that contradict each other, Polka's own events."""
import json
import os

from choreography import Choreography
from support import PAID, PLACED, manifest


def named(name, *fields):
    return {"type": "record", "name": name, "namespace": "demo", "polka.topic": "demo.topic", "polka.key": "order_id",
            "fields": [{"name": "order_id", "type": "string"}, *fields]}


class Bytes(Choreography):
    """File names have any bytes but / and NUL."""

    def put(self, folder, name, text):
        folder = os.path.join(self.root, folder)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(os.fsencode(folder), name), "w") as file:
            file.write(text)
        return folder

    def test_json_and_sarif_tell_of_files_whose_names_are_no_utf8(self):
        self.put("odd", b"w\xff.json", json.dumps(self.payments))
        where = self.put("odd", b"x\xfe.json", "{")
        rows = self.rows("check", where, code=1)
        bad = next(row for row in rows if row["code"] == "bad-manifest")
        self.assertEqual(bad["service"], r"x\xfe")
        self.assertIn(r"odd/x\xfe.json: not JSON", bad["message"])
        results = json.loads(self.polka("check", where, "--format", "sarif", code=1).stdout)["runs"][0]["results"]
        self.assertEqual([result["ruleId"] for result in results], [row["code"] for row in rows])
        self.assertTrue(results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("/odd/x%FE.json"))

    def test_so_do_flow_files_and_services_without_a_name(self):
        flows = self.put("odd-flows", b"\xff.yaml", "flow: f\nstarts: demo.Placed\nends: demo.Nowhere\n")
        rows = self.rows("check", self.good(), "--flows", flows, code=1)
        self.assertIn(r"odd-flows/\xff.yaml:3:7", next(row for row in rows if row["code"] == "flow-gap")["message"])
        nameless = {key: value for key, value in self.shipping.items() if key != "service"}
        self.put("odd", b"a.json", json.dumps(self.payments))
        where = self.put("odd", b"n\xff.json", json.dumps(nameless))
        self.assertEqual([row["reader"] for row in self.rows("pairs", where, code=1)], [r"n\xff"])
        self.assertIn(r"n\xff", [row["to"] for row in self.rows("map", where)])
        self.assertIn(r"n\xff", [row["service"] for row in self.rows("impact", "demo.Paid", where)])

    def test_schema_files_too(self):
        where = os.path.join(self.put("odd", b"s\xff.avsc", "{"), os.fsdecode(b"s\xff.avsc"))
        for command in ("validate", "canonical", "fingerprint"):
            row, = self.rows("schema", command, "--format", "json", where, code=1)
            self.assertTrue(row["error"], command)


class Many(Choreography):
    many = int(os.environ.get("POLKA_MANY", "2000"))     # tests/extra/contradictions takes 10,000

    def test_five_hundred_services_with_five_thousand_events(self):
        for number in range(500):
            says = [named(f"E{number * 10 + each}") for each in range(10)]
            hears = [named(f"E{number * 10 + each - 10}") for each in range(10)] if number > 0 else []
            self.write(f"many/{number}.json", json.dumps(manifest(f"s{number}", hears, says)))
        done = self.polka("check", "many", timeout=120)
        self.assertIn("500 manifests, 5000 events, 4990 pairs, 0 flows: 0 errors, 10 warnings", done.stderr)
        self.assertEqual({json.loads(line)["code"] for line in done.stdout.splitlines()}, {"unheard-event"})

    def contradict(self, says, hears):
        """Half of them say an event, half of them hear it, as says(number) and hears(number) have it: the findings and what was said of them."""
        for number in range(self.many):
            made = (manifest(f"w{number}", [], [says(number)]), manifest(f"r{number}", [hears(number)], []))[number % 2]
            self.write(f"many/{number}.json", json.dumps(made))
        done = self.polka("check", "many", "--format", "json", code=1, timeout=120)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return {code: sum(1 + row.get("more", 0) for row in rows if row["code"] == code) for code in {row["code"] for row in rows}}, len(rows), done.stderr

    def test_thousands_of_manifests_that_contradict_each_other(self):
        half = (self.many // 2) ** 2
        counts, rows, said = self.contradict(lambda _: PLACED, lambda _: {**PLACED, "polka.topic": "demo.other", "fields": PLACED["fields"] + [{"name": "more", "type": "int"}]})
        self.assertEqual(counts, {"topic-mismatch": half, "incompatible-pair": half})
        self.assertEqual(rows, 64)
        self.assertIn(f"{2 * half} errors", said)

    def test_thousands_of_owners_and_schemas_of_one_event(self):
        counts, rows, _ = self.contradict(lambda number: {**PLACED, "doc": f"{number}", "polka.topic": f"demo.of{number}"}, lambda number: {**PLACED, "doc": f"{number}"})
        self.assertEqual(counts["two-owners"], self.many // 2 - 1)
        self.assertLessEqual(rows, 100)

    def test_thousands_of_contents_of_one_service(self):
        for number in range(self.many):
            self.write(f"many/{number}.json", json.dumps(manifest("same", [], [{**named(f"E{number}"), "polka.final": True}])))
        rows = self.rows("check", "many", code=1, timeout=120)
        self.assertEqual([row["code"] for row in rows], ["duplicate-service"] * 32)
        self.assertEqual(rows[-1]["more"], self.many - 1 - 32)
        self.assertNotIn("more", rows[0])
        self.assertIn(f"{self.many - 33} more like it", self.polka("check", "many", "--format", "text", code=1, timeout=120).stdout)
        last = json.loads(self.polka("check", "many", "--format", "sarif", code=1, timeout=120).stdout)["runs"][0]["results"][-1]
        self.assertIn(f"(and {self.many - 33} more like it, about the same)", last["message"]["text"])


class Own(Choreography):
    """What `polka watch` and polka.activity say, nobody else does."""

    def own(self, name, topic, *fields):
        return {"type": "record", "name": name, "namespace": "polka", "polka.topic": topic, "polka.key": "correlation_id", "fields": list(fields)}

    def hearing(self, name, *schemas):
        made = manifest(name, schemas, [])
        for reaction in made["reactions"]:
            reaction["key"] = "correlation_id"
        return made

    def test_who_hears_polka_is_fed_by_it(self):
        heard = [self.own("FlowStalled", "polka.flows"), self.own("FlowEnded", "polka.flows")]
        reader = self.hearing("alerts", *heard)
        where = self.folder(self.storefront, self.payments, self.shipping, reader)
        self.assertEqual(self.rows("check", where), [])
        self.assertEqual({(row["writer"], row["event"]) for row in self.rows("pairs", where) if row["reader"] == "alerts"},
                         {("polka", "polka.FlowStalled"), ("polka", "polka.FlowEnded")})
        self.assertIn("4 manifests", self.polka("check", self.folder(self.storefront, self.payments, self.shipping, self.hearing("end", {**PAID, "name": "Unknown"}), name="none"), code=1).stderr)

    def test_and_is_told_what_it_cannot_read_or_never_gets(self):
        wide = self.own("ReactionEnded", "polka.elsewhere", {"name": "colour", "type": "string"})
        codes = [row["code"] for row in self.rows("check", self.folder(self.storefront, self.payments, self.shipping, self.hearing("audit", wide)), code=1)]
        self.assertEqual(codes, ["topic-mismatch", "incompatible-pair"])
        path = self.write("new.json", json.dumps(self.hearing("audit", wide)))
        row, = self.rows("can-deploy", "audit", "--manifest", path, "--against", self.good(), code=1)
        self.assertEqual((row["writer"], row["verdict"]), ("polka", "incompatible"))
