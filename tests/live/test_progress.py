"""The states of a run, read from its lock, log and files; folders that vanish or are damaged."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ladder.errors import UserError
from ladder.live import finding
from ladder.live.finding import check_folders, runs_in
from ladder.live.progress import Progress, Reader
from ladder.live.table import _left
from ladder.runs import lock
from ladder.runs.folder import RunFolder

REPOSITORY = Path(__file__).resolve().parents[2]


def make_run(path, epochs=3, num_epochs=10, cost=2.0):
    """A run's folder as training leaves it at the end of an epoch; each epoch took 60 seconds."""
    path.mkdir(parents=True)
    (path / "params.json").write_text(json.dumps({"num_epochs": num_epochs}))
    lines = ["2026-11-26 04:08:20,332 Logging into x", "2026-11-26 04:10:00,000 Compiled in 39 s"]
    lines += [f"2026-11-26 04:{10 + i}:00,000 e {i}, i {600 * i}: T_C_class 0.1" for i in range(1, epochs + 1)]
    (path / "log.txt").write_text("\n".join(lines) + "\n")
    rows = [{"epoch": i, "update": 600 * i, "train_cost_total": cost / i} for i in range(1, epochs + 1)]
    (path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def finish(run):
    np.savez(run / "running_statistics.npz", final=np.asarray(True))


def test_interrupted_training_finishing_and_finished(tmp_path):
    run, reader = make_run(tmp_path / "x0"), Reader()
    assert reader.read(run).state == "interrupted" and reader.read(run).left is None
    with lock.held(RunFolder(run)):
        now = (run / "log.jsonl").stat().st_mtime + 20
        found = reader.read(run, now)
        assert (found.state, found.epochs, found.num_epochs, found.epoch_seconds) == ("training", 3, 10, 60)
        assert found.left == pytest.approx(7 * 60 - 20) and found.since == pytest.approx(20)
        assert found.course("train_cost_total") == [2, 1, 2 / 3] and found.last("none", "update") == 1800
        assert reader.read(run, now + 100).left == 6 * 60  # this epoch takes longer than those before
        (run / "params.json").write_text(json.dumps({"num_epochs": 3}))
        assert reader.read(run).state == "finishing"
        finish(run)
        assert reader.read(run).state == "finished"
    assert reader.read(run).state == "finished"


def test_pretraining_and_silent(tmp_path):
    run, reader = make_run(tmp_path / "x0", epochs=0), Reader()
    with open(run / "log.txt", "a") as log:
        log.write("2026-11-26 04:11:00,000 layer 1, e 1, i 600: reconstruction 20.1\n")
    with lock.held(RunFolder(run)):
        now = (run / "log.txt").stat().st_mtime
        assert reader.read(run, now + 5).state == "pre-training"
        assert reader.read(run, now + 601).state == "silent"


def test_a_run_with_patience_may_end_before_its_last_epoch(tmp_path):
    run, reader = make_run(tmp_path / "x0", epochs=5), Reader()
    rows = [{"epoch": i, "valid_approx_error_rate_clean": e} for i, e in enumerate([9, 5, 7, 5.0, 6], start=1)]
    (run / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with lock.held(RunFolder(run)):
        for patience, state in (
            (4, "training"),
            (3, "finishing"),
            (0, "training"),
            (None, "training"),
            ("3", "training"),
        ):
            (run / "params.json").write_text(json.dumps({"num_epochs": 10, "patience": patience}))
            found = reader.read(run)
            assert (found.state, found.num_epochs) == (state, 10), patience
            assert _left(found).startswith("< ") == (patience == 4)


def test_it_compiles_until_it_says_so(tmp_path):
    run = make_run(tmp_path / "x0", epochs=0)
    with lock.held(RunFolder(run)):
        assert Reader().read(run).state == "training" and Reader().read(run).epochs == 0
        (run / "log.txt").write_text((run / "log.txt").read_text() + "2026-11-26 09:08:20,332 Logging into x\n")
        assert Reader().read(run).state == "compiling"
        assert Reader().read(run, time.time() + 5000).state == "compiling"  # however long it takes


def test_silent_after_ten_minutes_and_three_epochs(tmp_path):
    run = make_run(tmp_path / "x0")
    with lock.held(RunFolder(run)):
        written = max(path.stat().st_mtime for path in run.iterdir())
        assert Reader().read(run, written + 590).state == "training"
        assert Reader().read(run, written + 610).state == "silent"
        (run / "checkpoint-0000001900.npz").write_bytes(b"")
        os.utime(run / "checkpoint-0000001900.npz", (written + 300, written + 300))
        assert Reader().read(run, written + 610).state == "training"
    assert Reader().read(run, written + 610).state == "interrupted"


def test_begun_but_not_locked_yet(tmp_path):
    """For example, while its data are being whitened."""
    run = make_run(tmp_path / "x0", epochs=0)
    for name in ("log.txt", "log.jsonl"):
        (run / name).unlink()
    assert Reader().read(run).state == "starting"
    assert Reader().read(run, time.time() + 700).state == "interrupted"


def test_begun_anew_with_the_log_of_what_was_lost(tmp_path):
    run = make_run(tmp_path / "x0")
    (run / "log.jsonl").write_text("")
    with lock.held(RunFolder(run)):
        found = Reader().read(run)
    assert (found.state, found.epochs, found.epoch_seconds, found.left) == ("training", 0, 60, None)


def test_runs_of_a_sweep(tmp_path):
    to_come, begun = make_run(tmp_path / "run0", epochs=0), make_run(tmp_path / "run1")
    for name in ("log.txt", "log.jsonl"):
        (to_come / name).unlink()
    for halving, state in ((None, "interrupted"), ({"factor": 3, "first": None}, "paused")):
        (tmp_path / "sweep.json").write_text(json.dumps({"token": "a", "random": None, "halving": halving}))
        assert Reader().read(begun).state == state
        soon, late = (Reader().read(to_come, time.time() + seconds) for seconds in (0, 700))
        assert soon.state == late.state == "to come" and soon.is_under_way and not late.is_under_way
        with lock.held(RunFolder(begun)):
            assert Reader().read(begun).state == "training"
    (begun / "failure.json").write_text("{}")
    assert Reader().read(begun).state == "interrupted"
    (begun / "failure.json").unlink()
    (tmp_path / "sweep.json").write_text("{")
    assert Reader().read(begun).state == "interrupted"


def test_without_locks_news_decide(tmp_path, monkeypatch):
    run = make_run(tmp_path / "x0")
    monkeypatch.setattr(lock, "is_held", lambda folder: None)
    assert Reader().read(run).state == "training"
    assert Reader().read(run, time.time() + 700).state == "interrupted"


def test_a_rival_is_told_from_a_network(tmp_path):
    run, reader = make_run(tmp_path / "x0"), Reader()
    assert not reader.read(run).is_rival
    (run / "params.json").write_text(json.dumps({"num_epochs": 150, "rival": "svm"}))
    assert reader.read(run).is_rival and reader.read(run).state == "interrupted"


def test_a_record_is_finished(tmp_path):
    run = make_run(tmp_path / "x0")
    (run / "evaluation.json").write_text("{}")
    assert Reader().read(run).state == "finished"


HOLDER = "import sys, time; from ladder.runs import lock; from ladder.runs.folder import RunFolder\n"
HOLDER += "with lock.held(RunFolder(sys.argv[1])): print('held', flush=True); time.sleep(60)"


def test_another_process_that_trains_and_is_killed(tmp_path):
    run = make_run(tmp_path / "x0")
    process = subprocess.Popen([sys.executable, "-c", HOLDER, run], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    try:
        assert process.stdout.readline() == "held\n"
        assert Reader().read(run).state == "training"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert Reader().read(run).state == "interrupted"
    finally:
        process.kill()
        process.communicate()


def test_whoever_asks_keeps_nobody_from_training(tmp_path, monkeypatch):
    folder = RunFolder(make_run(tmp_path / "x0"))
    asked, flock = [], lock.fcntl.flock

    def ask_meanwhile(file, operation):
        if not asked:  # whoever asks holds the lock during the first attempts
            asked.append(open(folder / "log.txt"))
            flock(asked[0], lock.fcntl.LOCK_SH)
        elif operation & lock.fcntl.LOCK_EX and not asked[0].closed and len(asked) == 3:
            asked[0].close()
        asked.append(None)
        return flock(file, operation)

    monkeypatch.setattr(lock.fcntl, "flock", ask_meanwhile)
    with lock.held(folder):
        assert len(asked) > 3
    monkeypatch.undo()
    assert lock.is_held(folder) is False


def test_files_are_read_again_only_once_they_change(tmp_path, monkeypatch):
    run, reader, reads = make_run(tmp_path / "x0"), Reader(), []
    monkeypatch.setattr("ladder.live.progress.last_rows", lambda path: reads.append(path) or [])
    reader.read(run)
    reader.read(run)
    assert len(reads) == 1
    with (run / "log.jsonl").open("a") as f:
        f.write("{}\n")
    reader.read(run)
    assert len(reads) == 2


def test_damaged_files_and_folders_that_vanish(tmp_path):
    reader, now = Reader(), time.time()
    for name, content in {"params.json": b"{", "running_statistics.npz": b"PK\x03\x04", "log.jsonl": None}.items():
        run = make_run(tmp_path / f"damaged-{name}")
        (run / name).unlink(missing_ok=True)
        (run / name).mkdir() if content is None else (run / name).write_bytes(content)
        assert reader.read(run, now) == Progress(run, "unreadable")
    for content in ('{"num_epochs": "many"}', '{"num_epochs": -1}', "{}"):
        run = make_run(tmp_path / f"odd{len(content)}")
        (run / "params.json").write_text(content)
        found = reader.read(run)
        assert found.state == "interrupted" and found.num_epochs is None and found.epochs == 3
    (run / "log.jsonl").write_bytes(bytes(range(256)) * 5000)
    assert reader.read(run).rows == []
    shutil.rmtree(run)
    assert reader.read(run) is None
    (tmp_path / "empty").mkdir()
    assert reader.read(tmp_path / "empty") is None and reader.read(tmp_path / "empty" / "none") is None


def test_runs_are_found_each_once_numbers_in_order(tmp_path, monkeypatch):
    for name in ("b/x10", "b/x2", "a", "b/deep/er/y0", "b/x2/inner"):
        make_run(tmp_path / name)
    os.symlink(tmp_path, tmp_path / "b" / "circle")
    os.symlink(tmp_path / "a", tmp_path / "b" / "again")
    b = tmp_path / "b"
    assert runs_in([b / "x10", tmp_path]) == [b / "x10", tmp_path / "a", b / "deep/er/y0", b / "x2"]
    assert runs_in([tmp_path / "gone", tmp_path / "a"]) == [tmp_path / "a"]
    assert runs_in([b / "again"]) == [b / "again"]
    monkeypatch.setattr(finding, "MOST_FOLDERS", 3)
    assert len(runs_in([tmp_path])) < 3
    with pytest.raises(UserError, match="there is no folder .*gone: give that of a run"):
        check_folders([tmp_path, tmp_path / "gone"])


def test_a_link_in_a_circle_hides_no_run(tmp_path):
    for name in ("before", "after"):  # whether listed by creation or by name, a link comes before the run
        (tmp_path / name).symlink_to(tmp_path / name)
        make_run(tmp_path / "run0") if name == "before" else None
    assert [path.name for path in runs_in([tmp_path])] == ["run0"]
