"""`polka emit` and `polka tail`: what is sent, what is refused, what is seen."""
import json
import os
import select
import signal
import subprocess

from support import PAID, PLACED, POLKA, Case, manifest

ORDER = {"order_id": "A-1", "total": 1200, "lines": [{"sku": "apple", "quantity": 2}]}
UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"


class Refused(Case):
    """All of it is found before a broker is asked."""

    def refused(self, data, *expected, code=1, more=()):
        said = self.polka("emit", "demo.Placed", "--data", data if isinstance(data, str) else json.dumps(data), *more, code=code).stderr
        for words in expected:
            self.assertIn(words, said)
        self.assertLessEqual(len(said.splitlines()), 6)

    def test_an_unknown_event_exits_2_with_the_nearest(self):
        self.assertIn("did you mean 'demo.Placed'?", self.polka("emit", "demo.Plced", "--sample", code=2).stderr)

    def test_a_type_that_is_no_event_says_so(self):
        self.assertIn("polka.topic", self.polka("emit", "demo.Line", "--sample", code=2).stderr)

    def test_no_value_is_a_usage_error(self):
        self.assertIn("--sample", self.polka("emit", "demo.Placed", code=2).stderr)

    def test_a_wrong_type_names_the_field_path_and_what_was_expected(self):
        self.refused({**ORDER, "lines": [{"sku": "apple", "quantity": "two"}]}, "demo.Placed", "lines[0].quantity", "int")

    def test_a_missing_field_is_named(self):
        self.refused({"order_id": "A-1", "lines": []}, "total")

    def test_an_unknown_field_is_named_with_the_nearest(self):
        self.refused({**ORDER, "totl": 1}, "totl", "total")

    def test_a_number_out_of_range_is_refused(self):
        self.refused({**ORDER, "lines": [{"sku": "apple", "quantity": 2**31}]}, "quantity")

    def test_broken_json_is_refused_with_its_place(self):
        self.refused('{"order_id": "A-1"', "line 1")

    def test_set_through_a_value_is_refused(self):
        self.refused(ORDER, "--set", code=2, more=["--set", "total.x=1"])
        self.refused(ORDER, "--set", code=2, more=["--set", "lines.7.sku=x"])
        self.refused(ORDER, "FIELD=VALUE", code=2, more=["--set", "total"])

    def test_a_missing_data_file_is_named(self):
        self.refused("@none.json", "none.json", code=2)


class Sent(Case):
    services = {"payments": ([PLACED], [PAID])}

    def setUp(self):
        super().setUp()
        self.process = self.dev()

    def tail(self, *arguments):
        return self.rows("tail", "-q", "-o", "start", "--until-idle", "300ms", "--format", "json", *arguments)

    def test_one_line_says_where_it_went_and_tail_sees_it_decoded(self):
        sent, = self.rows("emit", "demo.Placed", "--data", json.dumps(ORDER))
        self.assertEqual(list(sent), ["id", "correlation_id", "topic", "partition", "offset"])
        self.assertRegex(sent["id"], UUID)
        self.assertEqual(sent["correlation_id"], sent["id"])
        self.assertEqual(sent["topic"], "demo.orders")
        seen, = self.tail()
        self.assertEqual(list(seen), ["topic", "partition", "offset", "key", "id", "type", "source", "time", "correlation_id", "causation_id", "headers", "value"])
        self.assertEqual({k: seen[k] for k in sent}, sent)
        self.assertEqual(seen["key"], "A-1")
        self.assertEqual(seen["type"], "demo.Placed")
        self.assertIsNone(seen["causation_id"])
        self.assertEqual(seen["value"], {**ORDER, "note": None})
        self.assertRegex(seen["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_the_envelope_is_whole(self):
        sent, = self.rows("emit", "demo.Placed", "--data", json.dumps(ORDER))
        headers = self.tail()[0]["headers"]
        self.assertEqual(headers["ce_specversion"], "1.0")
        self.assertEqual(headers["ce_id"], sent["id"])
        self.assertEqual(headers["ce_type"], "demo.Placed")
        self.assertEqual(headers["ce_subject"], "A-1")
        self.assertEqual(headers["ce_correlationid"], sent["id"])
        self.assertEqual(headers["content-type"], "application/avro")
        self.assertRegex(headers["ce_dataschema"], r"^polka:[0-9a-f]{16}$")
        self.assertRegex(headers["traceparent"], r"^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$")
        self.assertTrue(headers["ce_source"] and headers["ce_time"])

    def test_its_schema_is_announced_under_its_fingerprint(self):
        self.polka("emit", "demo.Placed", "--data", json.dumps(ORDER))
        fingerprint = self.tail("demo.Placed")[0]["headers"]["ce_dataschema"][len("polka:"):]
        announced, = self.tail("polka.schemas")
        self.assertEqual(announced["key"], fingerprint)
        self.assertEqual(announced["value"]["name"], "Placed")

    def test_tail_reads_a_schema_that_only_the_topic_has(self):
        self.polka("emit", "demo.Placed", "--data", json.dumps(ORDER))
        self.write("schemas/demo/placed.v1.avsc", json.dumps({**PLACED, "fields": PLACED["fields"] + [{"name": "more", "type": "int", "default": 0}]}))
        self.assertEqual(self.tail("demo.Placed")[0]["value"], {**ORDER, "note": None})

    def test_the_newest_version_is_sent_and_older_files_are_read(self):
        self.polka("emit", "demo.Placed", "--data", json.dumps(ORDER))
        newer = {**PLACED, "fields": PLACED["fields"] + [{"name": "more", "type": "int", "default": 0}]}
        self.write("schemas/demo/placed.v2.avsc", json.dumps(newer))
        self.polka("emit", "demo.Placed", "--data", json.dumps({**ORDER, "more": 7}))
        self.assertEqual([row["value"].get("more") for row in self.tail("demo.Placed")], [None, 7])

    def test_set_and_key_and_sample(self):
        self.polka("emit", "Placed", "--sample", "--set", "order_id=77", "--set", "total=600000", "--set", "lines.0.sku=pear", "--set", "note=null")
        self.polka("emit", "Placed", "--data", json.dumps(ORDER), "--key", "mine", "--set", 'note="quoted"')
        first, second = sorted(self.tail(), key=lambda row: row["time"])
        self.assertEqual((first["value"]["order_id"], first["key"], first["value"]["total"], first["value"]["note"]), ("77", "77", 600000, None))
        self.assertEqual(first["value"]["lines"][0]["sku"], "pear")
        self.assertEqual((second["key"], second["value"]["note"]), ("mine", "quoted"))

    def test_many_and_at_a_rate(self):
        self.assertEqual(len(self.rows("emit", "demo.Placed", "--sample", "-n", "300")), 300)
        rows = self.rows("emit", "demo.Placed", "--sample", "-n", "5", "--rate", "20")
        self.assertEqual(len({row["id"] for row in rows}), 5)
        made = [int(row["id"].replace("-", "")[:12], 16) for row in rows]                # UUIDv7: milliseconds, of each event's making
        self.assertGreaterEqual(max(made) - min(made), 199, "4 intervals of 50 ms at least, however busy the machine is")
        self.assertEqual(len({row["id"] for row in self.tail()}), 305)

    def test_a_file_and_standard_input(self):
        self.write("order.json", json.dumps(ORDER))
        self.polka("emit", "demo.Placed", "--data", "@order.json")
        lines = "\n".join(json.dumps({**ORDER, "order_id": f"L-{i}"}) for i in range(3))
        self.assertEqual(len(self.rows("emit", "demo.Placed", "--data", "-", stdin=lines + "\n\n")), 3)
        self.assertEqual({row["key"] for row in self.tail()}, {"A-1", "L-0", "L-1", "L-2"})

    def test_each_line_is_answered_before_the_next_one_is_written(self):
        """As a co-process: whoever waits for the answer to a line before it writes the next one waited for ever."""
        emit = subprocess.Popen([POLKA, "emit", "demo.Placed", "--data", "-"], cwd=self.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                env=self.environment)
        self.addCleanup(lambda: (emit.poll() is None and emit.kill(), emit.wait(), emit.stdin.closed or emit.stdin.close(), emit.stdout.close()))
        for key in ("first", "second", "third"):
            emit.stdin.write(json.dumps({**ORDER, "order_id": key}) + "\n")
            emit.stdin.flush()
            self.assertTrue(select.select([emit.stdout], [], [], 30)[0], f"no answer to the {key} line")
            sent = json.loads(emit.stdout.readline())
            self.assertEqual(self.tail("--correlation", sent["id"])[0]["key"], key)
        emit.stdin.close()
        self.assertEqual(emit.wait(20), 0)

    def test_input_that_cannot_be_read_is_said(self):
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, folder)
        done = subprocess.run([POLKA, "emit", "demo.Placed", "--data", "-"], cwd=self.root, stdin=folder, capture_output=True, text=True, timeout=40, env=self.environment)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("standard input cannot be read: Is a directory", done.stderr)

    def test_a_signal_ends_it_while_it_waits_for_a_line(self):
        emit = subprocess.Popen([POLKA, "emit", "demo.Placed", "--data", "-"], cwd=self.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                env=self.environment)
        self.addCleanup(lambda: (emit.poll() is None and emit.kill(), emit.wait(), emit.stdin.close(), emit.stdout.close()))
        emit.stdin.write(json.dumps(ORDER) + "\n")
        emit.stdin.flush()
        self.assertTrue(emit.stdout.readline())
        emit.send_signal(signal.SIGTERM)
        self.assertEqual(emit.wait(20), 130)

    def test_a_bad_line_of_standard_input_is_named(self):
        good = json.dumps(ORDER)
        done = self.polka("emit", "demo.Placed", "--data", "-", stdin=f'{good}\n{{"order_id": 1}}\n{good}\n', code=1)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertIn("line 2", done.stderr)

    def test_a_line_cut_short_is_named_by_its_own_number_only(self):
        done = self.polka("emit", "demo.Placed", "--data", "-", stdin='{"order_id":\n', code=1)
        self.assertIn("line 1 of standard input: not JSON: line 1", done.stderr)

    def test_nothing_is_made_for_an_unknown_event(self):
        before = self.rows("topics", "plan")
        self.polka("emit", "demo.Plcd", "--sample", code=2)
        self.polka("tail", "demo.nowhere", code=2)
        self.assertEqual(self.rows("topics", "plan"), before)

    def test_a_topic_that_is_missing_is_said_and_not_made(self):
        self.write("schemas/demo/late.v1.avsc", json.dumps({**PAID, "name": "Late", "polka.topic": "demo.late"}))
        for _ in range(2):
            self.assertIn("no topic 'demo.late'", self.polka("emit", "demo.Late", "--sample", code=1).stderr)

    def test_tail_ends_after_n_and_takes_the_last(self):
        self.polka("emit", "demo.Placed", "--data", json.dumps(ORDER), "-n", "5")
        self.assertEqual(len(self.rows("tail", "-q", "-o", "start", "-n", "2")), 2)
        last = self.rows("tail", "-q", "-o", "-1", "--until-idle", "300ms")
        self.assertEqual([row["offset"] for row in last], [4])

    def test_tail_follows_from_the_end_and_ends_with_0_on_a_signal(self):
        self.polka("emit", "demo.Placed", "--data", json.dumps({**ORDER, "order_id": "before"}))
        tail = subprocess.Popen([POLKA, "tail"], cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment)
        self.addCleanup(lambda: (tail.poll() is None and tail.kill(), tail.wait(), tail.stdout.close(), tail.stderr.close()))
        self.assertIn("from the end", tail.stderr.readline())
        self.polka("emit", "demo.Placed", "--data", json.dumps({**ORDER, "order_id": "after"}))
        self.assertEqual(json.loads(tail.stdout.readline())["key"], "after")
        tail.send_signal(signal.SIGINT)
        self.assertEqual(tail.wait(10), 0)

    def test_tail_filters_by_event_and_by_flow(self):
        self.polka("emit", "demo.Placed", "--data", json.dumps(ORDER), "-n", "3")
        paid, = self.rows("emit", "demo.Paid", "--set", "order_id=A-1")
        self.assertEqual([row["type"] for row in self.tail("Paid")], ["demo.Paid"])
        self.assertEqual([row["id"] for row in self.tail("--correlation", paid["id"])], [paid["id"]])

    def test_tail_as_text_says_type_key_and_value(self):
        self.polka("emit", "demo.Placed", "--data", json.dumps(ORDER))
        line = self.polka("tail", "-q", "-o", "start", "-n", "1", "--format", "text").stdout
        self.assertRegex(line, r'^\d\d:\d\d:\d\d\.\d{3} demo\.Placed A-1 demo\.orders\[\d\]@0 \{"order_id":"A-1"')
        self.assertNotIn("\033", line)

    def slowly(self):
        """An emit without an end, once its first event is out."""
        emit = subprocess.Popen([POLKA, "emit", "Placed", "--sample", "-n", "1000000", "--rate", "50"], cwd=self.root, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=self.environment)
        self.addCleanup(lambda: (emit.poll() is None and emit.kill(), emit.wait(), emit.stdout.close(), emit.stderr.close()))
        self.assertTrue(emit.stdout.readline())
        return emit

    def test_emit_gives_up_when_the_broker_is_gone_and_counts_what_is_open(self):
        emit = self.slowly()
        self.process.kill()
        self.assertEqual(emit.wait(40), 3)
        self.assertRegex(emit.stderr.read(), r"\d+ of \d+ records are not acknowledged")

    def test_emit_that_is_stopped_before_its_end_exits_130(self):
        emit = self.slowly()
        emit.send_signal(signal.SIGTERM)
        self.assertEqual(emit.wait(10), 130)

    def test_a_closed_pipe_ends_tail(self):
        self.polka("emit", "demo.Placed", "--sample", "-n", "200")
        done = subprocess.run(f"{POLKA} tail -q -o start | head -n 1", shell=True, cwd=self.root, capture_output=True, text=True, timeout=20, env=self.environment)
        self.assertEqual(len(done.stdout.splitlines()), 1)


class Written(Case):
    """can-deploy at a broker: a new version against the records that are still in its topics, whoever wrote them."""
    def setUp(self):
        super().setUp()
        self.process = self.dev()

    def judge(self, *more, code, folder=None, fields=(), **about):
        schema = {**PLACED, "fields": PLACED["fields"] + list(fields), **about}
        path = self.write("new.json", json.dumps({**manifest("payments", [schema], [PAID]), "version": "2.0.0"}))
        done = self.polka("can-deploy", "payments", "--manifest", path, *more, code=code, folder=folder)
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def test_a_version_that_cannot_read_what_is_still_there_is_stopped(self):
        self.assertIn("records read: 0", self.judge(code=0)[1])
        self.polka("emit", "demo.Placed", "--sample", "-n", "3")
        self.polka("emit", "demo.Paid", "--sample", "-n", "5")
        newer = {**PLACED, "fields": PLACED["fields"] + [{"name": "gift", "type": "boolean", "default": False}]}
        self.write("schemas/demo/placed.v2.avsc", json.dumps(newer))
        self.polka("emit", "demo.Placed", "--sample", "-n", "2")
        rows, said = self.judge(code=0)
        self.assertEqual(rows, [])
        self.assertIn("records read: 5, of 2 schemas of events that payments hears", said)
        self.assertIn("payments 2.0.0 can be deployed", said)
        rows, said = self.judge(code=1, fields=[{"name": "currency", "type": "string"}])
        self.assertEqual(sorted(row["written"]["records"] for row in rows), [2, 3])
        for row in rows:
            self.assertEqual((row["event"], row["candidate"], row["writer"], row["reader"], row["reader_version"], row["verdict"]),
                             ("demo.Placed", "reader", None, "payments", "2.0.0", "incompatible"))
            self.assertEqual((row["breaks"][0]["field"], row["written"]["topic"]), ("currency", "demo.orders"))
            self.assertRegex(row["written"]["schema"], "^schema [0-9a-f]{16}$")
        self.assertIn("payments 2.0.0 cannot be deployed: 0 of 0 pairs", said)
        self.assertIn("of 2 schemas that records in the topics have it cannot read 2", said)
        row, = self.judge(code=1, fields=[{"name": "gift", "type": "boolean"}])[0]
        self.assertEqual((row["written"]["records"], row["breaks"][0]["field"]), (3, "gift"))

    def test_for_people_it_says_how_many_records_and_where(self):
        self.polka("emit", "demo.Placed", "--sample", "-n", "3")
        path = self.write("new.json", json.dumps(manifest("payments", [{**PLACED, "fields": PLACED["fields"] + [{"name": "currency", "type": "string"}]}], [])))
        text = self.polka("can-deploy", "payments", "--manifest", path, "--format", "text", code=1).stdout
        self.assertRegex(text, r"^incompatible +demo\.Placed  records on demo\.orders \(schema [0-9a-f]{16}\) → payments \(1\.0\.0")
        self.assertRegex(text, r"\n  found 3 records, the first at partition \d, offset 0, the last of 20")

    def test_an_event_of_the_topic_that_it_does_not_hear_does_not_count(self):
        self.polka("emit", "demo.Paid", "--sample", "-n", "2")
        schema = {**PLACED, "polka.topic": "demo.payments", "fields": [{"name": "other", "type": "string"}]}
        path = self.write("new.json", json.dumps(manifest("payments", [schema], [])))
        self.assertIn("records read: 2, of 0 schemas", self.polka("can-deploy", "payments", "--manifest", path).stderr)

    def test_ids_are_asked_of_the_registry_and_a_schema_that_is_not_to_be_found_is_said(self):
        self.write("polka.yaml", "name: demo\nsettings: { framing: confluent }\n")
        self.polka("emit", "demo.Placed", "--sample")
        row, = self.judge(code=1, fields=[{"name": "currency", "type": "string"}])[0]
        self.assertRegex(row["written"]["schema"], "^schema id [0-9]+$")
        self.write("elsewhere/polka.yaml", "name: other\n")
        rows, said = self.judge("--brokers", self.running()["brokers"], code=0, fields=[{"name": "currency", "type": "string"}], folder=os.path.join(self.root, "elsewhere"))
        self.assertEqual(rows, [])
        self.assertRegex(said, r"not judged: 1 records of demo\.Placed on demo\.orders: .*schema id [0-9]+")

    def test_with_against_the_topics_are_not_read(self):
        self.polka("emit", "demo.Placed", "--sample")
        said = self.judge("--against", self.write("running/s.json", json.dumps(manifest("storefront", [], [PLACED]))), code=0)[1]
        self.assertNotIn("records read", said)
        self.assertIn("--since is how far back", self.judge("--against", "running", "--since", "1h", code=2)[1])
