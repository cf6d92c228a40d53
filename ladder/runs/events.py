"""TensorBoard's event files in the folder of a run, written so that a resumed run has every step once.

An event file is a sequence of records: eight bytes for the length, their checksum, the record, its checksum
(TensorFlow's ``TFRecord``).  A record is an ``Event`` in protocol buffers.  Events and checksums are made by
tensorboardX, but written to files here: an epoch's records together, so that none is lost while the disk is full, and
without tensorboardX's thread, which dies when the disk is full and takes everything still queued with it.
"""

import os
import re
import socket
import struct
import time

from ladder.errors import UserError
from ladder.files import naming, ours

#: The names of event files.
NAME = "events.out.tfevents.*"

#: How to get the writer.
INSTALL = "pip install -e '.[tensorboard]' (or pip install tensorboardX)"

#: A longer record is damage.
MOST_BYTES = 2**26

#: The formats of a record's length and of a checksum, which follows both the length and the record.
LENGTH, CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")


def check_installed():
    """Raise ``UserError`` if tensorboardX is not installed."""
    try:
        import tensorboardX  # noqa: F401
    except ImportError:
        raise UserError(f"--tensorboard needs tensorboardX, which is not installed: {INSTALL}.") from None


class EventFile:
    """A new event file in a folder; it appears with its first records.

    Parameters
    ----------
    folder : Path
    from_step : int, optional
        Tell TensorBoard, which may be showing the run, to forget what it knows from this step on.
    """

    def __init__(self, folder, from_step=None):
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        self._path, self._written, self._pending = _new_path(folder), 0, b""
        self._add(Event(file_version="brain.Event:2"))
        if from_step is not None:
            self._add(Event(step=from_step, session_log=SessionLog(status=SessionLog.START)))

    def add(self, step, summaries):
        """Queue summaries (of tensorboardX) of one step as one event, until :meth:`write`."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        values = [value for summary in summaries for value in summary.value]
        self._add(Event(step=step, summary=Summary(value=values)))

    def write(self):
        """Append what was added; after an ``OSError`` it is kept for the next call."""
        with naming(self._path), open(self._path, "ab", opener=ours) as f:
            f.truncate(self._written)  # drop what a full disk left of the last attempt
            f.write(self._pending)
            f.flush()
            os.fsync(f.fileno())
        self._written += len(self._pending)
        self._pending = b""

    def _add(self, event):
        event.wall_time = time.time()
        self._pending += _as_record(event.SerializeToString())


def keep_until(folder, step):
    """Remove from all event files whatever belongs to later steps or to the end of training, or is cut off.

    Parameters
    ----------
    folder : Path
    step : int

    Returns
    -------
    set of int
        The steps whose rows of the log are kept.
    """
    kept_steps = set()
    for path in sorted(folder.glob(NAME)):
        size, steps, has_content = 0, set(), False
        for end, event in _events(path):
            if event.step > step or _is_of_the_end(event):
                break
            size, has_content = end, has_content or event.HasField("summary")
            if _is_row(event):
                steps.add(event.step)
        if not has_content:
            path.unlink()
        elif size < path.stat().st_size:
            os.truncate(path, size)
        kept_steps |= steps
    return kept_steps


def _is_row(event):
    """Whether an event holds the numbers of an epoch."""
    return any(value.tag == "update" for value in event.summary.value)


def _is_of_the_end(event):
    """Whether an event holds numbers of the end of training: those of an epoch come with the count of updates."""
    return any(value.HasField("simple_value") for value in event.summary.value) and not _is_row(event)


def _events(path):
    """The whole records of a file, as (where the record ends, Event), up to the first that is cut off or damaged."""
    from google.protobuf.message import DecodeError
    from tensorboardX.proto.event_pb2 import Event

    with open(path, "rb", opener=ours) as file:
        while len(head := file.read(LENGTH.size)) == LENGTH.size:
            (length,) = LENGTH.unpack(head)
            if length > MOST_BYTES or file.read(CHECKSUM.size) != _checksum(head):
                return
            content = file.read(length + CHECKSUM.size)
            if len(content) < length + CHECKSUM.size:
                return
            try:
                yield file.tell(), Event.FromString(content[:length])
            except DecodeError:
                return


def _as_record(content):
    head = LENGTH.pack(len(content))
    return head + _checksum(head) + content + _checksum(content)


def _checksum(content):
    from tensorboardX.record_writer import masked_crc32c

    return CHECKSUM.pack(masked_crc32c(content))


def _new_path(folder):
    """A path that sorts after all other event files: TensorBoard reads them in this order."""
    others = [int(found[1]) for path in folder.glob(NAME) if (found := re.search(r"tfevents\.(\d{1,12})\.", path.name))]
    seconds = max([int(time.time()), *(number + 1 for number in others)])
    return folder / f"{NAME[:-1]}{seconds:010d}.{socket.gethostname()}.{os.getpid()}"
