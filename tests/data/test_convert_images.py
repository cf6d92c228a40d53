"""Folders of images as data sets: layouts, class names, and messages about folders that are refused."""

import os

import numpy as np
import pytest
from PIL import Image

from ladder import plain_json
from ladder.data.convert.arrays import convert_arrays
from ladder.data.convert.images import convert_images
from ladder.data.description import check_description, class_name, labels_of_units, numbered_name
from ladder.data.examples import describe, load_examples
from ladder.data.hdf5 import HDF5Dataset, split_names
from ladder.data.summary import summarise
from ladder.errors import UserError


def fill(folder, n, value=0, size=(4, 4), suffix="png"):
    """Write n images whose first pixel is the image's number, and whose other pixels have one value."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        pixels = np.full(size, value, "uint8")
        pixels.reshape(-1)[0] = i
        Image.fromarray(pixels).save(folder / f"{i:03d}.{suffix}")


@pytest.fixture
def photos(tmp_path):
    fill(tmp_path / "photos" / "dog", 5, 200)
    fill(tmp_path / "photos" / "cat", 10, 100)
    fill(tmp_path / "photos" / "unlabeled", 3, 50)
    return tmp_path / "photos"


def test_classes_are_numbered_in_the_order_of_their_names(photos, tmp_path):
    path = convert_images(photos, tmp_path / "out.hdf5", (4, 4))
    train, test = HDF5Dataset(path, "train"), HDF5Dataset(path, "test")
    assert train.features.shape == (15, 1, 4, 4) and train.features.dtype == "uint8"
    assert (np.bincount(train.targets + 1) == [3, 8, 4]).all() and (np.bincount(test.targets) == [2, 1]).all()
    value = {-1: 50, 0: 100, 1: 200}
    for data in (train, test):
        assert [int(image[0, 1, 1]) for image in data.features] == [value[target] for target in data.targets]
    # Every image is in exactly one of the two splits, once.
    numbers = np.concatenate([train.features, test.features])[:, 0, 0, 0]
    assert sorted(numbers[:]) == sorted([*range(10), *range(5), *range(3)])
    assert train.description == {
        "classes": ["cat", "dog"],
        "images": {"height": 4, "width": 4, "channels": 1, "fit": "crop"},
    }
    again = HDF5Dataset(convert_images(photos, tmp_path / "again.hdf5", (4, 4), seed=1), "test")
    other = HDF5Dataset(convert_images(photos, tmp_path / "other.hdf5", (4, 4), seed=2), "test")
    assert (again.features == test.features).all() and (other.features != test.features).any()


def test_mixed_images_become_one_kind(photos, tmp_path):
    fill(photos / "dog" / "more", 2, size=(9, 6, 3), suffix="jpg")
    (photos / "dog" / "notes.txt").write_text("no image")
    (photos / "dog" / ".hidden.png").write_text("no image")
    (photos / "dog" / "Thumbs.db").write_text("no image")
    data = HDF5Dataset(convert_images(photos, tmp_path / "a.hdf5", (6, 5), test_fraction=0), "train")
    assert data.features.shape == (20, 3, 6, 5) and split_names(tmp_path / "a.hdf5") == ["train"]
    grey = HDF5Dataset(convert_images(photos, tmp_path / "b.hdf5", (6, 5), 1, "pad"), "train")
    assert grey.features.shape[1:] == (1, 6, 5) and grey.description["images"]["fit"] == "pad"


def test_train_and_test_folders(tmp_path):
    for name, n in (("train/a", 3), ("train/b", 2), ("train/unlabelled", 4), ("test/b", 1)):
        fill(tmp_path / "d" / name, n)
    path = convert_images(tmp_path / "d", tmp_path / "out.hdf5", (2, 2))
    assert HDF5Dataset(path, "train").targets.tolist() == [0, 0, 0, 1, 1, -1, -1, -1, -1]
    assert HDF5Dataset(path, "test").targets.tolist() == [1]
    with pytest.raises(UserError, match="has test images of its own: leave out --test-fraction"):
        convert_images(tmp_path / "d", tmp_path / "out.hdf5", (2, 2), test_fraction=0.5)
    fill(tmp_path / "d" / "test" / "c", 1)
    with pytest.raises(UserError, match="test has the folder c, which is no class of .*train: move it away"):
        convert_images(tmp_path / "d", tmp_path / "out.hdf5", (2, 2))
    fill(tmp_path / "d" / "valid" / "a", 1)
    with pytest.raises(UserError, match="has the folder train, and beside it valid: move it into train, or away"):
        convert_images(tmp_path / "d", tmp_path / "out.hdf5", (2, 2))


def test_images_without_any_label_train_without_targets(tmp_path):
    fill(tmp_path / "d" / "unlabeled", 10)
    path = convert_images(tmp_path / "d", tmp_path / "out.hdf5", (2, 2))
    data = HDF5Dataset(path, "train")
    assert data.sources == ("features",) and "classes" not in data.description and len(data.targets) == 8


def test_dark_images_are_pixels_too(tmp_path):
    """No pixel is above 127; without a description, such values would not be taken for pixels."""
    fill(tmp_path / "d" / "a", 4, 60)
    fill(tmp_path / "d" / "b", 4, 30)
    path = convert_images(tmp_path / "d", tmp_path / "dark.hdf5", (4, 4))
    examples = load_examples(str(path), "train")
    assert examples.divided_by == 255 and np.isclose(examples.features.max(), 60 / 255)
    _, _, (train, *_) = summarise(str(path))
    assert train.reading.endswith("divided by 255")
    assert describe(examples)["classes"] == ["a", "b"]


def lacking(tmp_path):
    """Folders that are refused, each with the message that it gets."""
    yield tmp_path / "none", "there is no folder"
    (tmp_path / "nothing").mkdir()
    yield tmp_path / "nothing", "nothing has no folders: make one folder of images for each class, two or more"
    fill(tmp_path / "one" / "a", 2)
    yield tmp_path / "one", "one has one folder of images, a: make one folder of images for each class"
    fill(tmp_path / "loose" / "a", 2)
    fill(tmp_path / "loose" / "b", 2)
    fill(tmp_path / "loose", 1)
    yield tmp_path / "loose", r"has images beside its folders \(000.png\): move each into the folder of its class"
    fill(tmp_path / "hollow" / "a", 2)
    (tmp_path / "hollow" / "b").mkdir()
    yield tmp_path / "hollow", r"hollow/b holds no image \(.png, .jpg, .jpeg, .jpe …\): put some there, or remove it"
    fill(tmp_path / "round" / "a", 2)
    (tmp_path / "round" / "b").symlink_to(tmp_path)
    yield tmp_path / "round", "round/b is a link to a folder that holds it: remove it"
    fill(tmp_path / "testonly" / "test" / "a", 2)
    yield tmp_path / "testonly", "has the folder test, but no train beside it"
    fill(tmp_path / "latin" / "a", 2)
    os.mkdir(os.fsencode(tmp_path / "latin") + b"/caf\xe9")
    yield tmp_path / "latin", r"has the folder b'caf\\xe9', whose name is not UTF-8: rename it"
    fill(tmp_path / "escape" / "a", 2)
    fill(tmp_path / "escape" / "\x1b[2J", 2)
    yield tmp_path / "escape", r"has the folder '\\x1b\[2J', whose name is no class's: rename it"
    fill(tmp_path / "broken" / "a", 5)
    fill(tmp_path / "broken" / "b", 5)
    (tmp_path / "broken" / "b" / "001.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    yield tmp_path / "broken", "cannot read .*broken/b/001.png: it is damaged"


def test_folders_that_are_otherwise(tmp_path):
    for folder, sentence in lacking(tmp_path):
        with pytest.raises(UserError, match=sentence) as refused:
            convert_images(folder, tmp_path / "out" / "x.hdf5", (4, 4))
        assert str(refused.value).endswith(".") and "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()  # nothing half written


def test_a_class_of_one_image_trains(tmp_path):
    fill(tmp_path / "d" / "a", 10)
    fill(tmp_path / "d" / "b", 1)
    data = HDF5Dataset(convert_images(tmp_path / "d", tmp_path / "x.hdf5", (4, 4), test_fraction=0.5), "train")
    assert np.bincount(data.targets).tolist() == [5, 1]
    fill(tmp_path / "e" / "a", 1)
    fill(tmp_path / "e" / "b", 1)
    with pytest.raises(UserError, match="--test-fraction 0.5 of .* is less than one example of each class"):
        convert_images(tmp_path / "e", tmp_path / "y.hdf5", (4, 4), test_fraction=0.5)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read(photos, tmp_path):
    (photos / "cat").chmod(0)
    try:
        with pytest.raises(UserError, match="cat cannot be read"):
            convert_images(photos, tmp_path / "x.hdf5", (4, 4))
    finally:
        (photos / "cat").chmod(0o755)


def test_a_file_that_is_converted_again_keeps_names_and_how_images_were_read(photos, tmp_path):
    first = convert_images(photos, tmp_path / "first.hdf5", (4, 4))
    about = HDF5Dataset(first, "train").description
    second = convert_arrays(first, tmp_path / "second.hdf5")
    assert HDF5Dataset(second, "train").description == about
    unlabelled = convert_arrays(first, tmp_path / "third.hdf5", sources=("targets=none",))
    assert HDF5Dataset(unlabelled, "train").description == {"images": about["images"]}


def test_names_follow_classes_that_are_numbered_anew(photos, tmp_path):
    fill(photos / "emu", 5)
    first = convert_images(photos, tmp_path / "first.hdf5", (4, 4))  # cat, dog, emu, and some without a label
    changes = {(0, True): ["dog", "emu"], (None, True): ["-1", "cat", "dog", "emu"], (2, False): ["cat", "dog"]}
    for (no_label, renumber), names in changes.items():
        second = convert_arrays(
            first, tmp_path / "second.hdf5", no_label=no_label, renumber=renumber, splits=("train=train",)
        )
        assert HDF5Dataset(second, "train").description["classes"] == names


def test_capitals_in_the_names_of_folders_that_are_no_classes(photos, tmp_path):
    (photos / "unlabeled").rename(photos / "Unlabeled")
    photos.rename(tmp_path / "Train")
    fill(tmp_path / "whole" / "TEST" / "dog", 2, 200)
    (tmp_path / "Train").rename(tmp_path / "whole" / "Train")
    path = convert_images(tmp_path / "whole", tmp_path / "out.hdf5", (4, 4))
    train, test = HDF5Dataset(path, "train"), HDF5Dataset(path, "test")
    assert train.description["classes"] == ["cat", "dog"] and np.bincount(train.targets + 1).tolist() == [3, 10, 5]
    assert test.targets.tolist() == [1, 1]
    fill(tmp_path / "whole" / "train" / "dog", 1)
    if len(os.listdir(tmp_path / "whole")) == 3:  # the file system tells the two apart
        with pytest.raises(UserError, match="has the folder Train, and beside it train: move it into Train, or away"):
            convert_images(tmp_path / "whole", tmp_path / "out.hdf5", (4, 4))


def test_damaged_descriptions_are_refused(photos, tmp_path):
    import h5py

    path = convert_images(photos, tmp_path / "out.hdf5", (4, 4))
    for content in (np.frombuffer(b'{"classes": [', "uint8"), np.zeros((2, 2), "float32")):
        with h5py.File(path, "a") as h5file:
            del h5file["ladder_description"]
            h5file["ladder_description"] = content
        with pytest.raises(UserError, match="has a damaged 'ladder_description' .*: convert the data set again"):
            HDF5Dataset(path, "train")
    texts = [b"[]", b'{"classes": 3}', b'{"classes": [1, 2]}', b'{"classes": ["\\u001b[2J"]}']
    texts += [b'{"images": {"height": 0, "width": 4, "channels": 1, "fit": "crop"}}', b'{"images": {"height": 4}}']
    for text in texts:
        with pytest.raises(plain_json.NotJSON):
            check_description(plain_json.parse(text))
    assert check_description({"other": 1}) == {}


def test_units_beyond_the_classes_have_numbers():
    assert labels_of_units(["cat", "dog"], 4) == ["cat", "dog", "2", "3"] and labels_of_units([7, 9], 3) == [7, 9, 2]
    description = {"classes": ["cat", "dog"]}
    assert (class_name(description, 1), class_name(description, 2), class_name({}, 0)) == ("dog", "", "")
    assert (numbered_name(description, 0), numbered_name(description, 5)) == ("0 cat", "5")
