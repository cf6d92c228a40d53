"""The same command gives the same bits again: same seed, same number of threads, same machine."""

import subprocess
import sys
from pathlib import Path

import numpy as np

RUN = Path(__file__).resolve().parents[2] / "run.py"

# Layers wide enough that two threads share the work.  MRG's numbers are compared with the original's elsewhere.
COMMAND = (
    "train --dataset digits --encoder-layers 300-10 --decoder-spec gauss --denoising-cost-x 10,1,1 "
    "--labeled-samples 100 --num-epochs 1 --threads 2 "
    "--noise philox --adv-tau 0.1 --adv-kind-unlabeled vat --adv-tau-unlabeled 0.5"
)


def test_two_processes_give_the_same_bits(tmp_path):
    for _ in range(2):
        command = [sys.executable, str(RUN), *COMMAND.split(), "--", "same"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    one, two = (np.load(tmp_path / "results" / f"same{i}" / "trained_params.npz") for i in range(2))
    assert sorted(one.files) == sorted(two.files) and len(one.files) > 20
    for name in one.files:
        assert np.isfinite(one[name]).all()
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
