"""Several runs of one command: what becomes of the others when one goes wrong before its first update."""

from types import SimpleNamespace

import pytest

from ladder.errors import TrainingStopped, UserError
from ladder.options import Options
from ladder.runs.folder import RunFolder
from ladder.training import into_folders, session
from ladder.training.into_folders import train_held
from ladder.training.pretraining import starting


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """Three experiments and their folders; what trains them only notes what it was given."""
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
    experiments, folders, _, monkeypatch = begun

    def first_values(experiment, folder, *args, **others):
        raise OSError(28, "No space left on device", str(folder / "pretraining" / "layer1" / "learnt.npz"))

    monkeypatch.setattr(starting, "first_values", first_values)
    with pytest.raises(UserError, match="cannot write .*learnt.npz .*go on with `run.py train --resume .*run0`"):
        train_held(experiments, folders)


def test_an_interrupt_of_pretraining_is_one_of_all(begun):
    experiments, folders, trained, monkeypatch = begun
    monkeypatch.setattr(starting, "first_values", lambda *args, **others: None)
    assert train_held(experiments, folders) == ([False] * 3, {}, True) and not trained
