"""Streams: what a batch holds, how the labelled half repeats, and how much memory that takes."""

import itertools
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from ladder.data.convert.mnist import convert_mnist
from ladder.data.hdf5 import HDF5Dataset
from ladder.data.schemes import SequentialScheme, ShuffledScheme
from ladder.data.splits import split_training_set
from ladder.data.streams import DataStream, SemiDataStream

SHARED = Path(__file__).resolve().parents[3] / "shared"


def numbered(n):
    """Sources whose features and targets are their own positions."""
    return {"features": np.arange(n, dtype="float32").reshape(n, 1), "targets": np.arange(n)}


def semi(n_labeled, n_unlabeled, batch_size=10, scheme=ShuffledScheme):
    sources = numbered(max(n_labeled, n_unlabeled))
    return SemiDataStream(
        DataStream(sources, scheme(n_labeled, batch_size)), DataStream(sources, scheme(n_unlabeled, batch_size))
    )


def test_batches_follow_the_order_of_the_scheme():
    stream = DataStream(numbered(6), SequentialScheme([4, 0, 5], 2))
    first, second = SemiDataStream(stream, None).get_epoch_iterator()
    assert first["features_labeled"].tolist() == [[4], [0]] and first["targets_labeled"].tolist() == [4, 0]
    assert second["targets_labeled"].tolist() == [5]
    assert (stream.num_batches, stream.num_examples) == (2, 3)


def test_batches_have_the_originals_names_and_types():
    sources = {"features": np.zeros((4, 3), "uint8"), "targets": np.zeros(4, "uint8")}
    stream = DataStream(sources, SequentialScheme(4, 2))
    batch = next(SemiDataStream(stream, stream).get_epoch_iterator())
    assert {name: (array.dtype.name, array.shape) for name, array in batch.items()} == {
        "features_labeled": ("float32", (2, 3)),
        "targets_labeled": ("int64", (2,)),
        "features_unlabeled": ("float32", (2, 3)),
    }


def test_labelled_half_repeats_one_order_within_an_epoch_and_gets_a_new_one_in_the_next():
    stream = semi(n_labeled=25, n_unlabeled=90)
    epochs = [[batch["targets_labeled"].tolist() for batch in stream.get_epoch_iterator()] for _ in range(2)]
    for batches in epochs:
        assert len(batches) == stream.num_batches == 9
        assert [len(batch) for batch in batches] == [10, 10, 5] * 3
        assert batches[:3] == batches[3:6] == batches[6:]
    assert epochs[0][:3] != epochs[1][:3]


def test_epoch_ends_with_the_unlabelled_half():
    stream = semi(n_labeled=90, n_unlabeled=25)
    assert len(list(stream.get_epoch_iterator())) == stream.num_batches == 3


def test_equally_many_labels_give_the_same_examples_in_both_halves():
    for _ in range(2):
        for batch in semi(30, 30).get_epoch_iterator():
            assert (batch["features_labeled"] == batch["features_unlabeled"]).all()
            assert (batch["features_labeled"][:, 0] == batch["targets_labeled"]).all()


def test_either_half_can_be_missing():
    stream = DataStream(numbered(25), SequentialScheme(25, 10))
    only_labeled = list(SemiDataStream(stream, None).get_epoch_iterator())
    only_unlabeled = list(SemiDataStream(None, stream).get_epoch_iterator())
    assert [set(batch) for batch in only_labeled] == [{"features_labeled", "targets_labeled"}] * 3
    assert [set(batch) for batch in only_unlabeled] == [{"features_unlabeled"}] * 3
    assert SemiDataStream(stream, None).num_batches == SemiDataStream(None, stream).num_batches == 3


def test_nothing_to_repeat_is_an_error_at_once():
    empty = DataStream(numbered(5), SequentialScheme([], 5))
    with pytest.raises(ValueError, match="no examples"):
        SemiDataStream(empty, DataStream(numbered(5), SequentialScheme(5, 5)))
    with pytest.raises(ValueError, match="needs a labelled or an unlabelled"):
        SemiDataStream(None, None)


def test_repeating_does_not_copy_the_data():
    features = np.zeros((20000, 200), "float32")  # 16 MB
    sources = {"features": features, "targets": np.zeros(20000, "int64")}
    stream = SemiDataStream(
        DataStream(sources, ShuffledScheme(10000, 100)), DataStream(sources, ShuffledScheme(20000, 100))
    )
    tracemalloc.start()
    batches = sum(1 for _ in stream.get_epoch_iterator())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert batches == 200
    assert peak < features.nbytes / 8


def test_state_resumes_the_epochs():
    first, second = semi(20, 60), semi(20, 60)
    list(first.get_epoch_iterator())
    second.state = first.state
    for ours, theirs in zip(first.get_epoch_iterator(), second.get_epoch_iterator(), strict=True):
        assert all((ours[name] == theirs[name]).all() for name in ours)


def test_state_of_sequential_streams_is_empty():
    stream = semi(4, 8, scheme=SequentialScheme)
    stream.state = stream.state
    assert stream.state == {"labeled": None, "unlabeled": None}


def test_merged_batches_are_the_originals(tmp_path):
    """The expected targets and sums are of real MNIST batches from the original's own SemiDataStream."""
    if not (SHARED / "golden" / "streams.npz").is_file() or not (SHARED / "data" / "mnist").is_dir():
        pytest.skip("needs the shared golden streams and MNIST")
    golden = np.load(SHARED / "golden" / "streams.npz")
    data = HDF5Dataset(convert_mnist(SHARED / "data" / "mnist", tmp_path / "mnist.hdf5"), "train")
    split = split_training_set(data.targets, 1, n_labeled=1000, n_unlabeled=3000)
    sources = {"features": data.features, "targets": data.targets}
    stream = SemiDataStream(
        DataStream(sources, ShuffledScheme(split.labeled, 100)), DataStream(sources, ShuffledScheme(split.train, 100))
    )
    for epoch in range(2):
        batches = list(stream.get_epoch_iterator())
        name = f"train3000_lab1000_epoch{epoch}"
        assert (np.array([b["targets_labeled"] for b in batches]) == golden[f"merged_targets_{name}"]).all()
        for half, key in (("labeled", "xlsum"), ("unlabeled", "xusum")):
            sums = [b[f"features_{half}"].astype("float64").sum() for b in batches]
            np.testing.assert_allclose(sums, golden[f"merged_{key}_{name}"], rtol=1e-9)


def test_repeats_the_first_pass_in_its_own_order():
    expected = itertools.cycle(ShuffledScheme(25, 10).get_request_iterator())
    for batch in semi(n_labeled=25, n_unlabeled=90).get_epoch_iterator():
        assert batch["targets_labeled"].tolist() == next(expected).tolist()
