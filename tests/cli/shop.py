"""The shop of this tree under `polka dev`, on the embedded broker. Skipped when the shop is not built."""
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
import unittest
import urllib.request

from support import BUILD, POLKA, SHOP, TREE, ShopCase, alive, wait_for


class Shop(ShopCase):
    def announce_older(self, name):
        """The same program once more, which calls itself 0.9.0, until it has said so."""
        with open(os.path.join(BUILD, "bin", name), "rb") as file:
            program = file.read()
        self.assertIn(b"\x001.0.0\x00", program)
        path = os.path.join(self.root, name + "-older")
        with open(path, "wb") as file:
            file.write(program.replace(b"\x001.0.0\x00", b"\x000.9.0\x00"))
        os.chmod(path, 0o755)
        older = subprocess.Popen([path, "--brokers", self.running()["brokers"]], cwd=self.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environment)
        self.addCleanup(lambda: older.poll() is None and (older.kill(), older.wait()))
        wait_for(name + " 0.9.0", lambda: any((row["service"], row["version"]) == (name, "0.9.0") for row in self.rows("manifests", "--running")))
        older.kill()
        older.wait()

    def test_services_say_what_they_are_and_a_new_version_is_held_against_that(self):
        self.dev()
        said = {row["service"]: row for row in wait_for("5 manifests", lambda: (lambda rows: rows if len(rows) == 5 else None)(self.rows("manifests", "--running")))}
        self.assertEqual(sorted(said), sorted(SHOP))
        self.assertEqual(said["payments"], next(row for row in self.rows("manifests") if row["service"] == "payments"))
        self.assertEqual(self.polka("docs", "asyncapi", "--running", "--merged").stdout, self.polka("docs", "asyncapi", "--merged").stdout)
        new = json.loads(json.dumps({**said["shipping"], "version": "2.0.0"}))
        path = self.write("shipping.json", json.dumps(new))
        self.assertIn("shipping 2.0.0 can be deployed", self.polka("can-deploy", "shipping", "--manifest", path).stderr)
        new["emits"][0]["schema"]["fields"].pop(0)
        self.write("shipping.json", json.dumps(new))
        rows = self.rows("can-deploy", "shipping", "--manifest", path, code=1)
        self.assertEqual({(row["writer_version"], row["reader"], row["breaks"][0]["field"]) for row in rows},
                         {("2.0.0", "orders", "order_id"), ("2.0.0", "notifications", "order_id")})
        self.assertNotIn("forget", self.polka("can-deploy", "shipping", "--manifest", path, code=1).stderr)
        self.announce_older("orders")
        said = self.polka("can-deploy", "shipping", "--manifest", path, code=1).stderr
        self.assertIn("orders is announced in 2 versions; if 0.9.0 no longer runs: polka manifests forget orders@0.9.0 --execute", said)
        self.assertNotIn("forget notifications", said)
        self.polka("manifests", "forget", "orders@0.9.0", "--execute")
        self.assertNotIn("forget", self.polka("can-deploy", "shipping", "--manifest", path, code=1).stderr)
        self.assertIn("would be forgotten", self.polka("manifests", "forget", "orders@1.0.0").stderr)
        self.assertEqual(len(self.rows("manifests", "--running")), 5)
        self.polka("manifests", "forget", "orders@1.0.0", "--execute")
        self.assertEqual(sorted(row["service"] for row in self.rows("manifests", "--running")), sorted(set(SHOP) - {"orders"}))
        self.assertIn("is not on polka.services", self.polka("manifests", "forget", "orders@1.0.0", code=1).stderr)

    def test_orders_end_in_every_way_the_shop_knows(self):
        self.dev()
        ways = [
            ({}, ["OrderPlaced", "PaymentAuthorised", "StockReserved", "OrderShipped", "CustomerNotified", "OrderCompleted"]),
            ({"total": 500001}, ["OrderPlaced", "PaymentDeclined", "OrderCancelled", "CustomerNotified"]),
            ({"lines": [{**self.line, "quantity": 101}]}, ["OrderPlaced", "PaymentAuthorised", "StockRejected", "OrderCancelled", "CustomerNotified"]),
        ]
        for values, expected in ways:
            sent = self.place(**values)
            rows = self.flow(sent, len(expected))
            self.assertEqual(sorted(row["type"] for row in rows), sorted("shop." + name for name in expected))
            ids = {row["id"] for row in rows}
            self.assertTrue(all(row["causation_id"] in ids for row in rows if row["depth"] > 0))
            self.assertEqual({row["correlation_id"] for row in rows}, {sent["id"]})
            self.assertEqual({row["copies"] for row in rows}, {1})

    def test_the_tree_is_drawn_by_causation(self):
        self.dev()
        sent = self.place()
        rows = self.flow(sent, 6)
        tree = self.polka("trace", "--last").stdout
        self.assertRegex(tree, r"^shop\.OrderPlaced  emit  key \S+  \S+Z\n└─ shop\.PaymentAuthorised  payments  \+\d+ ms\n   └─ shop\.StockReserved  inventory  \+\d+ ms\n"
                               r"      └─ shop\.OrderShipped  shipping  \+\d+ ms\n")
        self.assertRegex(tree, r"         ├─ shop\.(OrderCompleted|CustomerNotified).*\n         └─ shop\.(OrderCompleted|CustomerNotified).*\n$")
        self.assertEqual(self.polka("trace", "--key", rows[0]["key"]).stdout, tree)
        self.assertEqual(self.polka("trace", rows[-1]["id"]).stdout, tree, "any event of the flow finds it")

    def test_a_dead_letter_hangs_in_the_tree_and_can_be_seen(self):
        self.dev()
        sent = self.place(total=0)
        rows = self.flow(sent, 2)
        self.assertIn("total must be positive", rows[1]["dead_letter"])
        self.assertEqual([(row["correlation_id"], row["status"], row["dead_letters"]) for row in self.rows("flows")], [(sent["id"], "failed", 1)])
        letter, = self.rows("tail", "-q", "shop.orders.payments.dlt", "-o", "start", "-n", "1")
        self.assertEqual(letter["id"], sent["id"])
        self.assertEqual(letter["headers"]["polka-original-offset"], str(sent["offset"]))

    def test_tail_shows_a_flow_in_order_of_time(self):
        self.dev()
        sent = self.place()
        self.flow(sent, 6)
        types = [row["type"] for row in self.rows("tail", "-q", "-c", sent["id"], "-o", "start", "--until-idle", "300ms")]
        self.assertEqual(types[:4], ["shop.OrderPlaced", "shop.PaymentAuthorised", "shop.StockReserved", "shop.OrderShipped"])
        self.assertEqual(len(types), 6)

    def test_tail_puts_what_is_there_already_in_order_of_time_however_it_comes(self):
        self.dev()
        for event in ("OrderCompleted", "CustomerNotified", "OrderCompleted"):
            self.polka("emit", event, "--sample", "-n", "900")
        types = [row["type"] for row in self.rows("tail", "-q", "-o", "start", "--until-idle", "300ms")]
        self.assertEqual([(kind, len(list(same))) for kind, same in itertools.groupby(types)],
                         [("shop.OrderCompleted", 900), ("shop.CustomerNotified", 900), ("shop.OrderCompleted", 900)])

    def test_tail_goes_on_when_more_is_there_already_than_it_holds(self):
        self.dev()
        self.polka("emit", "OrderCompleted", "--sample", "-n", "17000")
        tail = self.polka("tail", "-q", "-o", "start", "--until-idle", "10ms")       # less than printing half of them takes
        self.assertEqual(len(tail.stdout.splitlines()), 17000)

    def test_a_flow_in_other_shapes(self):
        self.dev()
        sent = self.place()
        self.flow(sent, 6)
        sequence = self.polka("trace", sent["id"], "--format", "sequence").stdout.splitlines()
        self.assertEqual(len(sequence), 6)
        self.assertRegex(sequence[0], r"^ +0 ms  emit ── shop\.OrderPlaced ──▶ payments$")
        self.assertRegex(sequence[3], r"shipping ── shop\.OrderShipped ──▶ (orders, notifications|notifications, orders)$")
        timeline = self.polka("trace", sent["id"], "--format", "timeline").stdout.splitlines()
        self.assertEqual([line.count("●") for line in timeline], [1] * 6)
        mermaid = self.polka("trace", sent["id"], "--format", "mermaid").stdout
        self.assertRegex(mermaid, r"^sequenceDiagram\n    emit->>payments: shop\.OrderPlaced \+0 ms\n    payments->>inventory: shop\.PaymentAuthorised \+\d+ ms\n")
        self.assertIn("did you mean 'tree'", self.polka("trace", "--last", "--format", "tre", code=2).stderr)
        self.assertEqual({len(row["missing"]) for row in self.rows("trace", sent["id"], "--format", "json")}, {0})

    def follow(self, *arguments, terminal=False):
        """`polka trace … --follow` under way: the process, and what it has written so far."""
        log, talk = open(os.path.join(self.root, "follow.out"), "w"), open(os.path.join(self.root, "follow.out.talk"), "w")
        self.addCleanup(log.close)
        self.addCleanup(talk.close)
        command = [POLKA, "trace", *arguments, "--follow"]
        process = subprocess.Popen(["script", "-qec", shlex.join(command), "/dev/null"] if terminal else command, cwd=self.root, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT if terminal else talk, env=self.environment)
        self.addCleanup(lambda: process.poll() is None and (process.kill(), process.wait()))
        return process, lambda: self.read("follow.out")

    def read(self, path):
        with open(os.path.join(self.root, path)) as file:
            return file.read()

    def test_a_flow_is_followed_from_before_it_begins_to_its_end(self):
        self.dev()
        self.flow(self.place(), 6)
        order = "0190a000-0000-7000-8000-000000000077"
        process, written = self.follow("--key", order, "--format", "json")
        wait_for("that it waits", lambda: "it is not there yet" in self.read("follow.out.talk"))
        self.assertEqual(written(), "")
        self.place(order_id=order)
        self.assertEqual(process.wait(40), 0, self.read("follow.out.talk"))
        rows = [json.loads(line) for line in written().splitlines()]
        events = [row["type"] for row in rows if "dead_letter" in row]
        self.assertEqual(sorted(events), sorted("shop." + name for name in ("OrderPlaced", "PaymentAuthorised", "StockReserved", "OrderShipped", "OrderCompleted", "CustomerNotified")))
        self.assertIn("flow order has ended", self.read("follow.out.talk"))
        lines = self.polka("trace", "--key", order, "--follow").stdout.splitlines()
        self.assertEqual([len(line) - len(line.lstrip()) for line in lines], [0, 2, 4, 6, 8, 8])
        self.assertRegex(lines[1], r"^  shop\.PaymentAuthorised  payments  \+\d+ ms$")

    def test_what_is_missing_has_a_line_when_it_waits_and_when_it_has_stalled_and_the_flow_goes_on(self):
        self.dev()
        self.flow(self.place(), 6)
        shipping = next(pid for pid in os.listdir("/proc") if pid.isdigit() and self.runs(pid, os.path.join(BUILD, "bin", "shipping")))
        os.kill(int(shipping), signal.SIGSTOP)
        self.addCleanup(lambda: alive(int(shipping)) and os.kill(int(shipping), signal.SIGCONT))
        sent = self.place()
        process, written = self.follow(sent["id"], "--format", "json")
        wait_for("stalled", lambda: '"stalled"' in written(), 40)
        rows = [json.loads(line) for line in written().splitlines()]
        self.assertEqual([(row["state"], row["service"], row["type"], row["events"]) for row in rows if row.get("service") == "shipping" and "state" in row][-1],
                         ("stalled", "shipping", "shop.StockReserved", "shop.OrderShipped"))
        self.assertLessEqual(len([row for row in rows if "state" in row and row["service"] == "shipping"]), 2)
        self.assertIsNone(process.poll(), "it goes on")
        os.kill(int(shipping), signal.SIGCONT)
        self.assertEqual(process.wait(60), 0, self.read("follow.out.talk"))
        self.assertIn("shop.OrderCompleted", written())

    def test_a_flow_that_does_not_end_is_followed_until_it_is_stopped(self):
        self.dev()
        sent = self.place(total=0)
        self.flow(sent, 2)
        process, written = self.follow("--last")
        wait_for("the dead letter", lambda: "dead letter" in written())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 130)
        self.assertIn("redraws a terminal", self.polka("trace", "--last", "--follow", "--format", "mermaid", code=2).stderr)

    @unittest.skipUnless(shutil.which("script"), "no script: apt-get install bsdutils")
    def test_on_a_terminal_the_tree_is_drawn_anew(self):
        self.dev()
        sent = self.place()
        process, written = self.follow(sent["id"], terminal=True)
        self.assertEqual(process.wait(40), 0, written())
        last = written().split("\033[H\033[J")
        self.assertGreaterEqual(len(last), 2)
        self.assertIn("OrderCompleted", last[-1])
        self.assertIn("└─ ", last[-1])

    def test_what_is_missing_waits_and_then_has_stalled(self):
        self.dev()
        self.flow(self.place(), 6)
        shipping = next(pid for pid in os.listdir("/proc") if pid.isdigit() and self.runs(pid, os.path.join(BUILD, "bin", "shipping")))
        os.kill(int(shipping), signal.SIGSTOP)
        self.addCleanup(lambda: alive(int(shipping)) and os.kill(int(shipping), signal.SIGCONT))
        sent = self.place()
        rows = self.flow(sent, 3)
        missing, = rows[2]["missing"]
        self.assertEqual((missing["service"], missing["group"], missing["reaction"], missing["events"], missing["within_ms"]),
                         ("shipping", "shipping", "shop.StockReserved", "shop.OrderShipped", 5000))
        self.assertEqual((rows[0]["missing"], rows[1]["missing"]), ([], []))
        if missing["state"] == "waiting":                # a machine that sleeps for five seconds finds it stalled at once
            self.assertLess(missing["age_ms"], 5000)
        stalled = wait_for("stalled", lambda: [row for row in self.rows("trace", sent["id"], "--format", "json")[2]["missing"] if row["state"] == "stalled"], 30)
        self.assertGreater(stalled[0]["age_ms"], 5000)
        self.assertGreaterEqual(stalled[0]["lag"], 1)
        flows = {row["correlation_id"]: row for row in self.rows("flows")}
        self.assertEqual(sorted(row["status"] for row in flows.values()), ["done", "stalled"])
        self.assertEqual((flows[sent["id"]]["flow"], flows[sent["id"]]["events"]), ("order", 3))
        self.assertEqual(flows[sent["id"]]["missing"][0]["service"], "shipping")
        self.assertEqual([row["correlation_id"] for row in self.rows("flows", "--status", "stalled")], [sent["id"]])
        self.assertEqual(self.rows("flows", "--event", "OrderCancelled"), [])
        self.assertIn("did you mean 'stalled'", self.polka("flows", "--status", "stalle", code=2).stderr)
        self.assertRegex(self.polka("trace", sent["id"]).stdout, r"\n      └─ stalled  shipping has not reacted \(shop\.StockReserved\) → shop\.OrderShipped  after [\d.]+ s of 5\.0 s; "
                                                                 r"group shipping is \d+ behind there\n$")

    def test_what_reactions_did_is_in_the_trace_where_services_tell_of_it(self):
        self.write("polka.yaml", f"name: shop\nschemas: [{TREE}/schemas, {TREE}/framework/flow/schemas]\nbuild: {BUILD}\nsettings: {{ activity.enabled: true }}\n"
                                 "services: { shipping: { activity.enabled: false } }\n")
        self.dev()
        sent, bad = self.place(), self.place(total=0)

        def handled(event, count):
            rows = self.rows("trace", event["id"], "--format", "json")
            found = {(row["type"], each["service"]): each for row in rows for each in row["handled"] or []}
            return found if len(found) >= count and ("shop.OrderCompleted" in {row["type"] for row in rows} or count == 1) else None
        found = wait_for("what all reactions did", lambda: handled(sent, 5), 30)
        self.assertEqual({key: (row["outcome"], row["attempts"], row["code"]) for key, row in found.items()}, {
            ("shop.OrderPlaced", "payments"): ("done", 1, None), ("shop.PaymentAuthorised", "inventory"): ("done", 1, None),
            ("shop.StockReserved", "shipping"): (None, None, None), ("shop.OrderShipped", "orders"): ("done", 1, None),
            ("shop.OrderShipped", "notifications"): ("done", 1, None)})
        self.assertTrue(all(row["took_us"] >= 0 and row["begun"].endswith("Z") for row in found.values() if row["outcome"]))
        self.assertIsNone(found["shop.StockReserved", "shipping"]["took_us"])
        dead, = wait_for("the dead letter", lambda: handled(bad, 1), 30).values()
        self.assertEqual((dead["service"], dead["outcome"], dead["code"], dead["reaction"]), ("payments", "dead letter", "dead", "shop.OrderPlaced"))
        tree = self.polka("trace", sent["id"]).stdout
        self.assertNotIn("3 attempts", tree)
        self.assertRegex(tree, r"\n├─ payments done  took \d+\.\d ms, 1 attempt\n")
        self.assertRegex(tree, r"─ shipping reacted  took unknown, attempts unknown\n")
        reserved = next(row for row in self.rows("trace", sent["id"], "--format", "json") if row["type"] == "shop.StockReserved")
        retried = {"correlation_id": sent["id"], "event_id": reserved["id"], "event_type": reserved["type"], "event_source": reserved["source"], "service": "shipping",
                   "group": "shipping", "reaction": "shop.StockReserved", "topic": reserved["topic"], "partition": reserved["partition"], "offset": reserved["offset"],
                   "begun": "2026-01-01T00:00:00.000000Z", "took_us": 1500, "attempts": 2, "outcome": "RETRIED", "code": None}
        for more in ({}, {"begun": "2026-01-01T00:00:01.000000Z", "attempts": 3, "outcome": "DONE"}):
            self.polka("emit", "polka.ReactionEnded", "--data", json.dumps({**retried, **more}))
        handled(sent, 5)
        self.assertRegex(self.polka("trace", sent["id"]).stdout, r"─ shipping done  took 1\.5 ms, 3 attempts\n")
        topic = next(row for row in self.rows("topics", "plan") if row["topic"] == "polka.activity")
        self.assertEqual((topic["retention_ms"], topic["compacted"], topic["action"]), (7 * 24 * 3600 * 1000, False, "keep"))
        # It is no event of a flow: nothing that follows flows counts it, nothing declared changes.
        self.assertEqual({row["correlation_id"]: row["events"] for row in self.rows("flows")}, {sent["id"]: 6, bad["id"]: 1})
        self.assertNotIn("ReactionEnded", self.polka("map", "--observed").stdout + self.polka("manifests").stdout)
        told = self.rows("tail", "polka.activity", "-o", "start", "--until-idle", "1s", "--correlation", sent["id"])
        self.assertEqual({(row["type"], row["key"], row["value"]["outcome"]) for row in told}, {("polka.ReactionEnded", sent["id"], "DONE")})

    def test_without_activity_the_trace_says_what_is_unknown(self):
        self.dev()
        sent = self.place()
        self.assertEqual({json.dumps(row["handled"]) for row in self.flow(sent, 6)}, {"null"})
        done = self.polka("trace", sent["id"])
        self.assertIn("attempts are unknown", done.stderr)
        self.assertNotIn("attempt", done.stdout)
        self.assertNotIn("polka.activity", {row["topic"] for row in self.rows("topics", "plan")})

    def watch(self, *arguments):
        """Starts `polka watch`; the rows it has said so far are read from its output."""
        with open(os.path.join(self.root, "watch.out"), "a") as out, open(os.path.join(self.root, "watch.err"), "w") as talk:
            process = subprocess.Popen([POLKA, "watch", "--format", "json", *arguments], cwd=self.root, stdout=out, stderr=talk, env=self.environment)
        self.addCleanup(lambda: process.poll() is None and (process.kill(), process.wait()))
        wait_for("the watcher", lambda: process.poll() is not None or "watching" in self.read("watch.err"))
        self.assertIsNone(process.poll(), self.read("watch.err"))
        return process

    def read(self, path):
        with open(os.path.join(self.root, path)) as file:
            return file.read()

    def watched(self, **wanted):
        rows = [json.loads(line) for line in self.read("watch.out").splitlines(keepends=True) if line.endswith("\n")]
        return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]

    def test_watch_says_once_what_stalls_and_what_ends_and_not_again_when_it_is_started_again(self):
        self.dev()
        watcher = self.watch("--all", "--port", "0", "--address", "127.0.0.1")
        page = re.search(r"metrics at (http://127\.0\.0\.1:\d+/metrics)", self.read("watch.err")).group(1)
        done = self.place()
        ended = wait_for("the end", lambda: self.watched(event="polka.FlowEnded", correlation_id=done["id"]), 30)[0]
        self.assertEqual((ended["flow"], ended["outcome"], ended["dead_letters"], ended["stalled"]), ("order", "DONE", 0, 0))
        self.assertIn(ended["events"], (5, 6))           # what the customer is told may come after the end
        shipping = next(pid for pid in os.listdir("/proc") if pid.isdigit() and self.runs(pid, os.path.join(BUILD, "bin", "shipping")))
        os.kill(int(shipping), signal.SIGSTOP)
        self.addCleanup(lambda: alive(int(shipping)) and os.kill(int(shipping), signal.SIGCONT))
        sent = self.place()
        stalled = wait_for("stalled", lambda: self.watched(event="polka.FlowStalled", correlation_id=sent["id"]), 30)[0]
        self.assertEqual((stalled["flow"], stalled["service"], stalled["after_event"], stalled["expected"], stalled["within_ms"]),
                         ("order", "shipping", "shop.StockReserved", "shop.OrderShipped", 5000))
        self.assertGreater(stalled["age_ms"], 5000)
        said = lambda: self.rows("tail", "polka.flows", "-o", "start", "--until-idle", "1s")
        events = {(row["type"], row["correlation_id"]) for row in wait_for("two events", lambda: (lambda rows: rows if len(rows) >= 2 else None)(said()))}
        self.assertEqual(events, {("polka.FlowEnded", done["id"]), ("polka.FlowStalled", sent["id"])})
        with urllib.request.urlopen(page, timeout=20) as answer:
            metrics = answer.read().decode()
        for sample in ('polka_flows_running 1', 'polka_flows_ended_total{flow="order",outcome="done"} 1', 'polka_flows_ended_total{flow="order",outcome="failed"} 0',
                       'polka_flows_stalled_total{flow="order",service="shipping",reaction="shop.StockReserved"} 1', 'polka_flow_duration_seconds_count{flow="order"} 1'):
            self.assertIn(sample + "\n", metrics)
        watcher.send_signal(signal.SIGTERM)
        self.assertEqual(watcher.wait(20), 0)
        again = self.watch("--all")
        os.kill(int(shipping), signal.SIGCONT)
        wait_for("the late end", lambda: self.watched(event="polka.FlowEnded", correlation_id=sent["id"]), 30)
        again.send_signal(signal.SIGTERM)
        self.assertEqual(again.wait(20), 0)
        self.assertEqual((len(self.watched(event="polka.FlowStalled")), len(self.watched(event="polka.FlowEnded"))), (1, 2))
        self.assertEqual(len(said()), 3)

    def test_watch_follows_a_service_that_is_deployed_later(self):
        self.dev("orders", "payments", "inventory", "notifications")
        self.watch()
        run = subprocess.Popen([POLKA, "run", "shipping"], cwd=self.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environment)
        self.addCleanup(lambda: (run.poll() is None and run.kill(), run.wait()))
        wait_for("shipping to be known", lambda: "5 manifests of services are held to now" in self.read("watch.err"), 40)
        shipping = int(wait_for("shipping", lambda: next((pid for pid in os.listdir("/proc") if pid.isdigit() and
                                                          self.runs(pid, os.path.join(BUILD, "bin", "shipping"), run.pid)), None)))
        os.kill(shipping, signal.SIGSTOP)
        self.addCleanup(lambda: alive(shipping) and os.kill(shipping, signal.SIGKILL))
        sent = self.place()
        stalled = wait_for("stalled", lambda: self.watched(event="polka.FlowStalled", correlation_id=sent["id"]), 30)[0]
        self.assertEqual((stalled["service"], stalled["reaction"]), ("shipping", "shop.StockReserved"), "of what nobody declares only the contract would tell")

    def runs(self, pid, program, parent=None):
        """Whether it is this program, started by the `polka dev` of this check, or by `parent`."""
        try:
            with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/cmdline") as words:
                return int(stat.read().rsplit(")", 1)[1].split()[1]) == (parent or self.running()["pid"]) and words.read().split("\0")[0] == program
        except (OSError, IndexError):
            return False

    def test_the_map_as_it_is_seen_and_what_differs_from_what_is_declared(self):
        self.dev()
        self.flow(self.place(), 6)
        self.flow(self.place(total=0), 2)
        seen = {(row["from"], row["event"], row["to"]) for row in self.rows("map", "--observed")}
        self.assertIn(("payments", "shop.PaymentAuthorised", "inventory"), seen)
        self.assertIn(("emit", "shop.OrderPlaced", "payments"), seen)
        self.assertIn(("orders", "shop.OrderCompleted", None), seen)
        rows = {(row["service"], row["does"], row["event"]): row for row in self.rows("map", "--diff")}
        self.assertEqual(rows["emit", "says", "shop.OrderPlaced"]["difference"], "outside")
        self.assertEqual((rows["payments", "hears", "shop.OrderPlaced"]["difference"], rows["payments", "hears", "shop.OrderPlaced"]["seen"]), ("both", 2), "a dead letter counts")
        self.assertEqual((rows["orders", "says", "shop.OrderCancelled"]["difference"], rows["orders", "says", "shop.OrderCancelled"]["last"]), ("never-seen", None))
        self.assertNotIn("not-declared", {row["difference"] for row in rows.values()})
        self.assertIn("flowchart", self.polka("map", "--observed", "--format", "mermaid").stdout)
        self.assertIn("one of", self.polka("map", "--observed", "--diff", code=2).stderr)
        self.polka("emit", "shop.OrderCompleted", "--sample")
        undeclared, = [row for row in self.rows("map", "--diff", code=1) if row["difference"] == "not-declared"]
        self.assertEqual((undeclared["service"], undeclared["does"], undeclared["event"], undeclared["seen"]), ("emit", "says", "shop.OrderCompleted", 1))

    def test_an_unknown_id_is_said(self):
        self.dev()
        self.assertIn("no event", self.polka("trace", "nothing", code=1).stderr)

    def test_it_is_ready_when_groups_have_their_partitions_and_drains(self):
        begun = time.monotonic()
        dev = self.dev()
        print(f"ready after {time.monotonic() - begun:.1f} s", end=" ", flush=True)
        children = [s["pid"] for s in self.running()["services"]]
        self.assertEqual(len(children), 5)
        self.stop(dev, number=signal.SIGINT)
        self.assertFalse(any(alive(pid) for pid in children))

    def test_a_wrong_setting_is_refused_before_anything_starts(self):
        self.write("polka.yaml", f"schemas: [{TREE}/schemas]\nbuild: {BUILD}\nsettings:\n  lanez: 2\n")
        said = self.polka("dev", code=2).stderr
        self.assertIn("polka.yaml:4:", said)
        self.assertIn("did you mean 'lanes'?", said)

    def test_a_polka_in_a_build_takes_that_build(self):
        self.write("polka.yaml", f"schemas: [{TREE}/schemas]\n")
        rows = self.rows("topics", "plan", code=3)
        self.assertEqual(rows, [])
        dev = self.dev("payments")
        self.assertEqual(self.running()["build"], os.path.realpath(BUILD))
        self.stop(dev)
