"""Philox4x32-10 as one operation, against its definition in Python's integers."""

import aesara
import aesara.tensor as at
import numpy as np
import pytest

from ladder.backends import c
from ladder.fused.noise import PhiloxNoise
from ladder.fused.philox import PhiloxNormal

WORD = 0xFFFFFFFF
#: Random123's kat_vectors, "philox4x32 10": counter, key, words.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def philox(counter, key):
    """The four words of a block, as in figure 2 of the paper."""
    (x0, x1, x2, x3), (k0, k1) = counter, key
    for _ in range(10):
        p, q = 0xD2511F53 * x0, 0xCD9E8D57 * x2
        x0, x1, x2, x3 = (q >> 32) ^ x1 ^ k0, q & WORD, (p >> 32) ^ x3 ^ k1, p & WORD
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return x0, x1, x2, x3


def reference(state, size):
    """The normals of a state in float64: words, uniforms, Box-Muller in groups of 64 blocks."""
    seed, stream, update = (int(number) & (2**64 - 1) for number in state)
    key = (seed & WORD, stream & WORD)
    normals = []
    for first in range(0, -(-size // 4), 64):
        counters = [(block, update & WORD, update >> 32, seed >> 32) for block in range(first, first + 64)]
        words = np.array([philox(counter, key) for counter in counters])
        units = ((words >> 1).astype("float32") * 2.0**-31 + 2.0**-32).astype("float32")
        radii = np.sqrt(-2 * np.log(units[:, ::2].T.astype("float64")))
        angles = (np.float32(2 * np.pi) * units[:, 1::2].T).astype("float64")
        normals += [*(radii * np.cos(angles)).ravel(), *(radii * np.sin(angles)).ravel()]
    return np.array(normals[:size])


def words(text):
    return [int(word, 16) for word in text.split()]


@pytest.fixture(scope="module")
def operation():
    """The operation itself: (state, rows, columns) -> next state, normals."""
    inputs = [at.lvector(), *at.lscalars(2)]
    return aesara.function(inputs, PhiloxNormal()(*inputs), mode=c.mode())


@pytest.mark.parametrize("counter, key, block", KNOWN)
def test_known_answers(counter, key, block):
    """For the reference that the operation is compared with."""
    assert list(philox(words(counter), words(key))) == words(block)


@pytest.mark.parametrize(
    "state",
    [(0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 0, 1), (2**32, 0, 0), (1, 2, 2**32), (-1, -1, -1), (2**63 - 1, 7, 2**40 + 3)],
    ids=str,
)
def test_words_uniforms_normals(operation, state):
    for size in ((1, 1), (3, 1), (1, 255), (16, 16), (1, 257), (5, 205)):
        _, normals = operation(np.array(state), *size)
        assert normals.shape == size and normals.dtype == np.float32
        expected = reference(state, normals.size).reshape(size)
        # Two roundings of half a unit in the last place each, and some from the logarithm and cosine.
        np.testing.assert_allclose(normals, expected, rtol=3 * 2.0**-24, atol=0)


def test_the_update_goes_up(operation):
    for before, after in ((0, 1), (2**40, 2**40 + 1), (-1, 0)):
        state, _ = operation(np.array([3, 4, before]), 2, 2)
        assert state.dtype == np.int64 and list(state) == [3, 4, after]


def test_a_shorter_draw_begins_a_longer_one(operation):
    longest = operation(np.array([1, 2, 3]), 300, 200)[1].ravel()
    for size in (1, 255, 256, 257, 25000):
        np.testing.assert_array_equal(operation(np.array([1, 2, 3]), 1, size)[1].ravel(), longest[:size])


def test_a_number_is_drawn_once(operation):
    """Over the blocks and groups of one draw; floats made of 31 bits collide only now and then."""
    numbers = operation(np.array([1, 0, 0]), 1, 40000)[1].ravel()
    assert len(np.unique(numbers)) > 39900


def test_seeds_of_64_bits():
    states = []
    for seed in (1, 1 + 2**32, -1):
        noise = PhiloxNoise(seed)
        noise.normal((2, 3)), noise.normal((2, 3))
        states.append([list(state) for state in noise.get_states()])
        assert noise.get_states()[0].dtype == np.int64
    assert states == [[[seed, 0, 0], [seed, 1, 0]] for seed in (1, 1 + 2**32, -1)]
    with pytest.raises(OverflowError):
        PhiloxNoise(2**63).normal((2, 3))


def test_states_of_the_wrong_kind(operation):
    with pytest.raises(TypeError, match="int64"):
        PhiloxNormal()(at.fvector(), 3)
    with pytest.raises(ValueError, match="three entries"):
        operation(np.zeros(2, "int64"), 3, 4)
