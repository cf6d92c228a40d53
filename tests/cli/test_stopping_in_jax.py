"""Seeds side by side in JAX: each ends by itself, and keeps its own best epoch."""

import logging

import numpy as np
import pytest

pytest.importorskip("jax", reason="JAX is not installed")

from ladder import backends  # noqa: E402
from ladder.cli import main  # noqa: E402
from ladder.data.npz import load_arrays  # noqa: E402
from ladder.runs.folder import RunFolder  # noqa: E402

OPTIONS = (
    "--backend jax --threads 1 --dataset digits --encoder-layers 10 --denoising-cost-x 0,0 --labeled-samples 100 "
    "--batch-size 50 --unlabeled-batch-size 300 --unlabeled-samples 900 --valid-set-size 300 --num-epochs 30 --lr 0.05 "
    "--lr-schedule constant --patience 3 --keep best"
).split()


@pytest.mark.parametrize("at_once", [False, True])
def test_one_ends_and_the_others_go_on(at_once, tmp_path, monkeypatch, caplog):
    """In turn as on a CPU, to the bit; an epoch at once as on a GPU, up to rounding until one could end elsewhere."""
    from ladder.backends.jax import updates

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    monkeypatch.setattr(backends, "_in_force", "c")
    caplog.set_level(logging.INFO, "main")
    if at_once:
        monkeypatch.setattr(updates, "on_cpu", lambda: False)
    assert main(["train", *OPTIONS, "--seed", "1", "2", "--vmap-seeds", "--", "both"]) == 0
    runs = [RunFolder(f"results/both{i}") for i in range(2)]
    for run in runs:
        last = run.last_row()
        assert run.is_finished() and last["epoch"] == last["best_epoch"] + 3 < 30
        assert last["update"] == 3 * last["epoch"]
        errors = [row["valid_approx_error_rate_clean"] for row in run.rows()[:-1]]
        assert last["best_epoch"] == np.argmin(errors) + 1 and len(errors) == last["epoch"]
    assert runs[0].epochs_done() != runs[1].epochs_done()
    if not at_once:
        assert main(["train", *OPTIONS, "--seed", "2", "--", "alone"]) == 0
        assert RunFolder("results/alone0").rows() == runs[1].rows()
        for name in ("trained_params.npz", "best_params.npz", "running_statistics.npz"):
            alone, beside = load_arrays(f"results/alone0/{name}"), load_arrays(runs[1] / name)
            assert alone.keys() == beside.keys()
            for key in alone:
                np.testing.assert_array_equal(alone[key], beside[key], err_msg=key)
