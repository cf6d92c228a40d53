"""Compare the order of the data: shuffles, permutations, labelled and validation picks.

All are integers, so all must be equal; only sums of pixels may differ, by the
rounding of 78,400 numbers added in another order.
"""

import re
import zlib

import numpy as np

from ladder.data import scaling
from ladder.data.hdf5 import HDF5Dataset, find_dataset
from ladder.data.schemes import ShuffledScheme
from ladder.data.splits import permutation, split_training_set
from ladder.data.streams import DataStream, SemiDataStream
from ladder.errors import UserError
from ladder.parity.tolerances import EXACT, Rule

N_TRAIN, BATCH_SIZE, FIRST_STORED = 60000, 100, 1000
#: The most epochs that are shuffled, one after the other.
MOST_EPOCHS = 1000
PIXEL_SUMS = Rule(1e-9, per_entry=True)


def compare(golden, result):
    """Compare all arrays of ``golden``, adding to ``result``.

    Labelled picks and merged batches need MNIST; without it they are left out,
    with a note.
    """
    mnist = _Mnist()
    for name, array in golden.arrays.items():
        kind, ours = _ours(name, mnist)
        if ours is not None:
            result.compare(kind, name, ours, array, PIXEL_SUMS if kind == "pixel sums" else EXACT)
        elif kind is None:
            result.fail("unknown arrays", f"{name} is not computed here")
    if mnist.missing:
        result.notes.append(f"left out what needs MNIST: {mnist.missing}")


def _ours(name, mnist):
    """(kind, our array) for an array's name; (None, None) for an unknown one."""
    for pattern, kind, compute, needs_mnist in PATTERNS:
        match = re.fullmatch(pattern, name)
        if match:
            arguments = [int(group) if group.isdecimal() else group for group in match.groups()]
            if needs_mnist and mnist.data is None:
                return kind, None
            return kind, compute(*([mnist] if needs_mnist else []), *arguments)
    return None, None


class _Mnist:
    """MNIST's training set, if there is one."""

    def __init__(self):
        self.data, self.missing = None, ""
        try:
            self.data = HDF5Dataset(find_dataset("mnist"), "train")
        except UserError as error:
            self.missing = str(error)

    def split(self, dseed, n_train, n_labeled):
        return split_training_set(self.data.targets, dseed, n_labeled, n_train, dataset="mnist")


def _epoch(indices, epoch):
    """The batches (list of arrays) of epoch ``epoch``, counted from 0."""
    _check_epoch(indices if np.ndim(indices) == 0 else len(indices), epoch)
    scheme = ShuffledScheme(indices, BATCH_SIZE)
    for _ in range(epoch):
        scheme.get_request_iterator()
    return list(scheme.get_request_iterator())


def _check_epoch(n, epoch):
    """Refuse what would take too long."""
    if n > N_TRAIN or epoch > MOST_EPOCHS:
        raise UserError(
            f"it has epoch {epoch} of {n} examples, but no more than {MOST_EPOCHS} epochs of {N_TRAIN} are drawn."
        )


def _lengths(n, epoch):
    return [len(batch) for batch in _epoch(n, epoch)]


def _batch(n, epoch, k):
    return _epoch(n, epoch)[k]


def _order(dseed):
    return permutation(N_TRAIN, dseed)[:FIRST_STORED]


def _checksum(dseed):
    return [zlib.crc32(permutation(N_TRAIN, dseed).astype("int64").tobytes())]


def _valid(dseed, first):
    # Which examples validate does not depend on labels, so any will do.
    targets = np.zeros(N_TRAIN, "int64")
    return split_training_set(targets, dseed, None, 50000, dataset="mnist").valid[:first]


def _picks(mnist, dseed, n_train, n_labeled):
    return mnist.split(dseed, n_train, n_labeled).labeled


def _labeled_epoch(mnist, epoch, dseed, n_train, n_labeled):
    return _epoch(mnist.split(dseed, n_train, n_labeled).labeled, epoch)


def _unlabeled_epoch(mnist, epoch, dseed, n_train, n_labeled):
    return _epoch(mnist.split(dseed, n_train, n_labeled).train, epoch)[:3]


def _merged(mnist, what, n_train, n_labeled, epoch):
    """Targets, or sums of all pixels, of the batches that training sees."""
    _check_epoch(n_train, epoch)
    split = mnist.split(1, n_train, n_labeled)
    pixels = mnist.data.features
    features = scaling.as_float32(pixels, "mnist", scaling.divisor(pixels, "mnist"), unit_interval=True)
    sources = {"features": features, "targets": mnist.data.targets}
    stream = SemiDataStream(*(DataStream(sources, ShuffledScheme(i, BATCH_SIZE)) for i in (split.labeled, split.train)))
    for _ in range(epoch):
        stream.get_epoch_iterator()
    batches = stream.get_epoch_iterator()
    if what == "targets":
        return [batch["targets_labeled"] for batch in batches]
    half = {"xlsum": "features_labeled", "xusum": "features_unlabeled"}[what]
    return [batch[half].sum(dtype="float64") for batch in batches]


PATTERNS = (
    (r"shuffled_n(\d+)_e(\d+)_lens", "batch sizes", _lengths, False),
    (r"shuffled_n(\d+)_e(\d+)_b(\d+)", "shuffled orders", _batch, False),
    (r"all_ind_dseed(\d+)", "permutations", _order, False),
    (r"all_ind_dseed(\d+)_crc", "permutations", _checksum, False),
    (r"valid_ind_dseed(\d+)_first(\d+)", "validation picks", _valid, False),
    (r"labeled_ind_dseed(\d+)_train(\d+)_lab(\d+)", "labelled picks", _picks, True),
    (r"labeled_epoch(\d+)_dseed(\d+)_train(\d+)_lab(\d+)", "labelled orders", _labeled_epoch, True),
    (r"unlabeled_epoch(\d+)_dseed(\d+)_train(\d+)_lab(\d+)", "unlabelled orders", _unlabeled_epoch, True),
    (r"merged_(targets)_train(\d+)_lab(\d+)_epoch(\d+)", "merged targets", _merged, True),
    (r"merged_(x[lu]sum)_train(\d+)_lab(\d+)_epoch(\d+)", "pixel sums", _merged, True),
)
