"""The initial states of MRG's streams, against Aesara's own."""

import aesara
import numpy as np
import pytest
from aesara.sandbox import rng_mrg
from golden.evaluate import PYTHON

from ladder.bricks.mrg_streams import MRGStreams


@pytest.fixture(scope="module")
def theirs():
    """Aesara's states of two streams, and the state of a third."""
    streams = rng_mrg.MRG_RandomStream(seed=12345)
    found = [streams.get_substream_rstates(n, "float32") for n in (1000, 3)]
    return found, streams.rstate


def test_streams_that_are_seeded_again_begin_again():
    streams = MRGStreams(seed=7)
    draws = [streams.normal(size=(3,)) for _ in range(2)]
    function = aesara.function([], draws, mode=PYTHON)
    first = function()
    assert not np.array_equal(function(), first)
    streams.seed(7)
    np.testing.assert_array_equal(function(), first)


def test_substreams_and_streams_are_aesaras(theirs):
    (many, few), third = theirs
    streams = MRGStreams(seed=12345)
    for expected in (many, few):
        found = streams.get_substream_rstates(len(expected), "float32")
        assert found.dtype == expected.dtype == np.int32
        np.testing.assert_array_equal(found, expected)
    assert streams.rstate.dtype == third.dtype
    np.testing.assert_array_equal(streams.rstate, third)


@pytest.mark.parametrize("n", [1, 2, 3, 64, 65, 1000])
def test_fewer_are_the_first_of_many(theirs, n):
    streams = MRGStreams(seed=12345)
    np.testing.assert_array_equal(streams.get_substream_rstates(n, "float32", inc_rstate=False), theirs[0][0][:n])
    np.testing.assert_array_equal(streams.rstate, [12345] * 6)


def test_the_largest_state_does_not_overflow():
    m1, m2 = int(rng_mrg.M1), int(rng_mrg.M2)
    streams = MRGStreams(seed=[m1 - 1] * 3 + [m2 - 1] * 3)
    second = streams.get_substream_rstates(2, "float32")[1]
    halves = ((rng_mrg.A1p72, m1), (rng_mrg.A2p72, m2))
    assert second.tolist() == [sum(int(a) * (m - 1) for a in row) % m for matrix, m in halves for row in matrix]
