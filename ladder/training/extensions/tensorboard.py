"""A run as TensorBoard shows it: numbers of every epoch, distributions of z and of parameters, reconstructions."""

import logging
import math
import re
from numbers import Real

import numpy as np

from ladder.data.images import as_images
from ladder.runs.events import EventFile, keep_until
from ladder.runs.log_rows import BEGINNINGS
from ladder.training.extensions import Extension

logger = logging.getLogger("main")

#: About how many times distributions and images are written in the course of a run.
LOOKS = 30

#: Bins of a distribution.
BINS = 64

#: Number of reconstructed examples side by side, and the minimum height of one in pixels.
COLUMNS, LEAST_HEIGHT = 10, 56

#: A name in the log -> its tag; TensorBoard groups tags by the part before the first '/'.
TAGS = tuple(
    (rf"({'|'.join(beginning.rstrip('_') for beginning in BEGINNINGS)})_{rest}", tag)
    for rest, tag in (
        (r"denois(\d+)", r"\1/denoising/\2"),
        (r"vat(\d+)", r"\1/virtual_adversarial/\2"),
        (r"(\w+)", r"\1/\2"),
    )
)


class TensorBoard(Extension):
    """Write what TensorBoard shows into the folder of a run; the step is the number of epochs done.

    It changes nothing in the run, and a full disk costs only a warning.

    Parameters
    ----------
    folder : Path
    log : Log
        Its rows are written as scalars, after :class:`~ladder.training.extensions.saving.Log` has added its own.
    look : function without arguments -> :class:`ladder.training.signals.Signals`
        Signals of the network in its current state.
    parameters : list of shared variables
    """

    def __init__(self, folder, log, look, parameters):
        self._folder, self._log, self._look, self._parameters = folder, log, look, parameters
        self._failed = False

    def before_training(self, loop):
        kept = self._try(lambda: keep_until(self._folder, loop.epochs_done), set())
        rows = self._log.rows
        missing = [row for row in rows if row["epoch"] not in kept]
        first = min([loop.epochs_done + 1, *(row["epoch"] for row in missing)])
        self._file = EventFile(self._folder, first if kept else None)
        for row in missing:
            self._add_row(row)
        self._try(self._file.write)

    def after_epoch(self, loop):
        self._add_row(loop.row)
        every = math.ceil(loop.num_epochs / LOOKS)
        if loop.epochs_done % every == 0 or loop.epochs_done in (1, loop.num_epochs) or loop.ended:
            self._file.add(loop.epochs_done, self._summaries())
        self._try(self._file.write)

    def after_training(self, loop):
        # Without the count of updates, which marks an epoch's own row.
        self._add_row({name: value for name, value in loop.row.items() if name != "update"})
        self._try(self._file.write)

    def _add_row(self, row):
        from tensorboardX import summary

        numbers = {name: value for name, value in row.items() if name != "epoch" and _is_number(value)}
        if numbers:
            self._file.add(row["epoch"], [summary.scalar(tag(name), value) for name, value in numbers.items()])

    def _summaries(self):
        from tensorboardX import summary

        signals = self._look()
        arrays = {f"z/{i}": z for i, z in signals.z.items()}
        arrays.update({f"parameters/{shared.name}": shared.get_value() for shared in self._parameters})
        finite = {name: array[np.isfinite(array)] for name, array in arrays.items()}
        summaries = [summary.histogram(name, values, BINS) for name, values in finite.items() if values.size]
        picture = grid([signals.clean, signals.noisy, signals.reconstructed]) if signals.clean is not None else None
        if picture is not None:
            summaries.append(summary.image("input/clean_noisy_reconstructed", picture, dataformats="HWC"))
        return summaries

    def _try(self, write, otherwise=None):
        """Do something with files; if that fails, warn once, until it succeeds again."""
        try:
            done = write()
        except OSError as error:
            if not self._failed:
                logger.warning(
                    "Warning: cannot write %s for TensorBoard (%s): trying again after the next epoch",
                    error.filename,
                    error.strerror,
                )
            self._failed = True
            return otherwise
        self._failed = False
        return done


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)  # includes NumPy's numbers


def tag(name):
    """The tag of a number in the log.

    Examples
    --------
    >>> tag("train_denois0"), tag("valid_approx_error_rate_clean"), tag("learning_rate")
    ('train/denoising/0', 'valid_approx/error_rate_clean', 'learning_rate')
    """
    for pattern, replacement in TAGS:
        if found := re.fullmatch(pattern, name):
            return found.expand(replacement)
    return name


def grid(rows):
    """Rows of examples as one picture, from black to white over the range of the first row's values.

    Parameters
    ----------
    rows : list of (examples, …) arrays
        ``COLUMNS`` examples of each are shown.

    Returns
    -------
    (height, width, 3) uint8; None where examples are no images
    """
    rows = [as_images(np.asarray(row[:COLUMNS])) for row in rows]
    if rows[0] is None:
        return None
    low, high = float(rows[0].min()), float(rows[0].max())
    times = math.ceil(LEAST_HEIGHT / rows[0].shape[1])
    lines = [np.concatenate([_framed(image, low, high, times) for image in row], axis=1) for row in rows]
    return np.concatenate(lines)


def _framed(image, low, high, times):
    """One image in colour, enlarged by ``times``, with a grey line at the right and the bottom."""
    scaled = np.clip((np.nan_to_num(image) - low) / (high - low or 1), 0, 1)
    pixels = np.round(255 * scaled).astype("uint8").repeat(times, axis=0).repeat(times, axis=1)
    coloured = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=-1)
    return np.pad(coloured, ((0, 1), (0, 1), (0, 0)), constant_values=128)
