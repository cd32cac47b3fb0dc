#!/usr/bin/env python3
"""Judges the checker on made-up ledgers: a run without a fault is accepted, and each planted fault is named; and what is made of its figures. Needs no Kafka."""
import json
import os
import sys
import tempfile

import figures
import wire
from checker import DEPOSITS, REACTION, SOURCE, Checker
from feed import value_of
from ledgers import Letter

GROUP, AUDITOR, START_MS = "keeper.made", "auditor.made", 1800000000000
PARTITIONS, KEYS, EACH, POISON_AT = 2, 6, 20, 7
UNREAD = (40, 44)                        # offsets of partition 0 that nobody can read


class Made:
    """The ledgers of a run as lists, to be changed and then written."""

    def __init__(self):
        self.run = {"scenario": "made", "groups": {"keeper": GROUP, "auditor": AUDITOR}, "from": {DEPOSITS: [0] * PARTITIONS, "faults.kept": [0] * PARTITIONS},
                    "claims": {"redelivered": 0, "regroups": False, "letter_copies": 0}, "lost": [], "stuck": None,
                    "unreadable": [{"partition": 0, "from": UNREAD[0], "to": UNREAD[1], "kind": "made", "noticed_us": START_MS * 1000, "within_s": 1}],
                    "faults": [{"what": "a pause", "at_us": (START_MS + 40) * 1000, "healed_us": (START_MS + 60) * 1000, "within_s": 1}]}
        self.sent, self.deposits, self.kept, self.commits, self.samples, self.letters, self.originals = [], [], [], [], [], [], []
        self.effects = {"keeper-1-71": [], "auditor-1-72": []}
        ends = [0] * PARTITIONS
        for number in range(KEYS * EACH):
            key, sequence = number % KEYS, number // KEYS
            partition, time, event = key % PARTITIONS, START_MS + 2 * number, f"made-{number}"
            kind = "dead" if number % 40 == POISON_AT else "keep"
            self.sent.append([event, f"k{key}", sequence, kind])
            self.deposits.append([partition, ends[partition], time, event])
            unread = partition == 0 and UNREAD[0] <= ends[0] < UNREAD[1]
            if unread:
                if ends[0] == UNREAD[1] - 1:
                    self._letter_of_range(time)
            elif kind == "dead":
                self._letter(partition, ends[partition], time, event, f"k{key}", sequence)
            else:
                row = [event, f"k{key}", sequence, time * 1000 + 100, time * 1000 + 200, 1]
                self.effects["keeper-1-71"].append(row)
                emission = wire.derived_id(SOURCE, event, "keeper", REACTION, "faults.Kept", "0")
                self.kept.append([partition, sum(each[0] == partition for each in self.kept), time + 1, event, emission, f"k{key}", sequence, 71])
                self.effects["auditor-1-72"].append([event, f"k{key}", sequence, time * 1000 + 1500, time * 1000 + 1600, 1])
            ends[partition] += 1
            if not unread or ends[0] == UNREAD[1]:
                self.commits.append([time + 1, GROUP, DEPOSITS, partition, ends[partition]])
        for partition in range(PARTITIONS):
            self.commits.append([START_MS + 100000, AUDITOR, "faults.kept", partition, sum(each[0] == partition for each in self.kept)])
        self.concurrent = [[row[0], row[1], row[3]] for row in self.kept]
        for second in range(60):
            self.samples.append([(START_MS + 1000 * second) * 1000, "keeper-1", 71, 20000 + second, 20, 8])

    def _letter(self, partition, offset, time, event, key, sequence):
        value = value_of(event, key, sequence, 0, "dead")
        headers = [("ce_id", event.encode()), ("ce_source", SOURCE.encode()), ("ce_type", b"faults.Deposited")]
        self.originals.append(Letter(DEPOSITS, partition, offset, time, key.encode(), value, headers))
        added = self._added(partition, offset, time, REACTION, "handler", "dead")
        self.letters.append(Letter(f"{DEPOSITS}.{GROUP}.dlt", 0, len(self.letters), time, key.encode(), value, headers + added))

    def _letter_of_range(self, time):
        added = self._added(0, UNREAD[0], 0, "-", "poison", "unreadable-batch")
        added += [("polka-value-omitted", b"unreadable"), ("polka-range-from", b"%d" % UNREAD[0]), ("polka-range-to", b"%d" % UNREAD[1])]
        self.letters.append(Letter(f"{DEPOSITS}.{GROUP}.dlt", 0, len(self.letters), time, None, None, added))

    def _added(self, partition, offset, time, reaction, error_class, code):
        text = {"polka-letter-id": f"{GROUP}/{DEPOSITS}/{partition}/{offset}/{reaction}", "polka-original-topic": DEPOSITS,
                "polka-original-partition": str(partition), "polka-original-offset": str(offset), "polka-original-timestamp": str(time),
                "polka-consumer-group": GROUP, "polka-handler": reaction, "polka-error-class": error_class, "polka-error-code": code,
                "polka-error-message": "refused", "polka-attempts": "1", "polka-first-failed-at": "2026-01-02T03:04:05.678Z"}
        spring = {"kafka_dlt-original-topic": DEPOSITS.encode(), "kafka_dlt-original-partition": partition.to_bytes(4, "big"),
                  "kafka_dlt-original-offset": offset.to_bytes(8, "big"), "kafka_dlt-original-timestamp": time.to_bytes(8, "big"),
                  "kafka_dlt-original-timestamp-type": b"CreateTime", "kafka_dlt-original-consumer-group": GROUP.encode(),
                  "kafka_dlt-exception-fqcn": f"polka.{code}".encode(), "kafka_dlt-exception-message": b"refused"}
        return [(name, value.encode()) for name, value in text.items()] + list(spring.items())

    def write(self, folder):
        def rows(name, lines):
            with open(os.path.join(folder, name), "w") as file:
                file.writelines(f"{line}\n" for line in lines)

        with open(os.path.join(folder, "run.json"), "w") as file:
            json.dump(self.run, file)
        for name in ("sent", "deposits", "kept", "concurrent", "commits", "samples"):
            rows(f"{name}.ledger", (" ".join(map(str, row)) for row in getattr(self, name)))
        for name, lines in self.effects.items():
            rows(f"{name}.effects", (" ".join(map(str, row)) for row in lines))
        rows("letters.json", (letter.to_json() for letter in self.letters))
        rows("originals.json", (record.to_json() for record in self.originals))

    def keeper(self, event):
        return next(row for row in self.effects["keeper-1-71"] if row[0] == event)

    def swap(self, one, other, name="keeper-1-71"):
        """The effects of two events in each other's place and time."""
        rows = self.effects[name]
        a, b = (next(place for place, row in enumerate(rows) if row[0] == event) for event in (one, other))
        rows[a], rows[b] = rows[b][:3] + rows[a][3:], rows[a][:3] + rows[b][3:]

    def range(self):
        """The letter of the batch that nobody can read."""
        return next(letter for letter in self.letters if letter.value is None)

    def letter_header(self, name, value, letter=None):
        letter = letter or self.letters[0]
        letter.headers = [(key, value if key == name else old) for key, old in letter.headers]


def again_in_another_process(made):
    made.effects["keeper-2-73"] = [list(made.keeper("made-10"))]


def again_in_the_same(made):
    made.run["claims"]["redelivered"] = 100
    row = list(made.keeper("made-10"))
    made.effects["keeper-1-71"].append(row[:3] + [row[3] + 10**6, row[4] + 10**6, 1])


def read_after_all(made):
    """A record of the batch that nobody can read is handled, and told on."""
    row = ["made-82", "k4", 13, (START_MS + 200) * 1000, (START_MS + 200) * 1000, 1]
    made.effects["keeper-1-71"].append(row)
    made.effects["auditor-1-72"].append(row)
    made.kept.append([0, 900, START_MS + 200, "made-82", wire.derived_id(SOURCE, "made-82", "keeper", REACTION, "faults.Kept", "0"), "k4", 13, 71])


def another_letter(made):
    copy = Letter.from_json(made.letters[0].to_json())
    copy.headers = [(name, value.replace(b"/0/", b"/1/") if name == "polka-letter-id" else value) for name, value in copy.headers]
    made.letters.append(copy)


def late_send(made):
    made.run["lost"] = [{"process": 71, "at_us": made.keeper("made-12")[3] + 10}]
    made.keeper("made-12")[4] += 5000
    next(row for row in made.kept if row[3] == "made-12")[2] += 5000


def late_send_and_again(made):
    """The process gets the partition back and does it again, later than the late send."""
    late_send(made)
    made.run["claims"].update(redelivered=None, regroups=True)
    row = list(made.keeper("made-12"))
    made.effects["keeper-1-71"].append(row[:3] + [row[3] + 9 * 10**6, row[4] + 9 * 10**6, 1])


def without(rows, event, column=0):
    rows.remove(next(row for row in rows if row[column] == event))


def out_of_order(made):
    """Two keys change places in a partition: each for itself has its order."""
    made.run["claims"].update(emission_copies=0, exact_order=True)
    a, b = (next(row for row in made.kept if row[3] == event) for event in ("made-12", "made-14"))
    a[3:], b[3:] = b[3:], a[3:]
    made.concurrent = [[row[0], row[1], row[3]] for row in made.kept]


def broken_off(made):
    """The last of a partition was sent, and handled by nobody yet."""
    made.run["whole"] = False
    last = made.sent[-1][0]
    without(made.effects["keeper-1-71"], last)
    without(made.effects["auditor-1-72"], last)
    without(made.kept, last, 3)
    made.commits.remove(next(row for row in reversed(made.commits) if row[1] == GROUP))


def broken_off_and_committed(made):
    commit = next(row for row in reversed(made.commits) if row[1] == GROUP)
    broken_off(made)
    made.commits.append(commit)


def in_one_transaction(made):
    """Letter and offset: which of them the broker had first says nothing."""
    made.run["claims"].update(emission_copies=0, exact_order=True)
    made.letters[0].timestamp += 50


def without_work_for_long(made):
    """Its first event comes 40 s after its start, and with it the memory of a full budget."""
    for second, row in enumerate(made.samples):
        row[0] -= 40 * 10**6
        row[3] = 20000 if second < 41 else 40000


ACCEPTED = {"a run without a fault": lambda made: None, "a run that was broken off": broken_off, "a letter after the offset of its transaction": in_one_transaction,
            "memory of a process whose work begins late": without_work_for_long}
PLANTED = {                              # what was done: the invariant that must be named, and how it is done
    "an acknowledged event has no effect": ("I1", lambda made: without(made.effects["keeper-1-71"], "made-30")),
    "an acknowledged event is not in the topic": ("I1", lambda made: made.sent.append(["made-gone", "k0", 99, "keep"])),
    "an emission is lost": ("I1", lambda made: without(made.kept, "made-30", 3)),
    "an effect of nobody": ("I1", lambda made: made.effects["keeper-1-71"].append(["made-x", "k9", 0, START_MS * 1000, START_MS * 1000, 1])),
    "an emission reaches no auditor": ("I1", lambda made: without(made.effects["auditor-1-72"], "made-30")),
    "poison has an effect": ("I1", lambda made: made.effects["keeper-1-71"].append([f"made-{POISON_AT}", "k1", 1, START_MS * 1000, START_MS * 1000, 1])),
    "an effect twice, in two processes": ("I2", again_in_another_process),
    "an emission under another id": ("I2", lambda made: made.kept[5].__setitem__(4, "11111111-1111-8111-8111-111111111111")),
    "an emission twice under exactly-once": ("I2", lambda made: (made.run["claims"].update(emission_copies=0), made.kept.append([0, 999, *made.kept[-1][2:]]))),
    "an emission twice for the reader that read along": ("I2", lambda made: (made.run["claims"].update(emission_copies=0), made.concurrent.append(list(made.concurrent[3])))),
    "an emission that the reader who read along never saw": ("I1", lambda made: (made.run["claims"].update(emission_copies=0), made.concurrent.pop())),
    "two effects of a key change places": ("I3", lambda made: made.swap("made-12", "made-18")),
    "an effect again in a process that kept its partitions": ("I3", again_in_the_same),
    "two emissions of a key change places": ("I3", lambda made: (lambda a, b: (a.__setitem__(slice(3, 8), b[3:]), b.__setitem__(slice(3, 8), old)) if (old := a[3:]) else None)(
        next(row for row in made.kept if row[3] == "made-12"), next(row for row in made.kept if row[3] == "made-18"))),
    "two keys change places where exact order is claimed": ("I3", out_of_order),
    "a commit passes an event that nobody handled in a run that was broken off": ("I4", broken_off_and_committed),
    "a commit passes an event under way": ("I4", lambda made: made.keeper("made-20").__setitem__(4, (START_MS + 2 * 20 + 9) * 1000)),
    "a commit passes an emission under way": ("I4", lambda made: next(row for row in made.kept if row[3] == "made-20").__setitem__(2, START_MS + 2 * 20 + 9)),
    "a commit passes a letter under way": ("I4", lambda made: setattr(made.letters[0], "timestamp", made.letters[0].timestamp + 50)),
    "the last commit is missing": ("I4", lambda made: [made.commits.remove(row) for row in made.commits[-PARTITIONS - 2:-PARTITIONS]]),
    "a letter is lost": ("I5", lambda made: made.letters.pop()),
    "a letter lacks its last byte": ("I5", lambda made: setattr(made.letters[0], "value", made.letters[0].value[:-1])),
    "a letter lacks a header of its record": ("I5", lambda made: made.letters[0].headers.pop(0)),
    "a letter with another code": ("I5", lambda made: made.letter_header("polka-error-code", b"bad-bytes")),
    "a letter with another id": ("I5", another_letter),
    "a letter twice where none is claimed": ("I5", lambda made: made.letters.append(made.letters[0])),
    "a letter of a good event": ("I5", lambda made: made.sent.__setitem__(POISON_AT, made.sent[POISON_AT][:3] + ["keep"])),
    "the letter of an unreadable batch is lost": ("I5", lambda made: made.letters.remove(made.range())),
    "an unreadable batch, and its range lacks a record": ("I5", lambda made: made.letter_header("polka-range-to", b"%d" % (UNREAD[1] - 1), made.range())),
    "an unreadable batch, and its range has one more": ("I5", lambda made: made.letter_header("polka-range-to", b"%d" % (UNREAD[1] + 1), made.range())),
    "an unreadable batch with a letter that has bytes": ("I5", lambda made: setattr(made.range(), "value", b"x")),
    "a letter of an unreadable batch twice": ("I5", lambda made: made.letters.append(made.range())),
    "an effect of a record that nobody can read": ("I1", read_after_all),
    "a commit passes an unreadable batch whose letter is under way": ("I4", lambda made: setattr(made.range(), "timestamp", made.range().timestamp + 50)),
    "the letter of an unreadable batch comes late": ("I7", lambda made: made.run["unreadable"][0].update(noticed_us=START_MS * 1000 - 10**6)),
    "a commit goes back": ("I6", lambda made: made.commits.insert(40, [START_MS + 45, GROUP, DEPOSITS, 0, 2])),
    "a send after the loss was known": ("I6", late_send),
    "a send after the loss was known, and the event done again later": ("I6", late_send_and_again),
    "no effect for long after a fault": ("I7", lambda made: made.run["faults"][0].update(within_s=0.0001)),
    "nothing moves any more": ("I7", lambda made: made.run.update(stuck="3 events are not finished, and nothing has moved for 90 s")),
    "memory grows": ("I8", lambda made: [row.__setitem__(3, 20000 + 1000 * second) for second, row in enumerate(made.samples)]),
    "descriptors grow": ("I8", lambda made: [row.__setitem__(4, 20 + second) for second, row in enumerate(made.samples)]),
    "threads grow": ("I8", lambda made: [row.__setitem__(5, 8 + second) for second, row in enumerate(made.samples)]),
}


def verdict_of(plant):
    made = Made()
    plant(made)
    with tempfile.TemporaryDirectory(prefix="polka-faults-") as folder:
        made.write(folder)
        return Checker(folder).check()


def main():
    failed = [f"{name} is refused: {line}" for name, made in ACCEPTED.items() for line in verdict_of(made).lines] + figures.check()
    for name, (invariant, plant) in PLANTED.items():
        found = next((line for line in verdict_of(plant).lines if line.startswith(invariant + ":")), None)
        print(f"{'found' if found else 'NOT FOUND'}: {name}: {(found or '')[:220]}")
        if found is None:
            failed.append(f"{name} was not named {invariant}")
    for line in failed:
        print(f"FAILED: {line}")
    print(f"RESULT: {len(PLANTED)} planted faults in recorded ledgers, {len(failed)} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
