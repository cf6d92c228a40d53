"""``--missing`` given twice at the same moment trains every configuration once."""

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ladder.errors import UserError
from ladder.options import Options
from ladder.runs import folder as run_folder
from ladder.runs.folder import RunFolder
from ladder.tables.missing import claim, without_trained

OPTIONS = [
    {"encoder_layers": ("6", "3"), "denoising_cost_x": (1.0, 1.0, 1.0), "dataset": "digits", "seed": seed}
    for seed in (1, 2, 3, 4)
]
EXPERIMENTS = [SimpleNamespace(p=Options(**options), in_dim=(8,)) for options in OPTIONS]


def test_two_at_once_share_the_configurations(tmp_path, monkeypatch):
    def slowly(save_to, p, in_dim, begin=RunFolder.begin):
        time.sleep(0.05)  # during which another would see nothing yet
        return begin(save_to, p, in_dim)

    monkeypatch.setattr(RunFolder, "begin", slowly)
    together, claimed = threading.Barrier(3), []

    def one_process():
        together.wait()
        for i in range(len(OPTIONS)):
            claimed.extend(claim([i], EXPERIMENTS, str(tmp_path / "run")).items())

    threads = [threading.Thread(target=one_process) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(i for i, _ in claimed) == [0, 1, 2, 3]
    assert {folder.load_options()["seed"] for _, folder in claimed} == {1, 2, 3, 4}


def test_what_is_there_is_found_by_a_name_with_a_slash_and_without_labels(tmp_path):
    p = Options(**OPTIONS[0], unsupervised=True)
    (folder,) = claim([0], [SimpleNamespace(p=p, in_dim=(8,))], f"{tmp_path}/run/").values()
    assert folder.path == tmp_path / "run0"
    assert without_trained([p, replace(p, seed=9)], f"{tmp_path}/run/") == [replace(p, seed=9)]
    assert claim([0], [SimpleNamespace(p=p, in_dim=(8,))], f"{tmp_path}/run/") == {}


def test_a_disk_that_is_full_from_the_start_leaves_no_folder(tmp_path, monkeypatch):
    def full(path, values):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(run_folder, "save_json", full)
    with pytest.raises(UserError, match="cannot write into .*run0 .No space left on device.: make room"):
        RunFolder.begin(str(tmp_path / "run"), EXPERIMENTS[0].p, (8,))
    assert not list(tmp_path.iterdir())
