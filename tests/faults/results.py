"""The table of a run, and RESULTS.md of the long form."""
import os
import platform
import subprocess
import time

import confluent_kafka

HERE = os.path.dirname(os.path.abspath(__file__))


class Row:
    """One scenario: the figure to reach, and what was reached."""

    def __init__(self, name, wanted, skipped=None):
        self.name, self.wanted, self.figures, self.problems, self.skipped, self.seconds = name, wanted, {}, [], skipped, 0.0

    def result(self):
        return "FAILED" if self.problems else "skipped" if self.skipped else "passed"

    def said(self):
        if self.skipped:
            return self.skipped
        return ", ".join(f"{name.replace('_', ' ')} {value:,}" if isinstance(value, int) else f"{name.replace('_', ' ')} {value}" for name, value in self.figures.items())


def table(rows):
    lines = [f"{'scenario':<14} {'result':<8} {'time':>6}  reached"]
    return "\n".join(lines + [f"{row.name:<14} {row.result():<8} {row.seconds:>5.0f}s  {row.said()}" for row in rows])


def _said_by(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def write(rows, options, seconds):
    """RESULTS.md: date, versions, and the table."""
    with open("/etc/os-release") as file:
        system = next(row.split("=", 1)[1].strip().strip('"') for row in file if row.startswith("PRETTY_NAME"))
    lines = ["# The last long form of the fault suite: `tests/faults/run all --minutes`", "",
             f"Commit {_said_by('git', 'rev-parse', '--short', 'HEAD')}, {time.strftime('%Y-%m-%d', time.gmtime())}, {seconds / 60:.0f} minutes, seed {options.seed}.",
             f"{system}, {os.cpu_count()} cores, librdkafka {_said_by('pkg-config', '--modversion', 'rdkafka')}, Apache Kafka 4.3.1; the driver is Python "
             f"{platform.python_version()} with confluent-kafka {confluent_kafka.version()[0] if isinstance(confluent_kafka.version(), tuple) else confluent_kafka.version()}.", "",
             "| scenario | figure to reach | result | figure reached | time |", "|---|---|---|---|---|"]
    for row in rows:
        lines.append(f"| {row.name} | {row.wanted} | {row.result()} | {row.said()} | {row.seconds:.0f} s |")
    for row in rows:
        for problem in row.problems:
            lines += ["", f"- {row.name}: {problem}"]
    with open(os.path.join(HERE, "RESULTS.md"), "w") as file:
        file.write("\n".join(lines) + "\n")
