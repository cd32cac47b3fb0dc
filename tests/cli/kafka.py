"""The command line on a real Kafka, when POLKA_TEST_BROKERS names one; skipped otherwise."""
import json
import os
import socket
import struct
import subprocess
import unittest
import uuid

from support import PAID, PLACED, POLKA, Case, manifest, wait_for


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def delete_records(broker, topic, offsets):
    """DeleteRecords (21) version 1: the records of each partition before an offset. Of one broker, which leads all of them."""
    host, port = broker.split(",")[0].rsplit(":", 1)
    partitions = b"".join(struct.pack(">iq", partition, offset) for partition, offset in offsets.items())
    request = struct.pack(">hhi", 21, 1, 7) + text("check") + struct.pack(">i", 1) + text(topic) + struct.pack(">i", len(offsets)) + partitions + struct.pack(">i", 10000)
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = connection.makefile("rb")
        body = answer.read(struct.unpack(">i", answer.read(4))[0])
    at = 4 + 4 + 4 + 2 + len(topic) + 4                  # correlation id, throttling, one topic, its name, how many partitions
    for _ in offsets:
        partition, low, code = struct.unpack_from(">iqh", body, at)
        assert (low, code) == (offsets[partition], 0), (partition, low, code)
        at += 14


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
        sent += self.rows("emit", "Placed", "--sample")                 # by itself: of those of one millisecond none is the last
        seen = self.rows("tail", self.orders, "-q", "-o", "start", "--until-idle", "1s")
        self.assertEqual({row["id"] for row in seen}, {row["id"] for row in sent})
        self.assertTrue(all(row["value"]["order_id"] == row["key"] for row in seen))
        by_id = self.polka("trace", sent[0]["id"])
        self.assertIn("demo.Placed", by_id.stdout)
        self.assertRegex(by_id.stderr, r"scanned \d+ records of \d+ partitions in \d+\.\d s")
        for words in (("--key", next(row["key"] for row in seen if row["id"] == sent[0]["id"])), (sent[0]["id"], "--since", "1h")):
            self.assertEqual(self.polka("trace", *words).stdout.splitlines()[0], by_id.stdout.splitlines()[0])
        self.assertIn(sent[-1]["id"], {row["id"] for row in self.rows("trace", "--last", "--format", "json")})
        self.assertIn("no event", self.polka("trace", sent[0]["id"], "--since", "1ms", code=1).stderr)
        self.assertEqual({row["correlation_id"] for row in self.rows("flows", "--since", "1h")}, {row["id"] for row in sent})
        self.assertEqual(self.rows("flows", "--since", "1ms"), [], "older ones are not read")
        self.stop(dev)
        self.assertEqual(set(self.actions("plan").values()), {"keep"}, "nothing is taken away")

    def test_a_topic_that_is_trimmed_while_it_is_read_is_read_to_its_end(self):
        self.actions("apply", "--execute")
        # One batch a fetch, and each fetch waits: what is left when the records go would take a minute.
        slow = ("-X", "fetch.message.max.bytes=1", "-X", "fetch.min.bytes=1000000", "-X", "fetch.wait.max.ms=300")
        for _ in range(12):
            self.polka("emit", "Placed", "--sample", "-n", "30")
        rows = self.rows("tail", self.orders, "-q", "-o", "start", "--until-idle", "1s")
        kept = {partition: max(row["offset"] for row in rows if row["partition"] == partition) for partition in (0, 1)}
        with open(os.path.join(self.root, "flows.out"), "w") as out, open(os.path.join(self.root, "flows.err"), "w") as err:
            process = subprocess.Popen([POLKA, "flows", "--since", "1h", "--format", "json", *slow], cwd=self.root, stdout=out, stderr=err, env=self.environment)
        self.addCleanup(lambda: process.poll() is None and (process.kill(), process.wait()))

        def talk():
            with open(os.path.join(self.root, "flows.err")) as file:
                return file.read()
        wait_for("the first records", lambda: process.poll() is not None or "still to read" in talk())
        self.assertIsNone(process.poll(), "it was under way when they went")
        delete_records(self.environment["POLKA_BROKERS"], self.orders, kept)
        self.assertEqual(process.wait(25), 0, talk())
        with open(os.path.join(self.root, "flows.out")) as file:
            seen = {json.loads(line)["correlation_id"] for line in file}
        last = {row["id"] for row in rows if row["offset"] == kept[row["partition"]]}
        self.assertLessEqual(last, seen, "what was left has been read")
        self.assertLess(len(seen), len(rows))

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
