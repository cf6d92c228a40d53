"""The rows and times that are read from the ends of growing files."""

import json
import os

import pytest

from ladder.errors import UserError
from ladder.live import tail
from ladder.live.tail import Times, last_rows, last_times


def write(path, *lines, end="\n"):
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines) + end.encode())
    return path


def test_rows_but_no_half_written_or_odd_ones(tmp_path):
    path = write(
        tmp_path / "log.jsonl",
        '{"epoch": 1, "train_cost_total": 2.5, "note": "x", "list": [1], "nan": NaN, "inf": 1e999, "yes": true}',
        '{"epoch": -1}',
        '{"epoch": "2"}',
        '{"epoch": 2.0}',
        '{"train_cost_total": 1.0}',
        "[" * 100_000,
        '{"epoch": 1' + "0" * 5000 + "}",
        b"\xff\xfe",
        "",
        "null",
        '{"epoch": 1, "digits": 1' + "0" * 400 + "}",
        '{"epoch": 2, "big": 1' + "0" * 20 + "}",
        '{"epoch": 3, "train_cost_total": 1.5',
        end="",
    )
    assert last_rows(path) == [{"epoch": 1, "train_cost_total": 2.5}, {"epoch": 2}]


def test_only_the_end_of_a_long_log_is_read(tmp_path, monkeypatch):
    rows = [{"epoch": i, "train_cost_total": 1 / i} for i in range(1, 1001)]
    path = write(tmp_path / "log.jsonl", *map(json.dumps, rows))
    assert last_rows(path) == rows
    monkeypatch.setattr(tail, "MOST_BYTES", 5000)
    found = last_rows(path)
    assert 50 < len(found) < 200 and found == rows[-len(found) :]


def test_no_file_or_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "none", "."):
        with pytest.raises(UserError):
            last_rows(tmp_path / name)


START = "2026-11-26 04:08:20,332 Logging into results/x0/log.txt"


def epoch(at, number):
    return f"2026-11-26 {at} e {number}, i {600 * number}: T_C_class 0.156, T_C_de 0.0211 0.33"


def test_epochs_that_one_process_trained(tmp_path):
    path = tmp_path / "log.txt"
    assert last_times(write(path, START)) == Times(None, compiling=True)
    begun = [START, "2026-11-26 04:09:00,000 Compiled in 39 s"]
    assert last_times(write(path, *begun)) == Times(None, compiling=False)
    assert last_times(write(path, *begun, epoch("04:10:00,500", 1))).epoch_seconds == 60.5
    several = [epoch("04:10:00,000", 1), epoch("04:11:10,000", 2), epoch("04:12:30,000", 3)]
    assert last_times(write(path, *begun, *several)).epoch_seconds == 70
    final = "2026-11-26 04:12:40,000 e 3, i 1800: VF_C_class 0.1"
    assert last_times(write(path, *begun, *several, final)).epoch_seconds == 70


def test_pretraining(tmp_path):
    lines = [
        START,
        "2026-11-26 04:08:21,000 Pre-training of layer 1: compiling",
        "2026-11-26 04:08:31,000 layer 1, e 1, i 600: reconstruction 20.1",
        "2026-11-26 04:08:41,000 layer 1, e 2, i 1200: reconstruction 19.1",
        "2026-11-26 04:08:42,000 Pre-training of layer 2: compiling",
        "2026-11-26 04:08:52,000 layer 2, e 1, i 600: reconstruction 3.2",
        "2026-11-26 04:08:53,000 Compiling (the first time on a machine this takes minutes, later a part of one)",
        "2026-11-26 04:09:00,000 Compiled in 7 s",
    ]
    states = [last_times(write(tmp_path / "log.txt", *lines[: n + 1])) for n in range(len(lines))]
    compiling, pretraining, training = Times(None, True), Times(None, pretraining=True), Times()
    assert states == [*[compiling] * 2, *[pretraining] * 2, compiling, pretraining, compiling, training]


def test_what_lies_between_two_processes_is_no_epoch(tmp_path):
    lines = [
        START,
        "2026-11-26 04:09:00,000 Compiled in 39 s",
        epoch("04:10:00,000", 1),
        START.replace("04:", "09:"),
        "2026-11-26 09:09:00,000 Compiled in 39 s",
        "2026-11-26 09:09:00,000 Going on after update 900 (1 epochs done)",
        epoch("09:09:30,000", 2),  # only the second half of this epoch
        epoch("09:10:30,000", 3),
    ]
    assert last_times(write(tmp_path / "log.txt", *lines)).epoch_seconds == 60
    assert last_times(write(tmp_path / "log.txt", *lines[:4])) == Times(60, compiling=True)


def test_clocks_that_were_set_and_lines_that_are_none(tmp_path):
    path = write(
        tmp_path / "log.txt",
        "2026-13-45 99:99:99,000 e 1, i 600: T",
        "0001-01-01 00:00:00,000 e 1, i 600: T",
        b"\xff\x00 e 2",
        epoch("04:10:00,000", 2),
        epoch("03:10:50,000", 3),  # summer time ended
        epoch("03:11:40,000", 4),
        "x" * 1000,
    )
    assert last_times(path).epoch_seconds == 50
