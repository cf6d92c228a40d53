"""The NumPy ladder is itself checked against the original's numbers."""

import numpy as np
import pytest
from golden.load import group, load
from golden.numpy_ladder import forward

GAUSS = ("gauss", True)
NO_NOISE = [None] * 5

DECODERS = {
    "fc_small_gauss": [GAUSS] * 5,
    "fc_small_gauss0_mixed": [GAUSS, ("sig", False), ("gauss", False), ("lin", True), ("sig", True)],
    "fc_small_baseline": [None] * 5,
    "fc_small_noise_list": [GAUSS] * 5,
}
STDS = {"fc_small_baseline": [0.3] + [0.5] * 4, "fc_small_noise_list": [0.7, 0.2, 0.3, 0.4, 0.5]}


@pytest.mark.parametrize("call", ["clean0", "pert0", "pertn"])
@pytest.mark.parametrize("name", DECODERS)
def test_costs(name, call):
    arrays, meta = load(name)
    out = forward(
        group(arrays, "init__" if call == "clean0" else "pert__"),
        *(arrays["static_" + k] for k in ("features_labeled", "targets_labeled", "features_unlabeled")),
        decoders=DECODERS[name],
        weights=meta["p_effective"]["denoising_cost_x"],
        noise=[arrays[f"pertn__noise__{i}"] for i in range(5)] if call == "pertn" else NO_NOISE,
        stds=STDS.get(name, [0.3] * 5),
    )
    ours = {
        "class_clean": out.class_clean,
        "class_corr": out.class_corr,
        "total": out.total,
        "error_rate_clean": out.error_clean,
    }
    ours.update({f"denois__{i}": cost for i, cost in out.denois.items()})
    theirs = group(arrays, call + "__cost__")
    assert set(ours) == set(theirs)
    for key, cost in theirs.items():
        np.testing.assert_allclose(ours[key], cost, rtol=3e-6, err_msg=key)
