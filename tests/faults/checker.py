"""The one checker: joins the ledgers of a run and names each violation of the invariants I1 to I8 in one line.

I1 every acknowledged event ends as an effect or a dead letter, and every effect is told on; I2 no effect twice, where the scenario
claims it, and never under two ids; I3 effects and emissions of a key in its order; I4 a commit never passes unfinished work;
I5 each poison event in the dead letters once, byte for byte, each unreadable batch as its range; I6 nothing of a stale generation; I7 progress after each fault in its
time; I8 memory, descriptors and threads bounded.
"""
import bisect
import collections
import os
import sys

import wire
from judge import check_letter
from ledgers import Ledgers, Letter

SHOWN = 3                                # lines of each invariant
LOOK_US, LATE_US = 2000, 500000          # log lines have milliseconds; and what was under way to the broker takes a moment
DEPOSITS, KEPT = "faults.deposits", "faults.kept"
REACTION = "faults.Deposited"
SOURCE = "/faults/driver"
RANGE = ("polka-value-omitted", "polka-range-from", "polka-range-to")
# of a poison event: class and code of its letter, reaction, attempts
POISON = {
    "dead": ("handler", "dead", REACTION, "1"), "retry": ("handler", "attempts-used-up", REACTION, "3"),
    "truncated": ("poison", "bad-bytes", REACTION, "1"), "empty": ("poison", "empty-value", REACTION, "1"),
    "framing": ("poison", "unknown-framing", REACTION, "1"), "stick": ("handler", "crash-loop", REACTION, "3"),
    "late": ("handler", "deadline-exceeded", REACTION, "1"), "hang": ("handler", "deadline-exceeded", REACTION, "1")}


def _range_of(letter):
    """(partition, from, to) of a letter of a batch that cannot be read."""
    return tuple(int(letter.header(name)) for name in ("polka-original-partition", "polka-range-from", "polka-range-to"))


class Verdict:
    def __init__(self):
        self.lines, self.wrong, self.figures = [], collections.Counter(), {}

    def error(self, invariant, text):
        self.wrong[invariant] += 1
        if self.wrong[invariant] <= SHOWN:
            self.lines.append(f"{invariant}: {text}")


class Hop:
    """One service in the chain: what it reads, what it did; the auditor reads what the keeper emits."""

    def __init__(self, service, group, topic, records, effects, sent):
        self.service, self.group, self.topic = service, group, topic
        self.offsets, self.ids = collections.defaultdict(list), collections.defaultdict(list)        # by partition
        self.where, self.timestamps = {}, {}                 # of the first record of an id
        for partition, offset, timestamp, event in records:
            self.offsets[partition].append(offset)
            self.ids[partition].append(event)
            if event not in self.where:
                self.where[event] = f"{topic}/{partition}/{offset}"
                self.timestamps[event] = timestamp
        self.by_process, self.sent = effects, sent
        self.first, self.counts = {}, collections.Counter()
        for rows in effects.values():
            for effect in rows:
                self.counts[effect.id] += 1
                known = self.first.get(effect.id)
                if known is None or effect.ended_us < known.ended_us:
                    self.first[effect.id] = effect

    def name(self, event):
        key, sequence, _ = self.sent.get(event, ("?", -1, ""))
        return f"event {event}, key {key}, sequence {sequence}, at {self.where.get(event, self.topic + ' (not there)')}"

    def between(self, partition, low, high):
        """The events of [low, high) of a partition."""
        offsets = self.offsets[partition]
        return self.ids[partition][bisect.bisect_left(offsets, low):bisect.bisect_left(offsets, high)]


class Checker:
    def __init__(self, folder):
        self.ledgers, self.verdict = Ledgers(folder), Verdict()
        book = self.ledgers
        self.run, self.claims, self.sent = book.run, book.run["claims"], book.sent
        self.whole = book.run.get("whole", True)         # else the run was broken off: what is not finished is no violation, what is committed must be
        self.key_order = {(key, sequence): event for event, (key, sequence, _) in self.sent.items()}
        self.keeper = Hop("keeper", self.run["groups"]["keeper"], DEPOSITS, book.deposits, book.effects["keeper"], self.sent)
        self.hops = [self.keeper]
        if "auditor" in self.run["groups"]:
            records = [(partition, offset, time, event) for partition, offset, time, event, *_ in book.kept]
            self.hops.append(Hop("auditor", self.run["groups"]["auditor"], KEPT, records, book.effects["auditor"], self.sent))
        self.emitted_ms = {}                             # the first emission of each event
        for _, _, time, event, *_ in book.kept:
            self.emitted_ms[event] = min(time, self.emitted_ms.get(event, time))
        self.unread = {}                                 # of the batches that nobody could read
        for batch in self.run.get("unreadable", ()):
            self.unread.update((event, batch) for event in self.keeper.between(batch["partition"], batch["from"], batch["to"]))
        self.ranges = [letter for letter in book.letters if letter.header("polka-range-from") is not None]
        self.singles = [letter for letter in book.letters if letter.header("polka-range-from") is None]
        self.lettered_ms = {}
        for letter in book.letters:
            for event in self.keeper.between(*_range_of(letter)) if letter.header("polka-range-from") is not None else (self._event_of(letter),):
                self.lettered_ms[event] = min(letter.timestamp, self.lettered_ms.get(event, letter.timestamp))

    def _event_of(self, letter):
        at = int(letter.header("polka-original-partition") or -1), int(letter.header("polka-original-offset") or -1)
        original = self.ledgers.originals.get(at)
        return original.header("ce_id") if original else f"?{at}"

    def check(self):
        for part in (self.complete, self.twice, self.order, self.commits, self.letters, self.stale, self.progress, self.bounded):
            part()
        return self.verdict

    # ---- I1, I2 ----

    def complete(self):
        poison = {event for event, (_, _, kind) in self.sent.items() if kind in POISON} | self.unread.keys()
        for event in self.sent:
            if self.whole and event not in self.keeper.first and event not in self.lettered_ms:
                self.verdict.error("I1", f"{self.keeper.name(event)}: acknowledged, and neither an effect nor a dead letter")
            if event not in self.keeper.where:
                self.verdict.error("I1", f"{self.keeper.name(event)}: acknowledged, and not in the topic")
        for event, effect in self.keeper.first.items():
            if event not in self.sent and event not in self.keeper.where:
                self.verdict.error("I1", f"event {event}: an effect in process {effect.process}, and nobody sent it")
            if self.whole and event not in self.emitted_ms:
                self.verdict.error("I1", f"{self.keeper.name(event)}: an effect in process {effect.process}, and its emission is not in {KEPT}")
            if event in poison:
                self.verdict.error("I1", f"{self.keeper.name(event)}: poison or unreadable, and yet an effect in process {effect.process}")
        for event in self.emitted_ms:
            if event not in self.keeper.first:
                self.verdict.error("I1", f"{self.keeper.name(event)}: an emission in {KEPT} without an effect")
        for hop in self.hops[1:] if self.whole else ():
            for event in self.emitted_ms:
                if event not in hop.first:
                    self.verdict.error("I1", f"{hop.name(event)}: told of in {KEPT}, and no effect of {hop.service}")
        self.verdict.figures.update(acknowledged=len(self.sent), effects=len(self.keeper.first))

    def twice(self):
        claimed = self.claims.get("redelivered")
        for hop in self.hops:
            records = collections.Counter(event for partition in hop.ids.values() for event in partition)
            again = {event: count - records[event] for event, count in hop.counts.items() if count > max(records[event], 1)}
            total = sum(again.values())
            self.verdict.figures[f"redelivered_{hop.service}"] = total
            if claimed is None or total <= claimed:
                continue
            first = min(again, key=lambda event: hop.first[event].ended_us)
            processes = [process for process, rows in hop.by_process.items() if any(effect.id == first for effect in rows)]
            self.verdict.error("I2", f"{hop.name(first)}: {again[first] + 1} effects in processes {processes}; {total} redelivered in all, at most {claimed} claimed")
        for partition, offset, _, event, emission, *_ in self.ledgers.kept:
            if emission != wire.derived_id(SOURCE, event, "keeper", REACTION, "faults.Kept", "0"):
                self.verdict.error("I2", f"{self.keeper.name(event)}: {KEPT}/{partition}/{offset} has the id {emission}, which does not follow from its cause")
        self._copies()

    def _copies(self):
        """Under exactly-once each event is told of once, to a reader at the end and to one that reads along."""
        if self.claims.get("emission_copies") is None:
            return
        readers = {"final": [row[3] for row in self.ledgers.kept], "concurrent": [row[2] for row in self.ledgers.concurrent]}
        for reader, events in readers.items():
            counts = collections.Counter(events)
            for event, count in counts.items():
                if count > 1:
                    self.verdict.error("I2", f"{self.keeper.name(event)}: {count} emissions in {KEPT} for the {reader} reader")
            for event in self.emitted_ms.keys() - counts.keys() if self.whole else ():
                self.verdict.error("I1", f"{self.keeper.name(event)}: its emission in {KEPT} was not seen by the {reader} reader")
            self.verdict.figures[f"copies_{reader}"] = sum(counts.values()) - len(counts)

    # ---- I3 ----

    def before(self, key, sequence):
        """The event of this key that comes before, without those that became dead letters."""
        sequence -= 1
        while (event := self.key_order.get((key, sequence))) in self.lettered_ms and event is not None:
            sequence -= 1
        return event

    def order(self):
        for hop in self.hops:
            for process, rows in hop.by_process.items():
                self._order_of(hop, process, rows)
        seen = {}
        for partition, offset, _, event, _, key, sequence, process in self.ledgers.kept:
            before = self.before(key, sequence)
            if before is not None and before not in seen:
                self.verdict.error("I3", f"{self.keeper.name(event)}: emission {KEPT}/{partition}/{offset} of process {process} before that of {before}")
            seen[event] = offset
        if self.claims.get("exact_order"):
            self._exact_order()

    def _exact_order(self):
        """The emissions of a partition stand in the order of what they follow from, whatever their keys."""
        at = {event: (partition, offset) for partition, ids in self.keeper.ids.items() for event, offset in zip(ids, self.keeper.offsets[partition])}
        for reader, rows in (("final", [(row[0], row[1], row[3]) for row in self.ledgers.kept]), ("concurrent", self.ledgers.concurrent)):
            last, compared = {}, 0
            for partition, offset, event in rows:
                cause, place = at.get(event, (None, -1))
                before, compared = last.get((partition, cause), (-1, "")), compared + 1
                if cause is not None and place < before[0]:
                    self.verdict.error("I3", f"{self.keeper.name(event)}: its emission {KEPT}/{partition}/{offset} stands behind that of {before[1]}, "
                                             f"{DEPOSITS}/{cause}/{before[0]}, for the {reader} reader")
                last[partition, cause] = place, event
            self.verdict.figures[f"in_order_{reader}"] = compared

    def _order_of(self, hop, process, rows):
        last = {}
        for effect in rows:
            before = self.before(effect.key, effect.sequence)
            done = hop.first.get(before)
            if before is not None and (done is None or done.ended_us > effect.ended_us):
                self.verdict.error("I3", f"{hop.name(effect.id)}: effect in process {process} before that of {hop.name(before)}")
            if not self.claims["regroups"] and effect.sequence <= last.get(effect.key, -1) and hop.service == "keeper":
                self.verdict.error("I3", f"{hop.name(effect.id)}: effect in process {process} after that of sequence {last[effect.key]}, and no partition moved")
            last[effect.key] = effect.sequence

    # ---- I4 and the first half of I6 ----

    def _finished_ms(self, hop, event):
        """When all that an event calls for was done; None: never."""
        if hop is self.keeper and event in self.lettered_ms:
            return 0 if self.claims.get("emission_copies") is not None else self.lettered_ms[event]
        effect = hop.first.get(event)
        if effect is None or (hop is self.keeper and event not in self.emitted_ms):
            return None
        if self.claims.get("emission_copies") is not None:
            return effect.ended_us // 1000               # emissions, letters and offsets are one transaction, in any order
        return max(effect.ended_us // 1000, self.emitted_ms[event]) if hop is self.keeper else effect.ended_us // 1000

    def commits(self):
        by_group = {(hop.group, hop.topic): hop for hop in self.hops}
        at, count = {}, 0
        for time, group, topic, partition, offset in self.ledgers.commits:
            hop = by_group.get((group, topic))
            if hop is None:
                continue
            count += 1
            known = at.get((group, partition), self.run["from"][topic][partition])
            if offset < known:
                self.verdict.error("I6", f"{group}: offset {offset} of {topic}/{partition} was committed after {known}: a commit of a stale generation was taken")
                continue
            for event in hop.between(partition, known, offset):
                finished = self._finished_ms(hop, event)
                if finished is None or finished > time:
                    late = "never" if finished is None else f"{finished - time} ms later"
                    self.verdict.error("I4", f"{hop.name(event)}: {hop.service} committed {topic}/{partition} up to {offset} before it was finished ({late})")
                    break
            at[group, partition] = offset
        self.verdict.figures["commits"] = count
        for hop in self.hops:
            for partition, offsets in hop.offsets.items():
                known = at.get((hop.group, partition), self.run["from"][hop.topic][partition])
                if self.whole and offsets and known <= offsets[-1]:
                    self.verdict.error("I4", f"{hop.group}: {hop.topic}/{partition} is committed up to {known} at the end, and all up to {offsets[-1] + 1} is finished")

    # ---- I5 ----

    def letters(self):
        wanted = {event: kind for event, (_, _, kind) in self.sent.items() if kind in POISON and event not in self.unread}
        seen = {}
        for letter in self.singles:
            event, identity = self._event_of(letter), letter.header("polka-letter-id")
            if event not in wanted:
                self.verdict.error("I5", f"{letter.where}: nobody expects a letter of {self.keeper.name(event)}: {letter.header('polka-error-message')}")
                continue
            if seen.setdefault(event, identity) != identity:
                self.verdict.error("I5", f"{self.keeper.name(event)}: two letters by the ids {seen[event]} and {identity}")
            original = self.ledgers.originals[int(letter.header("polka-original-partition")), int(letter.header("polka-original-offset"))]
            error_class, code, reaction, attempts = POISON[wanted[event]]
            for problem in check_letter(letter, original, self.run["groups"]["keeper"], reaction, error_class, code, attempts=attempts):
                self.verdict.error("I5", f"{self.keeper.name(event)}: {problem}")
        numbers = collections.Counter(self._event_of(letter) for letter in self.singles)
        copies = sum(numbers.values()) - len(numbers)
        for event in wanted.keys() - numbers.keys() if self.whole else ():
            self.verdict.error("I5", f"{self.keeper.name(event)}: poison ({wanted[event]}), and no dead letter")
        if self.claims.get("letter_copies") is not None and copies > self.claims["letter_copies"]:
            event = next(event for event, count in numbers.items() if count > 1)
            self.verdict.error("I5", f"{self.keeper.name(event)}: {numbers[event]} copies of its letter; {copies} in all, at most {self.claims['letter_copies']} claimed")
        self.verdict.figures.update(letters=len(numbers), letter_copies=copies)
        if self.ranges or self.unread:
            self._letters_of_ranges()

    def _letters_of_ranges(self):
        """Of each batch that cannot be read the letters are exactly its offsets, and there in time."""
        batches, copies = self.run.get("unreadable", ()), collections.Counter(letter.header("polka-letter-id") for letter in self.ranges)
        for letter in self.ranges:
            partition, low, high = _range_of(letter)
            if not any(batch["partition"] == partition and batch["from"] <= low < high <= batch["to"] for batch in batches):
                self.verdict.error("I5", f"{letter.where}: its range, offsets {low} to {high - 1} of {DEPOSITS}/{partition}, is not inside a batch that cannot be read")
            record = Letter(DEPOSITS, partition, low, 0, None, None, [])
            for problem in check_letter(letter, record, self.run["groups"]["keeper"], "-", "poison", "unreadable-batch", more=RANGE):
                self.verdict.error("I5", problem)
        if self.claims.get("letter_copies") is not None and sum(copies.values()) - len(copies) > self.claims["letter_copies"]:
            self.verdict.error("I5", f"letters of ranges have copies: {[identity for identity, count in copies.items() if count > 1]}")
        slowest = 0.0
        for batch in batches:
            slowest = max(slowest, self._letters_of_batch(batch))
        self.verdict.figures.update(ranges=len(copies), unread=len(self.unread), error_to_letter_s=round(slowest, 1))

    def _letters_of_batch(self, batch):
        """Returns how many seconds after the first error the last of it was in the dead letters."""
        name = f"{DEPOSITS}/{batch['partition']}, offsets {batch['from']} to {batch['to'] - 1} ({batch['kind']})"
        left = [event for event in self.keeper.between(batch["partition"], batch["from"], batch["to"]) if event not in self.lettered_ms]
        for event in left[:1]:
            self.verdict.error("I5", f"{name}: {len(left)} of its records are in no letter, the first is {self.keeper.name(event)}")
        parts = [letter.timestamp for letter in self.ranges if _range_of(letter)[0] == batch["partition"]]
        waited_s = max(parts, default=0) / 1e3 - batch["noticed_us"] / 1e6
        if waited_s > batch["within_s"]:
            self.verdict.error("I7", f"{name}: its letter came {waited_s:.1f} s after the first error, not within {batch['within_s']} s")
        return waited_s

    # ---- I6 ----

    def stale(self):
        """
        A handler that ends after its process knew that its partitions were lost must emit nothing. What was handed to the client
        library before may still arrive late, when the network comes back: that is counted only.
        """
        lost = collections.defaultdict(list)
        for entry in self.run.get("lost", ()):
            lost[entry["process"]].append(entry["at_us"])
        handled = collections.defaultdict(list)
        for process in lost:
            for effect in self.keeper.by_process.get(process, ()):
                handled[process, effect.id].append(effect)
        stale, late = 0, set()
        for partition, offset, time, event, _, _, _, process in self.ledgers.kept:
            for at_us in lost.get(process, ()):
                runs = handled.get((process, event), ())
                if time * 1000 < at_us or any(at_us <= run.began_us <= time * 1000 for run in runs):
                    continue                             # before, or it got the partition back and did it again
                if any(run.began_us < at_us and run.ended_us > at_us + LOOK_US for run in runs):
                    stale += 1
                    self.verdict.error("I6", f"{self.keeper.name(event)}: {KEPT}/{partition}/{offset} was sent by process {process} {time - at_us // 1000} ms after "
                                             f"it knew that its partitions were lost")
                if time * 1000 > at_us + LATE_US:
                    late.add((partition, offset))
        self.verdict.figures.update(losses=sum(map(len, lost.values())), stale_sends=stale, arrived_late=len(late))

    # ---- I7 ----

    def progress(self):
        """After each fault, work goes on in every partition that has any, in time."""
        ends = {}
        for partition, events in self.keeper.ids.items():
            ends[partition] = sorted((self.keeper.first[event].ended_us, event) for event in events if event in self.keeper.first)
        faults = [fault for fault in self.run["faults"] if fault.get("healed_us") is not None and fault.get("within_s") is not None]
        slowest, measured = 0.0, 0
        for fault in faults:
            later = [other["at_us"] for other in self.run["faults"] if other["at_us"] > fault["at_us"]]
            until_us = min(later, default=1 << 62)       # what is late by then is the next fault's
            for partition, rows in ends.items():
                place = bisect.bisect_left(rows, (fault["healed_us"], ""))
                if place == len(rows):
                    continue                             # nothing was left to do here
                end_us, event = rows[place]
                waited = (end_us - max(fault["healed_us"], self.keeper.timestamps[event] * 1000)) / 1e6
                if end_us > until_us and until_us < fault["healed_us"] + fault["within_s"] * 1e6:
                    continue
                slowest, measured = max(slowest, waited), measured + 1
                if waited > fault["within_s"]:
                    self.verdict.error("I7", f"{fault['what']}: the first new effect after it in {DEPOSITS}/{partition} ({self.keeper.name(event)}) came after "
                                             f"{waited:.1f} s, not within {fault['within_s']} s")
        if self.run.get("stuck"):
            self.verdict.error("I7", self.run["stuck"])
        self.verdict.figures.update(faults=len(self.run["faults"]), resume_s=round(slowest, 1), resumes=measured)

    # ---- I8 ----

    def warm_us(self, name, process):
        """When a process had handled a tenth of what it did in all: until then it had no work, or was filling its budget for the first time."""
        ended = sorted(effect.ended_us for effect in self.ledgers.effects[name.split("-")[0]].get(process, []))
        return ended[len(ended) // 10] if ended else 0

    def bounded(self):
        allowed_kb, by_process = self.claims.get("growth_kb", 16384), collections.defaultdict(list)
        for sample in self.ledgers.samples:
            by_process[sample[1], sample[2]].append(sample)
        most = 0
        for (name, process), rows in by_process.items():
            most = max([most, *(row[3] for row in rows)])
            settled = [row for row in rows if row[0] - rows[0][0] > 2e6]                # the first two seconds are its start
            if len(settled) < 4:
                continue
            early, warm_us = settled[len(settled) // 4], self.warm_us(name, process)
            warm = next((row for row in settled[len(settled) // 4:] if row[0] >= warm_us), settled[-1])      # a full budget is memory, and nothing else
            for column, what, allowed, base in ((3, "KiB of memory", allowed_kb, warm), (4, "descriptors", 16, early), (5, "threads", 8, early)):
                grown = settled[-1][column] - base[column]
                if grown > allowed:
                    self.verdict.error("I8", f"{name}, process {process}: {base[column]} {what} grew to {settled[-1][column]} within {(settled[-1][0] - base[0]) / 1e6:.0f} s; at most {allowed} more are claimed")
        self.verdict.figures["memory_kb"] = most


def main():
    if len(sys.argv) != 2 or not os.path.exists(os.path.join(sys.argv[1], "run.json")):
        print("usage: tests/faults/run check FOLDER, which holds the ledgers of a run", file=sys.stderr)
        return 2
    verdict = Checker(sys.argv[1]).check()
    for line in verdict.lines:
        print(line)
    print(f"{sum(verdict.wrong.values())} violations {dict(verdict.wrong)}; {verdict.figures}")
    return 1 if verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
