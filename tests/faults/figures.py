"""Judges what is made of figures: when the long form ends, what it lacks, and the page that keeps its rows."""
import argparse
import os
import tempfile

import results
from span import LONG, SHORT, USUAL, Span
from suite import ORDER, scenario_of

OPTIONS = argparse.Namespace(build="/made/release", seed=7)


def _long_form():
    span = Span(LONG, 3600, {"kills": 2, "letters": 5})
    turns = 0
    while span.goes_on(kills=turns):     # letters are counted at the end
        turns += 1
    yield turns == 2, f"the long form made {turns} turns for 2 kills"
    yield span.missed({"kills": 1, "letters": 5}) == ["reached 1 of 2 kills"], f"kills that lack: {span.missed({'kills': 1, 'letters': 5})}"
    yield span.missed({"kills": 2}) == ["reached 0 of 5 letters"], f"letters that lack: {span.missed({'kills': 2})}"
    yield span.missed({"kills": 9, "letters": 5}) == [], "more than the least is enough"
    late = Span(LONG, 0, {"kills": 2})
    yield late.goes_on(kills=0) and not late.goes_on(kills=1), "the long form ends with its time"


def _other_forms():
    for form in (SHORT, USUAL):
        span = Span(form, 3600, {"kills": 2})
        yield span.goes_on(kills=9) and span.goes_on(kills=9) and span.missed({}) == [], f"the {form} form knows no least figures"


def _scenarios():
    for name in ORDER:
        scenario = scenario_of(name)
        yield scenario.LEAST and scenario.LONG_S > 0, f"{name} has no figures to reach in the long form"


def _row(name, problems=(), skipped=None, seconds=1.0):
    row = results.Row(name, "a figure | two", skipped)
    row.problems, row.seconds, row.figures = list(problems), seconds, {"kills": 1234}
    return row


def _page():
    with tempfile.TemporaryDirectory(prefix="polka-faults-") as folder:
        page = os.path.join(folder, "RESULTS.md")

        def keep(row):
            results.keep(row, OPTIONS, ("kill", "drain", "disk"), page)
            with open(page) as file:
                return file.read()

        keep(_row("drain"))
        keep(_row("kill", ["reached 9 of 20 kills"]))
        yield "| **FAILED** |" in (text := keep(_row("disk", skipped="not allowed here"))) and "**reached 9 of 20 kills**" in text, f"a failure is not told: {text}"
        rows = [line.split(" | ")[0] for line in text.splitlines()[-3:]]
        yield rows == ["| kill", "| drain", "| disk"], f"the page has the rows {rows}"
        text = keep(_row("kill", seconds=77))
        yield "FAILED" not in text and "| 77 s |" in text and text.count("\n| kill |") == 1, f"a row is not replaced: {text}"
        yield "kills 1,234" in keep(_row("kill", skipped="no iptables")), "a skip took the place of a result"


def _summary():
    text = results.summary([_row("kill"), _row("drain", ["lost"]), _row("disk", skipped="not allowed here")], 9, 7)
    yield text == "RESULT: 1 of 3 scenarios passed, 1 FAILED (drain), 1 skipped (disk) in 9 s, seed 7", text


def check():
    """The lines of what does not hold."""
    return [said for part in (_long_form, _other_forms, _scenarios, _page, _summary) for holds, said in part() if not holds]
