"""A page shows what the network computes: one small run, analysed once."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from report.pages import Page

import ladder
from ladder.report.look import LayerSignals, _one_of_each_class_first, compile_signals, look_into
from ladder.report.page import make_page
from ladder.runs.folder import RunFolder
from ladder.training.evaluation import TrainedRun

ONE_THREAD = {"name": "c", "threads": 1}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An evaluated run in a folder."""
    model = ladder.train(
        str(tmp_path_factory.mktemp("runs") / "digits"),
        dataset="digits",
        encoder_layers="30-10",
        decoder_spec="gauss",
        denoising_cost_x=(10, 1, 0.1),
        labeled_samples=100,
        unlabeled_samples=1200,
        num_epochs=2,
    )
    return SimpleNamespace(folder=model.folder, model=model, report=model.evaluate())


@pytest.fixture(scope="module")
def look(trained):
    return look_into(TrainedRun.load(trained.folder), ONE_THREAD)


def test_guesses_are_those_of_evaluate(trained, look):
    assert look.guesses.report == trained.report
    assert look.n_test == 360 and len(look.split.train) == 1200 and len(look.split.labeled) == 100


def test_mistakes_are_wrong_and_the_surest_first(trained, look):
    run = TrainedRun.load(trained.folder)
    examples, _ = run.examples("test")
    found = look.guesses.mistakes
    assert len(found) == min(24, trained.report["n_wrong"])
    for one in found[:5]:
        probabilities = trained.model.predict_proba(examples.features[[one.number]])[0]
        assert examples.targets[one.number] == one.true != one.guess == probabilities.argmax()
        assert one.probability == pytest.approx(probabilities.max(), rel=1e-4)
        np.testing.assert_array_equal(one.image, examples.features[one.number, 0])
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)


def test_signals_of_every_layer(look):
    assert [signals.clean.shape for signals in look.signals] == [(200, 64), (200, 30), (200, 10)]
    for signals in look.signals[1:]:
        # A layer's clean z is normalised over the batch; noise of deviation 0.3 is added to it.
        assert signals.clean.mean(axis=0) == pytest.approx(0, abs=1e-3)
    noise = look.signals[0].noisy - look.signals[0].clean
    assert noise.std() == pytest.approx(0.3, rel=0.05) and noise.mean() == pytest.approx(0, abs=0.02)


def test_a_network_with_a_virtual_adversarial_cost_is_looked_into(trained):
    """The pass to which its own noise is added is not computed here."""
    run = TrainedRun.load(trained.folder)
    p = replace(run.p, vat_cost=(1.0,), vat_radius=(0.3,), vat_noise_std=0.5)
    layers, _ = compile_signals(replace(run, p=p))
    assert len(layers) == 3


def test_the_denoising_cost_is_near_that_of_training(trained, look):
    """Of test examples, but the same network: within a quarter of what is logged after its last epoch."""
    row = [row for row in RunFolder(trained.folder).rows() if "train_denois0" in row][-1]
    for i, signals in enumerate(look.signals):
        assert signals.cost() == pytest.approx(row[f"train_denois{i}"], rel=0.25)


def test_one_of_each_class_first_and_none_is_lost():
    targets, indices = np.repeat(np.arange(26), 3), np.arange(1, 78)
    found = _one_of_each_class_first(targets, indices)
    assert (targets[found[:26]] == np.arange(26)).all() and sorted(found) == list(indices)


def test_what_explains_how_much():
    layer = SimpleNamespace(number=1)
    clean = np.array([[1.0, 0.0], [-1.0, 0.0]])
    signals = LayerSignals(layer, clean, clean, np.array([[0.5, 0.0], [-0.5, 0.0]]))
    assert signals.r2(clean) == 1 and signals.r2(np.zeros((2, 2))) == 0
    assert signals.r2(signals.denoised) == pytest.approx(0.75)
    assert signals.cost() == pytest.approx(0.125) and signals.correlation(signals.denoised) == pytest.approx(1)
    assert signals.correlation(np.zeros((2, 2))) is None


def test_filters_are_the_largest_columns_of_the_weights(trained, look):
    weights = np.load(trained.folder / "trained_params.npz")["f_1_W"]
    largest = np.linalg.norm(weights, axis=0).argmax()
    np.testing.assert_array_equal(look.filters[0], weights[:, largest].reshape(8, 8))
    assert look.filters.shape == (30, 8, 8)


def test_the_page(trained, look, monkeypatch):
    monkeypatch.setattr("ladder.report.look.look_into", lambda run, backend: look)
    page = Page(make_page([trained.folder], ONE_THREAD, static=True))
    n_wrong = trained.report["n_wrong"]
    assert f"{trained.report['error_percent']:.2f} % ({n_wrong} of 360)" in page.text
    assert "1,200 examples train, 100 of them with their label; 237 validate, 360 test." in page.text
    # 24 mistakes, 3 rows of 10 inputs, 3 layers of 3 heat maps, and the filters.
    assert page.count("img") == min(24, n_wrong) + 30 + 9 + 1
    assert all(a.get("alt") for tag, a in page.tags if tag == "img")
    assert f"{look.signals[0].r2(look.signals[0].denoised):.3f}" in page.text
    first = look.guesses.mistakes[0]
    assert re.search(rf"{first.guess} not {first.true} {100 * first.probability:.2f} % no. {first.number}", page.text)


def test_missing_data_cost_a_section_not_the_page(trained, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr("ladder.data.record.find_dataset", _missing)
    page = Page(make_page([trained.folder], ONE_THREAD, static=True))
    assert "Its data set or its network could not be used" in page.text
    assert "Supervised cost, training" in page.text and page.count("img") == 0


def _missing(name):
    raise ladder.UserError(f"there is no data set {name}")
