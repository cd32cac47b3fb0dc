"""The table of a run, and RESULTS.md with a row for the last long form of each scenario."""
import fcntl
import os
import re
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "RESULTS.md")
HEAD = """# The last long form of each scenario: `tests/faults/run SCENARIO…|all --minutes M`

Each run puts its rows in the place of the last ones. A row that did not reach its figure has failed.

| scenario | figure to reach | result | figure reached | time | when, commit, build | versions, machine | seed |
|---|---|---|---|---|---|---|---|
"""


class Row:
    """One scenario: the figure to reach, and what was reached."""

    def __init__(self, name, wanted, skipped=None):
        self.name, self.wanted, self.figures, self.problems, self.skipped, self.seconds = name, wanted, {}, [], skipped, 0.0
        self.versions = "unknown"

    def result(self):
        return "FAILED" if self.problems else "skipped" if self.skipped else "passed"

    def said(self):
        if self.skipped:
            return self.skipped
        return ", ".join(f"{name.replace('_', ' ')} {value:,}" if isinstance(value, int) else f"{name.replace('_', ' ')} {value}" for name, value in self.figures.items())


def table(rows):
    lines = [f"{'scenario':<14} {'result':<8} {'time':>6}  reached"]
    return "\n".join(lines + [f"{row.name:<14} {row.result():<8} {row.seconds:>5.0f}s  {row.said()}" for row in rows])


def summary(rows, seconds, seed):
    """The last line of a run: what was skipped has not passed."""
    count = {result: [row.name for row in rows if row.result() == result] for result in ("passed", "FAILED", "skipped")}
    words = [f"{len(count['passed'])} of {len(rows)} scenarios passed"]
    words += [f"{len(count[result])} {result} ({', '.join(count[result])})" for result in ("FAILED", "skipped") if count[result]]
    return f"RESULT: {', '.join(words)} in {seconds:.0f} s, seed {seed}"


def _said_by(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def kafka_version():
    """Of the one that deploy/kafka starts."""
    with open(os.path.join(HERE, "..", "..", "deploy", "kafka", "up")) as file:
        return re.search(r"^version=(\S+)", file.read(), re.M)[1]


def _commit():
    changed = _said_by("git", "status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude,glob)**/RESULTS.md", ":(top,exclude,glob)**/results.json")
    return f"{_said_by('git', 'rev-parse', '--short', 'HEAD')}{' with changes' if changed else ''}"


def _cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def line_of(row, options):
    """Its row of the page."""
    with open("/etc/os-release") as file:
        system = next(each.split("=", 1)[1].strip().strip('"') for each in file if each.startswith("PRETTY_NAME"))
    reached = "; ".join(filter(None, [row.said(), *(f"**{problem}**" for problem in row.problems)]))
    cells = [row.name, row.wanted, row.result() if not row.problems else "**FAILED**", reached, f"{row.seconds:.0f} s",
             f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())}, {_commit()}, {os.path.basename(options.build)}",
             f"{row.versions}, Apache Kafka {kafka_version()}; {system}, {os.cpu_count()} cores", str(options.seed)]
    return f"| {' | '.join(map(_cell, cells))} |"


def keep(row, options, order, page=PAGE):
    """Puts the row in its place among the others, in `order`. What was skipped is no result, and leaves the one that stands."""
    with open(page, "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)                 # scenarios may run beside one another
        file.seek(0)
        lines = {line.split("|")[1].strip(): line.rstrip("\n") for line in file if line.startswith("| ")}
        if not row.skipped or row.name not in lines:
            lines[row.name] = line_of(row, options)
        file.truncate(0)
        file.write(HEAD + "".join(f"{lines[name]}\n" for name in order if name in lines))
