"""The original's split of MNIST (tests/golden/streams_small.npz), and user mistakes."""

import zlib
from pathlib import Path

import numpy as np
import pytest

from ladder.data.examples import Examples, warn_of_missing_classes
from ladder.data.schemes import ShuffledScheme
from ladder.data.splits import permutation, split_training_set
from ladder.errors import UserError

GOLDEN = Path(__file__).parents[1] / "golden" / "streams_small.npz"


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDEN))


@pytest.fixture(scope="module")
def mnist(golden):
    return golden["mnist_train_targets"].astype("int64")


@pytest.mark.parametrize("dseed", [1, 2])
def test_permutation_is_the_originals(golden, dseed):
    order = permutation(60000, dseed)
    assert (order[:1000] == golden[f"all_ind_dseed{dseed}"]).all()
    assert zlib.crc32(order.astype("int64").tobytes()) == golden[f"all_ind_dseed{dseed}_crc"][0]


@pytest.mark.parametrize("dseed, n_train, n_labeled", [(1, 50000, 100), (1, 50000, 1000), (2, 60000, 1000)])
def test_labelled_examples_are_the_originals(golden, mnist, dseed, n_train, n_labeled):
    split = split_training_set(mnist, dseed, n_labeled, n_train, dataset="mnist")
    assert (split.labeled == golden[f"labeled_ind_dseed{dseed}_train{n_train}_lab{n_labeled}"]).all()


@pytest.mark.parametrize("dseed", [1, 2])
def test_validation_set_is_the_originals(golden, mnist, dseed):
    split = split_training_set(mnist, dseed, dataset="mnist")
    assert len(split.train) == 50000 and len(split.valid) == 10000
    assert (split.valid[:1000] == golden[f"valid_ind_dseed{dseed}_first1000"]).all()


def test_epochs_over_the_split_are_the_originals(golden, mnist):
    split = split_training_set(mnist, 1, 1000, 50000, dataset="mnist")
    for half, indices in (("labeled", split.labeled), ("unlabeled", split.train)):
        scheme = ShuffledScheme(indices, 100)
        for epoch in range(2):
            expected = golden[f"{half}_epoch{epoch}_dseed1_train50000_lab1000"]
            batches = list(scheme.get_request_iterator())[: len(expected)]
            assert (np.array(batches) == expected).all()


def targets(n=100, n_classes=10):
    return np.arange(n) % n_classes


@pytest.mark.parametrize("dseed", [0, None])
def test_no_dseed_keeps_the_order(dseed):
    split = split_training_set(targets(), dseed, 20, 60, valid_set_size=5)
    assert split.train.tolist() == list(range(60))
    assert split.valid.tolist() == [60, 61, 62, 63, 64]
    assert split.labeled.tolist() == [i for c in range(10) for i in (c, c + 10)]


@pytest.mark.parametrize("n_labeled", [None, 0, 60])
def test_all_labels_come_in_the_order_of_the_training_set(n_labeled):
    split = split_training_set(targets(), 1, n_labeled, 60)
    assert (split.labeled == split.train).all()


def test_everything_trains_where_no_default_is_known():
    split = split_training_set(targets(), 1)
    assert len(split.train) == 100 and len(split.valid) == 0


def test_small_mnist_trains_on_all_it_has():
    assert len(split_training_set(targets(), 1, dataset="mnist").train) == 100


def test_only_examples_with_a_label_are_picked():
    partly = np.where(np.arange(100) < 50, targets(), -1)
    balanced = split_training_set(partly, 1, 20)
    everything = split_training_set(partly, 1)
    assert np.bincount(partly[balanced.labeled]).tolist() == [2] * 10
    assert sorted(everything.labeled) == list(range(50)) and len(everything.train) == 100


def test_all_that_are_labelled_need_no_balance():
    partly = np.where(np.arange(100) < 47, targets(), -1)
    assert len(split_training_set(partly, 1, 47).labeled) == 47


@pytest.mark.parametrize(
    "options, message",
    [
        ({"n_labeled": 15}, "--labeled-samples 15 does not divide by the 10 classes of mnist: use a multiple of 10"),
        ({"n_labeled": 5}, "--labeled-samples 5 is fewer than the 10 classes of mnist: use a multiple of 10"),
        ({"n_labeled": 70, "n_unlabeled": 60}, "--labeled-samples 70 is more than the 60 examples to train on"),
        ({"n_unlabeled": 101}, "--unlabeled-samples 101 is more than the 100 training examples of mnist"),
        ({"n_unlabeled": 0}, "--unlabeled-samples 0 leaves nothing"),
        ({"n_unlabeled": -1}, "--unlabeled-samples -1 leaves nothing"),
        ({"n_labeled": -10}, "--labeled-samples -10 is negative"),
        ({"valid_set_size": -1}, "--valid-set-size -1 is negative"),
        (
            {"n_labeled": 90, "n_unlabeled": 95},
            r"needs 9 examples of each class, but class \d of mnist has [0-8] to train on",
        ),
        ({"dseed": -1}, "--dseed -1 cannot seed"),
        ({"dseed": 2**32}, "--dseed 4294967296 cannot seed"),
    ],
)
def test_user_mistakes(options, message):
    with pytest.raises(UserError, match=message):
        split_training_set(targets(), **{"dseed": 1, "dataset": "mnist", **options})


def test_more_labels_than_there_are():
    partly = np.where(np.arange(100) < 50, targets(), -1)
    with pytest.raises(UserError, match="--labeled-samples 60 is more than the 50 examples of mine that have a label"):
        split_training_set(partly, 1, 60, dataset="mine")


def test_no_label_at_all():
    with pytest.raises(UserError, match="none of the 100 examples to train on has a label in mine"):
        split_training_set(np.full(100, -1), 1, dataset="mine")


@pytest.mark.parametrize("order, warned", [("sorted", True), ("shuffled", False)])
def test_a_validation_set_without_some_classes_is_told_of(order, warned, caplog):
    """The validation set is the first examples that do not train: in data sorted by class, of the first classes."""
    targets = np.repeat(np.arange(4), 100)
    if order == "shuffled":
        targets = np.random.RandomState(0).permutation(targets)
    examples = Examples("mine", np.zeros((400, 2), "float32"), targets, path=Path("mine.hdf5"))
    caplog.set_level("WARNING", "main.data")
    warn_of_missing_classes(examples, split_training_set(targets, 1, 40, 200, 100))
    text = "has only 2 of 4 classes, as it is sorted by class: convert it again with --shuffle"
    assert (text in caplog.text) == warned and (caplog.text == "") != warned
