"""Standard normals from the two generators, whose uniforms are bit for bit those of the C backend.

MRG31k3p: L'Ecuyer and Touzin (2000); Philox4x32-10: Salmon, Moraes, Dror and
Shaw (2011); normals from pairs of uniforms: Box and Muller (1958).  The
arithmetic is that of ``ladder/fused/c/mrg.h``, ``philox.h`` and ``normal.h``,
but for the logarithm, which is a series here and has a table there.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

M1 = np.uint32(2147483647)  # 2^31 - 1
M2 = np.uint32(2147462579)  # 2^31 - 21069
TO_UNIT = np.float32(4.6566126e-10)  # the float below 2^-31, so that no uniform is 1
TWO_PI = np.float32(6.283185307179586)


def mrg_uniforms(state, size):
    """The next uniforms of MRG31k3p: number i from substream i modulo the number of substreams.

    Parameters
    ----------
    state : (substreams, 6) int32
    size : int

    Returns
    -------
    next state, (size,) float32
    """
    substreams = state.shape[0]
    steps = -(-size // substreams)
    columns = tuple(state.astype(jnp.uint32).T)
    # A loop even where it is short: unrolled, XLA would compute the first steps again in each of the later ones.
    (columns, before), uniforms = jax.lax.scan(lambda x, _: _mrg_step(*x), (columns, columns), length=steps)
    # Not all substreams take the last step.
    used = np.arange(substreams) < size - (steps - 1) * substreams
    columns = [jnp.where(used, new, old) for new, old in zip(columns, before)]
    return jnp.stack(columns, axis=1).astype(jnp.int32), uniforms.reshape(-1)[:size]


def _mrg_step(columns, before):
    """Advance all substreams by one step; return their new and old states, and the uniform of each."""
    x11, x12, x13, x21, x22, x23 = columns
    y1 = _modulo(((x12 & 511) << 22) + (x12 >> 9) + ((x13 & 0xFFFFFF) << 7) + (x13 >> 24), M1)
    y1 = _modulo(y1 + x13, M1)
    y2 = _modulo(((x21 & 0xFFFF) << 15) + 21069 * (x21 >> 16), M2)
    y3 = _modulo(((x23 & 0xFFFF) << 15) + 21069 * (x23 >> 16), M2)
    y3 = _modulo(_modulo(y3 + x23, M2) + y2, M2)
    difference = jnp.where(y1 <= y3, y1 - y3 + M1, y1 - y3)
    after = (y1, x11, x12, y3, x21, x22)
    return (after, columns), difference.astype(jnp.int32).astype(jnp.float32) * TO_UNIT


def _modulo(y, m):
    """y modulo m, for y below 2 m; y - m wraps around where y is less than m."""
    return jnp.minimum(y, y - m)


def mrg_normals(state, shape):
    """The next state, and float32 normals: numbers j and j + n / 2 are made from uniforms j and j + n / 2."""
    size = math.prod(shape)
    even = size + size % 2
    state, uniforms = mrg_uniforms(state, even)
    cosines, sines = box_muller(uniforms[: even // 2], uniforms[even // 2 :])
    return state, jnp.concatenate([cosines, sines])[:size].reshape(shape)


#: The number of Philox blocks whose normals lie together, and the number of those normals.
BLOCKS = 64
GROUP = 4 * BLOCKS


def philox_normals(state, shape):
    """The next state, and float32 normals.

    Parameters
    ----------
    state : (3,) int64: seed, stream, update
    shape : tuple of int
    """
    size = math.prod(shape)
    (seed, seed_high), (stream, _), (update, update_high) = (_words(state[k]) for k in range(3))
    block = jnp.arange(-(-size // GROUP) * BLOCKS, dtype=jnp.uint32).reshape(-1, BLOCKS)
    x0, x1, x2, x3 = (_to_unit(x) for x in _philox((block, update, update_high, seed_high), (seed, stream)))
    cosines, sines = zip(box_muller(x0, x1), box_muller(x2, x3))
    normals = jnp.concatenate([*cosines, *sines], axis=1).reshape(-1)[:size]
    return state.at[2].add(1), normals.reshape(shape)


def _words(number):
    """Lower and upper 32 bits of a 64-bit number."""
    number = number.astype(jnp.uint64)
    return number.astype(jnp.uint32), (number >> 32).astype(jnp.uint32)


def _philox(counter, key):
    (x0, x1, x2, x3), (key0, key1) = counter, key
    for _ in range(10):
        high0, low0 = _product(0xD2511F53, x0)
        high2, low2 = _product(0xCD9E8D57, x2)
        x0, x1, x2, x3 = high2 ^ x1 ^ key0, low2, high0 ^ x3 ^ key1, low0
        key0, key1 = key0 + np.uint32(0x9E3779B9), key1 + np.uint32(0xBB67AE85)
    return x0, x1, x2, x3


def _product(a, b):
    """Upper and lower 32 bits of a product."""
    product = jnp.uint64(a) * b.astype(jnp.uint64)
    return (product >> 32).astype(jnp.uint32), product.astype(jnp.uint32)


def _to_unit(word):
    """A uniform in (0, 1]: the upper 31 bits give one of 2^31 steps, whose middle is taken."""
    return (word >> 1).astype(jnp.int32).astype(jnp.float32) * np.float32(2.0**-31) + np.float32(2.0**-32)


def box_muller(u, v):
    """Two arrays of normals from two of uniforms in (0, 1].

    Logarithm, cosine and sine are computed in float64 and rounded once, as in ``normal.h``.
    """
    # Barriers, which GPUs respect: without them the uniforms would be drawn again for each of their uses.
    u, v = jax.lax.optimization_barrier((u, v))
    radius = jnp.sqrt(-2 * _logarithm(u))
    cosine, sine = _cosine_and_sine((TWO_PI * v).astype(jnp.float64))
    return jax.lax.optimization_barrier((radius * cosine, radius * sine))


#: log m = 2 artanh s, s = (m - 1) / (m + 1): coefficients of 2 s^1, s^3, … for m between the square roots of 1/2 and 2.
ARTANH = tuple(1 / k for k in range(1, 15, 2))
#: sin x = x + x^3 (…), cos x = 1 + x^2 (…) on [-pi/4, pi/4] (Arm's optimized routines, see ``normal.h``).
SINE = tuple(map(float.fromhex, ("-0x1.555545995a603p-3", "0x1.1107605230bc4p-7", "-0x1.994eb3774cf24p-13")))
COSINE = tuple(
    map(
        float.fromhex,
        ("-0x1.ffffffd0c621cp-2", "0x1.55553e1068f19p-5", "-0x1.6c087e89a359dp-10", "0x1.99343027bf8c3p-16"),
    )
)


def _logarithm(u):
    """The logarithm of normal positive numbers; float32."""
    bits = jax.lax.bitcast_convert_type(u, jnp.int32)
    above = bits - 0x3F3504F3  # the bits of the square root of 1/2
    exponent = above >> 23
    m = jax.lax.bitcast_convert_type(bits - (exponent << 23), jnp.float32).astype(jnp.float64)
    s = (m - 1) / (m + 1)
    return (2 * s * _polynomial(ARTANH, s * s) + exponent.astype(jnp.float64) * math.log(2)).astype(jnp.float32)


def _cosine_and_sine(theta):
    """Cosine and sine of angles in [0, 2 pi], float64 -> float32; without branches, so that a CPU vectorises them."""
    quadrant = (theta * (2 / math.pi) + 0.5).astype(jnp.int32)
    x = theta - quadrant.astype(jnp.float64) * (math.pi / 2)
    square = x * x
    sine = (x + x * square * _polynomial(SINE, square)).astype(jnp.float32)
    cosine = (1 + square * _polynomial(COSINE, square)).astype(jnp.float32)
    odd = (quadrant & 1) == 1
    cosine, sine = jnp.where(odd, sine, cosine), jnp.where(odd, cosine, sine)
    return _negative_if((quadrant + 1) & 2, cosine), _negative_if(quadrant & 2, sine)


def _polynomial(coefficients, x):
    """``c[0] + c[1] x + c[2] x^2 + …``."""
    value = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        value = value * x + c
    return value


def _negative_if(flag, x):
    """x with its sign flipped where the flag, 0 or 2, is 2."""
    bits = jax.lax.bitcast_convert_type(x, jnp.int32) ^ (flag << 30)
    return jax.lax.bitcast_convert_type(bits, jnp.float32)
