"""What a checkpoint belongs to."""

from dataclasses import replace

import numpy as np

from ladder.data.examples import Examples
from ladder.data.splits import Split
from ladder.options import Options
from ladder.training import provenance
from ladder.training.experiment import Experiment

P = Options(encoder_layers=("2",), denoising_cost_x=(0.0, 0.0))
X, TARGETS = np.zeros((6, 3), "float32"), np.arange(6) % 2
SPLIT = Split(np.arange(4), np.arange(2), np.arange(4, 6))


def test_digests_cover_every_example_label_and_split(monkeypatch):
    monkeypatch.setattr(provenance, "environment", lambda callbacks: {})

    def found(features=X, targets=TARGETS, split=SPLIT):
        return provenance.provenance(Experiment(P, Examples("x", features, targets), split))

    first, moved, turned = found(), X.copy(), TARGETS.copy()
    moved[-1, -1] = 1
    turned[-1] = 0
    assert found() == first
    assert found(features=moved)["features"] != first["features"]
    assert found(targets=turned)["examples"] != first["examples"]
    for part in ("train", "labeled", "valid"):
        other = replace(SPLIT, **{part: getattr(SPLIT, part)[::-1].copy()})
        assert found(split=other)["examples"] != first["examples"]
