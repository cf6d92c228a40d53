"""A picture of what the units of the first layer look for in images: their incoming weights."""

import numpy as np

from ladder.data.npz import load_arrays
from ladder.errors import UserError
from ladder.report.pictures import filter_grid
from ladder.training.pretraining.folder import ENCODER, PretrainingFolder

#: Number of units drawn, number of columns, and width of a weight in pixels.
UNITS, COLUMNS, ENLARGED = 100, 10, 2


def first_filters(path):
    """The first layer's filters after pre-training, as a picture.

    Parameters
    ----------
    path : str or Path
        The folder of a finished pre-training of images.

    Returns
    -------
    (height, width) or (height, width, 3) uint8
        The filters of the first hundred units, each scaled separately; grey is a weight of 0.

    Raises
    ------
    UserError
        There is nothing to draw.
    """
    folder = PretrainingFolder.existing(path, "--filters")
    data = folder.load_data() if folder.is_finished() else None
    if data is None:
        raise UserError(f"--filters: {folder} is not the folder of a finished pre-training: give another.")
    in_dim = data["in_dim"]
    if len(in_dim) != 3 or in_dim[0] not in (1, 3):
        raise UserError(f"--filters: the examples of {folder} are no images of one or three channels: give another.")
    W = load_arrays(folder / ENCODER).get("f_1_W")
    if W is None or W.ndim != 2 or len(W) != np.prod(in_dim):
        raise UserError(f"{folder / ENCODER} has no weights of images: restore it, or pre-train again.")
    filters = W.T[:UNITS].reshape(-1, *in_dim).transpose(0, 2, 3, 1)
    grid = filter_grid(filters[..., 0] if in_dim[0] == 1 else filters, COLUMNS)
    return np.repeat(np.repeat(np.rint(255 * grid).astype("uint8"), ENLARGED, axis=0), ENLARGED, axis=1)


def write_png(picture, file):
    """Write a uint8 picture into an open binary file."""
    from PIL import Image

    Image.fromarray(picture).save(file, "PNG", optimize=True)
