"""Conversion of images with channels last to channels first, the layout that the network takes."""

import numpy as np

from ladder.data.labels import mend
from ladder.errors import UserError

#: Numbers of channels of grey and colour images.
USUAL = (1, 3)

#: The same including an alpha channel; images with so few columns are rare.
WITH_TRANSPARENCY = (2, 4)


def channels_first(features, labels, where, channels=None, given=None):
    """Images as (N, channels, height, width).

    Parameters
    ----------
    features : array, shape (N, ...)
        Anything but a four-dimensional array is returned unchanged.
    labels : tuple of str
        The axes' labels, as Fuel writes them; '' where there is none.
    where : str or Path
        The file, for messages.
    channels : 'first', 'last' or None
        None: decided by the labels or, where they do not tell, by the shape.
    given : dict or None
        Options to repeat in the suggested command, see :func:`ladder.data.labels.mend`.

    Returns
    -------
    array
        A view of ``features``, or ``features`` itself if no axis has to move.

    Raises
    ------
    UserError
        If neither labels nor shape tell where the channels are.
    """
    if features.ndim != 4:
        return features
    if channels is None:
        channels = _by_labels(labels) or _by_shape(features.shape, where, given or {})
    return np.moveaxis(features, -1, 1) if channels == "last" else features


def _by_labels(labels):
    for axis, place in ((1, "first"), (3, "last")):
        if len(labels) == 4 and labels[axis].lower() in ("channel", "channels"):
            return place
    return None


def _by_shape(shape, where, given):
    first, last = shape[1] in USUAL, shape[3] in USUAL
    could_be_last = last or (shape[3] in WITH_TRANSPARENCY and shape[1] not in WITH_TRANSPARENCY)
    if first == last and could_be_last and shape[1:] != (1, 1, 1):
        raise UserError(
            f"{where} has images of shape {shape[1:]}, whose channels may be the first axis or the last: say which with "
            f"{mend(where, given, {'--channels': 'last'})} (or first)."
        )
    return "last" if last and not first else "first"
