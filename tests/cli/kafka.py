"""The command line on a real Kafka, when POLKA_TEST_BROKERS names one; skipped otherwise."""
import json
import os
import unittest
import uuid

from support import PAID, PLACED, Case, manifest


@unittest.skipUnless(os.environ.get("POLKA_TEST_BROKERS"), "POLKA_TEST_BROKERS names no broker")
class Real(Case):
    services = {"payments": ([PLACED], [PAID])}

    def setUp(self):
        super().setUp()
        mark = uuid.uuid4().hex[:8]
        for path in ("schemas/demo/placed.v1.avsc", "schemas/demo/paid.v1.avsc", "build/dev/bin/payments.json"):
            with open(os.path.join(self.root, path)) as file:
                text = file.read()
            self.write(path, text.replace('"demo.orders"', f'"demo-{mark}.orders"').replace('"demo.payments"', f'"demo-{mark}.payments"'))
        self.orders = f"demo-{mark}.orders"
        self.write("polka.yaml", f"topics:\n  defaults: {{ partitions: 3 }}\n  {self.orders}: {{ partitions: 2, retention: 2d, max.message.bytes: 2000000 }}\n")
        self.environment["POLKA_BROKERS"] = os.environ["POLKA_TEST_BROKERS"]

    def actions(self, *arguments, code=0):
        return {row["topic"]: row["action"] for row in self.rows("topics", *arguments, code=code) if row["topic"].startswith("demo-")}

    def test_topics_are_planned_applied_and_compared(self):
        self.assertEqual(set(self.actions("plan").values()), {"create"})
        self.assertEqual(set(self.actions("apply").values()), {"create"}, "a dry run")
        self.polka("emit", "Placed", "--sample", code=1)
        self.assertEqual(set(self.actions("apply", "--execute").values()), {"created"})
        self.assertEqual(set(self.actions("plan").values()), {"keep"})
        self.write("polka.yaml", f"topics:\n  defaults: {{ partitions: 3 }}\n  {self.orders}: {{ partitions: 4, retention: 1d }}\n")
        rows = {row["topic"]: row for row in self.rows("topics", "plan", code=1)}
        self.assertEqual(rows[self.orders]["action"], "differs")
        self.assertIn("partitions 2, wanted 4", rows[self.orders]["note"])
        self.assertIn("retention", rows[self.orders]["note"])

    def test_dev_makes_what_is_missing_and_events_are_sent_and_read(self):
        dev = self.dev("--brokers", self.environment["POLKA_BROKERS"])
        self.assertFalse(self.running()["embedded"])
        self.assertEqual(set(self.actions("plan").values()), {"keep"})
        sent = self.rows("emit", "Placed", "--sample", "-n", "20")
        seen = self.rows("tail", self.orders, "-q", "-o", "start", "--until-idle", "1s")
        self.assertEqual({row["id"] for row in seen}, {row["id"] for row in sent})
        self.assertTrue(all(row["value"]["order_id"] == row["key"] for row in seen))
        self.assertIn("demo.Placed", self.polka("trace", sent[0]["id"]).stdout)
        self.assertEqual({row["correlation_id"] for row in self.rows("flows", "--since", "1h")}, {row["id"] for row in sent})
        self.assertEqual(self.rows("flows", "--since", "1ms"), [], "older ones are not read")
        self.stop(dev)
        self.assertEqual(set(self.actions("plan").values()), {"keep"}, "nothing is taken away")

    def test_a_new_version_is_held_against_the_records_of_a_while(self):
        self.actions("apply", "--execute")
        self.polka("emit", "Placed", "--sample", "-n", "4")
        wide = {**PLACED, "polka.topic": self.orders, "fields": PLACED["fields"] + [{"name": "currency", "type": "string"}]}
        words = ("can-deploy", "payments", "--manifest", self.write("new.json", json.dumps(manifest("payments", [wide], []))))
        row, = [row for row in self.rows(*words, code=1) if "written" in row]
        self.assertEqual((row["written"]["records"], row["written"]["topic"], row["breaks"][0]["field"]), (4, self.orders, "currency"))
        said = self.polka(*words, "--since", "1ms").stderr
        self.assertIn("records read: 0,", said)
        self.assertIn("left out: 4 older records\n", said)

    def test_bench_measures_only_when_told_to_and_leaves_no_service_behind(self):
        words = ("bench", "-n", "3000", "--pings", "20", "--partitions", "3")
        dry = self.polka(*words, code=0)
        self.assertEqual(dry.stdout, "")
        self.actions("apply", "--execute")
        self.assertIn("nothing was done", dry.stderr)
        rows = {row["row"]: row for row in self.rows(*words, "--execute")}
        self.assertEqual(list(rows), ["emit", "react", "react and emit", "two hops"])
        for name in ("emit", "react", "react and emit"):
            self.assertEqual(rows[name]["events"], 3000)
            self.assertGreater(rows[name]["events_per_second"], 0)
            self.assertGreater(rows[name]["cpu_us_per_event"], 0)
        self.assertLessEqual(rows["two hops"]["p50_us"], rows["two hops"]["p99_us"])
        answers = self.rows("tail", "polka.bench.answered", "-q", "-o", "start", "--until-idle", "1s")
        self.assertGreaterEqual(len(answers), 3000)
        said = self.rows("tail", "polka.services", "-q", "-o", "start", "--until-idle", "1s")
        self.assertFalse([row for row in said if str(row["key"]).startswith("polka-bench")])
