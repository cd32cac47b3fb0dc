"""What every scenario stands on: a cluster, services with their ledgers, a driver, samples of what they take, faults written down."""
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import support
import wire
from checker import DEPOSITS, KEPT, POISON, Checker
from collect import OFFSETS, Concurrent, collect, ends_of
from feed import Feed, Plan
from support import Failed, Service, alive, say, wait_for

PARTITIONS = 24
SESSION_MS = 3000
IN_FLIGHT = 1000
APPENDED = {"message.timestamp.type": "LogAppendTime"}               # of what keepers say: when it was there
SETTINGS = ("group.min.session.timeout.ms=1000", "log.retention.ms=-1")
# What a service says when it learns that others have its partitions: from the client library, or by the answer to its last commit.
LOSSES = ("partitions were lost", "the last commit before giving up partitions failed")
STARTED = re.compile(r" on polka ([^,]+), librdkafka ([^:]+): ")       # in the first line of a service
READS = {"keeper": DEPOSITS, "auditor": KEPT}
STILL_S = 90                             # so long nothing may move at the end of a run


class Cluster:
    """One Kafka for the scenarios that can share it; topics are made once, and each scenario reads from where it begins."""

    def __init__(self, folder, count, lasting=False, settings=()):
        """lasting: it may run there already, and is left running. settings: of the brokers, beside SETTINGS."""
        self.folder, self.count, self.lasting = folder, count, lasting
        os.makedirs(folder, exist_ok=True)
        self.kafka = support.Kafka(folder, count, (*SETTINGS, *settings))
        known = os.path.join(self.kafka.folder, "node1", "server.properties")
        if lasting and os.path.exists(known):
            with open(known) as file:
                self.kafka.port = int(re.search(r"^listeners=PLAINTEXT://127.0.0.1:(\d+)", file.read(), re.M)[1])

    @property
    def brokers(self):
        return self.kafka.brokers

    def up(self):
        self.kafka.up()
        self.make_topics({DEPOSITS: PARTITIONS, wire.SCHEMAS: 1, "polka.services": 1})
        self.make_topics({KEPT: PARTITIONS}, config=APPENDED)
        return self

    def make_topics(self, topics, assignment=None, config=None):
        admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0})
        known = admin.list_topics(timeout=30).topics
        replicas = {"replication_factor": self.count} if assignment is None else {"replica_assignment": assignment}
        new = [NewTopic(name, partitions, config=config or {}, **replicas)
               for name, partitions in topics.items() if name not in known]
        for future in admin.create_topics(new).values() if new else ():
            future.result(30)
        wait_for("the topics", lambda: all(name in admin.list_topics(timeout=30).topics for name in topics), 30)

    def coordinator_of(self, group):
        admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0})           # it must outlive its future
        return admin.describe_consumer_groups([group])[group].result(20).coordinator

    def start_missing(self):
        self.kafka.up()

    def _thaw(self):
        for node in range(1, self.count + 1):
            try:
                self.kafka.signal(signal.SIGCONT, node)
            except (OSError, ProcessLookupError):
                pass

    def revive(self):
        """After a scenario that was broken off: no broker is left frozen or down."""
        self._thaw()
        self.start_missing()

    def down(self):
        if self.lasting:
            return
        self._thaw()
        self.kafka.down()

    def forget(self):
        if not self.lasting:
            shutil.rmtree(self.folder, ignore_errors=True)


class Keeper(Service):
    """A service of the suite: keeper or auditor, with ledger, group and short time-outs."""

    def __init__(self, stage, kind, number, binary=None):
        super().__init__(stage, f"{kind}-{number}", binary or stage.binary(f"faults_{kind}"))
        self.kind, self.processes = kind, []
        self.command = [*stage.wrap, *self.command]

    def start(self, *arguments):
        super().start("--group", self.bench.groups[self.kind], "--app.ledger", self.bench.folder, "--app.name", self.name, *arguments)
        self.processes.append(self.process.pid)
        self.bench.note_start(self)
        return self

    @property
    def pid(self):
        return self.process.pid

    def losses(self):
        return sum(len(self.says(text)) for text in LOSSES)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        os.kill(self.pid, signal.SIGSTOP)

    def cont(self):
        os.kill(self.pid, signal.SIGCONT)


class Stage:
    """One run of one scenario, in a folder of its own."""

    def __init__(self, cluster, options, name, claims):
        self.cluster, self.build, self.name, self.seed = cluster, options.build, name, options.seed
        self.folder = os.path.join(options.folder, f"{name}-{options.run}")
        os.makedirs(self.folder, exist_ok=True)
        self.prefix = f"{name}.{options.run}"
        self.groups = {"keeper": f"keeper.{self.prefix}"}
        self.letters = f"{DEPOSITS}.{self.groups['keeper']}.dlt"
        self.claims = {"redelivered": None, "regroups": True, "letter_copies": None, **claims}
        with open(self.binary("faults_keeper"), "rb") as file:
            program = file.read()
            if b"__asan_init" in program or b"__tsan_init" in program:       # its memory is the sanitizer's
                self.claims["growth_kb"] = 1 << 30
        self.wrap = ()                                   # a command that starts services
        self.arguments = ("--in_flight.events", str(IN_FLIGHT), "-X", f"session.timeout.ms={SESSION_MS}")
        self.services, self.faults, self.ends, self.stuck_text = [], [], [], None
        self.unreadable = []                             # batches: partition, from, to, kind, when it was noticed and how soon its letter must be there
        self.counted = {}                                # of the ledgers of effects: bytes and lines
        self.sampling, self.samples, self.feed, self.concurrent = threading.Event(), None, None, None

    # ---- what support.Service wants to know ----

    @property
    def brokers(self):
        return self.cluster.brokers

    def binary(self, name):
        return os.path.join(self.build, "bin", name)

    # ---- begin ----

    def open(self, auditor=False, plan=None, letters_partitions=4):
        if auditor:
            self.groups["auditor"] = f"auditor.{self.prefix}"
        if letters_partitions:
            self.cluster.make_topics({self.letters: letters_partitions}, config=APPENDED)
        self.starts = ends_of(self.brokers, [DEPOSITS, KEPT, OFFSETS], must=[DEPOSITS, KEPT])
        for kind, topic in READS.items():
            if kind in self.groups:
                self._begin_at(self.groups[kind], topic)
        self.samples = open(os.path.join(self.folder, "samples.ledger"), "a")
        self.sampler = threading.Thread(target=self._sample, daemon=True)
        self.sampler.start()
        self.feed = Feed(self.brokers, self.folder, self.prefix, plan or Plan(self.seed))
        return self

    def _begin_at(self, group, topic):
        """What earlier scenarios left in the topic is none of this one's business."""
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": group, "enable.auto.commit": False, "log_level": 0})
        offsets = [TopicPartition(*at, offset) for at, offset in self.starts.items() if at[0] == topic]
        wire.patiently(lambda: consumer.commit(offsets=offsets, asynchronous=False))      # a coordinator of a moment ago may not be one yet
        consumer.close()

    def service(self, kind="keeper", number=1, binary=None):
        made = Keeper(self, kind, number, binary)
        self.services.append(made)
        return made

    def start(self, kind="keeper", count=1, *arguments):
        made = [self.service(kind, number + 1).start(*arguments) for number in range(count)]
        for service in made:
            service.wait_state("ready")
        return made

    def read_along(self):
        """A read_committed reader from here on."""
        self.concurrent = Concurrent(self.brokers, self.folder, {at: offset for at, offset in self.starts.items() if at[0] == KEPT})

    # ---- meanwhile ----

    def note_start(self, service):
        self.ends.append({"name": service.name, "process": service.pid, "from_us": time.time_ns() // 1000})

    def fault(self, what):
        """Written down as it begins; healed() says when it is over and how soon work must go on."""
        self.faults.append({"what": what, "at_us": time.time_ns() // 1000})
        return self.faults[-1]

    def healed(self, fault, within_s=None):
        fault.update(healed_us=time.time_ns() // 1000, within_s=within_s)

    def _sample(self):
        while not self.sampling.wait(0.5):
            for service in self.services:
                if service.running():
                    self._sample_one(service)
            self.samples.flush()

    def _sample_one(self, service):
        try:
            at = f"/proc/{service.pid}"
            with open(f"{at}/status") as file:
                rows = dict(row.split(":", 1) for row in file.read().splitlines())
            self.samples.write(f"{time.time_ns() // 1000} {service.name} {service.pid} {rows['VmRSS'].split()[0]} {len(os.listdir(f'{at}/fd'))} {rows['Threads'].strip()}\n")
        except (OSError, KeyError):
            pass                                         # it has just ended

    def effects(self, kind="keeper"):
        """How many lines all ledgers of a kind have; each is read once."""
        for name in os.listdir(self.folder):
            if name.endswith(".effects"):
                at, lines = self.counted.get(name, (0, 0))
                with open(os.path.join(self.folder, name), "rb") as file:
                    file.seek(at)
                    new = file.read()
                self.counted[name] = at + len(new), lines + new.count(b"\n")
        return sum(lines for name, (_, lines) in self.counted.items() if name.startswith(kind))

    def letters_written(self):
        """How many records the topic of dead letters has."""
        return sum(ends_of(self.brokers, [self.letters]).values())

    def has_property(self, name):
        page = subprocess.run([self.binary("faults_keeper"), "config", "--reference"], capture_output=True, text=True).stdout
        return name in page

    def wait_effects(self, more, seconds=30):
        """Until that many new lines stand in the ledgers of keepers."""
        want = self.effects() + more
        wait_for(lambda: f"{more} effects; {self.effects() - want + more} came", lambda: self.effects() >= want, seconds, pause=0.1)

    def wait_flowing(self, rate, seconds=90):
        """Until all partitions go on: no more is left than what two seconds bring."""
        wait_for(lambda: f"work to go on everywhere; {self.lag()} events are not finished", lambda: self.lag() < 2 * rate, seconds, pause=0.3)

    # ---- end ----

    def committed(self, kind):
        """{(topic, partition): offset} of what the coordinator has of that group."""
        consumer = wire.consumer_of(self.brokers, self.groups[kind])
        asked = [TopicPartition(READS[kind], partition) for partition in range(PARTITIONS)]
        found = wire.patiently(lambda: consumer.committed(asked, timeout=20))
        consumer.close()
        return {(at.topic, at.partition): max(at.offset, 0) for at in found}

    def lag(self):
        """What is not committed yet, of all groups."""
        left = 0
        for kind, topic in READS.items():
            if kind in self.groups:
                ends, committed = ends_of(self.brokers, [topic]), self.committed(kind)
                left += sum(ends[at] - offset for at, offset in committed.items())
        return left

    def wait_done(self, still_s=STILL_S):
        """Until all that was sent is committed; when nothing has moved for so long, that is what I7 will say."""
        best, heard = None, time.monotonic()
        while (left := self.lag()) > 0:
            if best is None or left < best:
                best, heard = left, time.monotonic()
            if time.monotonic() - heard > still_s:
                self.stuck_text = f"{left} events are not finished, and nothing has moved for {still_s} s"
                say(f"  {self.stuck_text}")
                return
            time.sleep(0.3)

    def term_all(self, seconds=20):
        """SIGTERM to all that run; the codes they end with. Each must drain."""
        running = [service for service in self.services if service.running()]
        for service in running:
            service.term()
        for service in running:
            service.end(0, seconds)

    def close(self):
        """Kills what still runs, and ends the feed."""
        self.sampling.set()
        for service in self.services:
            if service.running():
                service.cont()
                service.kill()
        if self.feed is not None:
            self.feed.rest()

    def _lost(self):
        """When each process said that its partitions were lost."""
        found = []
        for service in self.services:
            starts = iter(service.processes)
            process = None
            for row in service.lines(whole=True):
                if STARTED.search(row.get("message") or ""):
                    process = next(starts, process)
                if (row.get("message") or "").startswith(LOSSES):
                    found.append({"process": process, "at_us": micros(row["time"])})
        return found

    def versions(self):
        """Of polka and of the client library, as a service said them when it began."""
        said = (STARTED.search(row.get("message") or "") for service in self.services if service.starts for row in service.lines(whole=True))
        found = next(filter(None, said), None)
        return f"polka {found[1]}, librdkafka {found[2]}" if found else "unknown"

    def break_off(self):
        """The scenario cannot go on: nothing is sent or handled any more, and the brokers are there to be read."""
        self.close()
        self.cluster.revive()

    def _rest(self):
        """All that was measured stands in its ledger."""
        self.sampling.set()
        self.sampler.join(5)
        self.samples.close()
        self.feed.rest()

    def judge(self, whole=True):
        """
        Writes run.json, reads what stands in Kafka, and checks. whole: the scenario came to its end; else what was not finished yet is
        no violation. Returns the verdict.
        """
        if self.feed is None:
            raise Failed("it was broken off before anything was sent")
        first = {topic: [self.starts.get((topic, partition), 0) for partition in range(PARTITIONS)] for topic in (DEPOSITS, KEPT)}
        with open(os.path.join(self.folder, "run.json"), "w") as file:
            json.dump({"scenario": self.name, "seed": self.seed, "whole": whole, "groups": self.groups, "from": first, "claims": self.claims,
                       "faults": self.faults, "unreadable": self.unreadable, "processes": self.ends, "lost": self._lost(), "stuck": self.stuck_text}, file, indent=1)
        self._rest()
        with open(os.path.join(self.folder, "sent.ledger")) as file:
            poison = {row.split()[0] for row in file if row.split()[3] in POISON}
        ends = collect(self.brokers, self.folder, dict(self.starts), self.letters, poison.__contains__, set(self.groups.values()))
        if self.concurrent is not None:
            self.concurrent.end(ends)
            self.concurrent = None
        return Checker(self.folder).check()

    def forget(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def micros(text):
    """Of the time in a log line, 2026-01-02T03:04:05.678Z."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    import calendar
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 1000000 + int((fraction + "000000")[:6])
