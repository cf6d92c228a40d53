"""TensorBoard's event files: whole records, full disks, and truncation when a run is resumed."""

import resource
import sys

import numpy as np
import pytest

pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")

from runs.event_reader import read, records  # noqa: E402
from tensorboardX import summary  # noqa: E402

from ladder.errors import UserError  # noqa: E402
from ladder.runs.events import NAME, EventFile, check_installed, keep_until  # noqa: E402


def write(folder, steps, from_step=None, last=()):
    """Write a file as a run does: rows, each with a distribution, then numbers of the end of training."""
    file = EventFile(folder, from_step)
    for step in steps:
        file.add(step, [summary.scalar("update", 10 * step), summary.scalar("train/cost", step / 3)])
        file.add(step, [summary.histogram("z/1", np.arange(1.0, 5.0), 2)])
        file.write()
    for step in last:
        file.add(step, [summary.scalar("valid_final/error", 0.5)])
        file.write()


def content(folder):
    return {path.name: path.read_bytes() for path in folder.glob(NAME)}


def test_records_are_those_that_the_format_describes(tmp_path):
    write(tmp_path, [1, 2], last=[2])
    found = read(tmp_path, check=True)
    assert found.scalars["update"] == [(1, 10), (2, 20)]
    assert found.scalars["train/cost"] == [(1, np.float32(1 / 3)), (2, np.float32(2 / 3))]
    assert found.scalars["valid_final/error"] == [(2, 0.5)] and found.starts == []
    (step, histogram), _ = found.histograms["z/1"]
    # min, max, count, sum, sum of squares; a bucket for each bin, and an empty one to the left of the first
    assert step == 1 and [histogram[i] for i in range(1, 6)] == [[1], [4], [4], [10], [30]]
    assert histogram[6] == [1, 2.5, 4] and histogram[7] == [0, 2, 2]


def test_later_steps_and_the_end_are_cut(tmp_path):
    write(tmp_path, [1, 2, 3, 4], last=[4])
    assert keep_until(tmp_path, 4) == {1, 2, 3, 4}
    assert "valid_final/error" not in read(tmp_path).scalars
    assert keep_until(tmp_path, 2) == {1, 2}
    assert read(tmp_path).scalars["update"] == [(1, 10), (2, 20)]
    assert [step for step, _ in read(tmp_path).histograms["z/1"]] == [1, 2]
    write(tmp_path, [3], from_step=3)
    assert len(content(tmp_path)) == 2 and read(tmp_path).starts == [3]
    assert [step for step, _ in read(tmp_path).scalars["update"]] == [1, 2, 3]
    before = content(tmp_path)
    assert keep_until(tmp_path, 3) == {1, 2, 3} and content(tmp_path) == before
    assert keep_until(tmp_path, 2) == {1, 2} and len(content(tmp_path)) == 1  # nothing is left of the second file
    assert keep_until(tmp_path, 0) == set() and content(tmp_path) == {}


def test_wherever_a_file_was_cut_off_or_damaged_what_came_before_is_kept(tmp_path):
    write(tmp_path, [1, 2])
    ((name, whole),) = content(tmp_path).items()
    ends = np.cumsum([len(record) + 16 for record in records(whole)])
    for size in range(0, len(whole), 7):
        (tmp_path / name).write_bytes(whole[:size])
        # version, row 1, distribution 1, row 2, distribution 2
        assert keep_until(tmp_path, 5) == {1, 2} & set(range(1, 1 + sum(size >= end for end in ends[1::2])))
        assert size < ends[1] or (tmp_path / name).stat().st_size == max(end for end in ends if end <= size)
    for i in (0, 7, 9, int(ends[0]) + 3, int(ends[2]) + 9):
        damaged = bytearray(whole)
        damaged[i] ^= 255
        (tmp_path / name).write_bytes(damaged)
        assert keep_until(tmp_path, 5) == ({1} if i > ends[2] else set())


def test_a_full_disk_loses_no_record(tmp_path):
    file = EventFile(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))
    try:
        for step in range(1, 10):
            file.add(step, [summary.scalar("update", step)])
            try:
                file.write()
            except OSError as error:
                assert error.filename.startswith(str(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (full,) = content(tmp_path).values()
    assert len(full) <= 200
    file.add(10, [summary.scalar("update", 10)])
    file.write()
    assert read(tmp_path, check=True).scalars["update"] == [(step, step) for step in range(1, 11)]


def test_without_the_writer_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(UserError, match=r"--tensorboard needs tensorboardX, .*: pip install -e '\.\[tensorboard\]'"):
        check_installed()
