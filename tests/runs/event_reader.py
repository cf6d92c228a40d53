"""A reader of TensorBoard's event files, implemented from their specification without the library that writes them.

https://protobuf.dev/programming-guides/encoding and TensorFlow's ``event.proto``, ``summary.proto`` and ``TFRecord``.
"""

import struct
from types import SimpleNamespace


def crc32c(data):
    """Castagnoli's checksum, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF


def fields(message):
    """The (number, value) pairs of a message in protocol buffers; values are ints or bytes."""
    i = 0

    def varint():
        nonlocal i
        value, shift = 0, 0
        while True:
            byte = message[i]
            i, value, shift = i + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while i < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        yield key >> 3, message[i : i + size]
        i += size


def records(content, check=True):
    """The records of a file's content, which must be whole."""
    i = 0
    while i < len(content):
        (size,) = struct.unpack_from("<Q", content, i)
        data = content[i + 12 : i + 12 + size]
        assert len(data) == size and len(content) >= i + 16 + size, "cut off"
        if check:
            assert struct.unpack_from("<I", content, i + 8)[0] == masked(content[i : i + 8])
            assert struct.unpack_from("<I", content, i + 12 + size)[0] == masked(data)
        yield data
        i += 16 + size


def read(folder, check=False):
    """The contents of a folder's event files, in the order in which TensorBoard reads them.

    Returns
    -------
    namespace
        ``scalars``: tag -> list of (step, float32 as float); ``histograms``: tag -> list of (step, dict of field number ->
        float or floats); ``images``: tag -> list of (step, bytes of a PNG); ``starts``: list of int, the steps from
        which TensorBoard was told to forget.
    """
    found = SimpleNamespace(scalars={}, histograms={}, images={}, starts=[])
    for path in sorted(folder.glob("events.out.tfevents.*")):
        first = True
        for record in records(path.read_bytes(), check):
            event = dict(fields(record))
            assert first == (event.get(3) == b"brain.Event:2")
            first = False
            if 7 in event:
                assert dict(fields(event[7]))[1] == 1  # START
                found.starts.append(event[2])
            for number, value in fields(event.get(5, b"")):
                assert number == 1
                _take(found, event.get(2, 0), dict(fields(value)))
    return found


def _take(found, step, value):
    tag = value[1].decode()
    if 2 in value:
        found.scalars.setdefault(tag, []).append((step, struct.unpack("<f", value[2])[0]))
    elif 5 in value:
        numbers = {n: [x[0] for x in struct.iter_unpack("<d", v)] for n, v in fields(value[5])}
        found.histograms.setdefault(tag, []).append((step, numbers))
    else:
        found.images.setdefault(tag, []).append((step, dict(fields(value[4]))[4]))
