#!/usr/bin/env python3
"""Other languages and Polka read each other: kafkajs with avsc, Apache Avro for Java, confluent-kafka with fastavro; through the broker and
the registry of `polka dev`, and through an Apache Kafka with Apicurio Registry.

Each peer writes interop.Everything and shop.OrderPlaced, by our schema and by an evolved one that Polka never saw, framed in three ways.
interop_echo and payments read them and answer, one instance of each by fingerprint and one by the registry's id; each peer reads all
answers, and every field must be what the resolution of Avro 1.12 makes of it. tests/extra/interop/run starts this.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))

import cases    # noqa: E402
import peers    # noqa: E402
import support  # noqa: E402
import wire     # noqa: E402
from support import ENVIRONMENT, Failed, Skip, say, wait_for    # noqa: E402

FRAMINGS = ("single-object", "confluent", "header")
SERVICES = ("payments", "interop_echo")
EVERYTHING, ORDER = "interop.Everything", "shop.OrderPlaced"
TOPICS = {EVERYTHING: "interop.everything", ORDER: "shop.orders"}


class World:
    """A project of its own with the two services, a broker and a registry."""
    name = registry = brokers = None
    arguments = ()                                       # of every service, for support.Service

    def __init__(self, build):
        self.build = build
        self.folder = tempfile.mkdtemp(prefix="polka-interop-")
        self.project = os.path.join(self.folder, "project")
        shutil.copytree(os.path.join(ROOT, "schemas", "shop"), os.path.join(self.project, "schemas", "shop"))
        shutil.copytree(os.path.join(HERE, "schemas"), os.path.join(self.project, "schemas", "interop"))
        os.makedirs(os.path.join(self.project, "build", "polka"))
        self.write("build/polka/services.json", json.dumps([{"name": name, "path": self.binary(name)} for name in SERVICES]))
        self.write("polka.yaml", "name: interop\nschemas: [schemas]\nsettings: { framing: confluent }\n")
        self.services = []

    def write(self, name, text):
        with open(os.path.join(self.project, name), "w") as file:
            file.write(text)

    def binary(self, name):
        return os.path.join(self.build, "bin", name)

    def polka(self, *arguments):
        done = subprocess.run([self.binary("polka"), *arguments], cwd=self.project, text=True, capture_output=True, timeout=120,
                              env={**ENVIRONMENT, **({"POLKA_SCHEMAS_REGISTRY_URL": self.registry} if self.registry else {})})
        if done.returncode != 0:
            raise Failed(f"polka {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()} {done.stdout.strip()}")
        return [json.loads(row) for row in done.stdout.split("\n") if row]     # a text may hold what splitlines takes for a line's end

    def start(self, framing, *arguments):
        """An instance of each service in a group of its own."""
        started = []
        for name in SERVICES:
            service = support.Service(self, name)
            service.path = os.path.join(self.folder, f"{name}-{framing}.log")
            started.append(service.start("--group", f"{name}-{framing}", "--framing", framing, "--schemas.registry.url", self.registry,
                                         "--schemas.cache", os.path.join(self.folder, "cache"), *arguments))
        self.services += started
        for service in started:
            service.wait_state("ready", 60)

    def schema(self, event):
        """Our schema of an event as a service tells it, self-contained."""
        name = "payments" if event == ORDER else "interop_echo"
        told = json.loads(subprocess.run([self.binary(name), "--describe"], capture_output=True, check=True, env=ENVIRONMENT).stdout)
        return json.dumps(next(each["schema"] for each in told["reactions"] if each["event"] == event), ensure_ascii=False)

    def __enter__(self):
        try:
            self.up()
        except BaseException as why:
            self.__exit__(type(why))
            raise
        return self

    def __exit__(self, kind, *_):
        for service in self.services:
            if service.process.poll() is None:
                service.term() if kind is None else service.kill()
        for service in self.services:
            if kind is None:
                service.end(0)
        self.down()
        if kind in (None, Skip):
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            say(f"logs stay in {self.folder}")


class Dev(World):
    """polka dev: its broker, its registry, and its instances of the services, which write by id"""
    process = None

    def up(self):
        self.log = os.path.join(self.folder, "dev.log")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([self.binary("polka"), "dev", "--format", "text"], cwd=self.project, stdout=log, stderr=log, env=ENVIRONMENT)
        path = os.path.join(self.project, ".polka", "dev.json")
        wait_for(lambda: f"polka dev: {open(self.log).read()[-500:]}", lambda: os.path.exists(path) or self.process.poll() is not None, 60)
        with open(path) as file:
            running = json.load(file)
        self.brokers, self.registry = running["brokers"], running["registry"].rstrip("/")
        self.start("single-object", "--embedded", "true")

    def down(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            if self.process.wait(60) != 0:
                raise Failed(f"polka dev ended with {self.process.returncode}: {open(self.log).read()[-500:]}")


class Real(World):
    """Apache Kafka and Apicurio Registry, and an instance of each service by fingerprint and by id"""

    def up(self):
        self.kafka = support.Kafka(self.folder)
        self.kafka.up()
        self.brokers = self.kafka.brokers
        up = subprocess.run([os.path.join(ROOT, "tests", "registry", "up"), "--dir", os.path.join(self.folder, "registry"), "--port", str(support.free_port())],
                            stdout=subprocess.PIPE, text=True, timeout=600)
        if up.returncode == 77:
            raise Skip("Apicurio Registry cannot be had here")
        if up.returncode != 0:
            raise Failed(f"tests/registry/up ended with {up.returncode}")
        self.registry = up.stdout.split()[-1]
        self.polka("topics", "apply", "--execute", "--brokers", self.brokers)
        self.start("single-object")
        self.start("confluent")

    def down(self):
        subprocess.run([os.path.join(ROOT, "tests", "registry", "down"), "--dir", os.path.join(self.folder, "registry")], timeout=60)
        self.kafka.down()


class Exchange:
    """What was written in one world, and what must be read in it."""

    def __init__(self, world, names, build, seed):
        self.world, self.seed = world, seed
        self.expected, self.heard = {}, {}               # {(topic, key): value}; {key of interop.everything: values}
        self.names = {}                                  # {(event, evolved, by fingerprint): {id or fingerprint}}
        self.peers = []
        for name in names:
            self.peers.append(peers.ALL[name](world.brokers, world.registry, build, world.name == "dev"))
        self.schemas = {(event, False): world.schema(event) for event in TOPICS}
        for event, file in ((EVERYTHING, "everything"), (ORDER, "order_placed")):
            with open(os.path.join(HERE, "evolved", file + ".avsc")) as schema:
                self.schemas[event, True] = json.dumps(json.load(schema))

    def close(self):
        for peer in self.peers:
            peer.close()

    def prepare(self):
        """the schemas of the project are registered, and bind the others: what these write must be readable by them"""
        world = self.world
        world.polka("schema", "register", EVERYTHING, ORDER, "--execute")
        for event in TOPICS:
            world.polka("schema", "level", event, "--set", "FORWARD", "--execute")

    def write(self):
        """every peer writes"""
        for peer in self.peers:
            for evolved in (False, True):
                for framing in FRAMINGS:
                    self.everything(peer, framing, evolved)
                    self.orders(peer, framing, evolved)
        for key, found in self.names.items():
            if len(found) != 1:
                raise Failed(f"{key}: one schema, but the peers name it {sorted(found)}")

    def send(self, peer, event, framing, evolved, rows):
        answer = peer.ask("write", topic=TOPICS[event], type=event, framing=framing, schema=self.schemas[event, evolved], subject=event, level="FORWARD", rows=rows)
        self.names.setdefault((event, evolved, framing == "single-object"), set()).add(answer["schema"])

    def everything(self, peer, framing, evolved):
        rng, rows = random.Random(f"{self.seed} {peer.name} {framing}"), []
        for number, value in enumerate(map(cases.tagged, cases.everything(f"{self.seed} {peer.name} {framing}"))):
            key = f"{peer.name}-{framing}-{'evolved' if evolved else 'ours'}-{number}"
            written, read = cases.evolve(rng, value) if evolved else (value, value)
            rows.append({"key": key, "value": {"id": key, "values": written, **({"origin": {"by": peer.name}} if evolved else {})}})
            self.expected["interop.echoed", key] = {"id": key, "values": read}
            self.heard[key] = read
        self.send(peer, EVERYTHING, framing, evolved, rows)

    def orders(self, peer, framing, evolved):
        rows = []
        for ours, theirs, paid in cases.orders(f"{self.seed} {peer.name} {framing} {evolved}"):
            rows.append({"key": ours["order_id"], "value": theirs if evolved else ours})
            self.expected["shop.payments", ours["order_id"]] = paid
        self.send(peer, ORDER, framing, evolved, rows)

    def refusals(self):
        """a schema that the registered one cannot read is refused to every peer"""
        broken = json.loads(self.schemas[EVERYTHING, True])
        broken["fields"] = [field for field in broken["fields"] if field["name"] != "id"]
        for peer in self.peers:
            row = {"key": "x", "value": {"origin": {}, "values": cases.evolve(random.Random(1), cases.tagged(cases.LOW))[0]}}
            try:
                peer.ask("write", topic="interop.refused", type=EVERYTHING, framing="confluent", schema=json.dumps(broken), subject=EVERYTHING, level="FORWARD", rows=[row])
            except Exception as why:                     # each library has an error of its own
                if "409" not in str(why) and "ncompatible" not in str(why):
                    raise Failed(f"{peer.name}: refused by other words: {why}") from why
                continue
            raise Failed(f"{peer.name} could register a schema that no reader can read")

    def read(self):
        """every peer reads both answers to everything"""
        topics = {}
        for topic, _ in self.expected:
            topics[topic] = topics.get(topic, 0) + 2
        values = 0
        for peer in self.peers:
            answer = peer.ask("read", topics=topics, seconds=60)
            found = {(row["topic"], row["key"], row["framing"]): row for row in answer["rows"]}
            problems = [problem for (topic, key), value in self.expected.items() for framing in FRAMINGS[:2]
                        for problem in self.differences(found.get((topic, key, framing)), value, f"{topic} {key} {framing}")]
            if problems or len(answer["rows"]) != sum(topics.values()) or answer["undecoded"]:
                raise Failed(f"{peer.name} read {len(answer['rows'])} of {sum(topics.values())}, {answer['undecoded']} undecoded; {len(problems)} problems:\n  "
                             + "\n  ".join(problems[:8]) + self.letters())
            say(f"    {peer.name}: {len(found)}")
            values += len(answer["rows"])
        if self.letters():
            raise Failed("dead letters:" + self.letters())
        return values

    def differences(self, row, value, where):
        if row is None:
            return [where + " is missing"]
        source = f"{self.world.registry}/schemas/ids/{row['schema']}" if row["framing"] == "confluent" else "polka:" + row["schema"]
        wrong = [] if row["dataschema"] == source else [f"{where}: ce_dataschema is {row['dataschema']}, not {source}"]
        return wrong + [f"{where}{path}: {found!r}, not {wanted!r}" for path, found, wanted in unlike(row["value"], value)]

    def emitted(self):
        """polka emit writes made-up values, and the peers agree on them"""
        self.world.polka("emit", "interop.Echoed", "--sample", "-n", "20", "--brokers", self.world.brokers)
        total, first = 2 * len([topic for topic, _ in self.expected if topic == "interop.echoed"]) + 20, None
        for peer in self.peers:
            rows = peer.ask("read", topics={"interop.echoed": total}, seconds=60)["rows"]
            found = sorted(json.dumps(row["value"], sort_keys=True) for row in rows if ("interop.echoed", row["key"]) not in self.expected)
            if len(found) != 20 or found != (first or found):
                raise Failed(f"of 20 events of polka emit {peer.name} reads {len(found)}, others than {self.peers[0].name}")
            first = found

    def tailed(self):
        """polka tail shows what the peers wrote"""
        rows = self.world.polka("tail", "interop.everything", "-o", "start", "-n", str(len(self.heard)), "--brokers", self.world.brokers)
        wrong = [row for row in rows if row.get("error")]
        if wrong or {row["key"] for row in rows} != set(self.heard):
            raise Failed(f"polka tail: {len(rows)} rows of {len(self.heard)}, {len(wrong)} with an error: {json.dumps(wrong[:1])[:600]}")
        for row in rows:
            shown, wanted = row["value"]["values"], self.heard[row["key"]]
            if row["key"].split("-")[-2] == "ours" and [str(shown["big"]), shown["text"], shown["price"], shown["reference"]] != [wanted[name] for name in ("big", "text", "price", "reference")]:
                raise Failed(f"polka tail shows {row['key']} as {json.dumps(shown)[:400]}")

    def letters(self):
        """The dead letters as lines; there must be none."""
        reader = wire.Reader(self.world.brokers)
        topics = [topic for topic in reader.topics() if topic.endswith(".dlt")]
        found = reader.read_all(topics) if topics else []
        reader.close()
        return "".join(f"\n  dead letter {each.topic} {each.key.decode()}: {each.header('polka-error-message')}" for each in found[:8])


def unlike(found, wanted, path=""):
    """[(path, found, wanted)] where two values differ."""
    if isinstance(found, dict) and isinstance(wanted, dict) and found.keys() == wanted.keys():
        return [each for key in wanted for each in unlike(found[key], wanted[key], f"{path}.{key}")]
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [each for at in range(len(wanted)) for each in unlike(found[at], wanted[at], f"{path}[{at}]")]
    return [] if found == wanted and type(found) is type(wanted) else [(path, found, wanted)]


def exchange(world, names, build, seed):
    began = time.monotonic()
    with world:
        each = Exchange(world, names, build, seed)
        try:
            values = [step() for step in (each.prepare, each.write, each.refusals, each.read, each.emitted, each.tailed) if not say("  " + step.__doc__)][3]
        finally:
            each.close()
    say(f"  {len(each.expected)} events of theirs read by Polka, {values} answers of Polka's read by them, "
        f"all fields the same; {time.monotonic() - began:.0f} s")
    return len(each.expected), values


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="build folder of Polka, with bin/")
    parser.add_argument("--peers", required=True, help="folder with what the peers need")
    parser.add_argument("--only", default="python,node,java", help="which peers")
    parser.add_argument("--world", default="dev,real", help="which brokers and registries")
    parser.add_argument("--seed", type=int, default=20260701)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))     # so that what was started is ended too
    began, names, totals, skipped = time.monotonic(), options.only.split(","), [0, 0], ""
    say(f"peers {', '.join(names)}; seed {options.seed}")
    for kind, name in ((Dev, "dev"), (Real, "real")):
        if name not in options.world.split(","):
            continue
        world = kind(os.path.abspath(options.build))
        world.name = name
        say(f"{name}: {kind.__doc__}")
        try:
            totals = [sum(pair) for pair in zip(totals, exchange(world, names, options.peers, options.seed))]
        except Skip as why:
            skipped += f"; {name} skipped: {why}"
        except (Failed, peers.Failed) as why:
            print(f"{name}: {why}\nRESULT: failed with {name}, seed {options.seed}")
            return 1
    print(f"RESULT: {', '.join(names)}: {totals[0]} events of theirs read by Polka, {totals[1]} of Polka's read by them, all fields the same, "
          f"in {time.monotonic() - began:.0f} s{skipped}")
    return 0 if totals[0] else 77


if __name__ == "__main__":
    sys.exit(main())
