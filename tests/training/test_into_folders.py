"""Several runs of one command: what happens to the others when one fails before its first update."""

import re
from types import SimpleNamespace

import pytest

from ladder.errors import TrainingStopped, UserError
from ladder.options import Options
from ladder.runs.folder import RunFolder
from ladder.training import into_folders, session
from ladder.training.into_folders import train_held
from ladder.training.pretraining import starting
from ladder.training.resuming import as_it_was


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """Three experiments and their folders, with a training function that only records what it was given."""
    experiments = [SimpleNamespace(p=Options.of(seed=seed), in_dim=(4,)) for seed in (1, 2, 3)]
    folders = [RunFolder(tmp_path / f"run{i}") for i in range(3)]
    for folder in folders:
        folder.path.mkdir()
    trained = []

    def train(experiments, folders, upkeep, current, first):
        trained.extend((experiment.p.seed, values) for experiment, values in zip(experiments, first))
        with current(1):
            into_folders.logger.warning("said of the second")
        stopped = {1: TrainingStopped("not finite")} if len(experiments) == 2 else {}
        return [
            SimpleNamespace(row={}, finished=i not in stopped, interrupted=False) for i in range(len(experiments))
        ], stopped

    monkeypatch.setattr(session, "train_side_by_side", train)
    return experiments, folders, trained, monkeypatch


def test_pretraining_that_diverges_ends_its_own_run_alone(begun):
    experiments, folders, trained, monkeypatch = begun

    def first_values(experiment, *args, **others):
        if experiment.p.seed == 2:
            raise TrainingStopped("the cost is nan")
        return {"f_1_W": experiment.p.seed}

    monkeypatch.setattr(starting, "first_values", first_values)
    finished, errors, interrupted = train_held(experiments, folders)
    assert trained == [(1, {"f_1_W": 1}), (3, {"f_1_W": 3})]
    assert finished == [True, False, False] and not interrupted
    assert {i: str(error) for i, error in errors.items()} == {1: "seed 2: the cost is nan", 2: "seed 3: not finite"}
    assert "said of the second" in (folders[2].path / "log.txt").read_text()


def test_a_full_disk_in_a_folder_of_pretraining_is_about_its_run(begun):
    experiments, folders, trained, monkeypatch = begun

    def first_values(experiment, folder, *args, **others):
        if experiment.p.seed == 1:
            raise OSError(28, "No space left on device", str(folder / "pretraining" / "layer1" / "learnt.npz"))
        return {"f_1_W": experiment.p.seed}

    monkeypatch.setattr(starting, "first_values", first_values)
    _, errors, _ = train_held(experiments, folders)
    assert isinstance(errors[0], UserError) and re.search(
        "seed 1: cannot write .*learnt.npz .*go on with `run.py train --resume .*run0`", str(errors[0])
    )
    assert [seed for seed, _ in trained] == [2, 3]


def test_a_full_disk_elsewhere_ends_all(begun):
    experiments, folders, trained, monkeypatch = begun

    def first_values(*args, **others):
        raise OSError(28, "No space left on device", "/tmp/other")

    monkeypatch.setattr(starting, "first_values", first_values)
    with pytest.raises(OSError, match="other"):
        train_held(experiments, folders)
    assert not trained


def test_what_ended_a_run_is_told_though_another_was_interrupted(begun):
    experiments, folders, _, monkeypatch = begun

    def first_values(experiment, *args, **others):
        if experiment.p.seed == 1:
            raise TrainingStopped("the cost is nan")

    monkeypatch.setattr(starting, "first_values", first_values)
    finished, errors, interrupted = train_held(experiments, folders)
    assert finished == [False] * 3 and interrupted
    assert {i: str(error) for i, error in errors.items()} == {0: "seed 1: the cost is nan"}


def test_an_interrupt_of_pretraining_is_one_of_all(begun):
    experiments, folders, trained, monkeypatch = begun
    monkeypatch.setattr(starting, "first_values", lambda *args, **others: None)
    assert train_held(experiments, folders) == ([False] * 3, {}, True) and not trained


@pytest.mark.parametrize("backend", ["c", "jax"])
def test_a_run_that_is_interrupted_before_its_turn_goes_on_with_its_backend(begun, backend):
    experiments, folders, _, monkeypatch = begun
    of_jax = {"jax": "0.7.1", "jaxlib": "0.7.1", "device": "cpu: cpu", "matmul_precision": "tf32"}
    found = {"backend": backend, "threads": 3, **(of_jax if backend == "jax" else {})}
    monkeypatch.setattr(into_folders, "environment", lambda: found)
    monkeypatch.setattr(starting, "first_values", lambda *args, **others: None)
    folders[2].save_environment({**found, "threads": 2})  # of a resumed run
    train_held(experiments, folders)
    assert [folder.backend_options()["threads"] for folder in folders] == [3, 3, 2]
    assert as_it_was(folders[1], {"threads": None})["name"] == backend


def test_a_run_of_jax_does_not_take_the_precision_that_another_has_left(begun):
    _, (known, new, _), _, _ = begun
    of_jax = {"jax": "0.7.1", "jaxlib": "0.7.1", "device": "cpu: cpu", "matmul_precision": "tf32"}
    known.save_environment({"backend": "jax", "threads": 1, **of_jax})
    given = {"backend": "jax", "matmul_precision": None}
    assert as_it_was(known, given)["matmul_precision"] == "tf32"
    assert as_it_was(new, given)["matmul_precision"] == "float32"
    assert as_it_was(new, {**given, "matmul_precision": "tf32"})["matmul_precision"] == "tf32"
    assert as_it_was(new, {"backend": "c"}).get("matmul_precision") is None
