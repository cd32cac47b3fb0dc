#!/usr/bin/env python3
"""shop.OrderPlaced through four versions in the running shop, on a real Kafka and a real registry: payments of all versions side by side in
one group while orders of all versions flow, also while the registry is away; then the same by fingerprints; and what a person is told
when the fifth version breaks a reader."""
import argparse
import collections
import json
import os
import random
import re
import socket
import sys
import threading
import time
import urllib.request

from confluent_kafka.admin import NewTopic

import orders as shop
from judge import judge
from shop import breakdowns
from support import SKIP, Bench, Emit, Failed, Progress, Registry, Service, Skip, lag, say, wait_for
from variants import UNKNOWN, VERSIONS, Builder, Order
from wire import SCHEMAS, Reader, Registry as Ids, Schemas

SEEN = "shop.seen"
LEVEL = "FULL_TRANSITIVE"
LONG = "double, which cannot be read as long"


class Door:
    """A port before the registry. Shut, it refuses connections, and those that stand are cut."""

    def __init__(self, url):
        self.to = int(re.search(r":(\d+)/", url)[1])
        self.port, self.listener, self.open_ones = 0, None, []
        self.open()
        self.url = url.replace(f":{self.to}/", f":{self.port}/")

    def open(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def shut(self):
        for each in (self.listener, *self.open_ones):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()
        self.open_ones.clear()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            self.open_ones += [client, server]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class ByOrder(Progress):
    """Counts distinct events by the order they belong to."""

    def __init__(self, *arguments):
        self.of = collections.Counter()
        super().__init__(*arguments)

    def _take(self, message):
        before = len(self.seen)
        super()._take(message)
        if len(self.seen) > before:
            self.of[message.key().decode()] += 1


# ---- the run

class Run:
    def __init__(self, bench, builder, options):
        self.bench, self.builder, self.options = bench, builder, options
        self.rng, self.orders, self.followers, self.rows = random.Random(options.seed), [], [], []
        self.framing, self.ids = {}, None                # of polka emit; the registry's
        self.by_id = {}                                  # {(topic, partition): where the values with ids end}
        self.reader = Reader(bench.brokers)
        bench.services.pop("payments")
        self.readers = {version: f"payments_v{version}" for version in VERSIONS}
        for name in self.readers.values():
            bench.services[name] = Service(bench, name, builder.binary(name, *(f"v{each}" for each in VERSIONS)))
        bench.make_topics()
        for each in self.reader.admin.create_topics([NewTopic(SEEN, 4, 1)]).values():
            each.result(20)
        self.groups = bench.groups()
        self.progress = ByOrder(self.reader, (*shop.TOPICS, SEEN), shop.LETTERS)

    def payments(self, version):
        return self.bench.services[self.readers[version]]

    def start(self, *versions):
        for version in versions:
            self.payments(version).start()
        for version in versions:
            self.payments(version).wait_state("ready")

    def stop(self, *versions):
        for version in versions:
            self.payments(version).term()
        for version in versions:
            self.payments(version).end(0, 40)

    def start_others(self):
        others = [service for name, service in self.bench.services.items() if not name.startswith("payments")]
        for service in others:
            service.start()
        for service in others:
            service.wait_state("ready")

    def make(self, version, count):
        made = [order for order in shop.make(self.rng.getrandbits(32), 2 * count + 8, int(time.time() * 1000)) if order.kind != "dead"][:count]
        return [Order(order, version, self.rng) for order in made]

    def emit(self, orders):
        """Writes each by `polka emit` of its version's project, all versions at once; returns when the broker has them."""
        by = collections.defaultdict(list)
        for order in orders:
            by[order.version].append(order)
        under_way = [Emit(self.bench, some, project=self.builder.project(version), environment=self.framing) for version, some in by.items()]
        return [row for each in under_way for row in each.rows()]

    def place(self, count, versions=VERSIONS):
        made = [order for version in versions for order in self.make(version, count)]
        self.rows += self.emit(made)
        self.orders += made
        return made

    def wait_ended(self, orders, what, limit=90):
        """Every order has all its events: those of its kind, and what payments saw."""
        def left():
            self.progress.look()
            return [order for order in orders if self.progress.of[order.id] < shop.LENGTH[order.kind] + 1]

        wait_for(lambda: f"{what}: {len(left())} of {len(orders)} orders have not ended", lambda: not left(), limit, pause=0)

    def wait_committed(self):
        wait_for(lambda: f"committed offsets = end of topics; lag: {lag(self.reader, self.groups)}", lambda: not lag(self.reader, self.groups), 40)

    # ---- acts

    def rolling(self, count):
        """payments v1, then v2 beside it, … all four side by side, then the oldest leave: orders of all versions flow all the time"""
        self.start_others()
        for version in VERSIONS:
            self.start(version)
            self.place(count)
        for version in VERSIONS[:2]:
            self.stop(version)
            self.place(count)
        self.wait_ended(self.orders, "rolling")
        say(f"  {len(self.orders)} orders of {len(VERSIONS)} versions have ended")

    def outage(self, door, count):
        """the registry is away: known ids flow, also into a service that starts meanwhile; an unknown id waits, and its key with it"""
        door.shut()
        self.start(2)
        strangers = self.make(UNKNOWN, count)
        self.rows += self.emit(strangers)
        self.orders += strangers
        leaders = [order for order in strangers if order.kind == "shipped"][:5]
        followers = [Order(shop.Order("shipped", {**leader.value, "note": None, "total": 500000 - number}, None), 4, self.rng) for number, leader in enumerate(leaders)]
        for follower in followers:
            follower.value.pop("parcels")
        self.followers += followers
        self.emit(followers)
        known = self.place(count)
        self.wait_ended(known, "known ids while the registry is away")
        readers = [self.payments(version) for version in (2, 3, 4)]
        wait_for("a service to say that it waits", lambda: any(service.says("cannot be looked for") for service in readers), 40)
        early = [order.id for order in strangers if self.progress.look().of[order.id] != 1 + (order in leaders)]
        if early:
            raise Failed(f"of these orders something went on, though nobody could know their schema or what they wait behind: {early}")
        message = next(row["message"] for service in readers for row in service.says("cannot be looked for"))
        say(f"  {len(known)} orders by known ids have ended; {len(strangers)} by an unknown id wait, and {len(followers)} behind them: \"{message}\"")
        door.open()
        began = time.monotonic()
        self.wait_ended([order for order in strangers if order not in leaders], "the unknown id after the registry is back")
        wait_for("the keys that waited", lambda: all(self.progress.look().of[order.id] >= 2 * 7 for order in leaders), 60, pause=0)
        say(f"  the registry is back: all of them have ended after {time.monotonic() - began:.1f} s")
        self.wait_committed()

    def by_fingerprint(self, count):
        """single-object framing, schemas on polka.schemas, no registry: all four side by side"""
        self.bench.stop_all()
        self.by_id = self.reader.ends((*shop.TOPICS, SEEN))
        self.bench.arguments, self.framing = (), {}
        self.start_others()
        self.start(*VERSIONS)
        placed = self.place(count)
        self.wait_ended(placed, "by fingerprint")
        say(f"  {len(placed)} orders of {len(VERSIONS)} versions have ended")

    # ---- the verdict

    def judged(self):
        self.wait_committed()
        self.bench.stop_all()
        topics = self.reader.topics()
        letters = sorted(name for name in topics if name.endswith(".dlt"))
        dead = {at: end for at, end in self.reader.ends(letters).items() if end}
        records = self.reader.read_all([SCHEMAS, *shop.TOPICS])
        verdict = judge(records, [order for order in self.orders if order.id not in self.shared()], self._singular_rows(), {key.encode() for key in self.shared()}, self.ids)
        problems = verdict.errors + breakdowns(self.bench) + self._order_of_keys(records) + ([f"dead letters: {dead}"] if dead else [])
        problems += [f"{each.where} begins with {each.value[:2]!r}" for each in records if each.topic != SCHEMAS and
                     each.value[:2] != b"\xc3\x01" and (each.value[:1] != b"\0" or each.offset >= self.by_id[each.topic, each.partition])]
        framings = collections.Counter("an id" if each.value[0] == 0 else "a fingerprint" for each in records if each.topic != SCHEMAS)
        if framings["an id"] != sum(end for (topic, _), end in self.by_id.items() if topic != SEEN):
            problems.append(f"not all that was said with the registry carries an id: {dict(framings)}")
        pairs, more = self._seen(Schemas([each for each in records if each.topic == SCHEMAS], self.ids))
        problems += more
        if problems:
            raise Failed("\n  ".join([f"{sum(verdict.wrong.values())} problems: {dict(verdict.wrong)}", *problems[:12]]))
        return verdict, pairs, letters, framings

    def shared(self):
        """The keys of which there are two orders."""
        return {order.id for order in self.followers}

    def _singular_rows(self):
        keys = {order.id for order in self.orders} - self.shared()
        ids = {record.header("ce_id") for record in self.reader.read_all(["shop.orders"]) if record.key.decode() in keys and record.header("ce_type") == "shop.OrderPlaced"}
        return [row for row in self.rows if row["id"] in ids]

    def _order_of_keys(self, records):
        """Of two orders with one key, the one that waited was paid first."""
        schemas, paid = Schemas([], self.ids), collections.defaultdict(dict)
        for each in records:
            if each.key and each.key.decode() in self.shared() and each.header("ce_type") == "shop.PaymentAuthorised":
                paid[each.key.decode()].setdefault(each.header("ce_id"), (each.offset, schemas.decode(each)[1]["amount"]))
        wanted = {order.id: [next(each for each in self.orders if each.id == order.id).value["total"], order.value["total"]] for order in self.followers}
        found = {key: [amount for _, amount in sorted(rows.values())] for key, rows in paid.items()}
        return [f"key {key}: paid {found.get(key)}, not {both}" for key, both in wanted.items() if found.get(key) != both]

    def _seen(self, schemas):
        """({(version written, version that read): how often}, what is wrong)."""
        orders, pairs, problems, ids = collections.defaultdict(list), collections.Counter(), [], set()
        for order in (*self.orders, *self.followers):
            orders[order.id].append(order)
        told = collections.defaultdict(set)
        for each in self.reader.read_all([SEEN]):
            _, value, _ = schemas.decode(each)
            if each.identity() in ids:
                continue                                 # a copy after a rebalance; another version may have said it
            ids.add(each.identity())
            match = next((order for order in orders[value["order_id"]] if order.seen_by(value["reader"]) == value and order.version not in told[order.id]), None)
            if match is None:
                problems.append(f"{each.where}: {value}, not {[order.seen_by(value['reader']) for order in orders[value['order_id']]]}")
                continue
            told[match.id].add(match.version)
            pairs[match.version, value["reader"]] += 1
        missing = [key for key, some in orders.items() if told[key] != {order.version for order in some}]
        problems += [f"{len(missing)} orders were not seen as they should be: {missing[:3]}"] if missing else []
        problems += [f"no order of version {writer} was read by payments of version {reader}" for writer in VERSIONS for reader in VERSIONS if not pairs[writer, reader]]
        return pairs, problems


# ---- the fifth version

def show(title, text):
    say(title)
    for row in text.strip().splitlines():
        print("    | " + row, flush=True)


def must_say(text, *words):
    for each in words:
        if each not in text:
            raise Failed(f"this should have said '{each}':\n{text}")


def refused_by_the_build(builder):
    said = builder.make("broken", code=1)
    words = "\n".join(row for row in said.splitlines() if not re.match(r"\[|FAILED|ninja|cd |/|Change Dir|Run Build", row))
    must_say(words, "order_placed.v5.avsc", LEVEL, "shop.OrderPlaced v5 cannot read what v4 wrote", "'country'", "shop.OrderPlaced v4 cannot read what v5 wrote", LONG)
    show("the build of version 5 is refused:", words.replace(builder.folder + "/", ""))


def refused_by_the_check(bench, builder):
    files = [os.path.relpath(builder.schema("broken", number), builder.folder) for number in (1, 2, 3, 4, 5)]
    others = [part for name in ("currency", "order_line") for part in ("--with", f"broken/schemas/shop/{name}.v1.avsc")]
    done = bench.polka("schema", "check", "--level", LEVEL, *files, *others, code=1, project=builder.folder)
    answer = json.loads(bench.polka("schema", "check", "--format", "json", "--level", LEVEL, *files, *others, code=1, project=builder.folder).stdout)
    if answer["compatible"] or answer["first_broken"] != 5:
        raise Failed(f"schema check: {answer}")
    must_say(done.stdout, "version 5", LEVEL, "'country'", LONG)
    show(f"polka schema check --level {LEVEL}, exit 1:", done.stdout)


def refused_by_the_registry(bench, builder, registry):
    """The level of the folder was turned off, so it builds; the registry does not let it start."""
    builder.make("forced")
    service = Service(bench, "storefront", builder.binary("storefront_forced", "forced"))
    bench.services["storefront"] = service
    service.start("--framing", "confluent", "--schemas.registry.url", registry.url, "--schemas.register", "always")
    service.end(2, 40)
    said = [row.get("message") or row.get("plain") for row in service.lines()]
    must_say(said[-1], "shop.OrderPlaced", registry.url, "refuses")
    show("storefront with version 5, built though (compatibility: NONE), is refused by the registry at its start, exit 2:", said[-1])
    if service.state("ready"):
        raise Failed("storefront was ready, although the registry refuses its schema")
    emitted = bench.polka("emit", "shop.OrderPlaced", "--sample", "--brokers", bench.brokers, code=1, project=os.path.join(builder.folder, "broken"),
                          environment={"POLKA_FRAMING": "confluent", "POLKA_SCHEMAS_REGISTRY_URL": registry.url}).stderr
    must_say(emitted, "subject shop.OrderPlaced", "refuses")
    show("polka emit, exit 1:", emitted)
    with urllib.request.urlopen(f"{registry.url}/subjects/shop.OrderPlaced/versions", timeout=20) as answer:
        found = json.load(answer)
    if found != [1, 2, 3, 4, 5]:                         # ours, and that of the other team
        raise Failed(f"the registry has versions {found} of shop.OrderPlaced")


# ---- all

def evolve(options):
    began = time.monotonic()
    builder = Builder(os.path.abspath(options.build))
    builder.make(*(f"v{version}" for version in VERSIONS))
    say(f"payments built with {len(VERSIONS)} versions of shop.OrderPlaced after {time.monotonic() - began:.1f} s; seed {options.seed}")
    with Bench(options.build) as bench:
        registry = Registry(bench.folder)
        try:
            registry.up()
            bench.polka("schema", "level", "--set", LEVEL, "--execute", "--registry", registry.url)
            run(options, bench, builder, registry)
            refused_by_the_build(builder)
            refused_by_the_check(bench, builder)
            refused_by_the_registry(bench, builder, registry)
        finally:
            registry.down()


def run(options, bench, builder, registry):
    one, door = Run(bench, builder, options), Door(registry.url)
    one.ids = Ids(registry.url, door.url)
    bench.arguments = ("--framing", "confluent", "--schemas.registry.url", door.url, "--schemas.cache", os.path.join(bench.folder, "cache"), "-X", "session.timeout.ms=6000")
    one.framing = {"POLKA_FRAMING": "confluent", "POLKA_SCHEMAS_REGISTRY_URL": registry.url}
    for title, act in (("side by side, with a registry", one.rolling), ("without the registry", lambda count: one.outage(door, count)),
                       ("side by side, by fingerprint", one.by_fingerprint)):
        began = time.monotonic()
        say(title + ":")
        act(options.orders)
        say(f"  {time.monotonic() - began:.1f} s")
    found = one.judged()
    one.progress.close()
    one.reader.close()
    report(one, *found)


def report(one, verdict, pairs, letters, framings):
    written = collections.Counter(order.version for order in (*one.orders, *one.followers))
    say(f"judged independently: {sum(written.values())} orders, {sum(verdict.events.values())} events, of them {dict(framings)}; "
        f"0 records on {len(letters)} dead letter topics; "
        f"duplicates after rebalances: {dict(verdict.duplicates) or 'none'}")
    for writer in (*VERSIONS, UNKNOWN):
        by = ", ".join(f"v{reader} {pairs[writer, reader]}" for reader in VERSIONS)
        say(f"  {written[writer]:4d} orders of {'an unknown version' if writer == UNKNOWN else f'version {writer}'}, read by payments {by}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.environ.get("POLKA_BUILD"), help="the build folder, with bin/")
    parser.add_argument("--orders", type=int, default=25, help="of each version at each step")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    if options.build is None:
        parser.error("--build or POLKA_BUILD")
    began = time.monotonic()
    try:
        evolve(options)
    except Skip as why:
        say(f"skipped: {why}")
        return SKIP
    except Failed as why:
        say(f"FAILED: {why}")
        return 1
    say(f"passed in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
