"""Damages batches where a broker keeps them, so that every reader gets them damaged; and puts them back as they were."""
import glob
import os
import struct

HEADER = struct.Struct(">qiibIhi")       # of a batch: base offset, length, leader epoch, magic, CRC-32C, attributes, last offset delta
LENGTH_ENDS, ATTRIBUTES, RECORDS = 12, 21, 61            # where, in bytes; the checksum covers what follows it


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 & -(crc & 1))
    return crc ^ 0xFFFFFFFF


def _flipped(batch):
    """A bit of the records, as a disk does it: the checksum is wrong."""
    return batch[:-1] + bytes([batch[-1] ^ 0x40])


def _with_codec(number):
    """Records that were never compressed are said to be, under a checksum that is right."""
    def change(batch):
        rest = struct.pack(">h", number) + batch[ATTRIBUTES + 2:]
        return batch[:ATTRIBUTES - 4] + struct.pack(">I", crc32c(rest)) + rest
    return change


KINDS = {"a wrong checksum": _flipped, "a payload that does not decompress": _with_codec(1), "a codec that nobody knows": _with_codec(7)}


class Batch:
    """One batch of a segment: offsets [first, next), and its bytes."""

    def __init__(self, path, place, data):
        self.path, self.place, self.data = path, place, data
        self.first, _, _, _, _, _, delta = HEADER.unpack_from(data)
        self.next = self.first + delta + 1

    def write(self, data):
        with open(self.path, "r+b") as file:
            file.seek(self.place)
            file.write(data)


def batches(folder, topic, partition):
    """All of a partition, in order, of one broker's folder."""
    for path in sorted(glob.glob(os.path.join(folder, "data", f"{topic}-{partition}", "*.log"))):
        with open(path, "rb") as file:
            data = file.read()
        place = 0
        while place + RECORDS <= len(data):
            size = LENGTH_ENDS + struct.unpack_from(">i", data, place + 8)[0]
            yield Batch(path, place, data[place:place + size])
            place += size


class Damage:
    """A batch that cannot be read any more, in every broker's copy."""

    def __init__(self, kafka, topic, partition, first, kind):
        """The batch that begins at offset `first`."""
        folders = [os.path.join(kafka.folder, f"node{node}") for node in range(1, kafka.count + 1)]
        self.copies = [batch for folder in folders for batch in batches(folder, topic, partition) if batch.first == first]
        self.topic, self.partition, self.kind, self.first, self.next = topic, partition, kind, first, self.copies[0].next
        for copy in self.copies:
            copy.write(KINDS[kind](copy.data))

    def mend(self):
        for copy in self.copies:
            copy.write(copy.data)
