"""CIFAR-10's converter, on an archive with a few images per batch."""

import gzip
import hashlib
import io
import logging
import os
import pickle
import subprocess
import sys
import tarfile

import h5py
import numpy as np
import pytest

from ladder.cli import main
from ladder.data.convert import cifar10
from ladder.data.convert.cifar10 import ARCHIVE, FOLDER, convert_cifar10
from ladder.data.hdf5 import HDF5Dataset, find_dataset
from ladder.errors import UserError

N = 12
NAMES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]


@pytest.fixture(autouse=True)
def few_images(monkeypatch):
    monkeypatch.setattr(cifar10, "BATCH_SIZE", N)


def pixels(i):
    return np.random.RandomState(i).randint(0, 256, (N, 3072)).astype("uint8")


def labels(i):
    return [int(label) for label in np.random.RandomState(100 + i).randint(0, 10, N)]


def write_batch(folder, i, **changes):
    content = {b"batch_label": b"some batch", b"labels": labels(i), b"data": pixels(i), b"filenames": [b"x.png"] * N}
    content.update({key.encode(): value for key, value in changes.items()})
    (folder / NAMES[i]).write_bytes(pickle.dumps({k: v for k, v in content.items() if v is not None}, 2))


@pytest.fixture
def batches(tmp_path):
    """The folder of the six batches, inside another folder."""
    folder = tmp_path / "download" / FOLDER
    folder.mkdir(parents=True)
    for i in range(6):
        write_batch(folder, i)
    (folder / "batches.meta").write_bytes(pickle.dumps({b"label_names": [b"airplane"]}, 2))
    (folder / "readme.html").write_text("a page")
    return folder


def packed(batches):
    path = batches.parent.parent / ARCHIVE
    with tarfile.open(path, "w:gz") as archive:
        archive.add(batches, arcname=FOLDER)
    return path


def is_whole(path):
    train, test = HDF5Dataset(path, "train"), HDF5Dataset(path, "test")
    assert train.features.dtype == "uint8" and train.features.shape == (5 * N, 3, 32, 32)
    assert (train.features.reshape(5, N, 3072) == [pixels(i) for i in range(5)]).all()
    assert (test.features.reshape(N, 3072) == pixels(5)).all()
    assert train.targets.tolist() == sum(map(labels, range(5)), []) and test.targets.tolist() == labels(5)
    return True


def test_layout_is_fuels(batches, tmp_path):
    path = convert_cifar10(batches, tmp_path / "out" / "cifar10.hdf5")
    assert is_whole(path)
    with h5py.File(path, "r") as h5file:
        assert h5file["targets"].dtype == "uint8" and h5file["targets"].shape == (6 * N, 1)
        assert [axis.label for axis in h5file["features"].dims] == ["batch", "channel", "height", "width"]
        assert [axis.label for axis in h5file["targets"].dims] == ["batch", "index"]
        # Row-major planes, red first.
        assert h5file["features"][3, 1, 2, 5] == pixels(0)[3, 1024 + 2 * 32 + 5]


def test_wherever_the_batches_are(batches, tmp_path):
    archive = packed(batches)
    for source in (batches, batches.parent, archive, archive.parent):
        assert is_whole(convert_cifar10(source, tmp_path / "cifar10.hdf5"))
    assert not (archive.parent / FOLDER).exists()  # not unpacked to disk


def test_labels_as_an_array_and_keys_as_text(batches, tmp_path):
    content = {"labels": np.array(labels(2), "int64"), "data": np.asfortranarray(pixels(2))}
    (batches / NAMES[2]).write_bytes(pickle.dumps(content, 5))
    assert is_whole(convert_cifar10(batches, tmp_path / "cifar10.hdf5"))


def test_other_md5s_are_named(batches, tmp_path, monkeypatch, caplog):
    for i in (0, 1, 2, 4):
        md5 = hashlib.md5((batches / NAMES[i]).read_bytes()).hexdigest()
        monkeypatch.setitem(cifar10.MD5, NAMES[i], md5)
    with caplog.at_level(logging.INFO, "main.data"):
        convert_cifar10(packed(batches), tmp_path / "cifar10.hdf5")
    assert "The MD5 of data_batch_4, test_batch is not the official one: pixels may differ" in caplog.text


def test_official_md5s(batches, tmp_path, monkeypatch, caplog):
    for name in NAMES:
        monkeypatch.setitem(cifar10.MD5, name, hashlib.md5((batches / name).read_bytes()).hexdigest())
    archive = packed(batches)
    with caplog.at_level(logging.INFO, "main.data"):
        convert_cifar10(archive, tmp_path / "cifar10.hdf5")
        assert "six batches are the official ones (cifar-10-python.tar.gz was packed anew)" in caplog.text
        caplog.clear()
        monkeypatch.setattr(cifar10, "ARCHIVE_MD5", hashlib.md5(archive.read_bytes()).hexdigest())
        convert_cifar10(archive, tmp_path / "cifar10.hdf5")
        convert_cifar10(batches, tmp_path / "cifar10.hdf5")
    assert caplog.text.count("The MD5s are the official ones") == 2


def refused(source, tmp_path, match):
    with pytest.raises(UserError, match=match) as error:
        convert_cifar10(source, tmp_path / "out" / "cifar10.hdf5")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_nothing_there(tmp_path):
    refused(tmp_path, tmp_path, "holds neither cifar-10-python.tar.gz nor the folder cifar-10-batches-py: download")
    refused(tmp_path / "nowhere", tmp_path, "there is no folder .*nowhere")


def test_missing_batches_are_named(batches, tmp_path):
    (batches / NAMES[1]).unlink()
    (batches / NAMES[5]).unlink()
    refused(batches, tmp_path, "lacks data_batch_2, test_batch: get cifar-10-python.tar.gz anew")
    refused(packed(batches), tmp_path, "tar.gz lacks data_batch_2, test_batch")


def test_cut_short(batches, tmp_path):
    path = batches / NAMES[3]
    path.write_bytes(path.read_bytes()[:-1000])
    refused(batches, tmp_path, "cannot read .*data_batch_4, it is damaged or cut short")
    refused(packed(batches), tmp_path, "cannot read .*data_batch_4, it is damaged or cut short")


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[: len(b) // 2],
        lambda b: b[:-7],
        lambda b: b[:30],
        lambda b: b"",
        lambda b: b"plain",
        lambda b: b"\0" * 2000,
        lambda b: b[: len(b) // 2] + bytes(100) + b[len(b) // 2 + 100 :],
        lambda b: gzip.compress(b"no tar" * 500),
    ],
)
def test_damaged_archives(batches, tmp_path, damage):
    archive = packed(batches)
    archive.write_bytes(damage(archive.read_bytes()))
    refused(archive, tmp_path, "cannot read .*tar.gz.*damaged")


@pytest.mark.parametrize(
    "changes, match",
    [
        (dict(data=None), "lacks 'data' or 'labels', so it is not a batch of CIFAR-10"),
        (dict(labels=None, fine_labels=[3] * N), "lacks 'data' or 'labels'"),
        (dict(data=pixels(0).astype("float32")), "has float32 .* for its pixels"),
        (dict(data=pixels(0)[:5]), r"has uint8 \(5, 3072\) for its pixels"),
        (dict(data=pixels(0).reshape(N, 3, 32, 32)), "for its pixels"),
        (dict(data=[1, 2]), "has no array for its pixels"),
        (dict(labels=[0] * (N - 1) + [10]), "does not have one label from 0 to 9"),
        (dict(labels=[0] * (N - 1) + [-1]), "does not have one label"),
        (dict(labels=[0] * (N - 1)), "does not have one label"),
        (dict(labels=[0.5] * N), "does not have one label"),
        (dict(labels=[[0], [1, 2]]), "does not have one label"),
        (dict(labels="text"), "does not have one label"),
        (dict(labels=[2**70] * N), "does not have one label"),
    ],
)
def test_what_is_no_batch_of_cifar10(batches, tmp_path, changes, match):
    write_batch(batches, 4, **changes)
    refused(batches, tmp_path, f"data_batch_5 .*{match}|data_batch_5 {match}")


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_a_malicious_pickle_is_refused_and_not_run(batches, tmp_path, capsys):
    write_batch(batches, 2, labels=Malicious(tmp_path / "made"))
    for source in (batches, packed(batches)):
        command = ["convert", "cifar10", "--directory", str(source), "--output-directory", str(tmp_path / "out")]
        assert main(command) == 2
        shown = capsys.readouterr().err
        assert "data_batch_3 asks for" in shown and "system, which plain data never does" in shown
        assert len(shown.splitlines()) == 1
    assert not (tmp_path / "made").exists() and not (tmp_path / "out").exists()


def test_members_elsewhere_in_the_archive_are_only_read(batches, tmp_path):
    """A path that leads out of the folder is never written to, and a link is never followed."""
    archive = tmp_path / "odd.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in NAMES[:5]:
            tar.add(batches / name, arcname=f"../../{name}")
        link = tarfile.TarInfo(f"{FOLDER}/test_batch")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link, io.BytesIO())
    refused(archive, tmp_path, "lacks test_batch")
    assert not (tmp_path.parent.parent / NAMES[0]).exists()


@pytest.mark.parametrize("kind", [*cifar10.TEXTS])
def test_long_texts_about_a_member_are_not_read(tmp_path, kind):
    """Python before 3.11.10 takes time and memory quadratic in their length."""
    text = b"2 " * 131_000 + b"="
    header = tarfile.TarInfo("x")
    header.type, header.size = kind, len(text)
    content = header.tobuf(tarfile.USTAR_FORMAT) + text.ljust(-(-len(text) // 512) * 512, b"\0") + bytes(1024)
    with pytest.raises(EOFError, match="long texts"):
        list(cifar10._batches(io.BytesIO(content)))
    (tmp_path / "long.tar.gz").write_bytes(gzip.compress(content))
    refused(tmp_path / "long.tar.gz", tmp_path, "cannot read .*long.tar.gz.*damaged")


@pytest.mark.parametrize("keys, members", [(0, 200), (200, 1)])
def test_an_archive_of_which_tarfile_would_keep_much(tmp_path, keys, members):
    """Each member keeps a copy of all global headers: a few megabytes of both would take all memory."""
    archive = tmp_path / "many.tar.gz"
    headers = {f"key{i}": "value" for i in range(keys)}
    with tarfile.open(archive, "w:gz", format=tarfile.PAX_FORMAT, pax_headers=headers) as tar:
        for i in range(members):
            tar.addfile(tarfile.TarInfo(f"{i}"))
    with pytest.raises(EOFError, match="too many"):
        list(cifar10._batches(io.BytesIO(gzip.decompress(archive.read_bytes()))))
    refused(archive, tmp_path, "cannot read .*many.tar.gz.*damaged")


def test_from_the_command_line(batches, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    with pytest.raises(UserError, match="make it with `run.py convert cifar10 --directory D`"):
        find_dataset("cifar10")
    assert main(["convert", "cifar10", "--directory", str(batches)]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "Wrote datasets/cifar10.hdf5",
        f"  train: {5 * N} examples of 3 x 32 x 32 uint8",
        f"  test: {N} examples of 3 x 32 x 32 uint8",
        "  features: whole numbers from 0 to 255, taken as they are (train --divide-by R changes that)",
    ]
    assert main(["convert", "cifar10", "--directory", str(batches)]) == 2
    assert "exists already: add --force" in capsys.readouterr().err
    assert main(["convert", "cifar10", "--directory", str(batches), "--force"]) == 0


def test_a_real_batch(shared_dir, tmp_path, monkeypatch):
    """The first images of one real batch stand in for all, as the whole archive takes half a minute."""
    pytest.importorskip("PIL", reason="rebuilding the archive needs Pillow")
    maker = shared_dir / "data" / "cifar10" / "make_archive.py"
    if not maker.is_file():
        pytest.skip(f"needs {maker}")
    code = (
        f"import sys; sys.path.insert(0, {str(maker.parent)!r}); import make_archive as m, pickle, numpy;"
        "labels = numpy.load(m.HERE / 'labels.npz')['test'];"
        "pickle.dump({b'data': m.batch('test_batch')[:500], b'labels': [int(v) for v in labels[:500]]}, sys.stdout.buffer, 2)"
    )
    content = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    monkeypatch.setattr(cifar10, "BATCH_SIZE", 500)
    for name in NAMES:
        (tmp_path / name).write_bytes(content)
    test = HDF5Dataset(convert_cifar10(tmp_path, tmp_path / "cifar10.hdf5"), "test")
    assert test.features.shape == (500, 3, 32, 32)
    # The first test image is a cat, its first pixels a brown wall.
    assert test.targets[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert test.features[0, :, 0, 0].tolist() == [158, 112, 49]
