"""Runs with ``--backend jax``: alone, side by side, moved from one backend to the other, and users' mistakes."""

import json
import logging
import os
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax", reason="JAX is not installed")

from ladder import backends  # noqa: E402
from ladder.cli import main  # noqa: E402
from ladder.data.npz import load_arrays  # noqa: E402
from ladder.training.extensions.monitoring import TrainingMonitor  # noqa: E402

#: Batches of one size: other sizes are compiled separately, and tested in tests/backends/jax_backend/test_updates.py.
NETWORK = (
    "--dataset digits --encoder-layers 20-10 --decoder-spec gauss --denoising-cost-x 10,1,0.1 --labeled-samples 100 "
    "--unlabeled-samples 600 --valid-set-size 100 --num-epochs 3 --threads 1"
).split()
UPDATES = 18
JAX = ["--backend", "jax"]


def enter(folder, patch):
    """Make a folder the current one, without the user's data sets, and restore the backend afterwards."""
    patch.chdir(folder)
    patch.delenv("FUEL_DATA_PATH", raising=False)
    patch.setattr(backends, "_in_force", "c")


def arrays(run):
    found = {}
    for name in ("trained_params.npz", "running_statistics.npz"):
        with np.load(run / name) as archive:
            found.update({key: archive[key] for key in archive.files})
    return found


def rows(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def assert_close(one, two, rtol, atol):
    """The same parameters, statistics and log, up to rounding errors, which Adam amplifies."""
    for mine, other in zip(rows(one), rows(two), strict=True):
        assert mine.keys() == other.keys()
        for name, value in mine.items():
            # One or two of 100 examples may be assigned to another class.
            assert value == pytest.approx(other[name], rel=rtol, abs=2.1 if "error" in name else atol), name
    first, second = arrays(one), arrays(two)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_allclose(
            value, second[name], rtol=rtol, atol=atol * max(1, np.abs(value).max()), err_msg=name
        )


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Seeds 1 and 2 in JAX: ``alone0`` and ``alone1``; ``both0`` and ``both1`` side by side as on a GPU, a whole epoch
    per call; ``turn0`` and ``turn1`` as on a CPU.  ``c0`` is seed 1 in C."""
    from ladder.backends.jax import updates

    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        enter(folder, patch)
        for name, options in {
            "alone": [*JAX, "--seed", "1", "2"],
            "turn": [*JAX, "--seed", "1", "2", "--vmap-seeds"],
            "both": [*JAX, "--seed", "1", "2", "--vmap-seeds"],
            "c": ["--seed", "1"],
        }.items():
            with pytest.MonkeyPatch.context() as device:
                if name == "both":
                    device.setattr(updates, "on_cpu", lambda: False)
                assert main(["train", *NETWORK, *options, "--", name]) == 0
    return folder / "results"


def test_a_run_in_jax_is_that_in_c_up_to_rounding(runs):
    assert_close(runs / "alone0", runs / "c0", rtol=2e-2, atol=2e-3)
    first = rows(runs / "alone0")[0]
    assert first["train_cost_total"] == pytest.approx(rows(runs / "c0")[0]["train_cost_total"], rel=1e-4)


@pytest.mark.parametrize("i", [0, 1])
def test_seeds_side_by_side_are_those_alone_up_to_rounding(runs, i):
    assert_close(runs / f"alone{i}", runs / f"both{i}", rtol=1e-2, atol=1e-3)
    one, two = ((runs / f"{name}{i}" / "params.json").read_text() for name in ("alone", "both"))
    assert one == two


@pytest.mark.parametrize("i", [0, 1])
def test_seeds_in_turn_are_those_alone_to_the_bit(runs, i):
    assert rows(runs / f"alone{i}") == rows(runs / f"turn{i}")
    one, two = (arrays(runs / f"{name}{i}") for name in ("alone", "turn"))
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)


def test_seeds_differ(runs):
    assert np.abs(arrays(runs / "both0")["f_1_W"] - arrays(runs / "both1")["f_1_W"]).max() > 0.1


def test_each_run_has_a_whole_folder_and_a_log_of_its_own(runs):
    for i in range(2):
        assert sorted(path.name for path in (runs / f"both{i}").iterdir()) == sorted(
            path.name for path in (runs / f"alone{i}").iterdir()
        )
        log = (runs / f"both{i}" / "log.txt").read_text()
        assert re.findall(r" seed +: (\d)", log) == [str(i + 1)] and log.count(" e 3, i 18: T_C_class") == 1
        assert "JAX" in log and "seed 1: " not in log


def test_environment_names_the_backend(runs):
    of_jax, of_c = (json.loads((runs / name / "environment.json").read_text()) for name in ("both0", "c0"))
    assert of_jax["backend"] == "jax" and of_jax["matmul_precision"] == "float32" and of_jax["device"].startswith("cpu")
    assert of_c["backend"] == "c" and "jax" not in of_c


def interrupt_after(patch, updates):
    after_batch, sent = TrainingMonitor.after_batch, []

    def interrupting(monitor, loop, values):
        after_batch(monitor, loop, values)
        if loop.updates_done == updates and not sent:
            sent.append(True)  # a second signal would end the process
            os.kill(os.getpid(), signal.SIGTERM)

    patch.setattr(TrainingMonitor, "after_batch", interrupting)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """``c0`` and ``jax0``: a run of each backend, interrupted after update 8."""
    folder = tmp_path_factory.mktemp("parts")
    with pytest.MonkeyPatch.context() as patch:
        for backend in ("c", "jax"):
            enter(folder, patch)
            with pytest.MonkeyPatch.context() as signals:
                interrupt_after(signals, 8)
                assert main(["train", *NETWORK, "--backend", backend, "--", backend]) == 130
    return folder / "results"


@pytest.mark.parametrize("first, second", [("c", "jax"), ("jax", "c"), ("jax", "")])
def test_checkpoints_go_from_one_backend_to_the_other(runs, parts, first, second, tmp_path, monkeypatch, caplog):
    enter(tmp_path, monkeypatch)
    run = Path(shutil.copytree(parts / f"{first}0", tmp_path / "results" / "part0"))
    logging.getLogger("main").propagate = True
    with caplog.at_level("INFO"):
        assert main(["train", "--resume", str(run), *(["--backend", second] if second else [])]) == 0
    assert json.loads((run / "environment.json").read_text())["backend"] == (second or first)
    assert rows(run)[-1]["update"] == UPDATES
    log = (run / "log.txt").read_text()
    assert "Going on after update 8" in log
    assert (f"backend was {first} and is {second}" in log) == bool(second)
    if second:
        assert_close(run, runs / "c0", rtol=2e-2, atol=2e-3)
    else:  # nothing has changed: the same bits
        for name, value in arrays(run).items():
            np.testing.assert_array_equal(value, arrays(runs / "alone0")[name], err_msg=name)
        assert rows(run) == rows(runs / "alone0")


def test_interrupted_side_by_side_each_goes_on_alone(runs, tmp_path, monkeypatch):
    enter(tmp_path, monkeypatch)
    with pytest.MonkeyPatch.context() as patch:
        interrupt_after(patch, 8)
        assert main(["train", *NETWORK, *JAX, "--seed", "1", "2", "--vmap-seeds", "--", "part"]) == 130
    for i in range(2):
        run = tmp_path / "results" / f"part{i}"
        assert rows(run)[-1]["update"] == 6 and list(run.glob("checkpoint-*8.npz"))
        assert main(["train", "--resume", str(run)]) == 0
        assert_close(run, runs / f"alone{i}", rtol=1e-2, atol=1e-3)


def test_a_run_that_diverges_says_where_as_in_c(tmp_path, monkeypatch, capsys):
    enter(tmp_path, monkeypatch)
    said = []
    for backend in ("c", "jax"):
        assert main(["train", *NETWORK, "--lr", "1e30", "--backend", backend, "--", "bad"]) == 1
        said.append(re.search(r"not finite in .*?:", capsys.readouterr().err).group())
    assert said[0] == said[1]
    assert np.isfinite(arrays(tmp_path / "results" / "bad1")["f_1_W"]).all()


def numbers_of(text):
    return [float(number) for number in re.findall(r"\d+\.\d+", text)]


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate"],
        ["evaluate", "--recompute-statistics"],
        ["evaluate", "--data-type", "train"],
        ["attack", "--tau", "0", "0.1"],
    ],
)
def test_other_commands_say_the_same_in_jax(runs, command, monkeypatch, capsys):
    enter(runs.parent, monkeypatch)
    said = []
    for backend in ([], JAX):
        capsys.readouterr()
        assert main([command[0], str(runs / "alone0"), *command[1:], *backend]) == 0
        said.append(numbers_of(capsys.readouterr().out))
    assert len(said[0]) > 5
    np.testing.assert_allclose(said[1], said[0], atol=0.6)  # two examples of 360


def test_predict_in_jax(runs, tmp_path, monkeypatch):
    enter(runs.parent, monkeypatch)
    np.savez(tmp_path / "some.npz", features=np.random.default_rng(0).random((5, 1, 8, 8), "float32"))
    found = []
    for backend in ("c", "jax"):
        output = tmp_path / f"{backend}.csv"
        command = ["predict", str(runs / "c0"), "--input", str(tmp_path / "some.npz"), "--output", str(output)]
        assert main([*command, "--backend", backend]) == 0
        found.append(np.genfromtxt(output, delimiter=",", skip_header=1))
    np.testing.assert_allclose(found[1], found[0], atol=1e-5)


@pytest.mark.parametrize(
    "options, said",
    [
        (["--vmap-seeds", "--seed", "1", "2"], "--vmap-seeds is for --backend jax"),
        ([*JAX, "--vmap-seeds"], "--seed 1 2 3"),
        (["--matmul-precision", "tf32"], "--matmul-precision is for --backend jax"),
        (["--device", "cpu"], "--device is for --backend jax"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, said, tmp_path, monkeypatch, capsys):
    enter(tmp_path, monkeypatch)
    assert main(["train", *NETWORK, *options, "--", "refused"]) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "results").exists()


def test_devices(capsys, monkeypatch):
    monkeypatch.setattr(backends, "_in_force", "c")
    assert main(["devices"]) == 0
    said = capsys.readouterr().out
    assert "JAX" in said and "CPU" in said and "g++" in said


def test_seeds_whose_batches_differ_in_size_are_kept_apart():
    from types import SimpleNamespace

    from ladder.options import Options
    from ladder.training.experiment import Experiment, side_by_side

    configurations = [Options(seed=seed, lr=lr) for seed in (1, 2, 3) for lr in (0.1, 0.2)]
    splits = [SimpleNamespace(train=[0] * 9, labeled=[0] * (4 if p.seed < 3 else 5), valid=[]) for p in configurations]
    experiments = [Experiment(p, None, split) for p, split in zip(configurations, splits)]
    assert side_by_side(experiments) == [[0, 2], [1, 3], [4], [5]]


def test_where_jax_is_missing_every_command_says_so_at_once(runs, tmp_path, monkeypatch, capsys):
    from ladder.backends.jax import setup

    enter(tmp_path, monkeypatch)

    def missing(name):
        raise setup.importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(setup.importlib.metadata, "version", missing)
    run = str(runs / "c0")
    for command in (
        ["train", *NETWORK],
        ["train", "--dry-run", *NETWORK],
        ["evaluate", run],
        ["attack", run],
        ["predict", run, "--input", "x.npz"],
        ["train", "--resume", run],
        ["parity", "--only", "fc_small_gauss0_mixed", "--", str(Path(__file__).parents[1] / "golden")],
    ):
        status = main([command[0], *JAX, *command[1:]])
        said = capsys.readouterr()
        if command[:2] == ["train", "--resume"]:
            assert status == 0 and "is finished" in said.out
        else:
            assert status == 2 and "needs JAX, which is not installed" in said.err and said.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_boltzmann_machine_in_jax_is_that_in_c_up_to_rounding(tmp_path, monkeypatch):
    """A probability near its uniform number can draw another bit, which moves a weight by a fraction of the rate."""
    enter(tmp_path, monkeypatch)
    options = "--dataset digits --encoder-layers 20-10 --pretrain rbm --pretrain-epochs 1 --seed 1 --threads 1".split()
    for name, backend in (("c", []), ("jax", JAX)):
        assert main(["pretrain", *options, *backend, "--", name]) == 0
    found = [load_arrays(tmp_path / "results" / f"{name}0" / "pretrained_params.npz") for name in ("c", "jax")]
    assert found[0].keys() == found[1].keys() and len(found[0]) >= 2
    for name, value in found[0].items():
        np.testing.assert_allclose(found[1][name], value, atol=1e-2 * np.abs(value).max(), err_msg=name)
