"""`polka dev` on services that are scripts: start, log, restart, stop, and what it refuses."""
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time
import urllib.request

from support import PAID, PLACED, POLKA, Case, alive, wait_for

UP = """#!/bin/sh
echo "up $*" >> "$(dirname "$0")/calls"
echo "progress" >&2
echo "%s"
"""
DOWN = """#!/bin/sh
echo "down $*" >> "$(dirname "$0")/calls"
"""


class Dev(Case):
    services = {"payments": ([PLACED], [PAID]), "audit": ([PAID], [])}

    def test_ready_when_all_are_and_gone_when_all_have_drained(self):
        dev = self.dev("--format", "text")
        running = self.running()
        self.assertEqual(running["pid"], dev.pid)
        self.assertRegex(running["brokers"], r"^127\.0\.0\.1:\d+$")
        self.assertTrue(running["embedded"])
        self.assertEqual({s["name"] for s in running["services"]}, {"payments", "audit"})
        for service in running["services"]:
            with open(f"/proc/{service['pid']}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            self.assertEqual(int(fields[1]), dev.pid, "a direct child")
            self.assertEqual(int(fields[2]), service["pid"], "a process group of its own")
        children = [s["pid"] for s in running["services"]]
        self.stop(dev)
        self.assertFalse(any(alive(pid) for pid in children))
        for name in ("payments", "audit"):
            self.assertRegex(self.log(), rf"(?m)^\d\d:\d\d:\d\d\.\d\d\d {name} +drained$")
            self.assertRegex(self.log(), rf"(?m)^\d\d:\d\d:\d\d\.\d\d\d {name} +plain words from {name}$")

    def test_children_are_told_broker_and_project_file(self):
        self.dev("--format", "text")
        told = self.log()
        self.assertIn("--brokers=" + self.running()["brokers"], told)
        self.assertIn("--embedded", told)
        self.assertIn("--config=" + os.path.join(self.root, "polka.yaml"), told)

    def test_the_log_is_json_lines_when_nobody_looks(self):
        dev = self.dev()
        self.stop(dev)
        lines = [json.loads(line) for line in self.log().splitlines()]
        self.assertTrue({"polka", "payments", "audit"} <= {line["service"] for line in lines})
        self.assertTrue(any(line["message"] == "plain words from audit" for line in lines))

    def test_services_can_be_chosen(self):
        self.dev("audit")
        self.assertEqual([s["name"] for s in self.running()["services"]], ["audit"])

    def test_topics_are_there_before_dev_json(self):
        self.dev()
        rows = {row["topic"]: row for row in self.rows("topics", "plan", code=0)}
        self.assertEqual({row["action"] for row in rows.values()}, {"keep"})
        self.assertEqual(set(rows), {"demo.orders", "demo.payments", "demo.orders.payments.dlt", "demo.payments.audit.dlt", "polka.schemas", "polka.services"})
        self.assertTrue(rows["polka.schemas"]["compacted"])
        self.assertEqual(rows["demo.orders.payments.dlt"]["max_message_bytes"], 1048588 + 131072)

    def test_a_service_that_is_killed_starts_again_and_dev_says_so(self):
        self.dev("--format", "text")
        first = self.child()
        os.kill(first, signal.SIGKILL)
        second = wait_for("the new process in dev.json", lambda: (self.child() not in (first, 0)) and self.child())
        self.assertTrue(alive(second))
        self.assertIn("payments was ended by signal 9", self.log())
        self.assertIn("started again in 100 ms", self.log())
        self.assertIn("payments could not leave its group, which waits for it for up to 6 s", self.log())

    def test_the_pause_before_a_restart_doubles(self):
        self.write("build/dev/bin/payments.crash", "")
        dev = self.dev("--format", "text", ready=False)
        wait_for("the fourth pause", lambda: "in 800 ms" in self.log())
        for pause in ("in 100 ms", "in 200 ms", "in 400 ms"):
            self.assertIn(pause, self.log())
        self.assertIn("ended with exit code 7", self.log())
        self.assertIsNone(self.running(), "not ready, so there is no dev.json")
        dev.send_signal(signal.SIGTERM)
        self.assertEqual(dev.wait(20), 0)

    def test_a_service_that_ends_for_misuse_is_left_until_it_has_changed(self):
        self.write("build/dev/bin/payments.crash", "2")
        self.dev("--format", "text")
        self.assertEqual((self.child(), alive(self.child("audit"))), (0, True), "the others run")
        self.assertIn("payments ended with exit code 2", self.log())
        self.assertRegex(self.log(), r"started again when /\S*/payments or /\S*/polka.yaml has changed")
        self.polka("emit", "demo.Paid", "--set", "order_id=A")
        self.assertEqual(self.log().count("plain words from payments"), 1)
        os.unlink(os.path.join(self.root, "build/dev/bin/payments.crash"))
        self.write("polka.yaml", "name: demo\nsettings: {}\n")
        wait_for("payments", lambda: alive(self.child()))

    def test_settings_for_a_service_that_is_not_there_are_told_of_with_the_nearest_name(self):
        self.write("polka.yaml", "name: demo\nservices:\n  payment: { log.level: debug }\n  audit: {}\n")
        self.dev("audit", "--format", "text")
        self.assertRegex(self.log(), r"polka.yaml:3:\S* settings for the service 'payment', which /\S* does not have; is 'payments' meant\?")
        self.assertNotIn("'audit'", self.log())

    def test_a_service_is_asked_to_stop_once_however_long_it_takes(self):
        self.write("build/dev/bin/payments.late", "")
        self.stop(self.dev("--format", "text"), number=signal.SIGINT)
        self.assertIn("still busy 9", self.log())
        self.assertIn("SIGTERM came 1 times", self.log())

    def test_it_says_once_that_the_broker_inside_keeps_nothing(self):
        dev = self.dev("--format", "text")
        self.polka("emit", "demo.Placed", "--sample")
        self.stop(dev)
        self.assertEqual(self.log().count("nothing there is kept"), 1)

    def test_the_build_that_was_made_last_is_taken(self):
        shutil.copytree(os.path.join(self.root, "build/dev"), os.path.join(self.root, "build/release"))
        rows = [{"name": name, "path": os.path.join(self.root, "build/release/bin", name)} for name in self.services]
        self.write("build/release/polka/services.json", json.dumps(rows))
        for last, first in (("release", "dev"), ("dev", "release")):
            for name in self.services:
                os.utime(os.path.join(self.root, "build", first, "bin", name), (1000000000, 1000000000))
            os.utime(os.path.join(self.root, "build", last, "bin", "audit"), (1000000001, 1000000001))
            os.utime(os.path.join(self.root, "build", last, "bin", "payments"), (999999999, 999999999))
            dev = self.dev()
            self.assertEqual(self.running()["build"], os.path.join(self.root, "build", last))
            self.stop(dev)

    def test_exit_1_when_a_service_did_not_drain(self):
        self.write("build/dev/bin/payments.stubborn", "")
        self.stop(self.dev(), code=1, number=signal.SIGINT)

    def test_services_end_when_dev_is_killed(self):
        dev = self.dev()
        children = [s["pid"] for s in self.running()["services"]]
        dev.kill()
        dev.wait()
        wait_for("the end of the services", lambda: not any(alive(pid) for pid in children))
        self.assertIn("is gone", self.polka("tail", code=3).stderr)
        again = self.dev()
        self.assertEqual(self.running()["pid"], again.pid, "what the dead one left is replaced")

    def test_a_second_dev_in_the_same_folder_is_refused_with_the_pid(self):
        dev = self.dev()
        said = self.polka("dev", code=1).stderr
        self.assertIn(str(dev.pid), said)
        self.assertEqual(self.running()["pid"], dev.pid)

    def test_a_full_disk_is_said_and_everything_ends(self):
        os.makedirs(os.path.join(self.root, ".polka"))
        os.symlink("/dev/full", os.path.join(self.root, ".polka", "dev.json.new"))
        dev = self.dev(ready=False)
        self.assertEqual(dev.wait(30), 1)
        self.assertIn("No space left on device", self.log())
        self.assertIsNone(self.running())

    def test_a_folder_that_cannot_be_written_is_said(self):
        self.write(".polka", "a file where the folder should be")
        self.assertIn(".polka", self.polka("dev", code=1).stderr)

    def test_a_port_in_use_is_said(self):
        path = self.write("deploy/kafka/up", "#!/bin/sh\nexit 1\n")
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            said = self.polka("dev", "--kafka", "--port", str(taken.getsockname()[1]), code=1).stderr
        self.assertIn("in use", said)

    def test_options_that_contradict_are_refused(self):
        self.polka("dev", "--kafka", "--brokers", "127.0.0.1:1", code=2)
        self.polka("dev", "--port", "9092", code=2)

    def test_it_warns_before_the_embedded_broker_drops_events(self):
        self.dev("--format", "text")
        self.write("large.json", json.dumps({"order_id": "one key", "total": 1, "lines": [], "note": "x" * 100000}))
        self.polka("emit", "demo.Placed", "--data", "@large.json", "-n", "35")
        self.polka("emit", "demo.Paid", "--set", "order_id=A")
        self.assertNotIn("of the 5 MiB", self.log())
        self.polka("emit", "demo.Placed", "--data", "@large.json", "-n", "30")
        wait_for("both warnings", lambda: "4 of the 5 MiB" in self.log() and "is full" in self.log())
        self.assertEqual(self.log().count("of the 5 MiB"), 1)

    def test_watch_says_what_stalled_while_the_broker_was_away(self):
        self.write("schemas/flows/order.yaml", "flow: order\nstarts: demo.Placed\nends: demo.Paid\nsteps:\n  - after: demo.Placed\n    one_of: [demo.Paid]\n    within: 5s\n")
        dev = self.dev()
        self.addCleanup(lambda: dev.poll() is None and dev.send_signal(signal.SIGCONT))
        with open(os.path.join(self.root, "watch.out"), "w") as out, open(os.path.join(self.root, "watch.err"), "w") as talk:
            watcher = subprocess.Popen([POLKA, "watch", "--silent", "--format", "json", "--port", "0", "--address", "127.0.0.1"], cwd=self.root, stdout=out, stderr=talk, env=self.environment)
        self.addCleanup(lambda: watcher.poll() is None and (watcher.kill(), watcher.wait()))
        read = lambda name: open(os.path.join(self.root, name)).read()
        wait_for("the watcher", lambda: "watching" in read("watch.err"))
        page = re.search(r"metrics at (\S+)", read("watch.err")).group(1)
        self.polka("emit", "demo.Placed", "--sample")
        wait_for("the flow to be held", lambda: b"polka_flows_running 1\n" in urllib.request.urlopen(page, timeout=20).read())
        dev.send_signal(signal.SIGSTOP)
        wait_for("the broker to be missed", lambda: "going on when it answers" in read("watch.err"), 40)
        dev.send_signal(signal.SIGCONT)
        wait_for("stalled", lambda: '"demo.Placed"' in read("watch.out"), 40)
        watcher.send_signal(signal.SIGTERM)
        self.assertEqual(watcher.wait(20), 0, read("watch.err"))

    def test_run_uses_the_broker_that_runs(self):
        self.dev("audit")
        run = subprocess.Popen([POLKA, "run", "payments", "--format", "text"], cwd=self.root, stdout=subprocess.PIPE, text=True, env=self.environment)
        self.addCleanup(lambda: (run.poll() is None and run.kill(), run.wait(), run.stdout.close()))
        line = next(line for line in run.stdout if "arguments" in line)
        self.assertIn(self.running()["brokers"], line)
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(20), 0)
        self.assertIsNotNone(self.running())

    def test_it_is_quick(self):
        begun = time.monotonic()
        self.dev()
        self.assertLess(time.monotonic() - begun, 10)


class Kafka(Case):
    """dev --kafka with scripts in place of deploy/kafka. The broker they name does not answer, so dev ends with 3; what is checked is that down follows up."""

    def script(self, name, text):
        os.chmod(self.write("deploy/kafka/" + name, text), 0o755)

    def calls(self):
        with open(os.path.join(self.root, "deploy/kafka/calls")) as file:
            return file.read().splitlines()

    def test_up_is_given_folder_and_port_and_down_follows(self):
        self.script("up", UP % "127.0.0.1:1")
        self.script("down", DOWN)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        self.polka("dev", "--kafka", "--port", port, code=3)
        data = os.path.join(self.root, ".polka/kafka")
        self.assertEqual(self.calls(), [f"up --dir {data} --port {port}", f"down --dir {data}"])

    def test_up_that_fails_is_said(self):
        self.script("up", "#!/bin/sh\necho no Java here >&2\nexit 1\n")
        self.script("down", DOWN)
        said = self.polka("dev", "--kafka", code=1).stderr
        self.assertIn("no Java here", said)
        self.assertIn("exit code 1", said)

    def test_stopping_while_up_runs_stops_it_and_calls_down(self):
        self.script("up", "#!/bin/sh\ntouch started\nexec sleep 60\n")
        self.script("down", DOWN)
        dev = self.dev("--kafka", ready=False)
        wait_for("up", lambda: os.path.exists(os.path.join(self.root, "started")))
        dev.send_signal(signal.SIGINT)
        self.assertEqual(dev.wait(20), 0, self.log())
        self.assertEqual([call.split()[0] for call in self.calls()], ["down"])
