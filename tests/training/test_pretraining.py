"""Pre-training: gradients of autoencoders, and Boltzmann machines as encoder layers, against NumPy in float64."""

from dataclasses import replace
from types import SimpleNamespace

import aesara.tensor as at
import numpy as np
import pytest
from scipy.special import expit

from ladder import backends
from ladder.data.fuel_file import write_fuel_file
from ladder.errors import UserError
from ladder.layers import resolve_layers
from ladder.model import LadderAE
from ladder.options import Options
from ladder.pretraining import resolve_pretraining
from ladder.training.experiment import prepare
from ladder.training.pretraining import codes, stacks
from ladder.training.pretraining.autoencoder import autoencoder
from ladder.training.pretraining.folder import PretrainingFolder, encoder_shapes
from ladder.training.pretraining.stacks import as_layer, pretrain
from ladder.training.pretraining.stages import Setting
from ladder.training.pretraining.starting import check_source, with_source

NETWORK = dict(encoder_layers="5-4-3", denoising_cost_x=(0, 0, 0, 0), act="sigmoid", optimizer="sgd", pretrain_lr=1.0)
INPUTS, N = 6, 12


def perturbed_ladder(p):
    """A ladder, and the generator to :func:`perturb` its parameters with."""
    ladder, rng = LadderAE(p, (INPUTS,)), np.random.RandomState(3)
    ladder.encoder_parameters()
    return ladder, rng


def perturb(shareds, rng):
    for name, shared in shareds.items():
        if name[0] in "fr":
            value = shared.get_value()
            shared.set_value((value + rng.normal(0, 0.3, value.shape)).astype("float32"))


def cost(values, z, draws, p, bottom, top):
    """The autoencoder's cost in float64, from a dict of parameters, clean z of the bottom layer and the noise drawn."""
    how, draws = resolve_pretraining(p, resolve_layers(p, (INPUTS,))), iter(draws)
    act = lambda i, z: expit(values[f"f_{i}_c"] * (z + values[f"f_{i}_b"])) if i else z
    clean = h = act(bottom, z)
    for i in range(bottom, top):
        if i > bottom:
            x = h @ values[f"f_{i}_W"]
            z = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-10)
        if how.corruption == "gaussian":
            h = act(i, z + how.strengths[i] * next(draws))
        else:
            # An entry is masked where its normal is above the quantile that 0.4 of normals exceed; no draw is near it.
            h = act(i, z) * (next(draws) <= 0.2533471)
    x = h @ values[f"f_{top}_W"]
    h = act(top, (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-10))
    for i in reversed(range(bottom, top)):
        total = h @ (values[f"f_{i + 1}_W"].T if how.tied else values[f"r_{i}_W"]) + values[f"r_{i}_b"]
        h = expit(total) if i > bottom else total
    if how.cost == "squared":
        return np.square(h - clean).sum(axis=1).mean()
    return (np.logaddexp(0, h) - clean * h).sum(axis=1).mean()


@pytest.mark.parametrize(
    "options, bottom, top, learnt",
    [
        (dict(pretrain="dae-joint", pretrain_strength=(0.5, 0.2)), 0, 2, "f_1_W f_1_b f_1_c f_2_W f_2_b f_2_c r_0_b r_1_b"),
        (dict(pretrain="dae", pretrain_corruption="masking", pretrain_strength=0.4, pretrain_weights="untied",
              pretrain_cost="crossentropy", plain_graph=True), 1, 2, "f_2_W f_2_b f_2_c r_1_W r_1_b"),
    ],
    ids=["joint, tied, squared, gaussian", "second layer, untied, cross-entropy, masking"],
)  # fmt: skip
def test_gradients_of_autoencoders_are_finite_differences(options, bottom, top, learnt):
    p = Options.of(**NETWORK, **options)
    ladder, rng = perturbed_ladder(p)
    how = resolve_pretraining(p, ladder.layers)
    graph = autoencoder(ladder, how, bottom, top, np.random.RandomState(1))
    perturb(ladder.shareds, rng)
    z = rng.normal(size=(N, *ladder.layers[bottom].dim)).astype("float32")
    names = [variable.name for variable in graph.updates]
    assert sorted(names) == sorted(graph.learnt) == learnt.split()  # the layers below are not updated
    outputs = [graph.monitored["cost_total"], *graph.updates.values(), *graph.noise.draws]
    found, *rest = backends.function([graph.input], outputs)(z)
    updated, draws = dict(zip(names, rest)), rest[len(names) :]
    values = {name: shared.get_value().astype("float64") for name, shared in ladder.shareds.items()}
    at_z = lambda changed: cost({**values, **changed}, z.astype("float64"), draws, p, bottom, top)
    assert found == pytest.approx(at_z({}), rel=1e-5)
    for name, new in updated.items():
        gradient = values[name] - new  # the rate is 1
        for index in {tuple(rng.randint(side) for side in new.shape) for _ in range(4)}:
            step = np.zeros_like(values[name])
            step[index] = 1e-5
            difference = (at_z({name: values[name] + step}) - at_z({name: values[name] - step})) / 2e-5
            assert gradient[index] == pytest.approx(difference, rel=1e-3, abs=1e-5), (name, index)


@pytest.mark.parametrize("act", ["sigmoid", "relu"])
def test_a_machine_as_a_layer_gives_its_own_probabilities(act):
    """On the examples as a whole, whose statistics the layer takes; with the rectifier, up to a scale for each unit."""
    p = Options.of(encoder_layers="5-3", denoising_cost_x=(0, 0, 0), act=act, plain_graph=True)
    ladder, rng = perturbed_ladder(p)
    v = rng.uniform(size=(40, INPUTS)).astype("float32")
    learnt = {"W": rng.normal(size=(INPUTS, 5)).astype("float32"), "b": rng.normal(size=5).astype("float32")}
    x = v @ learnt["W"]
    layer = as_layer(ladder, 1, learnt, *codes.mean_and_variance(x, np.arange(40)))
    for name, value in layer.items():
        ladder.shareds[name].set_value(value)
    inputs = at.fmatrix()
    (path,) = ladder.encoder([(inputs, {})], ladder.encoder_parameters())
    h = backends.function([inputs], path.h[1])(v)
    total = (x + learnt["b"]).astype("float64")
    if act == "sigmoid":
        np.testing.assert_allclose(h, expit(total), rtol=1e-5)
        assert sorted(layer) == ["f_1_W", "f_1_b", "f_1_c"]
    else:
        np.testing.assert_allclose(h, np.maximum(total, 0) / x.std(axis=0), rtol=1e-4, atol=1e-5)
        assert sorted(layer) == ["f_1_W", "f_1_b"]


def test_statistics_of_many_examples_are_those_of_all():
    x = np.random.RandomState(2).normal(3, 2, (2500, 4)).astype("float32")
    positions = np.arange(2400)[::-1]
    mean, variance = codes.mean_and_variance(x, positions)
    np.testing.assert_allclose(mean, x[:2400].mean(axis=0, dtype="float64"))
    np.testing.assert_allclose(variance, x[:2400].var(axis=0, dtype="float64"))
    z = codes.normalise(x[:2400].copy(), mean, variance)
    np.testing.assert_allclose([z.mean(axis=0), z.var(axis=0)], [[0] * 4, [1] * 4], atol=1e-4)


def test_defaults_in_numbers():
    p = Options.of(
        encoder_layers="5-4-3", denoising_cost_x=(0, 0, 0, 0), seed=4, super_noise_std=0.7, f_local_noise_std=0.2
    )
    assert resolve_pretraining(p, resolve_layers(p)) is None
    how = resolve_pretraining(replace(p, pretrain="dae"), resolve_layers(p))
    assert (how.top, how.seed, how.strengths, how.tied) == (2, 4, (0.7, 0.2), True)  # the encoder's own noise
    how = resolve_pretraining(replace(p, pretrain="dae", pretrain_corruption="masking"), resolve_layers(p))
    assert how.strengths == (0.25, 0.25)
    how = resolve_pretraining(replace(p, pretrain="rbm"), resolve_layers(p))
    assert (how.corruption, how.cd_steps, how.cost) == ("", 1, "crossentropy")


def test_crossentropy_is_for_what_is_reconstructed():
    """That is the inputs and the layers between them and the code; in a joint autoencoder, the inputs alone."""
    p = Options.of(encoder_layers="6-5-4-3", denoising_cost_x=(0,) * 5, pretrain="dae", pretrain_cost="crossentropy")

    def cost(**changes):
        one = replace(p, **changes)
        return resolve_pretraining(one, resolve_layers(one)).cost

    assert cost(act=("relu", "sigmoid", "sigmoid", "relu", "softmax")) == cost(pretrain="dae-joint") == "crossentropy"
    assert cost(encoder_layers=("6", "3"), denoising_cost_x=(0.0,) * 3) == "crossentropy"
    for act in (("relu",), ("sigmoid", "sigmoid", "relu", "sigmoid", "softmax")):
        with pytest.raises(UserError, match="give --act sigmoid, or --pretrain-cost squared"):
            cost(act=act)


@pytest.fixture
def stages(monkeypatch):
    """A function from options and each stage's learnt values to what each was given, by name, and the final encoder."""

    def run(options, learnt):
        got = {}

        def train(setting, stage, make, features, positions, shapes):
            graph, _ = make()
            values = {name: shared.get_value() for name, shared in graph.shareds.items()}
            x = features[positions].astype("float64")
            got[stage.name] = SimpleNamespace(x=x, values=values, learnt=sorted(graph.learnt))
            return learnt[stage.name]

        monkeypatch.setattr(Setting, "train", train)
        p = Options.of(**{**NETWORK, "encoder_layers": "5-4-3-2", "denoising_cost_x": (0,) * 5, **options})
        split = SimpleNamespace(train=np.arange(30)[::-2])
        experiment = SimpleNamespace(p=p, in_dim=(INPUTS,), examples=SimpleNamespace(features=FEATURES), split=split)
        return got, pretrain(experiment)

    return run


FEATURES = np.random.RandomState(7).uniform(size=(30, INPUTS)).astype("float32")


@pytest.fixture
def machines():
    """What a machine of each layer has learnt."""
    rng, learnt = np.random.RandomState(4), {}
    for i, (below, above) in enumerate([(INPUTS, 5), (5, 4), (4, 3)], start=1):
        machine = {"W": rng.normal(size=(below, above)), "a": rng.normal(size=below), "b": rng.normal(size=above)}
        learnt[f"layer{i}"] = {name: value.astype("float32") for name, value in machine.items()}
    return learnt


def normalised(x):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-10)


def assert_values(found, expected):
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_an_autoencoder_learns_the_clean_code_of_the_one_below(stages):
    rng = np.random.RandomState(4)
    learnt = {}
    for i, (below, above) in enumerate([(INPUTS, 5), (5, 4), (4, 3)], start=1):
        layer = {f"f_{i}_W": rng.normal(size=(below, above)), f"f_{i}_b": rng.normal(size=above)}
        layer[f"f_{i}_c"] = rng.uniform(0.5, 2, above)
        learnt[f"layer{i}"] = {name: value.astype("float32") for name, value in layer.items()}
    got, encoder = stages({"pretrain": "dae"}, learnt)
    assert list(got) == ["layer1", "layer2", "layer3"]
    np.testing.assert_array_equal(got["layer1"].x, FEATURES[::-2])
    z = normalised(got["layer1"].x @ learnt["layer1"]["f_1_W"])
    np.testing.assert_allclose(got["layer2"].x, z, rtol=1e-4, atol=1e-5)
    h = expit(learnt["layer1"]["f_1_c"] * (z + learnt["layer1"]["f_1_b"]))
    np.testing.assert_allclose(got["layer3"].x, normalised(h @ learnt["layer2"]["f_2_W"]), rtol=1e-4, atol=1e-5)
    assert_values(got["layer2"].values, learnt["layer1"])
    assert_values(got["layer3"].values, {**learnt["layer1"], **learnt["layer2"]})
    assert encoder.keys() == {name for layer in learnt.values() for name in layer}
    assert_values(encoder, {**learnt["layer1"], **learnt["layer2"], **learnt["layer3"]})


def test_a_machine_learns_the_probabilities_of_the_one_below_and_the_unrolled_stack_begins_with_them(stages, machines):
    """Hinton and Salakhutdinov (2006): the decoder has the transposed weights and the visible units' biases."""
    learnt = {"unrolled": {"f_1_W": np.ones((INPUTS, 5), "float32"), "r_0_b": np.ones(INPUTS, "float32")}, **machines}
    got, encoder = stages({"pretrain": "rbm", "unrolled_epochs": 1}, learnt)
    assert list(got) == ["layer1", "layer2", "layer3", "unrolled"]
    for i in (1, 2):
        machine = learnt[f"layer{i}"]
        expected = expit(got[f"layer{i}"].x @ machine["W"] + machine["b"])
        np.testing.assert_allclose(got[f"layer{i + 1}"].x, expected, rtol=1e-5)
    start = got["unrolled"]
    np.testing.assert_array_equal(start.x, got["layer1"].x)
    ways_there = [f"f_{i}_{kind}" for i in (1, 2, 3) for kind in "Wbc"]
    assert start.learnt == ways_there + [f"r_{i}_{kind}" for i in (0, 1, 2) for kind in "Wb"]  # and the whole decoder
    for i in (1, 2, 3):
        W = learnt[f"layer{i}"]["W"]
        assert_values(start.values, {f"f_{i}_W": W, f"r_{i - 1}_W": W.T, f"r_{i - 1}_b": learnt[f"layer{i}"]["a"]})
        x = got[f"layer{i}"].x @ W
        root = np.sqrt(x.var(axis=0) + 1e-10)
        np.testing.assert_allclose(start.values[f"f_{i}_c"], root, rtol=1e-4)
        b = (x.mean(axis=0) + learnt[f"layer{i}"]["b"]) / root
        np.testing.assert_allclose(start.values[f"f_{i}_b"], b, rtol=1e-4, atol=1e-5)
    assert encoder.keys() == {"f_1_W"}  # only the encoder's part of what the unrolled stack learnt


@pytest.mark.parametrize(
    "options, learnt",
    [
        ({"pretrain": "rbm"}, {"x": (3,)}),
        ({"pretrain": "rbm"}, {"W": (INPUTS, 5), "a": (INPUTS,), "b": (4,)}),
        ({"pretrain": "dae"}, {"x": (3,)}),
        ({"pretrain": "dae-joint"}, {"f_1_W": (INPUTS, 5), "f_1_b": (5,), "f_1_c": (5,)}),
    ],
)
def test_what_no_stage_has_learnt_is_refused(options, learnt, tmp_path, monkeypatch):
    """A stage counts as done if its file exists, but other contents are not taken for what it learnt."""
    p = Options.of(**NETWORK, **options)
    folder = PretrainingFolder(tmp_path)
    name = "all" if p.pretrain == "dae-joint" else "layer1"
    (tmp_path / name).mkdir()
    folder.save_stage(name, {key: np.zeros(shape, "float32") for key, shape in learnt.items()})
    monkeypatch.setattr(stacks, "provenance", lambda experiment: {"environment": {}})
    monkeypatch.setattr(PretrainingFolder, "begin_stages", lambda *others: None)
    split, examples = SimpleNamespace(train=np.arange(30)), SimpleNamespace(features=FEATURES)
    with pytest.raises(UserError, match=f"{name}/learnt.npz does not hold what a stage of pre-training learnt"):
        pretrain(SimpleNamespace(p=p, in_dim=(INPUTS,), examples=examples, split=split), folder)


LABELS = np.arange(30, dtype="u1").reshape(-1, 1) % 3


def convert(features, targets):
    axes = {"features": ("batch", "feature"), "targets": ("batch", "index")}
    write_fuel_file("datasets/mine.hdf5", {"train": {"features": features, "targets": targets}}, axes)


def pretrained_on_mine(path, **options):
    """The folder of a finished pre-training whose parameters are all zero."""
    (experiment,) = prepare([Options.of(**NETWORK, dataset="mine", pretrain="dae", **options)])
    folder = PretrainingFolder(path)
    folder.path.mkdir()
    folder.begin_stages(experiment, {})
    shapes = encoder_shapes(resolve_layers(experiment.p, experiment.in_dim))
    folder.save_encoder({name: np.zeros(shape, "float32") for name, shape in shapes.items()}, experiment)
    return folder


def test_what_is_asked_for_is_refused_also_where_it_is_the_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    convert(FEATURES, LABELS)
    folder = pretrained_on_mine(tmp_path / "pretrained", pretrain_weights="untied")
    p = Options.of(**NETWORK, dataset="mine", from_=str(folder))
    assert with_source(p).pretrain_weights == with_source(p, {"pretrain_lr"}).pretrain_weights == "untied"
    assert p.pretrain_weights == "tied"
    with pytest.raises(UserError, match="was pre-trained with another --pretrain-weights: leave that out"):
        with_source(p, {"pretrain_weights"})


def test_other_data_of_the_same_name_were_not_pretrained_on(tmp_path, monkeypatch):
    """Labels may have changed since, as pre-training does not use them."""
    monkeypatch.chdir(tmp_path)

    def source_of_training():
        (experiment,) = prepare([with_source(Options.of(**NETWORK, dataset="mine", from_=str(folder)))])
        check_source(experiment)

    convert(FEATURES, LABELS)
    folder = pretrained_on_mine(tmp_path / "pretrained")
    source_of_training()
    convert(FEATURES, LABELS[::-1].copy())
    source_of_training()
    convert(FEATURES + 1, LABELS)
    with pytest.raises(UserError, match="mine has other values in its training examples than when .*pretrained was"):
        source_of_training()


def test_options_of_machines_in_numbers():
    options = dict(pretrain_epochs=7, cd_steps=3, persistent_chains=True, visible_units="gaussian", unrolled_epochs=5)
    p = Options.of(encoder_layers="5-4-3", denoising_cost_x=(0, 0, 0, 0), act="sigmoid", pretrain="rbm", **options)
    how = resolve_pretraining(p, resolve_layers(p))
    assert (how.epochs, how.cd_steps, how.persistent, how.gaussian) == (7, 3, True, True)
    assert (how.unrolled_epochs, how.cost) == (5, "squared")


@pytest.mark.parametrize("units", ["binary", "gaussian"])
def test_a_machine_begins_with_the_means_of_what_trains(units, stages, machines):
    """Gaussian visible units, which only the first machine has, take them as biases; binary ones their log odds."""
    got, _ = stages({"pretrain": "rbm", "visible_units": units}, machines)
    for i in (1, 2):
        mean = got[f"layer{i}"].x.mean(axis=0)
        inside = np.clip(mean, 0.01, 0.99)
        expected = mean if units == "gaussian" and i == 1 else np.log(inside / (1 - inside))
        np.testing.assert_allclose(got[f"layer{i}"].values["a"], expected, rtol=1e-3, atol=1e-4)
    assert 0.005 < got["layer1"].values["W"].std() < 0.015
