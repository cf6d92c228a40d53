"""The order of examples, compared with that of Fuel 0.2 (tests/golden/streams_small.npz)."""

from pathlib import Path

import numpy as np
import pytest

from ladder.data.schemes import SequentialScheme, ShuffledScheme
from ladder.errors import UserError

GOLDEN = Path(__file__).parents[1] / "golden" / "streams_small.npz"


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDEN))


@pytest.mark.parametrize("n", [100, 250, 1000])
def test_shuffled_epochs_are_fuels(golden, n):
    scheme = ShuffledScheme(n, 100)
    for epoch in range(3):
        batches = list(scheme.get_request_iterator())
        assert [len(batch) for batch in batches] == golden[f"shuffled_n{n}_e{epoch}_lens"].tolist()
        for i, batch in enumerate(batches[:5]):
            assert batch.tolist() == golden[f"shuffled_n{n}_e{epoch}_b{i}"].tolist()


def test_sixty_thousand_examples_as_in_fuel(golden):
    scheme = ShuffledScheme(60000, 100)
    epochs = [list(scheme.get_request_iterator()) for _ in range(3)]
    assert epochs[0][0].tolist() == golden["shuffled_n60000_e0_b0"].tolist()
    assert epochs[2][2].tolist() == golden["shuffled_n60000_e2_b2"].tolist()


def test_order_equals_shuffling_a_python_list():
    indices, scheme = list(range(7, 130)), ShuffledScheme(range(7, 130), 10)
    rng = np.random.RandomState(1)
    for _ in range(2):
        shuffled = list(indices)
        rng.shuffle(shuffled)
        assert np.concatenate(list(scheme.get_request_iterator())).tolist() == shuffled


def test_sequential_keeps_the_order_and_a_smaller_last_batch():
    scheme = SequentialScheme([5, 3, 9, 1, 7], 2)
    for _ in range(2):
        assert [batch.tolist() for batch in scheme.get_request_iterator()] == [[5, 3], [9, 1], [7]]


@pytest.mark.parametrize("scheme", [SequentialScheme, ShuffledScheme])
@pytest.mark.parametrize("n, size, expected", [(0, 3, 0), (1, 3, 1), (3, 3, 1), (4, 3, 2)])
def test_num_batches_is_what_an_epoch_gives(scheme, n, size, expected):
    scheme = scheme(n, size)
    assert scheme.num_batches == expected == len(list(scheme.get_request_iterator()))


def test_shuffling_leaves_the_callers_array_alone():
    examples = np.arange(50)
    list(ShuffledScheme(examples, 10).get_request_iterator())
    assert examples.tolist() == list(range(50))


def test_state_continues_where_it_was_taken():
    scheme, other = ShuffledScheme(50, 10), ShuffledScheme(50, 10)
    scheme.get_request_iterator()
    other.state = scheme.state
    ours, theirs = (np.concatenate(list(s.get_request_iterator())) for s in (scheme, other))
    assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("size", [0, -1])
def test_batch_size_must_be_positive(size):
    with pytest.raises(UserError, match=f"batch of {size}"):
        SequentialScheme(10, size)
