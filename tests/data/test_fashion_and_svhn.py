"""Fashion-MNIST and SVHN from made-up files in their formats: the real ones are not at hand."""

import gzip
import hashlib

import numpy as np
import pytest
from scipy.io import savemat

from ladder.data.convert import fashion_mnist, svhn
from ladder.data.convert.fashion_mnist import convert_fashion_mnist
from ladder.data.convert.svhn import convert_svhn
from ladder.data.examples import load_examples
from ladder.data.hdf5 import HDF5Dataset
from ladder.data.registry import KNOWN
from ladder.errors import UserError

RNG = np.random.RandomState(0)


@pytest.fixture
def clothes(tmp_path, monkeypatch):
    """Fashion-MNIST's four files with a few images of 3 x 2 pixels; their MD5s count as the official ones."""
    for prefix, n in (("train", 6), ("t10k", 4)):
        images = np.array([2051, n, 3, 2], ">i4").tobytes() + RNG.randint(0, 256, n * 6).astype("uint8").tobytes()
        labels = np.array([2049, n], ">i4").tobytes() + bytes(range(n))
        for name, content in ((f"{prefix}-images-idx3-ubyte.gz", images), (f"{prefix}-labels-idx1-ubyte.gz", labels)):
            (tmp_path / name).write_bytes(gzip.compress(content))
            monkeypatch.setitem(fashion_mnist.MD5, name, hashlib.md5((tmp_path / name).read_bytes()).hexdigest())
    return tmp_path


def test_fashion_mnist(clothes):
    path = convert_fashion_mnist(clothes, clothes / "fashion-mnist.hdf5", "uint8")
    data = HDF5Dataset(path, "train")
    stored = gzip.decompress((clothes / "train-images-idx3-ubyte.gz").read_bytes())
    assert data.features.shape == (6, 1, 3, 2) and data.features.tobytes() == stored[16:]
    assert data.targets.tolist() == [0, 1, 2, 3, 4, 5]
    assert data.description["classes"][7:] == ["Sneaker", "Bag", "Ankle boot"]
    assert load_examples(str(path), "test").divided_by == 255
    known = KNOWN["fashion-mnist"]
    assert known.has_pixels and known.unit_interval and known.n_training == 50000 and len(known.downloads) == 4


def test_files_that_are_not_fashion_mnists(clothes):
    victim = clothes / "t10k-labels-idx1-ubyte.gz"
    content = victim.read_bytes()
    victim.write_bytes(content + b"\0")
    with pytest.raises(UserError, match="t10k-labels-idx1-ubyte.gz is not Fashion-MNIST's file .its MD5 differs."):
        convert_fashion_mnist(clothes, clothes / "x.hdf5")
    victim.unlink()
    (clothes / "t10k-labels-idx1-ubyte").write_bytes(gzip.decompress(content))  # no checksum of it is known
    with pytest.raises(UserError, match="lacks t10k-labels-idx1-ubyte.gz: download Fashion-MNIST's four files there"):
        convert_fashion_mnist(clothes, clothes / "x.hdf5")
    assert not (clothes / "x.hdf5").exists()


@pytest.fixture
def houses(tmp_path, monkeypatch):
    """SVHN's two files with a few images, as MATLAB writes them: images along the last axis, and 10 for the digit 0."""
    for name, n in (("train_32x32.mat", 11), ("test_32x32.mat", 3)):
        pixels, labels = RNG.randint(0, 256, (32, 32, 3, n)).astype("uint8"), np.arange(n) % 10 + 1
        savemat(tmp_path / name, {"X": pixels, "y": labels.astype("uint8")[:, None]}, do_compression=True)
        monkeypatch.setitem(svhn.MD5, name, hashlib.md5((tmp_path / name).read_bytes()).hexdigest())
    return tmp_path


def test_svhn(houses):
    from scipy.io import loadmat

    path = convert_svhn(houses, houses / "svhn.hdf5")
    data, test = HDF5Dataset(path, "train"), HDF5Dataset(path, "test")
    assert data.features.shape == (11, 3, 32, 32) and test.features.shape == (3, 3, 32, 32)
    assert data.targets.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    stored = loadmat(houses / "train_32x32.mat")["X"]
    assert data.features[4, 2, 5, 31] == stored[5, 31, 2, 4]
    assert load_examples(str(path), "train").divided_by == 255
    assert KNOWN["svhn"].n_training == 63257


def test_files_that_are_not_svhns(houses, tmp_path, monkeypatch):
    monkeypatch.setattr("scipy.io.loadmat", lambda *a, **k: pytest.fail("a file that was not checked was read"))
    monkeypatch.setattr(svhn, "MD5", {"test_32x32.mat": "0" * 32})
    with pytest.raises(UserError, match="test_32x32.mat is not SVHN's file .its MD5 differs."):
        convert_svhn(houses, houses / "x.hdf5")
    (houses / "test_32x32.mat").unlink()
    with pytest.raises(UserError, match="lacks test_32x32.mat: download it there from http"):
        convert_svhn(houses, houses / "x.hdf5")
    with pytest.raises(UserError, match="--directory: there is no folder"):
        convert_svhn(tmp_path / "nowhere", houses / "x.hdf5")
    assert not (houses / "x.hdf5").exists()


def test_every_file_on_the_web_is_told_by_https_and_a_sum():
    for dataset in KNOWN.values():
        for file in dataset.downloads:
            assert len(file.digest) == {"sha256": 64, "md5": 32}[file.algorithm] and file.size > 0
            assert file.urls and all(url.startswith("https://") for url in file.urls)
