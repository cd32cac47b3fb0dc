"""The independent reader: after a run it reads what stands in Kafka into ledgers, the commits of the group coordinator too."""
import os
import struct
import threading
import time

from confluent_kafka import KafkaError, KafkaException, TopicPartition

import wire
from checker import DEPOSITS, KEPT
from ledgers import Letter

OFFSETS = "__consumer_offsets"
SILENT_S = 5                             # so long a reader that has nothing to read is left alone


def messages_of(brokers, starts, ends, settings=None):
    """Yields all messages from starts to ends, both {(topic, partition): offset}; of an internal topic too."""
    left = {at: end for at, end in ends.items() if end > max(starts.get(at, 0), 0)}
    consumer = wire.consumer_of(brokers)
    consumer.assign([TopicPartition(*at, max(starts.get(at, 0), 0)) for at in left])
    heard = time.monotonic()
    while left:
        for message in consumer.consume(10000, timeout=0.2):
            if message.error():
                raise RuntimeError(f"reading {message.topic()}: {message.error()}")
            heard = time.monotonic()
            at = message.topic(), message.partition()
            if message.offset() < left.get(at, 0):
                yield message
            if message.offset() + 1 >= left.get(at, 0):
                left.pop(at, None)
        for at in [at for at, position in _positions(consumer, left) if position >= left[at]]:
            left.pop(at)                                 # its end is a marker of a transaction, or compacted away
        if time.monotonic() - heard > 30:
            raise RuntimeError(f"nothing came for 30 s, and the end of {sorted(left)} was not reached")
    consumer.close()


class Concurrent:
    """
    A reader of what keepers say while it happens, read_committed as every consumer here: concurrent.ledger, partition offset id. A client
    that was told of an error, as of a topic that not all brokers know yet, may fetch nothing for minutes: then it begins anew where it was.
    """

    def __init__(self, brokers, folder, starts):
        self.file, self.next, self.ends, self.error = open(os.path.join(folder, "concurrent.ledger"), "w"), dict(starts), None, None
        self.consumer = wire.consumer_of(brokers)
        self._assign()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _assign(self):
        self.consumer.assign([TopicPartition(*at, offset) for at, offset in self.next.items()])

    def _left(self):
        """{(topic, partition): end} of those that are not read to the end; None: nobody has said yet where that is."""
        return None if self.ends is None else {at: end for at, end in self.ends.items() if self.next[at] < end}

    def _work(self):
        heard = time.monotonic()
        while self._left() != {}:
            errors = 0
            for message in self.consumer.consume(1000, timeout=0.1):
                if message.error() is None:
                    self.file.write(f"{message.partition()} {message.offset()} {dict(message.headers())['ce_causationid'].decode()}\n")
                    self.next[message.topic(), message.partition()], heard = message.offset() + 1, time.monotonic()
                else:
                    self.error, errors = str(message.error()), errors + 1
            if errors or time.monotonic() - heard > SILENT_S:
                self._assign()
                heard = time.monotonic()

    def end(self, ends, seconds=60):
        """Waits until it has read up to there: behind the last record of each partition."""
        self.ends = ends
        self.thread.join(seconds)
        self.file.close()
        if self.thread.is_alive():
            raise RuntimeError(f"the concurrent reader did not come to the end within {seconds} s: it is at {self.next}, and left are {self._left()}; its last error was {self.error}")
        self.consumer.close()


def _positions(consumer, left):
    return [((at.topic, at.partition), at.offset) for at in consumer.position([TopicPartition(*at) for at in left])] if left else []


def ends_of(brokers, topics, must=()):
    """{(topic, partition): end}, internal topics included. Of `must` all are there: a broker that does not know one yet is asked again."""
    def topics_known():
        known = consumer.list_topics(timeout=20).topics
        if not set(must) <= set(known):
            raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
        return known
    consumer = wire.consumer_of(brokers)
    known = wire.patiently(topics_known)
    found = {(topic, partition): wire.patiently(lambda: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=20)[1])
             for topic in topics if topic in known for partition in known[topic].partitions}
    consumer.close()
    return found


def commit_of(message):
    """(group, topic, partition, offset) of a record of __consumer_offsets, or None: Kafka's OffsetCommitKey and OffsetCommitValue."""
    key, value = message.key(), message.value()
    if key is None or value is None or struct.unpack_from(">h", key)[0] > 1:
        return None
    words, at = [], 2
    for _ in range(2):
        size = struct.unpack_from(">h", key, at)[0]
        words.append(key[at + 2:at + 2 + size].decode())
        at += 2 + size
    return *words, struct.unpack_from(">i", key, at)[0], struct.unpack_from(">q", value, 2)[0]


def collect(brokers, folder, starts, letters, poison, groups):
    """
    Writes deposits, kept, commits, letters and originals. starts: where the run began, {(topic, partition): offset}, of
    __consumer_offsets too; poison: is the event of this id one whose record is kept whole? Returns where what keepers say ends:
    {(topic, partition): next offset} of the partitions that have any.
    """
    def path(name):
        return open(os.path.join(folder, name), "w")

    topics, behind = [DEPOSITS, KEPT, letters, OFFSETS], {}
    with path("deposits.ledger") as deposits, path("kept.ledger") as kept, path("commits.ledger") as commits, path("letters.json") as dead, path("originals.json") as whole:
        for message in messages_of(brokers, starts, ends_of(brokers, topics)):
            topic, partition, offset, timestamp = message.topic(), message.partition(), message.offset(), message.timestamp()[1]
            if topic == OFFSETS:
                commit = commit_of(message)
                if commit is not None and commit[0] in groups:
                    commits.write(f"{timestamp} {' '.join(map(str, commit))}\n")
                continue
            headers = dict(message.headers() or [])
            if topic == letters:
                record = wire.Record(message)
                dead.write(Letter(*(getattr(record, name) for name in wire.Record.__slots__)).to_json() + "\n")
            elif topic == DEPOSITS:
                event = headers["ce_id"].decode()
                deposits.write(f"{partition} {offset} {timestamp} {event}\n")
                if poison(event):
                    record = wire.Record(message)
                    whole.write(Letter(*(getattr(record, name) for name in wire.Record.__slots__)).to_json() + "\n")
            else:
                sequence, process = _kept(message.value())
                kept.write(f"{partition} {offset} {timestamp} {headers['ce_causationid'].decode()} {headers['ce_id'].decode()} "
                           f"{message.key().decode()} {sequence} {process}\n")
                behind[topic, partition] = offset + 1
    return behind


def _kept(value):
    """sequence, process: the last two of faults.Kept after C3 01, fingerprint, id and key."""
    at, words = 10, []
    for _ in range(2):
        size, at = _long(value, at)
        at += size
    for _ in range(2):
        word, at = _long(value, at)
        words.append(word)
    return words


def _long(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at
