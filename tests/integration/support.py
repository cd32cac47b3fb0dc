"""What the integration tests share: a Kafka of their own, service processes, the command line, waiting for a condition."""
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from confluent_kafka import TopicPartition

import wire

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KAFKA = os.environ.get("POLKA_TEST_KAFKA", os.path.join(ROOT, "deploy", "kafka"))      # the folder with up and down
SERVICES = ("payments", "inventory", "shipping", "orders", "notifications")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("POLKA", "KAFKA"))}
SKIP = 77


class Failed(Exception):
    """A test that did not find what it should."""


class Skip(Exception):
    """Something that cannot be installed here is missing."""


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def wait_for(what, condition, seconds=60.0, pause=0.05):
    """Waits until condition() is true and returns what it gave; after the limit, fails with what() or what."""
    until = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > until:
            raise Failed(f"waited {seconds:.0f} s for {what() if callable(what) else what}")
        time.sleep(pause)


def free_port(count=2):
    """A port from 20000 on with `count` free ones in a row."""
    for _ in range(200):
        port = random.SystemRandom().randrange(20000, 32000)
        taken = False
        for each in range(port, port + count):
            with socket.socket() as probe:
                taken = taken or probe.connect_ex(("127.0.0.1", each)) == 0
        if not taken:
            return port
    raise Failed("no free port between 20000 and 32000")


def memory(gib=2):
    """A folder in memory if there is room, for the data of brokers: when a disk stands still its broker does, and for longer than a drain may take (7 s were seen)."""
    shared = "/dev/shm"
    return shared if os.path.isdir(shared) and shutil.disk_usage(shared).free > gib << 30 else None


class Kafka:
    """A real Apache Kafka of this test alone, since it is stopped, killed and filled with nonsense: one broker, or three."""

    def __init__(self, folder, count=1, settings=()):
        self.folder, self.count, self.port = os.path.join(folder, "kafka"), count, free_port(2 * count)
        self.settings = [word for setting in settings for word in ("--set", setting)]
        self.brokers = f"127.0.0.1:{self.port}"
        os.makedirs(self.folder, exist_ok=True)

    def up(self):
        if shutil.which("java") is None:
            raise Skip("no java; deploy/packages kafka installs it")
        began = time.monotonic()
        done = subprocess.run([os.path.join(KAFKA, "up"), str(self.count), "--port", str(self.port), "--dir", self.folder, *self.settings],
                              stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, timeout=300)
        if done.returncode != 0:
            raise Failed(f"deploy/kafka/up ended with {done.returncode}")
        self.brokers = done.stdout.split()[-1]
        say(f"Apache Kafka at {self.brokers} after {time.monotonic() - began:.1f} s")

    def pid(self, node=1):
        with open(os.path.join(self.folder, f"node{node}", "pid")) as file:
            return int(file.read())

    def signal(self, number, node=1):
        os.kill(self.pid(node), number)

    def kill(self, node=1):
        """As by a power cut of the process; waits until it is gone."""
        pid = self.pid(node)
        os.kill(pid, signal.SIGKILL)
        wait_for("the broker's end", lambda: not alive(pid), 20)

    def stop(self, node):
        """Of three, in good order."""
        subprocess.run([os.path.join(KAFKA, "down"), "--dir", self.folder, "--node", str(node)], stdout=subprocess.DEVNULL, timeout=60)

    def down(self):
        subprocess.run([os.path.join(KAFKA, "down"), "--dir", self.folder], stdout=subprocess.DEVNULL, timeout=60)


class Registry:
    """A real schema registry of this test alone, kept in memory: Apicurio."""

    def __init__(self, folder):
        self.folder, self.port = os.path.join(folder, "registry"), free_port()
        self.url = None

    def up(self):
        began = time.monotonic()
        done = subprocess.run([os.path.join(ROOT, "tests", "registry", "up"), "--dir", self.folder, "--port", str(self.port)], stdout=subprocess.PIPE, text=True,
                              stdin=subprocess.DEVNULL, timeout=600)
        if done.returncode == SKIP:
            raise Skip("no registry can be had here")
        if done.returncode != 0:
            raise Failed(f"tests/registry/up ended with {done.returncode}")
        self.url = done.stdout.split()[-1]
        say(f"Apicurio Registry at {self.url} after {time.monotonic() - began:.1f} s")

    def down(self):
        subprocess.run([os.path.join(ROOT, "tests", "registry", "down"), "--dir", self.folder], stdout=subprocess.DEVNULL, timeout=60)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Service:
    """One service process; started again it appends to the same log."""

    def __init__(self, bench, name, binary=None):
        self.bench, self.name, self.process, self.starts = bench, name, None, 0
        self.command = [binary or bench.binary(name)]
        self.path = os.path.join(bench.folder, name + ".log")

    def start(self, *arguments, brokers=None):
        self.seen = os.path.getsize(self.path) if os.path.exists(self.path) else 0
        with open(self.path, "ab") as log:
            self.process = subprocess.Popen([*self.command, "--brokers", brokers or self.bench.brokers, "--log.format", "json",
                                             *self.bench.arguments, *arguments],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT, cwd=self.bench.folder)
        self.starts += 1
        return self

    def lines(self, whole=False):
        """The log since the last start, a dict a line; what is no JSON comes as {"plain": text}."""
        with open(self.path, "rb") as file:
            file.seek(0 if whole else self.seen)
            rows = file.read().decode(errors="replace").splitlines()
        found = []
        for row in rows:
            try:
                found.append(json.loads(row))
            except ValueError:
                found.append({"plain": row})
        return found

    def says(self, text):
        return [row for row in self.lines() if text in (row.get("message") or row.get("plain") or "")]

    def state(self, name):
        return any(row.get("state") == name for row in self.lines())

    def wait_state(self, name, seconds=40.0):
        wait_for(lambda: f"{self.name} to be {name}; it said: {self.tail()}", lambda: self.state(name) or self.ended_early(name), seconds)

    def ended_early(self, wanted):
        if self.process.poll() is not None and not self.state(wanted):
            raise Failed(f"{self.name} ended with {self.process.returncode} before it was {wanted}: {self.tail()}")
        return False

    def tail(self, count=4):
        return [row.get("message") or row.get("plain") for row in self.lines()[-count:]]

    def kill(self):
        self.process.kill()
        self.process.wait(20)

    def term(self):
        self.process.send_signal(signal.SIGTERM)

    def end(self, code=0, seconds=20.0):
        """Waits for its end and checks the exit code; returns the seconds it took."""
        began = time.monotonic()
        try:
            found = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} did not end within {seconds} s: {self.tail()}") from None
        if found != code:
            raise Failed(f"{self.name} ended with {found}, not {code}: {self.tail()}")
        return time.monotonic() - began

    def memory_kb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(row.split()[1]) for row in status if row.startswith("VmRSS:"))

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Bench:
    """A folder, a Kafka, the five services, and the command line of one build."""

    def __init__(self, build, up=True, brokers=1):
        self.build, self.up = os.path.abspath(build), up
        self.folder = tempfile.mkdtemp(prefix="polka-integration-", dir=memory())
        self.kafka = Kafka(self.folder, brokers)
        self.services = {name: Service(self, name) for name in SERVICES}
        self.arguments = ()                              # of every service

    @property
    def brokers(self):
        return self.kafka.brokers

    def binary(self, name):
        return os.path.join(self.build, "bin", name)

    def __enter__(self):
        for name in (*SERVICES, "polka"):
            if not os.path.exists(self.binary(name)):
                raise Failed(f"{self.binary(name)} is not built")
        if self.up:
            try:
                self.kafka.up()
            except BaseException as why:
                self.__exit__(type(why))
                raise
        return self

    def __exit__(self, kind, *_):
        for service in self.services.values():
            if service.process is not None and service.process.poll() is None:
                service.kill()
        self.kafka.down()
        if kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif kind is not Skip:
            say(f"logs and data stay in {self.folder}")

    def polka(self, *arguments, code=0, project=ROOT, environment=None):
        """Runs polka in a project to its end; fails when it does not end with `code`."""
        done = subprocess.run([self.binary("polka"), *arguments], cwd=project, env={**ENVIRONMENT, **(environment or {})}, text=True, capture_output=True, timeout=120)
        if done.returncode != code:
            raise Failed(f"polka {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
        return done

    def make_topics(self):
        self.polka("topics", "apply", "--execute", "--build", self.build, "--brokers", self.brokers)

    def manifests(self):
        return [json.loads(subprocess.run([self.binary(name), "--describe"], capture_output=True, check=True, env=ENVIRONMENT).stdout) for name in SERVICES]

    def groups(self):
        """{group: the topics it reads}."""
        return {m["group"]: sorted({reaction["topic"] for reaction in m["reactions"]}) for m in self.manifests()}

    def start_all(self, *arguments):
        began = time.monotonic()
        for service in self.services.values():
            service.start(*arguments)
        for service in self.services.values():
            service.wait_state("ready")
        say(f"five services ready after {time.monotonic() - began:.1f} s")

    def stop_all(self):
        """SIGTERM to all at once; each must drain and end with 0. Returns the longest time."""
        running = [service for service in self.services.values() if service.process is not None and service.process.poll() is None]
        for service in running:
            service.term()
        began = time.monotonic()
        for service in running:
            service.end(0)
        return time.monotonic() - began


class Emit:
    """`polka emit shop.OrderPlaced --data -` with given orders, at its own pace; rows() when it is done."""

    def __init__(self, bench, orders, rate=None, project=ROOT, environment=None):
        rate_arguments = ["--rate", str(rate)] if rate else []
        self.began, self.orders, self.took = time.monotonic(), orders, None
        self.process = subprocess.Popen([bench.binary("polka"), "emit", "shop.OrderPlaced", "--data", "-", "--brokers", bench.brokers, *rate_arguments],
                                        cwd=project, env={**ENVIRONMENT, **(environment or {})}, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self):
        self.out, self.errors = self.process.communicate("".join(order.json() + "\n" for order in self.orders))
        self.took = time.monotonic() - self.began

    def rows(self, seconds=120):
        self.thread.join(seconds)
        if self.thread.is_alive() or self.process.returncode != 0:
            raise Failed(f"polka emit: {'still running' if self.thread.is_alive() else self.errors}")
        found = [json.loads(row) for row in self.out.splitlines()]
        if len(found) != len(self.orders):
            raise Failed(f"polka emit printed {len(found)} rows for {len(self.orders)} orders")
        return found


class Progress:
    """Counts distinct events as they arrive, so that a test can act in the middle and knows the end. Needs the topics to be there."""

    def __init__(self, reader, topics, letters):
        self.reader, self.letters_topic = reader, letters
        self.seen, self.letters, self.by_source, self.records = set(), set(), {}, 0
        self.next = {(topic, partition): 0 for topic in (*topics, letters) for partition in range(reader.topics()[topic])}
        self.consumer = wire.consumer_of(reader.brokers)
        self.consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in self.next])

    def duplicates(self):
        """How many records so far are copies; reads to the end first, as copies may come last."""
        ends = self.reader.ends(sorted({topic for topic, _ in self.next}))
        wait_for("the end of all topics", lambda: all(self.next[at] >= end for at, end in ends.items()) or not self.look(), 60, pause=0)
        return self.records - len(self.seen) - len(self.letters)

    def look(self):
        """Takes what is there now."""
        for message in self.consumer.consume(2000, timeout=0.05):
            at = message.topic(), message.partition()
            if message.error() or message.offset() < self.next[at]:      # a broker that is gone for a while is none of its business
                continue
            self.next[at] = message.offset() + 1
            self._take(message)
        return self

    def _take(self, message):
        self.records += 1
        headers = dict(message.headers() or [])
        if message.topic() == self.letters_topic:
            self.letters.add(headers.get("polka-letter-id"))
            return
        identity = headers.get("ce_source"), headers.get("ce_id")
        if identity not in self.seen:
            self.seen.add(identity)
            source = (identity[0] or b"").decode(errors="replace")
            self.by_source[source] = self.by_source.get(source, 0) + 1

    def forget(self, topic):
        """The topic was deleted and will be made anew: counted from its beginning again."""
        self.next.update({at: 0 for at in self.next if at[0] == topic})
        self.consumer.incremental_unassign([TopicPartition(*at) for at in self.next if at[0] == topic])

    def remember(self):
        """Reads the topic that was made anew, by a consumer that does not know the id of the one that was deleted: an old one may ask for that for ever."""
        self.consumer.close()
        self.consumer = wire.consumer_of(self.reader.brokers)
        self.consumer.assign([TopicPartition(*at, offset) for at, offset in self.next.items()])

    def close(self):
        self.consumer.close()


def lag(reader, groups):
    """{(group, topic, partition): end - committed} where it is not 0."""
    found = {}
    for group, topics in groups.items():
        ends, committed = reader.ends(topics), reader.committed(group, topics)
        for at, end in ends.items():
            if end != max(committed[at], 0):
                found[(group, *at)] = end - max(committed[at], 0)
    return found
