"""Fashion-MNIST, from its four official files: pictures of clothes in MNIST's format.

Source: Xiao, Rasul and Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset
for Benchmarking Machine Learning Algorithms", arXiv 1708.07747;
https://github.com/zalandoresearch/fashion-mnist has the files and their MD5s.
"""

import hashlib
from pathlib import Path

from ladder.data.convert import idx
from ladder.data.fuel_file import IMAGES, write_fuel_file
from ladder.data.known import KnownDataSet
from ladder.errors import UserError
from ladder.files import open_regular, read_at_most

#: The classes by number, as the authors call them.
CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)

DOWNLOADS = idx.remote_files(
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    algorithm="md5",
    files={
        "train-images-idx3-ubyte": (26421880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        "train-labels-idx1-ubyte": (29515, "25c81989df183df01b3e8a0aad5dffbe"),
        "t10k-images-idx3-ubyte": (4422102, "bef4ecab320f06d8554ea6380940ec79"),
        "t10k-labels-idx1-ubyte": (5148, "bb300cfdad3c16e7a12a480ee83cd310"),
    },
)

# Of the compressed files: no digests were published for their decompressed content.
MD5 = {file.name: file.digest for file in DOWNLOADS}


def convert_fashion_mnist(directory, output_path, dtype="float32"):
    """Write Fashion-MNIST as one file with the splits ``train`` and ``test``.

    Parameters
    ----------
    directory : str or Path
        The folder with the four ``.gz`` files, as downloaded.
    output_path : str or Path
        The file to write.
    dtype : {"float32", "uint8"}
        As for :func:`~ladder.data.convert.mnist.convert_mnist`.

    Returns
    -------
    Path
        ``output_path``.  Shapes and types are MNIST's; the file also holds the class names.

    Raises
    ------
    UserError
        If a file is missing, damaged or not Fashion-MNIST's (by its MD5).
    """
    paths = idx.find_files(Path(directory), "Fashion-MNIST", suffixes=(".gz",))
    for path in paths.values():
        _check_sum(path)
    content = {name: idx.decompressed(path) for name, path in paths.items()}
    description = {"classes": CLASSES}
    return write_fuel_file(output_path, idx.splits(content, dtype), IMAGES, description)


def _check_sum(path):
    with open_regular(path) as file:
        packed = read_at_most(file, idx.MOST_BYTES)
    if hashlib.md5(packed, usedforsecurity=False).hexdigest() != MD5[path.name]:
        raise UserError(f"{path} is not Fashion-MNIST's file (its MD5 differs): download it again.")


FASHION_MNIST = KnownDataSet(
    "fashion-mnist",
    what="Fashion-MNIST, from its four downloaded files",
    convert=convert_fashion_mnist,
    how_to_make="`run.py convert fashion-mnist --directory D`, where D holds its four files",
    options=idx.OPTIONS,
    n_training=50000,
    has_pixels=True,
    unit_interval=True,
    downloads=DOWNLOADS,
)
