"""MNIST, from its four official files.

Source: ``fuel/converters/mnist.py`` of Fuel 0.2; the format is described at
http://yann.lecun.com/exdb/mnist/.
"""

import hashlib
from pathlib import Path

from ladder.data.convert import idx
from ladder.data.fuel_file import IMAGES, write_fuel_file
from ladder.data.known import KnownDataSet
from ladder.errors import UserError

# SHA-256 of the decompressed content: it does not matter how a file was compressed.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def convert_mnist(directory, output_path, dtype="float32"):
    """Write MNIST as one file with the splits ``train`` and ``test``.

    Parameters
    ----------
    directory : str or Path
        The folder with the four files, as ``.gz`` or decompressed.
    output_path : str or Path
        The file to write.
    dtype : {"float32", "uint8"}
        float32 divides the pixels by 255; uint8 keeps them, in a file a
        quarter of the size, and they are divided when read.

    Returns
    -------
    Path
        ``output_path``.  Features have shape (70000, 1, 28, 28), training
        examples first, targets uint8 of shape (70000, 1).

    Raises
    ------
    UserError
        If a file is missing, damaged or not MNIST's.
    """
    paths = idx.find_files(Path(directory), "MNIST")
    content = {name: _checked_content(path, SHA256[name]) for name, path in paths.items()}
    return write_fuel_file(output_path, idx.splits(content, dtype), IMAGES)


def _checked_content(path, sha256):
    content = idx.decompressed(path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise UserError(f"{path} is not MNIST's file (its SHA-256 differs): download it again.")
    return content


DOWNLOADS = idx.remote_files(
    mirrors=("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"),
    algorithm="sha256",
    files={
        "train-images-idx3-ubyte": (9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        "train-labels-idx1-ubyte": (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        "t10k-images-idx3-ubyte": (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        "t10k-labels-idx1-ubyte": (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    },
)

MNIST = KnownDataSet(
    "mnist",
    what="MNIST, from its four downloaded files",
    convert=convert_mnist,
    how_to_make="`run.py convert mnist --directory D`, where D holds MNIST's four files",
    options=idx.OPTIONS,
    n_training=50000,
    has_pixels=True,
    unit_interval=True,
    downloads=DOWNLOADS,
)
