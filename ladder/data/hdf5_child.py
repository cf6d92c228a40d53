"""The process that reads an HDF5 file for :mod:`ladder.data.hdf5_reader`; a crash in HDF5's code ends nothing else.

It takes requests, one line of JSON each, and answers with a line of JSON or raw
bytes.  The first request has the file's path; the first answers are the
process ID and a description of the file.  Only plain arrays are read: hard
links to data that lies in the file itself.
"""

import json
import os
import resource
import signal
import socket
from contextlib import suppress
from itertools import islice
from math import prod

import h5py
import numpy as np

from ladder.data.hdf5_reader import NUMBER

#: The fields of Fuel's ``split`` attribute that are used.
FIELDS = ("split", "source", "start", "stop", "indices", "available")

MOST_ROWS, MOST_NAMES, MOST_LABELS = 10_000, 1_000, 64

#: The most characters in the name of a split or source, or in an axis label.
MOST_CHARACTERS = 1_000

#: Bytes read at a time: few enough for memory, and enough for speed.
SLAB = 2**24


class NotPlain(Exception):
    """Something in the file is not read; the message says why and ends a sentence."""


def fork_readers(descriptor, idle):
    """Fork this process for each file, until no more requests can come, or none has come for a while.

    Parameters
    ----------
    descriptor : int
        A socket over which those for :func:`serve` arrive, each with one byte.
    idle : float, seconds without work after which this process ends
    """
    signal.signal(signal.SIGCHLD, lambda *_: _has_children())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from the terminal: it is meant for the process that asks
    with socket.socket(fileno=descriptor) as source:
        source.settimeout(idle)
        while True:
            try:
                asked, given, *_ = socket.recv_fds(source, 1, 1)
            except TimeoutError:
                asked, given = b"+" if _has_children() else b"", []
            if not asked:
                return
            for one in given:
                if _is_forked():
                    source.close()
                    try:
                        serve(one)
                    finally:
                        os._exit(0)
                os.close(one)


def _has_children():
    """Whether any file is still being read; child processes that have ended are reaped, so that no zombies remain."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def _is_forked():
    """Fork, and return whether this is the new process; if forking fails, whoever asks gets no answer."""
    try:
        return os.fork() == 0
    except OSError:
        return False


def serve(descriptor):
    """Describe a file, then answer requests until there are no more.

    Parameters
    ----------
    descriptor : int
        A socket.  The first request has ``path``, and the bytes of address space that this process may take:
        ``describing`` until it has described the file, ``memory`` afterwards.
    """
    allowed = resource.getrlimit(resource.RLIMIT_AS)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.socket(fileno=descriptor) as asker, asker.makefile("rb") as requests, asker.makefile("wb") as output:
        first = json.loads(requests.readline())
        output.write(os.getpid().to_bytes(NUMBER, "little"))
        output.flush()
        # A small file can hold a string of megabytes once, and refer to it from every row of its table.
        _limit(first["describing"], *allowed)
        try:
            h5file = h5py.File(first["path"], "r")
        except OSError:
            _answer(output, {"error": "is damaged, of another format or not readable"})
            return
        with h5file:
            table = _split_attribute(h5file)
            described = {"split": _rows(h5file, table), "ranges": _ranges(h5file), "arrays": _arrays(h5file)}
            _limit(first["memory"], *allowed)
            _answer(output, described)
            for line in requests:
                request = json.loads(line)
                if "row" in request:
                    _send(output, _listed(h5file, table[request["row"]]["indices"]), request)
                else:
                    _send(output, h5file[request["name"]], request)


def _limit(memory, soft, hard):
    limits = [limit for limit in (memory, soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))


def _answer(output, values):
    output.write(json.dumps(values).encode() + b"\n")
    output.flush()


def _send(output, stored, request):
    """Send rows ``start`` to ``stop`` of an array, as raw bytes."""
    start, stop = request["start"], request["stop"]
    kind = "int64" if "row" in request else stored.dtype
    row_size = max(1, stored.dtype.itemsize * prod(stored.shape[1:]))
    # Whole chunks at a time: part of a chunk costs as much to decompress as all of it.
    chunk = stored.chunks[0] if stored.chunks else 1
    step = max(chunk, SLAB // row_size // chunk * chunk)
    while start < stop:
        end = min(stop, (start // step + 1) * step)
        output.write(np.ascontiguousarray(stored[start:end], kind))
        start = end
    output.flush()


def _split_attribute(h5file):
    """Fuel's table, a structured array; None if there is none."""
    if "split" not in h5file.attrs:
        return None
    attribute = h5file.attrs.get_id("split")
    if len(attribute.shape) not in (1, 2) or prod(attribute.shape) > MOST_ROWS or attribute.get_storage_size() > 2**24:
        return None
    table = h5file.attrs["split"]
    return table.ravel() if isinstance(table, np.ndarray) and table.dtype.names else None


def _ranges(h5file):
    """Attributes of two integers, by name: splits were stored like that before there was a table."""
    found = {}
    for name in _names(h5file.attrs):
        attribute = h5file.attrs.get_id(name)
        if attribute.shape == (2,) and attribute.dtype.kind in "ui":
            found[name] = [int(number) for number in h5file.attrs[name]]
    return found


def _rows(h5file, table):
    """The table as plain values; 'indices' is the number of rows listed, or None."""
    if table is None:
        return None
    return [_row(h5file, row) for row in table]


def _row(h5file, row):
    found = {}
    for field in FIELDS:
        if field in row.dtype.names:
            try:
                found[field] = _value(h5file, field, row[field])
            except NotPlain as error:
                found["refused"] = f"{field} {error}"
    return found


def _value(h5file, field, value):
    if field in ("split", "source"):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        if not isinstance(text, str):
            raise NotPlain("is not text")
        if len(text) > MOST_CHARACTERS:
            raise NotPlain(f"has more than {MOST_CHARACTERS:,} characters")
        return text
    if field == "indices":
        return len(_listed(h5file, value)) if isinstance(value, h5py.Reference) and value else None
    if field == "available" and isinstance(value, (bool, np.bool_, np.integer)):
        return bool(value)
    if not isinstance(value, np.integer):
        raise NotPlain("is not a whole number")
    return int(value)


def _listed(h5file, reference):
    """The array behind a reference."""
    try:
        stored = h5file[reference]
    except (ValueError, KeyError, RuntimeError, OSError):
        raise NotPlain("refers to nothing") from None
    if not isinstance(stored, h5py.Dataset) or stored.ndim != 1 or stored.dtype.kind not in "ui":
        raise NotPlain("does not refer to a list of whole numbers")
    _check_plain(stored)
    return stored


def _arrays(h5file):
    """The entries at the root by name: shape, dtype and labels of an array, or why it is not read."""
    return {name: _array(h5file, name) for name in _names(h5file)}


def _names(group):
    """The first names of a group or of attributes; h5py gives names not in UTF-8 as bytes, which no option can give."""
    return (name for name in islice(group, MOST_NAMES) if isinstance(name, str))


def _array(h5file, name):
    try:
        if not isinstance(h5file.get(name, getlink=True), h5py.HardLink):
            raise NotPlain("is a link to something else")
        stored = h5file[name]
        if not isinstance(stored, h5py.Dataset) or stored.ndim == 0:
            raise NotPlain("is not an array")
        if stored.dtype.kind not in "buif":
            raise NotPlain("holds no numbers")
        _check_plain(stored)
        return {"shape": stored.shape, "dtype": stored.dtype.str, "labels": _labels(stored), "offset": _offset(stored)}
    except NotPlain as error:
        return {"refused": str(error)}
    except (ValueError, KeyError, TypeError, RuntimeError, OSError):
        return {"refused": "is damaged"}


def _check_plain(stored):
    """Refuse data that is stored elsewhere, or was never written: it would be read as fill values."""
    creation = stored.id.get_create_plist()
    if creation.get_layout() not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED):
        raise NotPlain("is put together from other data sets (virtual)")
    if creation.get_external_count():
        raise NotPlain("lies in another file (external storage)")
    if stored.size and not _is_written(stored):
        raise NotPlain("was never written, or only in part")


def _is_written(stored):
    if stored.chunks is None:
        return stored.id.get_storage_size() >= stored.size * stored.dtype.itemsize
    return stored.id.get_num_chunks() >= prod(-(-side // chunk) for side, chunk in zip(stored.shape, stored.chunks))


def _offset(stored):
    """Position of an array's bytes, if they are contiguous in the file and in NumPy's format; else None."""
    as_in_memory = stored.dtype.kind in "uif" and stored.id.get_type().equal(h5py.h5t.py_create(stored.dtype))
    return stored.id.get_offset() if as_in_memory and stored.chunks is None else None


def _labels(stored):
    """The axis labels as stored; h5py's own reader of labels follows dangling references."""
    labels = [""] * stored.ndim
    if "DIMENSION_LABELS" not in stored.attrs:
        return labels
    attribute = stored.attrs.get_id("DIMENSION_LABELS")
    if attribute.shape != (stored.ndim,) or stored.ndim > MOST_LABELS or attribute.dtype.kind not in "SO":
        return labels
    for axis, label in enumerate(stored.attrs["DIMENSION_LABELS"]):
        text = label.decode("utf-8", "replace") if isinstance(label, bytes) else label
        labels[axis] = text if isinstance(text, str) and len(text) <= MOST_CHARACTERS else ""
    return labels
