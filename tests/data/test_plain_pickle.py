"""Pickles: plain values are read, whoever wrote them; anything else is refused, and nothing is run."""

import collections
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from ladder.data.convert.plain_pickle import load_dict
from ladder.errors import UserError

PIXELS = np.arange(24, dtype="uint8").reshape(4, 6)

# What cPickle of Python 2.7 with numpy 1.x writes for {'data': array([[1, 2, 3]], 'u1'), 'labels': [6, 9],
# 'batch_label': 'one'} at protocol 2: strings are SHORT_BINSTRING (U), not bytes.
PYTHON_2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85q\x05"
    b"U\x01bq\x06\x87q\x07Rq\x08(K\x01K\x01K\x03\x86q\x09cnumpy\ndtype\nq\x0aU\x02u1q\x0bK\x00K\x01\x87q\x0cRq\x0d"
    b"(K\x03U\x01|q\x0eNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0fb\x89U\x03\x01\x02\x03q\x10tq\x11b"
    b"U\x06labelsq\x12]q\x13(K\x06K\x09eU\x0bbatch_labelq\x14U\x03oneq\x15u."
)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array",
    [
        PIXELS,
        np.asfortranarray(PIXELS),
        PIXELS[:0],
        np.float32([[1.5], [-2]]),
        np.array([1, 2], ">i4"),
        np.array([True, False]),
    ],
)
def test_arrays_of_numbers(protocol, array):
    found = load_dict(pickle.dumps({b"data": array}, protocol), "here")["data"]
    assert found.dtype == array.dtype and found.shape == array.shape and (found == array).all()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values(protocol):
    plain = {
        b"a": [1, -(2**40), 2.5, None, True],
        "b": {"c": (b"\xff\x00", "text", b"")},
        "d": [np.int64(7), np.float32(0.5)],
    }
    assert load_dict(pickle.dumps(plain, protocol), "here") == {
        "a": [1, -(2**40), 2.5, None, True],
        "b": {"c": (b"\xff\x00", "text", b"")},
        "d": [7, 0.5],
    }


def test_what_python_2_wrote():
    found = load_dict(PYTHON_2, "here")
    assert found["data"].tolist() == [[1, 2, 3]] and found["data"].dtype == "uint8"
    assert (found["labels"], found["batch_label"]) == ([6, 9], b"one")
    assert pickle.loads(PYTHON_2, encoding="bytes")[b"data"].tolist() == [[1, 2, 3]]  # Python's own reader agrees


def test_numpy_2_and_its_other_names():
    for old in (b"numpy.core.multiarray", b"numpy._core.multiarray"):
        content = PYTHON_2.replace(b"numpy.core.multiarray", old)
        assert load_dict(content, "here")["data"].tolist() == [[1, 2, 3]]
    newest = pickle.dumps({"data": PIXELS}, 5).replace(b"\x8c\x12numpy.core.numeric", b"\x8c\x13numpy._core.numeric")
    # The frame's length has to include the longer name.
    newest = newest[:3] + (len(newest) - 11).to_bytes(8, "little") + newest[11:]
    assert (load_dict(newest, "here")["data"] == PIXELS).all()


class Calls:
    """An object whose pickle calls ``function`` when it is read."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "call, name",
    [
        (lambda path: Calls(os.system, f"touch {path}"), "system"),
        (lambda path: Calls(subprocess.Popen, ["touch", str(path)]), "Popen"),
        (lambda path: Calls(open, str(path), "w"), "open"),
        (lambda path: Calls(eval, f"open({str(path)!r}, 'w')"), "eval"),
        (lambda path: Calls(getattr, "text", "upper"), "getattr"),
        (lambda path: Calls(np.load, str(path)), "numpy.load"),
        (lambda path: collections.OrderedDict(), "collections.OrderedDict"),
    ],
)
def test_anything_else_is_refused_by_name_and_not_run(tmp_path, protocol, call, name):
    content = pickle.dumps({"data": PIXELS, "labels": call(tmp_path / "made")}, protocol)
    with pytest.raises(UserError, match=rf"data_batch_1 asks for \S*{name}, which plain data never does"):
        load_dict(content, "data_batch_1")
    assert not (tmp_path / "made").exists()


def test_os_system_by_that_name(tmp_path):
    content = b"cos\nsystem\n(S'touch %s'\ntR." % bytes(tmp_path / "made")
    with pytest.raises(UserError, match="asks for os.system"):
        load_dict(content, "here")
    assert not (tmp_path / "made").exists()


def test_objects_in_arrays_are_refused():
    with pytest.raises(UserError, match="damaged"):
        load_dict(pickle.dumps({"data": np.array([None, "x"], object)}), "here")


@pytest.mark.parametrize("length", [0, 1, 20, 100, len(PYTHON_2) - 1])
def test_cut_short(length):
    with pytest.raises(UserError, match="cannot read here, it is damaged or cut short"):
        load_dict(PYTHON_2[:length], "here")


def test_a_flipped_byte_is_damage_or_another_value_but_no_crash():
    for at in range(len(PYTHON_2)):
        content = bytearray(PYTHON_2)
        content[at] ^= 0x55
        try:
            load_dict(bytes(content), "here")
        except UserError:
            pass


@pytest.mark.parametrize("value", [[1, 2], "text", None, {1: 2}, {(b"a",): 2}])
def test_no_dictionary(value):
    with pytest.raises(UserError, match="damaged"):
        load_dict(pickle.dumps(value), "here")


def test_attributes_cannot_be_set_on_what_reads_it():
    """BUILD with a slot state on an allowed name would be setattr on our own function."""
    content = b"\x80\x02c_codecs\nencode\n(N}(X\x0c\x00\x00\x00__defaults__)utb0}."
    with pytest.raises(UserError, match="damaged"):
        load_dict(content, "here")
    text = pickle.dumps({"a": b"\xff"}, 2)
    assert load_dict(text, "here") == {"a": b"\xff"}


def test_bytes_are_not_made_by_the_billion():
    for module in (b"__builtin__", b"builtins"):
        with pytest.raises(UserError, match="damaged"):
            load_dict(b"\x80\x02}(U\x01ac%s\nbytes\nJ\xff\xff\xff\x7f\x85Ru." % module, "here")


def test_no_module_is_imported_by_a_name():
    load = b"cantigravity\nx\n."
    with pytest.raises(UserError, match="asks for antigravity.x"):
        load_dict(load, "here")
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("order", [b"u1,", b"u1," * 20, b"i", b"<<"])
def test_the_order_of_bytes_is_a_sign(order):
    """A longer text before the type would make it a record, with as many fields as the text has."""
    content = PYTHON_2.replace(b"U\x01|q\x0e", b"U%c%sq\x0e" % (len(order), order))
    with pytest.raises(UserError, match="damaged"):
        load_dict(content, "here")
