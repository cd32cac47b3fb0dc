#!/usr/bin/env python3
"""What is done to services and brokers under load, on a real Kafka, and whether the invariants I1 to I8 hold."""
import argparse
import importlib
import os
import random
import sys
import time
import traceback

from confluent_kafka import KafkaException

import isolated
import results
from span import LONG, SHORT, USUAL, Span
from stage import Cluster, Stage
from support import SKIP, Failed, Skip, say

ORDER = ("kill", "drain", "zombie", "poison", "slow", "stuck", "late", "held", "storm", "batch", "rights", "exactly_once", "brokers", "network", "disk")

MAIN = ("kill", "drain", "zombie", "poison", "brokers")              # of `run short`, which tests/run plays


def scenario_of(name):
    return importlib.import_module(f"scenarios.{name}")


def parse():
    parser = argparse.ArgumentParser(prog="tests/faults/run", description=__doc__, epilog="run planted [BUG…]: the planted bugs; run check FOLDER: the ledgers of an earlier run once more")
    parser.add_argument("scenarios", nargs="+", metavar="SCENARIO", help=f"all, short (the main ones, a few seconds each), or some of {' '.join(ORDER)}")
    parser.add_argument("--minutes", type=float, help="the long form: each until its figure is reached; so long at most for the work of all, shared out among them. Each row goes to RESULTS.md")
    parser.add_argument("--short", action="store_true", help="a few seconds each")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--brokers", type=int, choices=(1, 3), help="in place of what the scenarios ask for; with 1 a trial, and no proof")
    parser.add_argument("--cluster", help="a folder: the Kafka that runs there is used, or started, and left running; for trying one scenario again and again")
    parser.add_argument("--keep", action="store_true", help="keeps the ledgers of scenarios that passed, too")
    parser.add_argument("--build", default=os.environ.get("POLKA_BUILD"), help="the build folder, with bin/")
    options = parser.parse_args()
    if options.build is None:
        parser.error("--build or POLKA_BUILD")
    if options.scenarios == ["short"]:
        options.scenarios, options.short = list(MAIN), True
    options.scenarios = list(ORDER) if options.scenarios == ["all"] else options.scenarios
    for name in options.scenarios if options.scenarios[0] != "planted" else ():
        if name not in ORDER:
            parser.error(f"no scenario {name}; there are all {' '.join(ORDER)}")
    options.build = os.path.abspath(options.build)
    options.folder = os.path.join(options.build, "faults")
    options.run = f"{int(time.time())}"
    return options


def span_of(options, scenario):
    if options.minutes is not None:
        return Span(LONG, 60 * options.minutes * scenario.LONG_S / sum(scenario_of(name).LONG_S for name in options.scenarios), scenario.LEAST)
    return Span(SHORT, scenario.SHORT_S, {}) if options.short else Span(USUAL, scenario.USUAL_S, {})


def repeat(options, name):
    """The command that does it again."""
    how = f" --minutes {options.minutes:g}" if options.minutes is not None else " --short" if options.short else ""
    return f"POLKA_BUILD={os.path.relpath(options.build)} tests/faults/run {name}{how} --seed {options.seed}"


def judge(row, stage, whole=True):
    verdict = stage.judge(whole)
    row.figures.update(verdict.figures)
    row.problems += verdict.lines
    if verdict.wrong:
        row.problems.append(f"{sum(verdict.wrong.values())} violations: {dict(verdict.wrong)}")


def judge_broken_off(row, stage):
    """What was written down until then, so that the checker can be asked again; whatever that says stands behind why it was broken off."""
    try:
        stage.break_off()
        judge(row, stage, whole=False)
    except Exception as why:
        row.problems.append(f"the ledgers are not complete: {why!r}")


def play(options, cluster, name):
    """One scenario from beginning to judgement. Returns its row."""
    scenario, began = scenario_of(name), time.monotonic()
    span = span_of(options, scenario)
    say(f"{name}: {scenario.__doc__.splitlines()[0]} ({span.seconds:.0f} s of it{' at most' if span.long else ''})")
    stage = Stage(cluster, options, name, scenario.CLAIMS)
    row = results.Row(name, scenario.FIGURE)
    try:
        row.figures.update(scenario.play(stage, span) or {})
        judge(row, stage)
        row.problems += span.missed(row.figures)
    except (Skip, isolated.Refused) as why:
        row.skipped = str(why)
    except (Failed, OSError, RuntimeError, KafkaException) as why:
        at = traceback.extract_tb(why.__traceback__)[-1]
        row.problems = [f"{why!r}" if not isinstance(why, Failed) else str(why), f"in {os.path.basename(at.filename)}, line {at.lineno}: {at.line}"]
        judge_broken_off(row, stage)
    finally:
        stage.close()
    row.seconds, row.versions = time.monotonic() - began, stage.versions()
    say(f"{name}: {row.result()} in {row.seconds:.0f} s: {row.said()}")
    for problem in row.problems:
        say(f"  {problem}")
    if row.problems:
        say(f"  seed {options.seed}; ledgers and logs are in {stage.folder}; again: {repeat(options, name)}")
        say(f"  the checker alone: tests/faults/run check {stage.folder}")
    elif not options.keep:
        stage.forget()
    keep(row, options)
    return row


def keep(row, options):
    """Of the long form, on as many brokers as it asks for."""
    if options.minutes is not None and options.brokers is None:
        results.keep(row, options, ORDER)


def play_planted(options):
    """run planted [BUG…]"""
    from scenarios import planted
    cluster = cluster_of(options, 1)
    try:
        missed = planted.play_all(options, cluster.up(), options.scenarios[1:])
    finally:
        cluster.down()
    cluster.forget()
    print(f"RESULT: {missed} planted bugs were not found" if missed else "RESULT: the checker named every planted bug")
    return 1 if missed else 0


def cluster_of(options, count, own=""):
    lasting = f"{options.cluster}-{count}{own}" if options.cluster else None
    settings = getattr(scenario_of(own), "SETTINGS", ()) if own else ()
    return Cluster(lasting or os.path.join(options.folder, f"kafka{count}{own}-{options.run}"), count, lasting is not None, settings)


def has_own_cluster(name):
    return hasattr(scenario_of(name), "NAMESPACE") or hasattr(scenario_of(name), "SETTINGS")


def on_cluster(options, count, names, own=""):
    """The rows of scenarios on a cluster of their own."""
    cluster, rows = cluster_of(options, count, own), []
    if hasattr(scenario_of(names[0]), "before_up"):
        scenario_of(names[0]).before_up(cluster)
    try:
        cluster.up()
        rows = [play(options, cluster, name) for name in names]
    finally:
        cluster.down()
        if rows and not any(row.problems for row in rows):
            cluster.forget()
    return rows


def main():
    options = parse()
    say(f"seed {options.seed}")
    if options.scenarios[0] == "planted":
        return play_planted(options)
    rows, began = [], time.monotonic()
    shared = {}                                          # the scenarios that can have one cluster together
    for name in options.scenarios:
        shared.setdefault((options.brokers or scenario_of(name).BROKERS, name if has_own_cluster(name) else ""), []).append(name)
    for (count, own), names in shared.items():
        try:
            namespace = getattr(scenario_of(own), "NAMESPACE", None) if own else None
            rows += isolated.call(namespace, on_cluster, options, count, names, own) if namespace else on_cluster(options, count, names, own)
        except isolated.Refused as why:
            rows.append(results.Row(own, scenario_of(own).FIGURE, skipped=f"not allowed here: {why}"))
            keep(rows[-1], options)
        except Skip as why:
            say(f"skipped: {why}")
            return SKIP
    print(results.table(rows))
    print(results.summary(rows, time.monotonic() - began, options.seed))
    return 1 if any(row.problems for row in rows) else SKIP if all(row.skipped for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
