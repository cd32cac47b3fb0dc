"""The ledgers of one run in a folder, and nothing else: who writes them, and how the checker gets them back.

  run.json          what was run, what it claims, faults and when they were healed, processes and how they ended
  sent.ledger       id key sequence kind            of each send that Kafka acknowledged (by the driver)
  deposits.ledger   partition offset time id        of each record of the first topic (by the independent reader)
  kept.ledger       partition offset time id emission key sequence process           of each record of the second topic
  commits.ledger    time group topic partition offset     of each commit that the group coordinator took
  concurrent.ledger partition offset id             of each of those as a reader saw them while it ran, where a scenario wants that
  samples.ledger    time name process memory descriptors threads
  <name>-<process>.effects    id key sequence began ended attempt       by a service itself, a line each handling
  letters.json, originals.json    records whole: dead letters, and what they must be copies of

Times: microseconds in effects and samples, milliseconds where Kafka gives them (of kept and letters when the broker had them); all
of one clock, as all runs on one machine.
"""
import glob
import json
import os

import wire


class Letter(wire.Record):
    """A record kept whole."""
    __slots__ = ()

    def __init__(self, topic, partition, offset, timestamp, key, value, headers):
        self.topic, self.partition, self.offset, self.timestamp = topic, partition, offset, timestamp
        self.key, self.value, self.headers = key, value, headers

    def to_json(self):
        return json.dumps([self.topic, self.partition, self.offset, self.timestamp, _hex(self.key), _hex(self.value), [[n, _hex(v)] for n, v in self.headers]])

    @classmethod
    def from_json(cls, text):
        topic, partition, offset, timestamp, key, value, headers = json.loads(text)
        return cls(topic, partition, offset, timestamp, _bytes(key), _bytes(value), [(n, _bytes(v)) for n, v in headers])


def _hex(data):
    return None if data is None else data.hex()


def _bytes(text):
    return None if text is None else bytes.fromhex(text)


class Effect:
    __slots__ = ("id", "key", "sequence", "began_us", "ended_us", "attempt", "process")

    def __init__(self, words, process):
        self.id, self.key = words[0], words[1]
        self.sequence, self.began_us, self.ended_us, self.attempt = (int(word) for word in words[2:6])
        self.process = process


class Ledgers:
    """All of one folder."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "run.json")) as file:
            self.run = json.load(file)
        self.sent = {words[0]: (words[1], int(words[2]), words[3]) for words in self.rows("sent.ledger")}
        self.deposits = [(int(w[0]), int(w[1]), int(w[2]), w[3]) for w in self.rows("deposits.ledger")]
        self.kept = [(int(w[0]), int(w[1]), int(w[2]), w[3], w[4], w[5], int(w[6]), int(w[7])) for w in self.rows("kept.ledger")]
        self.commits = [(int(w[0]), w[1], w[2], int(w[3]), int(w[4])) for w in self.rows("commits.ledger")]
        self.concurrent = [(int(w[0]), int(w[1]), w[2]) for w in self.rows("concurrent.ledger")]
        self.samples = [(int(w[0]), w[1], int(w[2]), int(w[3]), int(w[4]), int(w[5])) for w in self.rows("samples.ledger")]
        self.letters = [Letter.from_json(row) for row in self.texts("letters.json")]
        self.originals = {(record.partition, record.offset): record for record in map(Letter.from_json, self.texts("originals.json"))}
        self.effects = {"keeper": {}, "auditor": {}}         # by the process
        for path in sorted(glob.glob(os.path.join(folder, "*.effects"))):
            name, process = os.path.basename(path)[:-len(".effects")].rsplit("-", 1)
            rows = [Effect(row, int(process)) for row in self.rows(os.path.basename(path))]
            self.effects[name.split("-")[0]].setdefault(int(process), []).extend(rows)

    def texts(self, name):
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            return
        with open(path) as file:
            for row in file:
                if row.endswith("\n"):                   # a line that was cut off has not happened
                    yield row

    def rows(self, name):
        return (row.split() for row in self.texts(name))
