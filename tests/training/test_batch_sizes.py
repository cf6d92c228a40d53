"""Batch sizes: unequal halves, all examples at once, one example."""

import dataclasses

import numpy as np
import pytest

from ladder import budget
from ladder.batches import largest_batch, without_a_batch_of_one
from ladder.classifier import LadderClassifier
from ladder.data.examples import Examples, training_stream
from ladder.errors import UserError
from ladder.options import Options
from ladder.tables.settings import differences, settings_of
from ladder.training.experiment import Experiment, check_without_data

NETWORK = dict(encoder_layers="5-2", denoising_cost_x=(1, 1, 1), decoder_spec="gauss", dataset="made up")
N = 61


def experiment(n=N, **options):
    features = np.arange(3 * n, dtype="float32").reshape(n, 3)
    return Experiment.on(Examples("made up", features, np.arange(n) % 2), Options.of(**NETWORK, **options))


def sizes(found):
    """(labelled, unlabelled) sizes of every batch of an epoch."""
    stream = training_stream(found.p, found.examples, found.split)
    batches = list(stream.get_epoch_iterator())
    assert len(batches) == stream.num_batches
    # Every training example is seen once, whatever the sizes.
    seen = np.concatenate([batch["features_unlabeled"] for batch in batches])
    assert sorted(seen[:, 0]) == sorted(found.examples.features[found.split.train][:, 0])
    return [(len(b["features_labeled"]), len(b["features_unlabeled"])) for b in batches]


@pytest.mark.parametrize(
    "options, expected",
    [
        (dict(labeled_samples=12, batch_size=5, unlabeled_batch_size=19), [(5, 19), (5, 19), (2, 19), (5, 4)]),
        # More labelled batches than unlabelled ones: the rest of the labelled order is not used.
        (dict(batch_size=4, unlabeled_batch_size=30, unlabeled_samples=50), [(4, 30), (4, 20)]),
        (dict(labeled_samples=12, batch_size=0), [(12, N)]),
        (dict(labeled_samples=12, batch_size=0, unlabeled_batch_size=40), [(12, 40), (12, 21)]),
        (dict(labeled_samples=12, batch_size=5, unlabeled_batch_size=0), [(5, N)]),
        # A half that is smaller than its batch size is one batch.
        (dict(labeled_samples=12, batch_size=1000), [(12, N)]),
    ],
)
def test_batches_of_an_epoch(options, expected):
    found = experiment(**options)
    assert sizes(found) == expected
    assert largest_batch(found.p, found.split) == max(max(pair) for pair in expected)


@pytest.mark.parametrize(
    "options, sentence",
    [
        (
            dict(unlabeled_batch_size=20),
            "--unlabeled-samples: 61 examples in batches of --unlabeled-batch-size 20 leave",
        ),
        (
            dict(batch_size=20),
            "--unlabeled-samples: 61 examples in batches of --batch-size 20 leave a last batch of one",
        ),
        (
            dict(labeled_samples=12, batch_size=11, unlabeled_batch_size=30, unlabeled_samples=60),
            "--labeled-samples: 12 examples in batches of --batch-size 11 leave",
        ),
    ],
)
def test_no_last_batch_of_one(options, sentence):
    with pytest.raises(UserError, match=sentence):
        experiment(**options)


def test_one_example_has_no_variance_however_it_comes_to_be_alone():
    for option in ("batch_size", "unlabeled_batch_size"):
        with pytest.raises(UserError, match="is 1, but must be at least 2, or 0 for all: one example has no variance"):
            Options.of(**NETWORK, **{option: 1})
    targets = np.array([0, -1, -1, 1])
    examples = Examples("made up", np.zeros((4, 3), "float32"), targets)
    with pytest.raises(UserError, match="--labeled-samples: a single example has no variance"):
        Experiment.on(examples, Options.of(**NETWORK, batch_size=0, unlabeled_samples=3, dseed=0))


def test_evaluation_leaves_no_batch_of_one():
    for n in range(2, 60):
        for size in range(2, 12):
            found = without_a_batch_of_one(size, n)
            assert n % found != 1 and (found <= size or found == n)
            assert found == size or n % size == 1


def test_all_at_once_need_memory(monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "1e-5")  # 10 kB, where 61 examples need 61 x 10 x 24 bytes
    with pytest.raises(UserError, match="give fewer units, or another --batch-size than 0, which takes all examples"):
        experiment(batch_size=0)
    with pytest.raises(UserError, match="or another --unlabeled-batch-size than 0"):
        experiment(batch_size=7, unlabeled_batch_size=0)
    with pytest.raises(UserError, match="or a smaller --unlabeled-batch-size, or set"):
        experiment(batch_size=7, unlabeled_batch_size=50)
    with pytest.raises(UserError, match="or a smaller --batch-size, or set"):
        experiment(batch_size=50, unlabeled_batch_size=11)
    experiment(batch_size=7)


def test_without_labels_there_is_one_size():
    p = Options.of(**NETWORK, unsupervised=True, unlabeled_batch_size=20)
    with pytest.raises(UserError, match="--unlabeled-batch-size is of no use to --unsupervised, .* as --batch-size"):
        check_without_data(p)
    p = dataclasses.replace(p, unlabeled_batch_size=None, batch_size=0)
    found = Experiment.on(Examples("made up", np.zeros((N, 3), "float32"), np.zeros(N, int)), p)
    assert [
        len(b["features_unlabeled"]) for b in training_stream(p, found.examples, found.split).get_epoch_iterator()
    ] == [N]


def test_tables_compare_the_sizes_that_are_meant():
    def settings(**options):
        return settings_of(Options.of(**NETWORK, **options))

    assert differences(settings(unlabeled_batch_size=100), settings()) == []
    assert differences(settings(unlabeled_batch_size=250), settings()) == ["unlabeled-batch-size"]
    assert differences(settings(patience=5), settings()) == ["patience"]
    assert differences(settings(keep="best"), settings()) == []


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (dict(batch_size=20), (19, None)),
        (dict(batch_size=20, unlabeled_batch_size=30), (20, 29)),
        (dict(batch_size=0, unlabeled_batch_size=0), (0, 0)),
    ],
)
def test_an_estimator_takes_sizes_that_leave_no_example_alone(arguments, expected):
    y = np.where(np.arange(N) < 33, np.arange(N) % 2, -1)
    clf = LadderClassifier(hidden=(3,), **arguments)
    classes, targets = clf._encode(y, N)
    p = clf._experiment(np.zeros((N, 2), "float32"), targets, classes).p
    assert (p.batch_size, p.unlabeled_batch_size) == expected
