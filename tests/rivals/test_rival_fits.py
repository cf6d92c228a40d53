"""Rivals against direct calls of scikit-learn, on the arrays that a network with the same options trains on."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.semi_supervised import LabelPropagation, LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC

from ladder.data.convert.digits import convert_digits
from ladder.data.fuel_file import write_fuel_file
from ladder.data.preprocessing import Preprocessor, TrainingData
from ladder.data.record import read
from ladder.errors import UserError
from ladder.options import Options
from ladder.rival_methods import METHODS, options_of
from ladder.rivals import methods
from ladder.rivals.choosing import choose, folds_of
from ladder.rivals.examples import ExamplesOfRuns, Part
from ladder.rivals.fitting import fit_rival
from ladder.rivals.neighbours import Neighbours
from ladder.training.evaluation import error_report
from ladder.training.experiment import prepare, prepare_all

NETWORK = {"encoder_layers": "12-10", "denoising_cost_x": (1, 1, 1), "decoder_spec": "gauss", "labeled_samples": 50}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "digits.hdf5"
    convert_digits(path)
    return str(path)


@pytest.fixture(scope="module")
def examples(digits):
    return examples_of("svm", digits, unlabeled_samples=300, valid_set_size=0)


def rival(method, dataset, seed=1, **options):
    given = Options.of(**{**NETWORK, "dataset": dataset, "seed": seed, **options})
    return Options(**options_of(method, given.as_dict()))


def examples_of(method, dataset, **options):
    (experiment,) = prepare_all([rival(method, dataset, **options)])
    return ExamplesOfRuns()(experiment)


@pytest.mark.parametrize(
    "options",
    [
        {"seed": 2, "dseed": 7, "unlabeled_samples": 1200, "standardize": True},
        {"labeled_samples": None, "labeled_indices": tuple(range(0, 60)), "unlabeled_samples": 900, "rescale": True},
        {"whiten_zca": 64, "contrast_norm": 5, "unlabeled_samples": 1000, "valid_set_size": 50},
    ],
)
def test_data_splits_and_labels_are_those_of_a_network_with_the_same_options(digits, options):
    found = examples_of("mlp", digits, **options)
    (experiment,) = prepare([Options.of(**{**NETWORK, "dataset": digits, "seed": 1, **options})])
    taken, split = experiment.preprocessed(Preprocessor()).examples, experiment.split
    train = np.sort(split.train)
    np.testing.assert_array_equal(found.features, taken.features[train].reshape(len(train), -1))
    np.testing.assert_array_equal(train[found.labelled], np.sort(split.labeled))
    np.testing.assert_array_equal(found.targets[found.labelled], taken.targets[np.sort(split.labeled)])
    np.testing.assert_array_equal(found.valid.features, taken.features[split.valid].reshape(-1, 64))
    np.testing.assert_array_equal(found.valid.targets, taken.targets[split.valid])
    training = TrainingData(experiment.p, experiment.examples, split)
    test = read(experiment.p, "test")
    np.testing.assert_array_equal(found.test.features, training.preprocess(test).features.reshape(360, -1))
    np.testing.assert_array_equal(found.test.targets, test.targets)


BY_HAND = {
    "logistic-regression": ({"C": 0.5}, lambda: LogisticRegression(C=0.5, max_iter=1000)),
    "knn": ({"n_neighbors": 3}, lambda: KNeighborsClassifier(3)),
    "svm": ({"C": 10.0}, lambda: SVC(C=10.0)),
    "mlp": ({"alpha": 0.01}, lambda: MLPClassifier((12,), alpha=0.01, max_iter=20, random_state=1)),
    "label-propagation": ({"n_neighbors": 6}, lambda: LabelPropagation(kernel="knn", n_neighbors=6, max_iter=300)),
    "label-spreading": (
        {"n_neighbors": 6, "alpha": 0.8},
        lambda: LabelSpreading(kernel="knn", n_neighbors=6, alpha=0.8, max_iter=300),
    ),
    "self-training": (
        {"threshold": 0.8, "C": 2.0},
        lambda: SelfTrainingClassifier(LogisticRegression(C=2.0, max_iter=1000), threshold=0.8),
    ),
    "self-training-mlp": (
        {"threshold": 0.6, "alpha": 0.1},
        lambda: SelfTrainingClassifier(
            MLPClassifier((12,), alpha=0.1, max_iter=20, random_state=1), threshold=0.6, max_iter=10
        ),
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_scikit_learns_on_the_same_arrays(digits, examples, method, monkeypatch):
    monkeypatch.setattr(methods, "MOST_PASSES", 20)
    parameters, make = BY_HAND[method]
    x, y = examples.features, examples.targets
    if METHODS[method].learns_from == "labels":
        x, y = x[y != -1], y[y != -1]
    by_hand = make().fit(x, y)
    fitted = methods.fit(rival(method, digits), examples, parameters)
    np.testing.assert_array_equal(fitted.of_part("test"), by_hand.predict(examples.test.features))
    if "label-" in method:
        np.testing.assert_array_equal(fitted.of_training(~examples.labelled), by_hand.transduction_[~examples.labelled])


def test_the_folds_and_their_error_are_scikit_learns(digits, examples):
    choice = choose(rival("svm", digits), examples)
    x, y = examples.features[examples.labelled], examples.targets[examples.labelled]
    folds = StratifiedKFold(5, shuffle=True, random_state=1)
    errors = [100 * np.mean(cross_val_predict(SVC(C=C), x, y, cv=folds) != y) for C in (0.1, 1.0, 10.0, 100.0)]
    assert [candidate.error_percent for candidate in choice.candidates] == pytest.approx(errors)
    assert choice.parameters == choice.candidates[int(np.argmin(errors))].parameters


def test_cross_validation_hides_a_folds_labels_from_the_graph(digits, examples):
    choice = choose(rival("label-spreading", digits), examples)
    first = choice.candidates[0]
    assert first.parameters == {"n_neighbors": 5, "alpha": 0.2}
    wrong = 0
    for fold in folds_of(examples.targets, 1):
        assert examples.labelled[fold].all()
        y = np.where(fold, -1, examples.targets)
        by_hand = LabelSpreading(kernel="knn", n_neighbors=5, alpha=0.2, max_iter=300).fit(examples.features, y)
        wrong += (by_hand.transduction_[fold] != examples.targets[fold]).sum()
    assert first.error_percent == pytest.approx(100 * wrong / 50)


def test_validation_examples_choose_where_there_are_any(digits, examples):
    found = replace(examples, valid=Part(examples.test.features[:90], examples.test.targets[:90]))
    choice = choose(rival("knn", digits), found)
    assert choice.how == "90 validation examples"
    x, y = found.features[found.labelled], found.targets[found.labelled]
    errors = [
        100 * np.mean(KNeighborsClassifier(k).fit(x, y).predict(found.valid.features) != found.valid.targets)
        for k in (1, 3, 5, 9)
    ]
    assert [candidate.error_percent for candidate in choice.candidates] == pytest.approx(errors)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", ["knn", "label-spreading"])
def test_validation_examples_are_classified_themselves(digits, examples, method):
    """There are as many of them as test examples, so that no shape tells the two apart."""
    valid, test = (Part(examples.test.features[s], examples.test.targets[s]) for s in (slice(0, 90), slice(90, 180)))
    outcome = fit_rival(rival(method, digits), replace(examples, valid=valid, test=test))
    parameters, x, y = outcome.choice.parameters, examples.features, examples.targets
    if method == "knn":
        by_hand = KNeighborsClassifier(**parameters).fit(x[y != -1], y[y != -1])
    else:
        by_hand = LabelSpreading(kernel="knn", max_iter=1000, **parameters).fit(x, y)
    for part, report in ((valid, outcome.valid), (test, outcome.test)):
        assert report == error_report(part.targets, by_hand.predict(part.features))


def test_the_test_set_has_no_part_in_the_choice(digits, examples):
    p = rival("svm", digits)
    others = Part(examples.test.features[::-1], (examples.test.targets + 1) % 10)
    honest, other = fit_rival(p, examples), fit_rival(p, replace(examples, test=others))
    assert honest.choice == other.choice
    assert honest.test["error_percent"] != other.test["error_percent"]


def test_a_self_training_method_keeps_what_was_chosen_for_its_base(digits, examples, monkeypatch):
    logistic = replace(methods.METHODS["logistic-regression"], grid={"C": (0.01, 0.1)})
    monkeypatch.setitem(methods.METHODS, "logistic-regression", logistic)
    base = choose(rival("logistic-regression", digits), examples)
    choice = choose(rival("self-training", digits), examples)
    assert choice.candidates[:2] == base.candidates
    assert choice.parameters["C"] == base.parameters["C"] and choice.parameters["threshold"] in (0.75, 0.95)


def with_labels(examples, n_classes, each):
    """The same examples with labels of some classes only, a fixed number of each."""
    targets = np.full(len(examples.targets), -1)
    for label in range(n_classes):
        targets[np.flatnonzero(examples.targets == label)[:each]] = label
    return replace(examples, targets=targets)


def test_with_one_label_of_a_class_the_first_of_the_grid_is_taken(digits, examples):
    choice = choose(rival("knn", digits), with_labels(examples, 10, 1))
    assert choice.parameters == {"n_neighbors": 1} and "single label" in choice.how


def test_no_more_neighbours_are_asked_for_than_a_fold_leaves(digits, examples):
    # A fold leaves one label of each class.
    choice = choose(rival("knn", digits), with_labels(examples, 3, 2))
    assert [candidate.parameters["n_neighbors"] for candidate in choice.candidates] == [1, 3]
    assert choice.how.startswith("2-fold")


@pytest.mark.parametrize("label", [255, -2, -100])
def test_test_labels_that_are_no_class_are_refused(label, tmp_path):
    rng = np.random.default_rng(0)
    targets = {"train": np.arange(40) % 4, "test": np.array([0, 1, label, -1])}
    splits = {
        split: {"features": rng.random((len(y), 6), "float32"), "targets": y[:, None]} for split, y in targets.items()
    }
    labels = {"features": ("batch", "feature"), "targets": ("batch", "index")}
    path = write_fuel_file(tmp_path / "x.hdf5", splits, labels)
    with pytest.raises(UserError, match="the labels of its test examples go from .* but its classes are 0 to 3"):
        examples_of("knn", str(path), labeled_samples=8)


def test_neighbours_are_the_nearest_and_found_once_for_the_same_examples():
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(40, 5)).astype("float32"), rng.normal(size=(7, 5)).astype("float32")
    found = Neighbours(train, {"valid": test[:0], "test": test})
    kernel, graph = found.kernel(4), found.positions()
    for rows, features in ((kernel(graph, graph), train), (kernel(graph, found.positions("test")).T, test)):
        distances = ((features[:, None].astype(float) - train[None]) ** 2).sum(axis=2)
        expected = np.zeros(distances.shape)
        np.put_along_axis(expected, np.argsort(distances, axis=1)[:, :4], 1, axis=1)
        np.testing.assert_array_equal(rows.toarray(), expected)
    taken = Neighbours(train, {"valid": test[:0], "test": test})
    taken.take_over(found)
    np.testing.assert_array_equal(taken.kernel(3)(graph, graph).toarray(), found.kernel(3)(graph, graph).toarray())
    assert taken.seconds == 0 < found.seconds


@pytest.mark.filterwarnings("ignore:no label reaches")
def test_seeds_that_train_on_everything_share_their_neighbours(digits):
    experiments = prepare_all([rival("label-spreading", digits, seed) for seed in (1, 2)])
    shared = ExamplesOfRuns()
    first = shared(experiments[0])
    first.neighbours.find(5)
    second, alone = shared(experiments[1]), ExamplesOfRuns()(experiments[1])
    parameters = {"n_neighbors": 5, "alpha": 0.2}
    guesses = [methods.fit(experiments[1].p, found, parameters).of_part("test") for found in (second, alone)]
    np.testing.assert_array_equal(*guesses)
    assert not np.array_equal(second.targets, first.targets)
    assert second.neighbours._found["train"] is first.neighbours._found["train"]


def test_examples_that_no_label_reaches_are_counted(digits, examples):
    # The second island has no label.
    rng = np.random.default_rng(0)
    islands = np.concatenate([rng.normal(size=(20, 2)), 100 + rng.normal(size=(20, 2))]).astype("float32")
    labels = np.where(np.arange(40) < 4, np.arange(40) % 2, -1)
    data = replace(examples, features=islands, targets=labels, test=Part(islands[::4] + 0.01, np.zeros(10, int)))
    fitted = methods.fit(rival("label-spreading", digits), data, {"n_neighbors": 5, "alpha": 0.9})
    with pytest.warns(UserWarning, match="no label reaches 5 of 10 examples"):
        guesses = fitted.of_part("test")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        by_hand = LabelSpreading(kernel="knn", n_neighbors=5, alpha=0.9, max_iter=300).fit(islands, labels)
        np.testing.assert_array_equal(guesses, by_hand.predict(data.test.features))
