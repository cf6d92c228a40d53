"""Running statistics: using them in place of a batch's own, and estimating them."""

from types import SimpleNamespace

import aesara
import numpy as np
import pytest
from golden.evaluate import PYTHON, value
from golden.numpy_ladder import softmax

from ladder.graph import PARAMETER, ComputationGraph, ParameterStore, has_role
from ladder.model import LadderAE
from ladder.options import Options
from ladder.training.functions import compile_statistics, estimate_statistics
from ladder.training.statistics import averaging, reset_counter, with_running_statistics
from ladder.training.step import input_variables

IN_DIM = (2, 3)
X = np.random.RandomState(4).randn(6, *IN_DIM).astype("float32")


def built(halves="both"):
    """Layers 6-4-3 without noise; parameters are perturbed, running averages set as if batches had been seen."""
    p = Options(
        encoder_layers=("4", "3"),
        denoising_cost_x=(1.0, 1.0, 1.0),
        decoder_spec=("lin",),
        super_noise_std=0.0,
        f_local_noise_std=(0.0,),
        plain_graph=True,
    )
    ladder, inputs = LadderAE(p, IN_DIM), input_variables(IN_DIM)
    x, y, x_only = inputs
    ladder.apply(
        **{
            "both": dict(input_labeled=x, target_labeled=y, input_unlabeled=x_only),
            "labeled": dict(input_labeled=x, target_labeled=y),
            "unlabeled": dict(input_unlabeled=x_only),
        }[halves]
    )
    rng = np.random.RandomState(0)
    for name, shared in ladder.shareds.items():
        if has_role(shared, PARAMETER) or name.startswith("shared_"):
            first = shared.get_value()
            moved = rng.uniform(0.5, 2, first.shape) if "_var_" in name else first + 0.5 * rng.randn(*first.shape)
            shared.set_value(moved.astype("float32"))
    return ladder, inputs


def test_a_fused_graph_is_refused():
    """It computes its statistics itself, so the batch's could not be replaced."""
    p = Options(encoder_layers=("4", "3"), denoising_cost_x=(0.0,) * 3, decoder_spec=("0",))
    ladder, (x, *_) = LadderAE(p, IN_DIM), input_variables(IN_DIM)
    ladder.apply(input_labeled=x, clean_only=True)
    with pytest.raises(ValueError, match="plain_graph=True"):
        with_running_statistics(ladder.clean_outputs(), ladder.shareds)


def probabilities(shareds, x):
    """Class probabilities of the clean encoder with running statistics, in float64."""
    p = {name: shared.get_value().astype("float64") for name, shared in shareds.items()}
    h = x.reshape(len(x), -1).astype("float64")
    for i in (1, 2):
        mean, var = (p[f"shared_f_{i}_bn_{kind}_clean"] for kind in ("mean", "var"))
        z = (h @ p[f"f_{i}_W"] - mean) / np.sqrt(var + 1e-10)
        h = np.maximum(0, z + p["f_1_b"]) if i == 1 else softmax((z + p["f_2_b"]) * p["f_2_c"])
    return h


@pytest.mark.parametrize("halves", ["labeled", "unlabeled"])
def test_an_example_alone_is_classified_as_in_a_batch(halves):
    ladder, (x, _, x_only) = built(halves)
    (output,) = with_running_statistics(ladder.clean_outputs(), ladder.shareds)
    predict = aesara.function([x if halves == "labeled" else x_only], output, mode=PYTHON)
    together = predict(X)
    np.testing.assert_allclose(together, probabilities(ladder.shareds, X), rtol=1e-4, atol=1e-6)
    for i in range(6):
        np.testing.assert_allclose(predict(X[i : i + 1])[0], together[i], rtol=1e-5)
    # The batch's own statistics give something else.
    (own,) = ladder.clean_outputs()
    assert np.abs(value(own, {x if halves == "labeled" else x_only: X}) - together).max() > 0.05


def test_the_labelled_half_beside_an_unlabelled_one():
    ladder, (x, y, x_only) = built()
    targets = np.array([0, 1, 2, 0, 1, 2])
    labeled_top, _ = ladder.clean_outputs()
    outputs = [labeled_top, ladder.costs.class_clean, ladder.error.clean]
    outputs = with_running_statistics(outputs, ladder.shareds)
    for others in (X[:3], 5 + X):
        top, cost, error = value(outputs, {x: X, y: targets, x_only: others})
        expected = probabilities(ladder.shareds, X)
        np.testing.assert_allclose(top, expected, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(cost, -np.log(expected[range(6), targets]).mean(), rtol=1e-5)
        np.testing.assert_allclose(error, 100 * (expected.argmax(1) != targets).mean(), rtol=1e-5)


def test_the_other_half_and_the_corrupted_path_keep_their_batchs_statistics():
    ladder, (x, y, x_only) = built()
    outputs = [
        ladder.act.clean.unlabeled.h[2],
        ladder.act.corr.labeled.h[2],
        ladder.costs.class_corr,
        *ladder.costs.denois.values(),
    ]
    givens = {x: X, y: np.array([0, 1, 2, 0, 1, 2]), x_only: X[:5] + 1}
    own = value(outputs, givens)
    for before, after in zip(own, value(with_running_statistics(outputs, ladder.shareds), givens)):
        np.testing.assert_allclose(after, before, rtol=1e-6)


def test_parameters_stay_shared():
    ladder, (x, *_) = built("labeled")
    (output,) = with_running_statistics(ladder.clean_outputs(), ladder.shareds)
    before = ComputationGraph(ladder.clean_outputs()).parameters
    assert ComputationGraph([output]).parameters == before
    predict = aesara.function([x], output, mode=PYTHON)
    ladder.shareds["f_1_W"].set_value(np.ones((6, 4), "float32"))
    ladder.shareds["shared_f_2_bn_mean_clean"].set_value(np.float32([3, 0, -3]))
    np.testing.assert_allclose(predict(X), probabilities(ladder.shareds, X), rtol=1e-4, atol=1e-6)


# --- Estimation


@pytest.fixture(scope="module")
def pass_():
    """A ladder and a function that updates its averages with labelled examples."""
    ladder, (x, y, x_only) = built()
    updates = ComputationGraph(ladder.clean_outputs()).updates
    update = aesara.function([x, y, x_only], [], updates=updates, mode=PYTHON, on_unused_input="ignore")
    return ladder, lambda batch: update(batch, np.zeros(len(batch), int), X)


def batches(n, seed=0):
    rng = np.random.RandomState(seed)
    return [rng.randn(3 + k % 5, *IN_DIM).astype("float32") for k in range(n)]


@pytest.mark.parametrize("n", [1, 15])  # more than the ten that training remembers
def test_every_batch_has_the_same_weight(pass_, n):
    ladder, update = pass_
    p = {name: shared.get_value() for name, shared in ladder.shareds.items()}
    with averaging(ladder.shareds):
        for batch in batches(n):
            update(batch)
    seen = {"mean": ([], []), "var": ([], [])}
    for batch in batches(n):
        h = batch.reshape(len(batch), -1).astype("float64")
        for i in (1, 2):
            z = h @ p[f"f_{i}_W"]
            seen["mean"][i - 1].append(z.mean(0))
            seen["var"][i - 1].append(z.var(0, ddof=1))
            h = np.maximum(0, (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-10) + p["f_1_b"]) if i == 1 else None
    for kind, layers in seen.items():
        for i, values in enumerate(layers, start=1):
            average = ladder.shareds[f"shared_f_{i}_bn_{kind}_clean"].get_value()
            np.testing.assert_allclose(average, np.mean(values, axis=0), rtol=1e-4, atol=1e-5)


def test_counters_are_put_back(pass_):
    ladder, update = pass_
    with averaging(ladder.shareds):
        for k, batch in enumerate(batches(12), start=2):
            update(batch)
            assert ladder.shareds["counter"].get_value() == k
    assert ladder.shareds["counter"].get_value() == 1
    assert ladder.shareds["counter_max"].get_value() == 10


def test_counters_are_put_back_after_an_error(pass_):
    ladder, update = pass_
    with pytest.raises(KeyboardInterrupt), averaging(ladder.shareds):
        update(X)
        raise KeyboardInterrupt
    assert ladder.shareds["counter"].get_value() == 1
    assert ladder.shareds["counter_max"].get_value() == 10


def test_what_was_seen_before_is_forgotten(pass_):
    ladder, update = pass_
    average = ladder.shareds["shared_f_1_bn_mean_clean"]
    results = []
    for earlier in (0, 3):
        for batch in batches(earlier, seed=9):
            update(batch)
        with averaging(ladder.shareds):
            for batch in batches(2):
                update(batch)
        results.append(average.get_value())
    np.testing.assert_array_equal(*results)


def test_reset_counter_lets_the_next_batch_start_anew(pass_):
    ladder, update = pass_
    for batch in batches(4):
        update(batch)
    reset_counter(ladder.shareds)
    update(X)
    expected = (X.reshape(6, 6).astype("float64") @ ladder.shareds["f_1_W"].get_value()).mean(0)
    np.testing.assert_allclose(ladder.shareds["shared_f_1_bn_mean_clean"].get_value(), expected, rtol=1e-5, atol=1e-6)
    assert ladder.shareds["counter"].get_value() == 2


@pytest.mark.parametrize("unsupervised", [False, True])
def test_the_final_statistics_are_of_the_labelled_half_where_there_is_one(unsupervised):
    p = Options(
        encoder_layers=("4", "3"),
        denoising_cost_x=(1.0, 1.0, 1.0),
        decoder_spec=("lin",),
        plain_graph=True,
        unsupervised=unsupervised,
    )
    shareds, rng = ParameterStore(), np.random.RandomState(0)
    update = compile_statistics(p, IN_DIM, shareds)
    epoch = [
        {
            "features_labeled": rng.randn(5, *IN_DIM).astype("float32"),
            "targets_labeled": np.zeros(5, int),
            "features_unlabeled": rng.randn(7, *IN_DIM).astype("float32") + 3,
        }
        for _ in range(12)
    ]
    estimate_statistics(update, shareds, SimpleNamespace(get_epoch_iterator=lambda: iter(epoch)))
    half, W = "features_unlabeled" if unsupervised else "features_labeled", shareds["f_1_W"].get_value()
    z = [batch[half].reshape(-1, 6).astype("float64") @ W for batch in epoch]
    found = {kind: shareds[f"shared_f_1_bn_{kind}_clean"].get_value() for kind in ("mean", "var")}
    np.testing.assert_allclose(found["mean"], np.mean([x.mean(axis=0) for x in z], axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["var"], np.mean([x.var(axis=0, ddof=1) for x in z], axis=0), rtol=1e-4)
