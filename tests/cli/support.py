"""What the checks of the command line share: a project in a folder of its own, services that are small scripts, `polka dev`."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

POLKA = os.environ.get("POLKA", "polka")

PLACED = {
    "type": "record", "name": "Placed", "namespace": "demo", "polka.topic": "demo.orders", "polka.key": "order_id",
    "fields": [
        {"name": "order_id", "type": "string"},
        {"name": "total", "type": "long"},
        {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
            {"name": "sku", "type": "string"}, {"name": "quantity", "type": "int"}]}}},
        {"name": "note", "type": ["null", "string"], "default": None},
    ]}
PAID = {
    "type": "record", "name": "Paid", "namespace": "demo", "polka.topic": "demo.payments", "polka.key": "order_id", "polka.final": True,
    "fields": [{"name": "order_id", "type": "string"}]}

# A stand-in for a service: it tells of itself, says that it is ready, and ends on SIGTERM, as the table of its name says.
SERVICE = """#!/usr/bin/env python3
import json, os, signal, sys, time
here = os.path.dirname(os.path.abspath(__file__))
name = os.path.basename(__file__)
if "--describe" in sys.argv:
    print(open(os.path.join(here, name + ".json")).read())
    sys.exit(0)
def log(message, **more):
    print(json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()), "level": "info", "service": name, "message": message, **more}), flush=True)
def on(option, default=None):
    path = os.path.join(here, name + "." + option)
    return open(path).read() if os.path.exists(path) else default
ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
log("arguments " + " ".join(sys.argv[1:]))
print("plain words from " + name, flush=True)
if on("crash") is not None:
    sys.exit(int(on("crash") or 7))
if on("mute") is None:
    log("ready", state="ready")
while not ending:
    time.sleep(0.02)
for turn in range(10 if on("late") is not None else 0):
    log(f"still busy {turn}")
    time.sleep(0.02)
if on("late") is not None:
    log(f"SIGTERM came {len(ending)} times")
if on("stubborn") is not None:
    sys.exit(5)
log("drained", state="drained")
"""


def event(schema):
    return {"event": schema["namespace"] + "." + schema["name"], "topic": schema["polka.topic"], "key": "order_id", "schema_version": 1, "schema": schema}


def manifest(name, hears, says):
    return {"polka": 1, "service": name, "domain": "demo", "version": "1.0.0", "group": name,
            "reactions": [{"name": event(h)["event"], "emits": [event(s)["event"] for s in says], **event(h)} for h in hears],
            "emits": [event(s) for s in says]}


def wait_for(what, condition, seconds=20.0):
    """Waits until condition() is true; what says what for."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for {what}")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Case(unittest.TestCase):
    """A check with a project of its own in self.root."""
    services = {"payments": ([PLACED], [PAID])}

    def setUp(self):
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="polka-cli-"))
        self.addCleanup(shutil.rmtree, self.root, True)
        self.build = os.path.join(self.root, "build", "dev")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("POLKA", "OTEL"))}
        self.write("polka.yaml", "name: demo\n")
        self.write("schemas/demo/placed.v1.avsc", json.dumps(PLACED))
        self.write("schemas/demo/paid.v1.avsc", json.dumps(PAID))
        rows = []
        for name, (hears, says) in self.services.items():
            path = self.write(f"build/dev/bin/{name}", SERVICE)
            os.chmod(path, 0o755)
            self.write(f"build/dev/bin/{name}.json", json.dumps(manifest(name, hears, says)))
            rows.append({"name": name, "path": path})
        self.write("build/dev/polka/services.json", json.dumps(rows))

    def write(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def polka(self, *arguments, code=0, stdin="", folder=None, environment=None, timeout=40):
        """Runs polka to its end and checks its exit code; returns the CompletedProcess."""
        done = subprocess.run([POLKA, *arguments], cwd=folder or self.root, input=stdin, capture_output=True, text=True, errors="backslashreplace", timeout=timeout,
                              env={**self.environment, **(environment or {})})
        self.assertEqual(done.returncode, code, f"polka {' '.join(arguments)}\nout: {done.stdout}\nerr: {done.stderr}")
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def rows(self, *arguments, **more):
        """The JSON lines of its standard output."""
        return [json.loads(line) for line in self.polka(*arguments, **more).stdout.splitlines()]

    def dev(self, *arguments, ready=True, folder=None):
        """Starts `polka dev`, which is killed at the end of the check; waits for dev.json."""
        log = open(os.path.join(self.root, "dev.log"), "a+")
        self.addCleanup(log.close)
        process = subprocess.Popen([POLKA, "dev", *arguments], cwd=folder or self.root, stdout=log, stderr=subprocess.STDOUT, env=self.environment)
        self.addCleanup(lambda: process.poll() is None and (process.kill(), process.wait()))
        if ready:
            wait_for("dev.json", lambda: process.poll() is not None or (self.running() or {}).get("pid") == process.pid)
            self.assertIsNone(process.poll(), self.log())
        return process

    def running(self):
        try:
            with open(os.path.join(self.root, ".polka", "dev.json")) as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def log(self):
        with open(os.path.join(self.root, "dev.log")) as file:
            return file.read()

    def child(self, name="payments"):
        return next(s["pid"] for s in self.running()["services"] if s["name"] == name)

    def stop(self, process, code=0, number=signal.SIGTERM):
        process.send_signal(number)
        self.assertEqual(process.wait(30), code, self.log())
        self.assertNotIn("Sanitizer", self.log())
        self.assertIsNone(self.running(), "dev.json is removed at the end")


BUILD = os.environ.get("POLKA_BUILD", "")
TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHOP = ("inventory", "notifications", "orders", "payments", "shipping")


@unittest.skipUnless(all(os.path.exists(os.path.join(BUILD, "bin", name)) for name in SHOP), "the shop is not built")
class ShopCase(Case):
    """A check on the shop of this tree."""
    services = {}
    line = {"sku": "apple", "quantity": 2, "unit_price": 600}

    def setUp(self):
        super().setUp()
        for path in ("schemas", "build"):
            os.rename(os.path.join(self.root, path), os.path.join(self.root, "demo-" + path))
        self.write("polka.yaml", f"name: shop\nschemas: [{TREE}/schemas]\nbuild: {BUILD}\n")

    def place(self, **values):
        sent, = self.rows("emit", "shop.OrderPlaced", "--sample", "--data", json.dumps({"lines": [self.line], "total": 1200, **values}))
        return sent

    def flow(self, sent, count):
        """The events of one flow, once there are so many."""
        def there():
            rows = self.rows("trace", sent["id"], "--format", "json")
            return rows if len(rows) >= count else None
        return wait_for(f"{count} events", there, 30)
