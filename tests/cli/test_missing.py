"""``--missing`` given twice at the same moment trains every configuration once."""

import threading
import time

import pytest

from ladder.cli.missing import claim
from ladder.errors import UserError
from ladder.hyper import HyperParameters
from ladder.training import results

OPTIONS = [
    {"encoder_layers": ("6", "3"), "denoising_cost_x": (1.0, 1.0, 1.0), "dataset": "digits", "seed": seed}
    for seed in (1, 2, 3, 4)
]
EXPERIMENTS = [(HyperParameters(**{**options, "encoder_layers": ((8,), "6", "3")}),) for options in OPTIONS]


def test_two_at_once_share_the_configurations(tmp_path, monkeypatch):
    def slowly(save_to, p, begin=results.begin):
        time.sleep(0.05)  # in which another would see nothing yet
        return begin(save_to, p)

    monkeypatch.setattr(results, "begin", slowly)
    together, claimed = threading.Barrier(3), []

    def one_process():
        together.wait()
        for i in range(len(OPTIONS)):
            claimed.extend(claim([i], OPTIONS, EXPERIMENTS, str(tmp_path / "run")).items())

    threads = [threading.Thread(target=one_process) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(i for i, _ in claimed) == [0, 1, 2, 3]
    assert {results.load_options(folder)["seed"] for _, folder in claimed} == {1, 2, 3, 4}


def test_a_disk_that_is_full_from_the_start_leaves_no_folder(tmp_path, monkeypatch):
    def full(path, values):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(results, "save_json", full)
    with pytest.raises(UserError, match="cannot write into .*run0 .No space left on device.: make room"):
        results.begin(str(tmp_path / "run"), EXPERIMENTS[0][0])
    assert not list(tmp_path.iterdir())
