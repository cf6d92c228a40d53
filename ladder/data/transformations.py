"""Transformations of many images at once, each image with its own parameters.

All take and return float32 images, (examples, maps, height, width), and leave
their input unchanged.  They use NumPy alone, whose results do not depend on
threads, not even in the last bit; docs/augmentation.md measures alternatives.

Source: section 3.4.1 of the thesis *Adversarial Learning with Ladder
Networks*; Serra, *Image Analysis and Mathematical Morphology* (1982), chapter
XII, for the grey morphology.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def flipped(images):
    """Images mirrored left to right."""
    return images[..., ::-1].copy()


def shifted(images, rows, columns, fill):
    """Images moved by whole pixels.

    Parameters
    ----------
    images : float32 array, (n, maps, height, width)
    rows, columns : (n,) int
        How far down and to the right; negative is up and left.
    fill : number
        The value that comes in at the edges.

    Examples
    --------
    >>> shifted(np.arange(4.0, dtype="float32").reshape(1, 1, 2, 2), np.array([0]), np.array([1]), -1)
    array([[[[-1.,  0.],
             [-1.,  2.]]]], dtype=float32)
    """
    most = int(max(np.abs(rows).max(), np.abs(columns).max()))
    return _cut(_framed(images, (most, most), (most, most), fill), images.shape, most - rows, most - columns)


def cropped(images, padding, rows, columns):
    """Images padded by reflection on each side, then cropped to the old size.

    Parameters
    ----------
    images : float32 array, (n, maps, height, width)
    padding : int, below height and width
    rows, columns : (n,) int
        Where to crop, from 0 to twice the padding; the middle changes nothing.
    """
    around = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    return _cut(np.pad(images, around, mode="reflect"), images.shape, rows, columns)


def _framed(images, above, left, value):
    """Images padded with one value above and below, left and right; ``numpy.pad`` takes several times as long."""
    *outer, height, width = images.shape
    framed = np.full((*outer, height + sum(above), width + sum(left)), value, images.dtype)
    framed[..., above[0] : above[0] + height, left[0] : left[0] + width] = images
    return framed


def _cut(padded, shape, rows, columns):
    windows = sliding_window_view(padded, shape[2:], axis=(2, 3))
    return windows[np.arange(len(padded)), :, rows, columns]


def affine(angles, magnifications, shears, rows, columns):
    """Matrices that map each pixel of a result to its source, for motions about the image's centre.

    Parameters
    ----------
    angles : (n,) float64, degrees anticlockwise
    magnifications : (n,) float64
    shears : (n,) float64, degrees; rows above the centre go left, those below right
    rows, columns : (n,) float64, pixels down and to the right

    Returns
    -------
    float64 array, (n, 2, 3)
        From (row, column, 1) of a pixel of the result, counted from the
        centre, to (row, column) in the image, counted from the centre.  The
        image is magnified, sheared, turned, and then moved.
    """
    cos, sin, tan = np.cos(np.deg2rad(angles)), np.sin(np.deg2rad(angles)), np.tan(np.deg2rad(shears))
    back = np.array([[cos, sin], [-sin - tan * cos, cos - tan * sin]]) / magnifications
    came = -(back[:, 0] * rows + back[:, 1] * columns)
    return np.moveaxis(np.concatenate([back, came[:, None]], axis=1), -1, 0)


def moved(images, motions, fill):
    """Images moved by the matrices of :func:`affine`, with bilinear interpolation.

    Parameters
    ----------
    images : float32 array, (n, maps, height, width)
    motions : float64 array, (n, 2, 3)
    fill : number
        The value of everything around an image.
    """
    n, maps, height, width = images.shape
    # A margin of one pixel that motions may reach into, and one more to the right and below for its neighbours.
    padded = _framed(images, (1, 2), (1, 2), fill).reshape(n, -1)
    centre = np.array([(height - 1) / 2, (width - 1) / 2])
    starts = motions[:, :, 2] + centre - motions[:, :, :2] @ centre + 1
    numbers = np.concatenate([motions[:, :, :2], starts[:, :, None]], axis=2).astype("float32")
    grid = np.indices((height, width), dtype="float32").reshape(2, -1)
    result = np.empty((n, maps, height * width), "float32")
    # In place wherever possible, as this is where the time goes.
    lines, columns = _positions(numbers[:, 0], grid, height + 1), _positions(numbers[:, 1], grid, width + 1)
    stride = width + 3
    first = np.floor(lines)
    lines -= first
    first *= stride
    left = np.floor(columns)
    columns -= left
    first += left
    # Integers below 2^24 are exact in float32.
    first = first.astype("intp")
    first += (np.arange(n) * padded.shape[1])[:, None]
    flat = padded.reshape(-1)
    for k in range(maps):
        flat_map = flat[k * (height + 3) * stride :]
        upper = _between(flat_map, first, columns)
        lower = _between(flat_map[stride:], first, columns)
        lower -= upper
        lower *= lines
        upper += lower
        result[:, k] = upper
    return result.reshape(images.shape)


def _positions(numbers, grid, most):
    """(n, pixels): a row or column in the padded image, kept inside it."""
    found = numbers[:, 0, None] * grid[0]
    found += numbers[:, 1, None] * grid[1]
    found += numbers[:, 2, None]
    return np.clip(found, 0, most, out=found)


def _between(values, first, part):
    left = values.take(first)
    right = values[1:].take(first)
    right -= left
    right *= part
    left += right
    return left


def eroded(images, side):
    """The smallest value in a window of ``side`` x ``side`` pixels, in each map; nothing beyond the edges counts.

    A window with an even side reaches one pixel further up and left than down
    and right; that of :func:`dilated` is the other way round.
    """
    return _extreme(images, side, np.minimum, np.inf, side // 2)


def dilated(images, side):
    """The largest value in a window; see :func:`eroded`."""
    return _extreme(images, side, np.maximum, -np.inf, (side - 1) // 2)


def opened(images, side):
    """Eroded, then dilated: bright details smaller than the window vanish, and nothing becomes brighter."""
    return dilated(eroded(images, side), side)


def closed(images, side):
    """Dilated, then eroded: dark details smaller than the window vanish, and nothing becomes darker."""
    return eroded(dilated(images, side), side)


def _extreme(images, side, choose, beyond, before):
    *_, height, width = images.shape
    around = before, side - 1 - before
    rows = _framed(images, around, (0, 0), beyond)
    images = rows[:, :, :height].copy()
    for k in range(1, side):
        choose(images, rows[:, :, k : k + height], out=images)
    columns = _framed(images, (0, 0), around, beyond)
    images = columns[..., :width].copy()
    for k in range(1, side):
        choose(images, columns[..., k : k + width], out=images)
    return images
