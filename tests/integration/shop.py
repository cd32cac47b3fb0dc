#!/usr/bin/env python3
"""The shop on a real Kafka, judged by an independent consumer; with --kill also while each service is killed in the middle of it."""
import argparse
import collections
import os
import random
import sys
import time

import orders as shop
from judge import judge
from support import SERVICES, SKIP, Bench, Emit, Failed, Progress, Skip, lag, say, wait_for
from wire import SCHEMAS, Reader

SHORT_SESSION = ("-X", "session.timeout.ms=6000")        # the least that a broker allows by default: so long it waits for a killed member


def expected_from(orders):
    """{source: how many distinct events it says}."""
    found = collections.Counter({"/polka/emit": len(orders)})
    for order in orders:
        for _, service, _ in shop.TREES[order.kind].values():
            found["/shop/" + service] += 1
    return found


class Killer:
    """Kills each service when it has said a given share of its events, and starts it again at once."""

    def __init__(self, bench, before, expected, rounds, seed):
        rng = random.Random(seed)
        self.bench, self.kills, self.due = bench, collections.Counter(), {}
        for name in SERVICES:
            first = before["/shop/" + name]
            self.due[name] = [first + int((expected["/shop/" + name] - first) * (turn + rng.uniform(0.2, 0.8)) / (rounds + 0.5)) for turn in range(rounds)]

    def look(self, progress):
        for name, due in self.due.items():
            if due and progress.by_source.get("/shop/" + name, 0) >= due[0]:
                due.pop(0)
                service = self.bench.services[name]
                service.kill()
                service.start(*SHORT_SESSION)
                self.kills[name] += 1

    def left(self):
        return sum(map(len, self.due.values()))


class Run:
    """One Kafka, five services, and all orders placed so far."""

    def __init__(self, bench, options):
        self.bench, self.options = bench, options
        self.orders, self.rows, self.expected = [], [], collections.Counter()
        bench.make_topics()
        self.groups = bench.groups()
        bench.start_all(*(SHORT_SESSION if options.kill else ()))
        self.ready_kb = {name: service.memory_kb() for name, service in bench.services.items()}
        self.reader = Reader(bench.brokers)
        self.progress = Progress(self.reader, shop.TOPICS, shop.LETTERS)

    @property
    def dead(self):
        return sum(order.kind == "dead" for order in self.orders)

    def place(self, seed, rate=None):
        made = shop.make(seed, self.options.orders, int(time.time() * 1000))
        kinds, expected = collections.Counter(order.kind for order in made), expected_from(made)
        self.orders += made
        self.expected += expected
        say(f"seed {seed}: {len(made)} orders: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) +
            f"; that calls for {sum(expected.values())} events and {kinds['dead']} dead letters")
        return Emit(self.bench, made, rate), sum(expected.values())

    def wait_ended(self, meanwhile=lambda: None):
        def ended():
            self.progress.look()
            meanwhile()
            return len(self.progress.seen) >= sum(self.expected.values()) and len(self.progress.letters) >= self.dead

        def so_far():
            by = self.progress.by_source
            behind = {source: f"{by.get(source, 0)} of {count}" for source, count in self.expected.items() if by.get(source, 0) < count}
            return f"all orders to end; so far {behind}, {len(self.progress.letters)} of {self.dead} letters"

        wait_for(so_far, ended, self.options.limit, pause=0)

    def wait_committed(self):
        wait_for(lambda: f"committed offsets = end of topics; lag: {lag(self.reader, self.groups)}", lambda: not lag(self.reader, self.groups), 30)
        say(f"  committed offsets = end of every partition, for {len(self.groups)} groups")

    def calm(self):
        """Orders as fast as they go, nothing disturbed: no duplicate at all."""
        say("calm:")
        emit, events = self.place(self.options.seed)
        self.wait_ended()
        took = time.monotonic() - emit.began
        self.rows += emit.rows()
        say(f"  placed in {emit.took:.2f} s ({self.options.orders / emit.took:.0f}/s); all ended {took:.2f} s after the first ({events / took:.0f} events/s)")
        for name, service in self.bench.services.items():
            say(f"  {name}: {service.memory_kb() / 1024:.1f} MiB resident ({self.ready_kb[name] / 1024:.1f} when ready), {service.cpu_s():.2f} s CPU")
        self.wait_committed()
        if self.progress.duplicates() > 0:
            raise Failed(f"{self.progress.duplicates()} duplicates in a calm run")

    def killing(self):
        """kill -9 of each service in the middle, and a new start at once: nothing lost."""
        say(f"kill -9 of each service, {self.options.kill} times:")
        before = collections.Counter(self.progress.by_source)
        emit, events = self.place(self.options.seed + 1, max(200, self.options.orders / 10))
        killer = Killer(self.bench, before, self.expected, self.options.kill, self.options.seed)
        self.wait_ended(lambda: killer.look(self.progress))
        took = time.monotonic() - emit.began
        self.rows += emit.rows()
        if killer.left():
            raise Failed(f"all was over before all kills were done: {killer.due}")
        say(f"  placed in {emit.took:.2f} s; all {events} events were there {took:.2f} s after the first; kills: {dict(killer.kills)}")
        self.wait_committed()

    def judged(self):
        """Stops the services and judges all that stands there."""
        say(f"SIGTERM: all five drained and ended with 0 within {self.bench.stop_all():.2f} s")
        topics = self.reader.topics()
        letters = sorted(name for name in topics if name.endswith(".dlt"))
        verdict = judge(self.reader.read_all([SCHEMAS, *shop.TOPICS, *letters]), self.orders, self.rows)
        report(verdict, topics)
        problems = verdict.errors + breakdowns(self.bench)
        behind = lag(self.reader, self.groups)
        if behind:
            problems.append(f"after the drain committed is not the end: {behind}")
        duplicates = sum(verdict.duplicates.values()) + verdict.letter_copies
        if self.options.kill and duplicates == 0:
            problems.append("not one duplicate: the kills met nobody at work, and so show nothing")
        if not self.options.kill:
            problems += complaints(self.bench)
            problems += [f"{duplicates} duplicates in a calm run"] if duplicates else []
        if problems:
            raise Failed("\n  ".join([f"{sum(verdict.wrong.values())} problems: {dict(verdict.wrong)}", *problems]))


def run(options):
    with Bench(options.build) as bench:
        one = Run(bench, options)
        one.calm()
        if options.kill:
            one.killing()
        one.judged()


def report(verdict, topics):
    say(f"judged independently: {verdict.records} records on {len(topics)} topics, {verdict.schemas} schemas, {verdict.letters} dead letters, "
        f"{verdict.derived} derived ids recomputed")
    for name, count in sorted(verdict.events.items()):
        say(f"  {count:7d} {name}")
    say(f"  duplicates by the service that said them: {dict(verdict.duplicates) or 'none'}; of letters: {verdict.letter_copies}" +
        (f"; with another time of handling in the value: {dict(verdict.changed)}" if verdict.changed else ""))


def breakdowns(bench):
    """What a sanitizer or the C library wrote into the logs."""
    words = ("Sanitizer", "runtime error", "Assertion", "corrupted", "double free")
    return [f"{service.name} broke down: {row['plain']}" for service in bench.services.values() for row in service.lines(whole=True)
            if any(word in row.get("plain", "") for word in words)]


def complaints(bench):
    """What the services logged beyond information and the letters of orders that are refused."""
    found = collections.Counter()
    for service in bench.services.values():
        for row in service.lines(whole=True):
            text = row.get("message") or row.get("plain") or ""
            if row.get("level") not in ("info", "debug") and not text.startswith("dead letter (dead)"):
                found[f"{service.name} {row.get('level', 'plain')}: {text}"] += 1
    return [f"logged {count} times: {text}" for text, count in found.most_common(12)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.environ.get("POLKA_BUILD"), help="the build folder, with bin/")
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--kill", type=int, nargs="?", const=3, default=0, metavar="ROUNDS", help="then as many orders again, while each service is killed so often (3)")
    parser.add_argument("--limit", type=float, default=180, help="seconds until the orders must have ended")
    options = parser.parse_args()
    if options.build is None:
        parser.error("--build or POLKA_BUILD")
    try:
        run(options)
    except Skip as why:
        say(f"skipped: {why}")
        return SKIP
    except Failed as why:
        say(f"FAILED: {why}")
        return 1
    say("passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
