"""A run that is killed or interrupted, and then resumed, ends bit for bit where an uninterrupted one does.

Real processes are killed at random moments; ``LADDER_KILLS=20`` asks for at
least that many kills of each network; four are the minimum.
"""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from ladder.cli import main
from ladder.runs import checkpoints, lock
from ladder.training import provenance
from ladder.training.extensions import checkpointing
from ladder.training.extensions.monitoring import TrainingMonitor

RUN = Path(__file__).resolve().parents[2] / "run.py"
EPOCHS = 20
# 1137 examples leave a last batch of 37, 202 for validation one of 2; labelled batches repeat within an epoch.
NETWORK = (
    "--dataset digits --encoder-layers 30-10 --decoder-spec gauss --denoising-cost-x 10,1,0.1 --labeled-samples 250 "
    f"--unlabeled-samples 1137 --valid-set-size 202 --num-epochs {EPOCHS} --threads 1"
)
KILLS = int(os.environ.get("LADDER_KILLS", 1))

#: The output of a process from which the time to its kill is counted, and the maximum of that time in seconds.
MOMENTS = {"start": ("", 3), "training": ("Compiled", 2), "end": (f"e {EPOCHS},", 0.5)}


def enter(folder, patch):
    """Make a folder the current one, without the user's data sets."""
    patch.chdir(folder)
    patch.delenv("FUEL_DATA_PATH", raising=False)


def result(run):
    """What a run left, except for times: name -> array or text."""
    found = {name: (run / name).read_text() for name in ("log.jsonl", "params.json", "data.json")}
    for name in ("trained_params.npz", "running_statistics.npz"):
        with np.load(run / name) as archive:
            found.update({f"{name}: {key}": archive[key] for key in archive.files})
    return found


def assert_same(one, two):
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)


class TestKilled:
    """Separate processes, killed by the kernel."""

    @pytest.mark.parametrize("noise", ["mrg", "philox"] if KILLS > 1 else ["mrg"])
    def test_at_random_moments(self, noise, runs, tmp_path, monkeypatch):
        enter(tmp_path, monkeypatch)
        options, whole = [*NETWORK.split(), "--noise", noise], runs / "whole0"
        if noise != "mrg":
            self.train(*options, "--", "whole")
            whole = tmp_path / "results" / "whole0"
        expected, rng, kills, chain = result(whole), random.Random(7), [], 0
        while len(kills) < KILLS:
            save_to = f"killed{chain}-"
            run = tmp_path / "results" / f"{save_to}0"
            for moment in (*rng.sample(["start", "training", "training"], 3), "end"):
                # A checkpoint after every update: many kills hit one that is being written.
                options_now = ["--checkpoint-minutes", 1e-6, *self.begin_or_resume(run, [*options, "--", save_to])]
                if self.kill(options_now, moment, rng):
                    kills.append(f"{moment} ({self.where(run)})")
            self.train(*self.begin_or_resume(run, [*options, "--", save_to]))
            assert_same(result(run), expected)
            assert not list(run.glob("*checkpoint*")), "a finished run keeps none"
            chain += 1
        print(f"{noise}: {len(kills)} kills in {chain} runs, all with the same end: {', '.join(kills)}")

    @staticmethod
    def begin_or_resume(run, options):
        """A process that was killed before it wrote its options has not begun a run."""
        if (run / "params.json").exists():
            return ["--resume", run]
        shutil.rmtree(run, ignore_errors=True)
        return options

    @staticmethod
    def start(*options):
        command = [sys.executable, str(RUN), "train", *map(str, options)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def train(self, *options):
        process = self.start(*options)
        shown = process.communicate()[0]
        assert process.returncode == 0, shown

    def kill(self, options, moment, rng):
        """Start a process and kill it some time after a line; return whether it was still alive."""
        process, (line, seconds) = self.start(*options), MOMENTS[moment]
        if line:
            for printed in process.stdout:
                if printed.startswith(line):
                    break
        time.sleep(rng.uniform(0, seconds))
        process.kill()
        shown = process.communicate()[0]
        assert process.returncode in (0, -signal.SIGKILL), shown
        return process.returncode == -signal.SIGKILL

    @staticmethod
    def where(run):
        """How far a killed run is, according to its checkpoints."""
        found = sorted(path.name for path in run.glob("checkpoint-*"))
        return found[-1].removeprefix("checkpoint-").lstrip("0") if found else "no checkpoint"


#: A process that kills itself just before or after a file gets its name.
KILLS_ITSELF = """
import os, signal, sys
from ladder import files
from ladder.cli import main
name, moment, run = sys.argv[1:]
replace = os.replace
def replacing(source, target):
    if os.path.basename(target) != name:
        return replace(source, target)
    if moment == "after":
        replace(source, target)
    os.kill(os.getpid(), signal.SIGKILL)
files.os.replace = replacing
main(["train", "--resume", run])
"""

#: While a run resumes, and around its last two files; ``LADDER_KILLS`` adds more.
LAST_MOMENTS = [
    ("environment.json", "before"),
    ("running_statistics.npz", "before"),
    ("running_statistics.npz", "after"),
]
MORE_MOMENTS = [
    (name, moment) for name in ("params.json", "data.json", "trained_params.npz") for moment in ("before", "after")
]


def keep_the_last(patch):
    """Write a checkpoint at the end of every epoch, however short, and keep the last ones when a run ends."""
    patch.setattr(checkpointing, "SHARE", 0)
    patch.setattr(checkpoints, "remove", lambda run: None)


def interrupt_after(patch, updates, number):
    """Send this process a signal after this many updates."""
    after_batch = TrainingMonitor.after_batch

    def interrupting(monitor, loop, values):
        after_batch(monitor, loop, values)
        if loop.updates_done == updates:
            os.kill(os.getpid(), number)

    patch.setattr(TrainingMonitor, "after_batch", interrupting)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """``whole0`` ended, checkpoints kept; ``part0`` was interrupted after updates 5, 24 (an epoch's last) and 200."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        enter(folder, patch)
        with pytest.MonkeyPatch.context() as upkeep:
            keep_the_last(upkeep)
            assert main(["train", *NETWORK.split(), "--", "whole"]) == 0
        command = ["train", *NETWORK.split(), "--", "part"]
        for updates, number in ((5, signal.SIGTERM), (24, signal.SIGINT), (200, signal.SIGTERM)):
            with pytest.MonkeyPatch.context() as signals:
                interrupt_after(signals, updates, number)
                assert main(command) == 130
            assert checkpoints.newest(folder / "results/part0")[0]["updates_done"] == updates
            assert "passed over" not in (folder / "results/part0/log.txt").read_text()
            command = ["train", "--resume", "results/part0"]
    return folder / "results"


@pytest.fixture
def part(runs, tmp_path, monkeypatch):
    """A copy of the interrupted run, in a new current folder."""
    enter(tmp_path, monkeypatch)
    shutil.copytree(runs.parent / "datasets", "datasets")
    return Path(shutil.copytree(runs / "part0", "results/part0"))


def resume(run, *options):
    return main(["train", "--resume", str(run), *options])


def test_an_interrupted_run_ends_in_the_same_state(runs, part, monkeypatch):
    """Even the optimiser, the noise and the order of data agree, though training no longer needs them."""
    keep_the_last(monkeypatch)
    assert resume(part) == 0
    assert_same(result(part), result(runs / "whole0"))
    (values, arrays), (whole_values, whole_arrays) = map(checkpoints.newest, (part, runs / "whole0"))
    assert values["updates_done"] == 240 and len(arrays) > 30
    assert_same(values, whole_values)
    assert_same(arrays, whole_arrays)


def test_killed_while_it_resumes_and_while_it_writes_its_last_files(runs, part):
    """One run, killed at each of these moments in turn, ends like one that was not killed."""
    for name, moment in [*LAST_MOMENTS[:1], *(MORE_MOMENTS if KILLS > 1 else []), *LAST_MOMENTS[1:]]:
        done = subprocess.run(
            [sys.executable, "-c", KILLS_ITSELF, name, moment, str(part)], capture_output=True, text=True
        )
        assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    assert resume(part) == 0
    assert_same(result(part), result(runs / "whole0"))
    assert not list(part.glob("checkpoint-*")) and not list(part.glob("*.partial"))


def test_the_log_says_where_it_went_on(part):
    text = (part / "log.txt").read_text()
    assert "Going on after update 5 (0 epochs done)" in text and "Going on after update 24 (1 epochs done)" in text


def test_a_damaged_checkpoint_and_other_threads_are_told_of(runs, part, capsys):
    before, last = sorted(part.glob("checkpoint-*.npz"))
    last.write_bytes(last.read_bytes()[:-1000])
    assert resume(part, "--threads", "2") == 0
    shown = capsys.readouterr().out
    assert f"{last} is passed over, as it is damaged" in shown
    assert "may not be bit for bit" in shown and "threads was 1 and is 2" in shown


def test_before_the_first_checkpoint_it_begins_anew(runs, part):
    checkpoints.remove(part)
    assert resume(part) == 0
    assert_same(result(part), result(runs / "whole0"))
    assert not list(part.glob("checkpoint-*"))


def test_a_finished_run_is_left_alone_but_for_its_checkpoints(runs, tmp_path, capsys):
    whole = Path(shutil.copytree(runs / "whole0", tmp_path / "whole0"))
    before = {path.name: path.read_bytes() for path in whole.iterdir()}
    assert resume(whole) == 0
    assert "is finished: nothing is left to train" in capsys.readouterr().out
    after = {path.name: path.read_bytes() for path in whole.iterdir()}
    assert after == {name: content for name, content in before.items() if not name.startswith("checkpoint")}
    assert len(after) == len(before) - 2


@pytest.mark.parametrize(
    "options, name",
    [
        ("--num-epochs 30", "--num-epochs"),
        ("--lr 0.1", "--lr"),
        ("--plain-graph", "--plain-graph"),
        ("--preset thesis_table_22", "--preset"),
        ("--dry-run", "--dry-run"),
        ("-- name", "'name'"),
    ],
)
def test_other_options_are_refused(part, capsys, options, name):
    assert resume(part, *options.split()) == 2
    assert f"leave out {name} (" in capsys.readouterr().err


def test_what_is_no_run_is_refused(part, capsys):
    assert resume("elsewhere") == 2
    assert "there is no folder elsewhere" in capsys.readouterr().err
    (part / "params.json").unlink()
    assert resume(part) == 2
    assert "no params.json" in capsys.readouterr().err


def test_the_record_of_a_finished_run_is_left_alone(part, capsys):
    for path in [*part.glob("*.npz")]:
        path.unlink()
    (part / "evaluation.json").write_text("{}")
    log = (part / "log.jsonl").read_bytes()
    assert resume(part) == 2
    assert "is the record of a finished run" in capsys.readouterr().err
    assert (part / "log.jsonl").read_bytes() == log


def test_options_that_were_edited_are_refused(part, capsys):
    options = json.loads((part / "params.json").read_text())
    (part / "params.json").write_text(json.dumps({**options, "lr": 0.1}))
    assert resume(part) == 2
    assert "differ in lr" in capsys.readouterr().err


def test_other_examples_are_refused(part, capsys, monkeypatch):
    monkeypatch.setattr(
        provenance,
        "sha256",
        lambda arrays, real=provenance.sha256: real(arrays)[::-1] if "targets" in arrays else real(arrays),
    )
    assert resume(part) == 2
    assert "digits has other labels" in capsys.readouterr().err


def test_other_pixels_are_refused(part, capsys, monkeypatch):
    monkeypatch.setattr(
        provenance,
        "sha256",
        lambda arrays, real=provenance.sha256: real(arrays)[::-1] if "features" in arrays else real(arrays),
    )
    assert resume(part) == 2
    assert "digits has other values" in capsys.readouterr().err


def test_checkpoints_that_cannot_be_read_are_refused(part, capsys):
    for path in part.glob("checkpoint-*.npz"):
        path.write_bytes(b"")
    assert resume(part) == 2
    assert "no checkpoint in" in capsys.readouterr().err
    assert len(list(part.glob("checkpoint-*.npz"))) == 2


def test_a_second_process_is_refused(part, capsys):
    with lock.held(part):
        assert resume(part) == 2
    assert "another process is training into" in capsys.readouterr().err


@contextmanager
def files_of_at_most(size):
    """While inside, the kernel refuses this process larger files."""
    limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))


def test_a_disk_that_is_full_loses_nothing(runs, part, capsys):
    """Room for the log, not for checkpoints and parameters.  (Compiled code is in this process's memory already.)"""
    before = {path.name: path.read_bytes() for path in part.glob("*.npz")}
    with files_of_at_most(25_000):
        assert resume(part) == 2
    shown = capsys.readouterr()
    assert shown.out.count("no checkpoint could be written") == 1
    assert len(shown.err.splitlines()) == 1 and f"--resume {part}" in shown.err
    assert before == {path.name: path.read_bytes() for path in part.glob("*.npz*")}
    assert resume(part) == 0
    assert_same(result(part), result(runs / "whole0"))


def test_minutes_are_a_number(capsys):
    for minutes in ("-1", "inf", "often"):
        with pytest.raises(SystemExit):
            main(["train", "--checkpoint-minutes", minutes])
        assert "must be a number of minutes" in capsys.readouterr().err


OLDER = Path(__file__).resolve().parents[1] / "runs" / "older_run"


@pytest.fixture
def older(tmp_path, monkeypatch):
    """A run and its checkpoint after 59 updates, from a version without --standardize and the options after it."""
    enter(tmp_path, monkeypatch)
    return Path(shutil.copytree(OLDER, tmp_path / "results" / "older0"))


def test_an_older_run_goes_on(older, capsys):
    assert "standardize" not in (older / "params.json").read_text()
    assert resume(older) == 0
    assert "Going on after update 59 (3 epochs done)" in capsys.readouterr().out
    rows = [json.loads(line) for line in (older / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["epoch"] == 20 and rows[-1]["update"] == 300
    assert json.loads((older / "params.json").read_text())["standardize"] is False
    assert "splits" in json.loads((older / "data.json").read_text())


def test_an_older_run_differs_where_a_new_option_is_not_as_it_was_then(older, capsys):
    options = json.loads((older / "params.json").read_text())
    (older / "params.json").write_text(json.dumps({**options, "rescale": True}))
    assert resume(older) == 2
    assert "differ in rescale" in capsys.readouterr().err


def test_another_data_set_is_refused_before_anything_is_compiled(part, capsys):
    data = json.loads((part / "data.json").read_text())
    data["splits"]["train"]["features"] = "0" * 64
    (part / "data.json").write_text(json.dumps(data))
    assert resume(part) == 2
    assert "digits has other values in its training examples than when" in capsys.readouterr().err
