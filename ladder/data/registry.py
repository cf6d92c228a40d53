"""The data sets that are known by name.  To add one, write a file in ``convert/`` and enter it here."""

import os
from pathlib import Path

from ladder.data.convert.cifar10 import CIFAR10
from ladder.data.convert.digits import DIGITS
from ladder.data.convert.fashion_mnist import FASHION_MNIST
from ladder.data.convert.mnist import MNIST
from ladder.data.convert.svhn import SVHN

KNOWN = {dataset.name: dataset for dataset in (MNIST, FASHION_MNIST, CIFAR10, SVHN, DIGITS)}


#: The suffixes of HDF5 files.
SUFFIXES = (".hdf5", ".h5")


def is_path(dataset):
    """Whether a data set is given as a file: it ends in ``.hdf5`` or ``.h5``, or has a folder in it."""
    separators = {os.sep, os.altsep} - {None}
    return dataset.lower().endswith(SUFFIXES) or any(separator in dataset for separator in separators)


def name_of(dataset):
    """The name of a data set that is given by name or as a file: 'mnist' also for '/data/mnist.hdf5'."""
    return Path(dataset).stem if is_path(dataset) else dataset


def n_training_examples(name):
    """How many examples of a data set train unless told otherwise; None: all."""
    return KNOWN[name].n_training if name in KNOWN else None


def has_pixels(name):
    """Whether integers of a data set are 8-bit pixels to be divided by 255; None: the values decide."""
    return KNOWN[name].has_pixels if name in KNOWN else None


def needs_unit_interval(name):
    """Whether features must lie between 0 and 1."""
    return name in KNOWN and KNOWN[name].unit_interval


def how_to_make(name):
    """How to make the file of a data set, in words."""
    if name in KNOWN:
        fetched = f" (`run.py download {name}` fetches it)" if KNOWN[name].downloads else ""
        return KNOWN[name].how_to_make + fetched
    return (
        "`run.py convert arrays --input FILE.npz --name NAME` or `run.py convert images --directory D --size N --name "
        "NAME`, or give the path of an HDF5 file"
    )
