"""Training of a run as a whole: what validation does not change, and where running averages start."""

import numpy as np
import pytest

from ladder.options import Options
from ladder.training.experiment import prepare
from ladder.training.extensions import Extension
from ladder.training.session import Session
from ladder.training.upkeep import Upkeep

NETWORK = dict(
    dataset="digits",
    encoder_layers="10",
    decoder_spec="gauss",
    denoising_cost_x=(10, 1),
    labeled_samples=100,
    num_epochs=2,
)


class Counters(Extension):
    """Record the counter of the running averages after each update."""

    def __init__(self):
        self.found = []

    def after_batch(self, loop, values):
        self.found.append(float(self.shared.get_value()))


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A function that trains with a given number of validation examples and returns (parameters by name, Counters)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)

    def run(valid_set_size):
        (experiment,) = prepare([Options.of(**NETWORK, unlabeled_samples=1200, valid_set_size=valid_set_size)])
        counters = Counters()
        session = Session(experiment, None, Upkeep(progress=False), [counters])
        counters.shared = session._ladder.shareds["counter"]
        session.loop.run(session.updates)
        return session.arrays(final=True).parameters, counters

    return run


def test_validation_leaves_training_alone_and_running_averages_begin_anew_after_it(trained):
    (one, counters), (two, _) = trained(100), trained(0)
    for name in two:  # noise drawn by validation would be missing from the next epoch
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
    assert counters.found == [min(update + 2, 10) for update in range(12)] * 2
