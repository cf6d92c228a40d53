"""Seeds side by side in JAX: each ends by itself, and keeps its own best epoch."""

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
    "--lr-schedule constant --patience 3 --keep best --noise philox"
).split()


def test_one_ends_and_the_others_go_on(tmp_path, monkeypatch):
    """As on a GPU: an epoch at once, both seeds in one program for as long as there are two."""
    from ladder.backends.jax import updates

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    monkeypatch.setattr(backends, "_in_force", "c")
    monkeypatch.setattr(updates, "on_cpu", lambda: False)
    assert main(["train", *OPTIONS, "--seed", "1", "2", "--vmap-seeds", "--", "both"]) == 0
    runs = [RunFolder(f"results/both{i}") for i in range(2)]
    for run in runs:
        last, errors = run.last_row(), [row["valid_approx_error_rate_clean"] for row in run.rows()[:-1]]
        assert last["best_epoch"] == np.argmin(errors) + 1 and len(errors) == last["epoch"]
        assert run.is_finished() and last["epoch"] == last["best_epoch"] + 3 < 30
        assert last["update"] == 3 * last["epoch"]
        arrays = load_arrays(run / "best_params.npz")
        assert arrays["final"] and arrays["epoch"] == last["best_epoch"]
    assert runs[0].epochs_done() != runs[1].epochs_done()
