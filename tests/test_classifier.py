"""``LadderClassifier`` as a scikit-learn estimator, and how it treats labels."""

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs
from sklearn.utils import estimator_checks

import ladder
from ladder import LadderClassifier
from ladder.errors import UserError

QUICK = dict(hidden=(5,), epochs=1, min_updates=20, random_state=0)
#: The same without a decoder, for tests of the interface alone: it compiles in a third of the time.
QUICKER = dict(**QUICK, denoising_cost=0)

#: Some of each kind: what is refused, data types, state, and what predictions depend on.  All of ``check_estimator``
#: passes except ``check_classifiers_classes``, which trains with the classes -1 and 1, while here -1 means "no label".
CHECKS = [
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_estimators_unfitted",
    "check_estimators_nan_inf",
    "check_estimators_empty_data_messages",
    "check_classifiers_one_label",
    "check_classifiers_regression_target",
    "check_n_features_in",
    "check_dict_unchanged",
    "check_fit_idempotent",
    "check_methods_subset_invariance",
    "check_fit2d_1feature",
    "check_fit2d_1sample",
    "check_complex_data",
]


@pytest.fixture(scope="module")
def fitted():
    """A classifier trained on three blobs with four labels each; all examples, and all their labels."""
    X, y = make_blobs(120, centers=3, random_state=1)
    names = np.array(["one", "two", "three"], dtype=object)[y]
    few = names.copy()
    for kind in set(names):
        few[np.flatnonzero(names == kind)[4:]] = None
    clf = LadderClassifier(hidden=(20,), noise_std=0.1, min_updates=600, random_state=0)
    return clf.fit(X, few), X, names


@pytest.mark.parametrize("name", CHECKS)
def test_checks_of_scikit_learn(name):
    getattr(estimator_checks, name)("LadderClassifier", LadderClassifier(**QUICKER))


def test_labels_that_are_strings(fitted):
    clf, X, names = fitted
    assert list(clf.classes_) == ["one", "three", "two"]
    assert clf.score(X, names) > 0.9
    assert clf.n_epochs_ == 300 and clf.n_features_in_ == 2


def test_saved_with_the_names_of_its_classes(fitted, tmp_path):
    clf, X, _ = fitted
    loaded = ladder.load(clf.save(str(tmp_path / "blobs")))
    np.testing.assert_array_equal(loaded.predict(X), clf.predict(X))


def test_pickled_and_cloned(fitted):
    clf, X, _ = fitted
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    with pytest.raises(
        ladder.UserError, match="trained on arrays, which a pickle does not keep: give examples to pred"
    ):
        again.model_.evaluate("train")
    for same in (clf, copy.deepcopy(clf)):
        same.model_.evaluate("train")
    with pytest.raises(ladder.UserError, match="trained on arrays, which have no test set: give examples to predict"):
        clf.model_.evaluate()
    assert clone(clf).get_params() == clf.get_params()


class NAType:
    """Like pandas' NA: no comparison with it is true or false."""

    def __ne__(self, other):
        return self

    def __bool__(self):
        raise TypeError("boolean value of NA is ambiguous")


def test_everything_that_stands_for_no_label():
    X, y = make_blobs(30, centers=2, random_state=0)
    labels = y.astype(float).astype(object)
    labels[10:16] = [None, -1, -1.0, float("nan"), NAType(), np.float32(-1)]
    clf = LadderClassifier(**QUICKER).fit(X, labels)
    assert clf.classes_.tolist() == [0.0, 1.0]


def test_texts_in_a_list_keep_what_stands_for_no_label():
    classes, targets = LadderClassifier()._encode(["one", float("nan"), "two", None, -1.0, "-1"], 6)
    assert classes.tolist() == ["one", "two"] and targets.tolist() == [0, -1, 1, -1, -1, -1]


def test_a_fit_that_fails_leaves_the_network_and_its_names(fitted, monkeypatch):
    def stopped(*args):
        raise ladder.TrainingStopped("not finite")

    clf, X, names = copy.deepcopy(fitted[0]), fitted[1], fitted[2]
    expected = clf.predict(X)
    monkeypatch.setattr("ladder.classifier.train_experiment", stopped)
    with pytest.raises(ladder.TrainingStopped):
        clf.fit(np.hstack([X, X]), np.char.upper(names.astype(str)))
    np.testing.assert_array_equal(clf.predict(X), expected)


@pytest.mark.parametrize("seed", range(6))
def test_examples_can_be_left_for_validation(seed):
    X, y = make_blobs(121, centers=3, random_state=0)
    y[::2] = -1  # 101 examples in batches of 10 would leave one alone
    clf = LadderClassifier(
        hidden=(5,), batch_size=10, options={"unlabeled_samples": 101, "patience": 5}, random_state=seed
    )
    experiment = clf._experiment(X.astype("float32"), y, np.unique(y[1::2]))
    split, labelled = experiment.split, np.flatnonzero(y >= 0)
    assert len(split.train) == 101 and set(split.valid) == set(labelled) - set(split.train)
    assert sorted(split.labeled) == sorted(set(labelled) & set(split.train))
    assert all(n % experiment.p.batch_size != 1 for n in (101, len(split.labeled)))


def test_whitening_needs_no_file():
    X, y = make_blobs(30, centers=2, random_state=0)
    assert LadderClassifier(**QUICKER, options={"whiten_zca": 2}).fit(X, y).score(X, y) > 0.4


def test_unlabelled_examples_are_learnt_from():
    X, y = load_digits(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(y))
    X, y = X[order], y[order]
    few = np.where(np.arange(len(y)) < 100, y, -1)
    settings = dict(hidden=(250, 100), epochs=1, min_updates=800, random_state=0)
    scores = [
        LadderClassifier(**settings, denoising_cost=cost).fit(X, few).score(X[100:], y[100:]) for cost in (1000.0, 0)
    ]
    assert scores[0] > scores[1] + 0.01


def test_images_and_convolutions():
    X, y = load_digits(return_X_y=True)
    settings = dict(hidden=("convv:4:3:1:1", "maxpool:2:2"), scale=None, epochs=1, min_updates=0, random_state=0)
    flat = LadderClassifier(**settings, in_dim=(1, 8, 8)).fit(X[:300] / 16, y[:300])
    shaped = LadderClassifier(**settings).fit(X[:300].reshape(-1, 1, 8, 8) / 16, y[:300])
    np.testing.assert_array_equal(flat.predict_proba(X / 16), shaped.predict_proba(X.reshape(-1, 1, 8, 8) / 16))


def test_images_with_their_channels_last():
    X, y = np.random.RandomState(0).rand(30, 3, 4, 5).astype("float32"), np.arange(30) % 2
    clf = LadderClassifier(**QUICK, in_dim=(3, 4, 5))
    np.testing.assert_array_equal(clf._checked_X(np.moveaxis(X, 1, -1), reset=True), X)
    with pytest.raises(ValueError, match=r"X is an array of float32 of shape \(30, 5, 4, 3\), .*\(examples, 4, 5, 3\)"):
        clf.fit(X.transpose(0, 3, 2, 1), y)


@pytest.mark.parametrize(
    "settings, sentence",
    [
        (dict(hidden=(0,)), "hidden: '0' is not a layer"),
        (dict(denoising_cost=(1, 2)), "denoising_cost has 2 weights for 3 layers"),
        (dict(learning_rate=-1), "learning_rate is -1.0, but must be above 0"),
        (dict(epochs=0), "epochs is 0, but must be a whole number, 1 or more"),
        (dict(batch_size=1), "batch_size is 1, but must be a whole number, 2 or more"),
        (
            dict(unlabeled_batch_size=1),
            "unlabeled_batch_size is 1, but must be a whole number, 2 or more, or 0 for all",
        ),
        (
            dict(batch_size=2, epochs=1),
            "29 examples, 29 labelled examples: every batch_size up to 2 leaves a batch of one",
        ),
        (dict(noise_std=-1), "noise_std is -1.0, but must be 0 or more"),
        (dict(scale="robust"), "scale is 'robust', but must be 'rescale', 'standardize' or None"),
        (dict(decoder="gaus"), "decoder: unknown decoder function 'gaus'"),
        (dict(in_dim=(3, 3)), r"in_dim is \(3, 3\), but X is an array of float32 of shape \(30, 2\)"),
        (dict(in_dim=784), r"in_dim is 784, but X is an array .*: give numbers of the shape \(examples, 784\)"),
        (dict(options={"colour": 1}), "there is no option 'colour'"),
        (dict(in_dim=(-1, -2)), r"in_dim is \(-1, -2\), but must be whole numbers, 1 or more"),
        (dict(in_dim="x"), "in_dim is 'x', but must be whole numbers"),
        (dict(denoising_cost="x"), "denoising_cost is 'x', but must be a number, or one for each layer"),
        (dict(options=5), "options is 5, but must be a dict of options by name"),
        (dict(options={"rival": "knn"}), "options has 'rival', which the arrays that are given to fit decide"),
        (dict(options={"dataset": "digits"}), "options has 'dataset', which the arrays"),
        (dict(options={"divide_by": 255}), "options has 'divide_by', which the arrays"),
        (dict(options={"lr": 0.1}), "options has 'lr', which the argument learning_rate decides: give that"),
        (
            dict(options={"unlabeled_batch_size": 5}),
            "options has 'unlabeled_batch_size', which the argument unlabeled_batch",
        ),
        (dict(options={"labeled_indices": np.array([5])}), "options has 'labeled_indices', which the arrays"),
        (dict(options={"encoder_layers": "5-7"}), "options has 'encoder_layers', which hidden and the classes decide"),
        (dict(callbacks=[5]), "callbacks must be a list of ladder.Extension, but 5 is none"),
    ],
)
def test_mistakes_name_the_argument(settings, sentence):
    X, y = make_blobs(29 if settings.get("batch_size") == 2 else 30, centers=2, random_state=0)
    with pytest.raises(ValueError, match=sentence):
        LadderClassifier(**{**QUICK, **settings}).fit(X, y)


@pytest.mark.parametrize(
    "y, sentence",
    [
        ([-1] * 29 + [0], "at least 2 classes"),
        ([0] * 30, "at least 2 classes"),
        (None, "requires y"),
        (
            np.array([1, "a"] * 15, dtype=object),
            "labels that are texts and others that are not: give labels of one kind",
        ),
    ],
)
def test_labels_that_cannot_be_learnt(y, sentence):
    X, _ = make_blobs(30, centers=2, random_state=0)
    with pytest.raises(ValueError, match=sentence):
        LadderClassifier(**QUICK).fit(X, y)


def test_arguments_become_options():
    X, y = make_blobs(30, centers=2, random_state=0)
    clf = LadderClassifier(
        hidden=(4,),
        activation="tanh",
        noise_std=0.2,
        learning_rate=0.01,
        decay_from=0.5,
        scale="standardize",
        denoising_cost=1000.0,
        decoder="sig",
        random_state=0,
    )
    p = clf._experiment(X.astype("float32"), y, np.arange(2)).p
    assert (p.act, p.super_noise_std, p.f_local_noise_std, p.lr, p.lrate_decay) == (("tanh",), 0.2, (0.2,), 0.01, 0.5)
    assert (p.standardize, p.rescale, p.decoder_spec) == (True, False, ("sig",))
    assert p.denoising_cost_x == pytest.approx((1000, 10, 0.1))


def test_examples_of_another_shape_than_in_dim_are_a_value_error():
    rng = np.random.default_rng(0)
    clf = LadderClassifier(**QUICK, in_dim=(3, 4, 5)).fit(rng.random((20, 3, 4, 5)), np.arange(20) % 2)
    with pytest.raises(ValueError, match=r"in_dim is \(3, 4, 5\), but X is an array"):
        clf.predict(rng.random((2, 3, 4, 4)))


def test_an_offset_that_hides_the_differences_is_warned_of(monkeypatch):
    from ladder import classifier

    def stop(*arguments):
        raise UserError("no further")

    monkeypatch.setattr(classifier, "train_experiment", stop)
    X = np.random.RandomState(0).rand(20, 3) + [0, 1e8, 0]
    with (
        pytest.warns(UserWarning, match="^feature 1 of X goes from 100000000"),
        pytest.raises(ValueError, match="no further"),
    ):
        LadderClassifier(hidden="5").fit(X, np.arange(20) % 2)


def test_where_there_is_no_compiler_the_flag_is_named(monkeypatch):
    monkeypatch.setattr("ladder.classifier.ready", lambda: SimpleNamespace(cxx=""))
    X, y = make_blobs(30, centers=2, random_state=0)
    with pytest.raises(ValueError, match="Aesara's flag cxx is empty"):
        LadderClassifier(**QUICK).fit(X, y)
