"""Options of a run: the original's commands, what they mean for every layer, and what is refused."""

import json
import subprocess
import sys

import pytest

from ladder import activation_specs, decoder_specs
from ladder.data.examples import check_fits
from ladder.errors import UserError
from ladder.layers import resolve_layers
from ladder.options import Options

MNIST = (1, 28, 28)
CIFAR10 = (3, 32, 32)


def small(**options):
    """Options with layers 5-4."""
    return Options(**{"encoder_layers": ("5", "4"), "denoising_cost_x": (0.0,) * 3, **options})


def layers(in_dim=(3,), **options):
    return resolve_layers(small(**options), in_dim)


def refused(in_dim=(3,), **options):
    """The message for options that are refused."""
    with pytest.raises(UserError) as error:
        layers(in_dim, **options)
        check_fits(small(**options), in_dim, n_classes=2)
    return str(error.value)


# --- The original's own commands


def option_values(command):
    """A command of the original's README as options, split as its ``run.py`` does."""
    words = command.split()
    assert words[:2] == ["run.py", "train"] and words[-2] == "--"
    words = words[2:-2]
    options = {name[2:].replace("-", "_"): value for name, value in zip(words[::2], words[1::2])}
    floats = lambda text: tuple(float(x) for x in text.split(","))  # noqa: E731
    strings = lambda text: tuple(text.split("-"))  # noqa: E731
    kinds = {
        "encoder_layers": strings,
        "decoder_spec": strings,
        "act": strings,
        "denoising_cost_x": floats,
        "f_local_noise_std": floats,
        "lrate_decay": float,
        "top_c": lambda text: text == "True",
        "dataset": str,
    }
    values = {name: kinds.get(name, int)(value) for name, value in options.items()}
    return values


@pytest.fixture(scope="module")
def commands(golden_dir):
    stored = json.loads((golden_dir / "original_commands.json").read_text())["commands"]
    return {name: option_values(entry["command"]) for name, entry in stored.items()}


DENSE = [f"mnist_{n}_{kind}" for n in ("all", "100", "1000") for kind in ("full", "bottom", "gamma", "baseline")]
DENSE += ["mnist_50_full"]
CONV_FC, CONV_SMALL, CONV_LARGE = (
    [MNIST, (1000, 3, 3), (500, 3, 3), *[(250, 3, 3)] * 3, (10, 3, 3), (10, 1, 1)],
    [
        MNIST,
        (32, 32, 32),
        (32, 16, 16),
        (64, 14, 14),
        (64, 16, 16),
        (64, 8, 8),
        (128, 6, 6),
        (10, 6, 6),
        (10, 1, 1),
        (10,),
    ],
    [
        CIFAR10,
        (96, 30, 30),
        (96, 32, 32),
        (96, 34, 34),
        (96, 17, 17),
        (192, 15, 15),
        (192, 17, 17),
        (192, 15, 15),
        (192, 8, 8),
        (192, 6, 6),
        (192, 6, 6),
        (10, 6, 6),
        (10, 1, 1),
    ],
)
CONVOLUTIONAL = {
    "mnist_100_conv_fc": CONV_FC,
    "mnist_100_conv_gamma": CONV_SMALL,
    "mnist_100_conv_baseline": CONV_SMALL,
    "cifar_4k_gamma": CONV_LARGE,
    "cifar_4k_baseline": CONV_LARGE,
}


def test_the_readme_has_18_commands(commands):
    assert sorted(commands) == sorted([*DENSE, *CONVOLUTIONAL])


@pytest.mark.parametrize("name", DENSE)
def test_dense_commands(commands, name):
    p = Options(**commands[name])
    resolved = resolve_layers(p, MNIST)
    assert [layer.dim for layer in resolved] == [MNIST, (1000,), (500,), (250,), (250,), (250,), (10,)]
    assert [layer.size for layer in resolved] == [784, 1000, 500, 250, 250, 250, 10]
    assert [layer.act for layer in resolved] == ["relu"] * 6 + ["softmax"]
    std = {"mnist_1000_full": 0.2}.get(name, 0.5 if name.endswith("baseline") else 0.3)
    assert [layer.noise_std for layer in resolved] == [0.3] + [std] * 6
    kind = name.rsplit("_", 1)[1]
    decoders = {"gamma": [""] * 6 + ["gauss"], "baseline": [""] * 7}.get(kind, ["gauss"] * 7)
    assert [layer.decoder for layer in resolved] == decoders
    # Every decoder function gets u: in these commands nothing but "0" itself ends with 0.
    assert [layer.gets_u for layer in resolved if layer.decoder] == [True] * (7 - decoders.count(""))
    assert tuple(layer.denoising_cost for layer in resolved) == commands[name]["denoising_cost_x"]
    assert (p.seed, p.dseed, p.num_epochs, p.lrate_decay) == (1, 1, 150, 0.67)


def test_denoising_costs_of_mnist_100_full(commands):
    costs = [layer.denoising_cost for layer in resolve_layers(Options(**commands["mnist_100_full"]), MNIST)]
    assert costs == [1000, 10, 0.1, 0.1, 0.1, 0.1, 0.1]


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_convolutional_commands(commands, name):
    p = Options(**commands[name])
    resolved = resolve_layers(p, CIFAR10 if p.dataset == "cifar10" else MNIST)
    assert [layer.dim for layer in resolved] == CONVOLUTIONAL[name]
    act = "leakyrelu" if name.startswith("cifar") else "relu"
    assert [layer.act for layer in resolved[1:]] == [act] * (len(resolved) - 2) + ["softmax"]
    decoders = {"fc": ["gauss"] * 8, "gamma": [""] * (len(resolved) - 1) + ["gauss"], "baseline": [""] * len(resolved)}
    assert [layer.decoder for layer in resolved] == decoders[name.rsplit("_", 1)[1]]
    assert [layer.border for layer in resolved if layer.is_convolution] == [
        "full" if spec.startswith("convf") else "valid" for spec in p.encoder_layers if spec.startswith("conv")
    ]


# --- Defaults


def test_defaults_are_the_originals():
    p = Options(encoder_layers=("10",))
    assert p.as_dict() == {
        "encoder_layers": ("10",),
        "denoising_cost_x": (0.0,),
        "decoder_spec": ("sig",),
        "act": ("relu",),
        "f_local_noise_std": (0.3,),
        "super_noise_std": 0.3,
        "zestbn": "bugfix",
        "top_c": True,
        "seed": 1,
        "dseed": 1,
        "num_epochs": 150,
        "lr": 0.002,
        "lrate_decay": 0.67,
        "batch_size": 100,
        "unlabeled_batch_size": None,
        "patience": 0,
        "keep": "last",
        "valid_batch_size": 100,
        "valid_set_size": 10000,
        "labeled_samples": None,
        "unlabeled_samples": None,
        "dataset": "mnist",
        "contrast_norm": 0,
        "whiten_zca": 0,
        "unsupervised": False,
        "noise": "mrg",
        "plain_graph": False,
        "l1": 0.0,
        "l2": 0.0,
        "max_norm": 0.0,
        "dropout": (0.0,),
        "drop_connect": (0.0,),
        "adv_kind": "sgn",
        "adv_tau": (0.0,),
        "adv_kind_unlabeled": "sgn",
        "adv_tau_unlabeled": (0.0,),
        "adv_layers": (0,),
        "adv_scale": "none",
        "adv_path": "corr",
        "vat_iterations": 1,
        "vat_xi": 0.01,
        "vat_noise_std": 0.0,
        "vat_cost": (0.0,),
        "vat_radius": (0.0,),
        "first_weights": "below",
        # Ours alone; by default they have no effect.
        "optimizer": "adam",
        **dict.fromkeys(("momentum", "rho", "beta1", "beta2", "epsilon")),
        "clip_norm": 0.0,
        "lr_schedule": "linear",
        **dict.fromkeys(("lr_factor", "lr_every", "lr_growth")),
        "warmup_epochs": 0,
        "sources": (),
        "divide_by": None,
        "standardize": False,
        "rescale": False,
        "augment": (),
        "augment_halves": "both",
        "labeled_indices": (),
        "rival": "",
        "pretrain": "none",
        **dict.fromkeys(("pretrain_epochs", "pretrain_lr", "pretrain_seed", "cd_steps")),
        "pretrain_corruption": "gaussian",
        "pretrain_strength": (),
        "pretrain_weights": "tied",
        "pretrain_cost": "squared",
        "persistent_chains": False,
        "visible_units": "binary",
        "unrolled_epochs": 0,
        "from_": "",
    }


def test_dseed_follows_seed_unless_given():
    assert small(seed=7).dseed == 7
    assert small(seed=7, dseed=0).dseed == 0


def test_names_are_those_of_the_bricks():
    from ladder.bricks.activations import ACTIVATIONS
    from ladder.bricks.decoder import DECODERS

    assert sorted(activation_specs.ACTIVATIONS) == sorted(ACTIVATIONS)
    assert sorted(decoder_specs.DECODERS) == sorted(set(DECODERS) - {""})


def test_no_aesara_needed():
    code = "import sys, ladder.layers, ladder.options, ladder.data.examples; sys.exit('aesara' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- One value, or one per layer


def test_layers():
    resolved = layers(in_dim=(1, 2, 3), encoder_layers=("fc:5", "4"), denoising_cost_x=(3.0, 0.0, 0.5))
    assert [layer.number for layer in resolved] == [0, 1, 2]
    assert [layer.kind for layer in resolved] == ["input", "fc", "fc"]
    assert [layer.dim for layer in resolved] == [(1, 2, 3), (5,), (4,)]
    assert [layer.size for layer in resolved] == [6, 5, 4]
    assert [layer.denoising_cost for layer in resolved] == [3, 0, 0.5]


@pytest.mark.parametrize(
    "std, above",
    [
        ((0.5,), [0.5, 0.5]),
        ((9.0, 0.2, 0.4), [0.2, 0.4]),  # layer 0's entry is not used
        ((9.0, 0.2), [0.2, 0.0]),  # a short list silently means 0 above
    ],
)
def test_noise(std, above):
    assert [layer.noise_std for layer in layers(super_noise_std=0.7, f_local_noise_std=std)] == [0.7] + above


@pytest.mark.parametrize(
    "act, expected",
    [
        (("sigmoid",), ["sigmoid", "sigmoid", "softmax"]),
        (("linear", "leakyrelu", "relu"), ["linear", "leakyrelu", "softmax"]),
    ],
)
def test_top_activation_is_always_softmax(act, expected):
    assert [layer.act for layer in layers(act=act)] == expected


@pytest.mark.parametrize("name", decoder_specs.DECODERS)
def test_one_decoder_for_all_layers(name):
    assert [(layer.decoder, layer.gets_u) for layer in layers(decoder_spec=(name,))] == [(name, True)] * 3


@pytest.mark.parametrize(
    "spec, decoders, gets_u",
    [
        (("0",), ["", "", ""], None),
        (("gauss0",), ["gauss"] * 3, [False, False, False]),
        (("gauss", "gauss0", "sig"), ["gauss", "gauss", "sig"], [True, False, True]),
        # A layer above without a decoder has nothing to send down …
        (("gauss", "0", "lin"), ["gauss", "", "lin"], [False, None, True]),
        # … but the top has the encoder's output.
        (("0", "0", "gauss"), ["", "", "gauss"], [None, None, True]),
        (("i0", "comparison_g20", "comparison_g5"), ["i", "comparison_g2", "comparison_g5"], [False, False, True]),
    ],
)
def test_decoders_and_what_they_get(spec, decoders, gets_u):
    resolved = layers(decoder_spec=spec)
    assert [layer.decoder for layer in resolved] == decoders
    for layer, expected in zip(resolved, gets_u or []):
        if layer.decoder:
            assert layer.gets_u is expected


# --- Layers of maps


def maps(*encoder_layers, **options):
    """Layers above an input of 1 x 8 x 8."""
    n = len(encoder_layers) + 1
    return layers(**{"in_dim": (1, 8, 8), "encoder_layers": encoder_layers, "denoising_cost_x": (0.0,) * n, **options})


def test_layers_of_maps():
    resolved = maps("convf:4:3:2:2", "maxpool:2:3", "globalmeanpool:0", "10", decoder_spec=("0",))
    assert [layer.kind for layer in resolved] == ["input", "convf", "maxpool", "globalmeanpool", "fc"]
    assert [layer.dim for layer in resolved] == [(1, 8, 8), (4, 5, 5), (4, 2, 2), (4, 1, 1), (10,)]
    assert [layer.size for layer in resolved] == [64, 100, 16, 4, 10]
    assert [(layer.filter_size, layer.stride) for layer in resolved[1:3]] == [(3, 2), (3, 2)]
    assert [layer.is_pooling for layer in resolved] == [False, False, True, True, False]
    assert [layer.is_convolution for layer in resolved] == [False, True, False, False, False]


@pytest.mark.parametrize("act", ["relu", "leakyrelu", "sigmoid"])
def test_pooling_layers_have_no_activation_of_their_own_in_the_encoder(act):
    """The activation asked for is kept for the decoder's estimate; the top has its softmax."""
    resolved = maps("convf:4:3:1:1", "maxpool:2:2", "convv:10:2:1:1", "globalmeanpool:0", act=(act,))
    assert [layer.act for layer in resolved] == [act] * 4 + ["softmax"]
    assert [layer.encoder_act for layer in resolved[1:]] == [act, "linear", act, "softmax"]


@pytest.mark.parametrize("pool", ["maxpool:2:3", "maxpool:3:2"])
def test_a_decoder_over_max_pooling_needs_a_stride_of_its_size(pool):
    for spec in [("gauss",), ("0", "gauss", "sig0", "0")]:
        with pytest.raises(UserError) as error:
            maps("convf:4:3:1:1", pool, "10", decoder_spec=spec)
        assert f"--decoder-spec: layer 1 needs the inverse of '{pool}'" in str(error.value)
    # It does not where no signal comes down.
    for spec in [
        ("0",),
        ("0", "gauss0", "gauss", "gauss"),
        ("gauss", "gauss", "0", "gauss"),
        ("0", "0", "gauss", "gauss"),
    ]:
        assert len(maps("convf:4:3:1:1", pool, "10", decoder_spec=spec)) == 4


def test_a_softmax_below_maps_is_refused():
    with pytest.raises(UserError, match="--act: a softmax at layer 1 leaves no maps for 'maxpool:2:2' above it"):
        maps("convf:4:3:1:1", "maxpool:2:2", "10", act=("relu", "softmax", "relu", "relu"))
    # Below units it is allowed, and the input's entry is ignored.
    maps("convf:4:3:1:1", "maxpool:2:2", "10", act=("softmax", "relu", "softmax", "relu"))


# --- What is refused: the message names the option and says what to do


@pytest.mark.parametrize(
    "options, says",
    [
        (dict(num_epochs=0), "--num-epochs is 0, but must be at least 1"),
        (dict(lr=0.0), "--lr is 0.0, but must be above 0"),
        (dict(lr=-0.1), "--lr is -0.1"),
        (dict(lr=float("nan")), "--lr is nan"),
        (dict(lr=float("inf")), "--lr is inf"),
        (dict(lrate_decay=1.5), "--lrate-decay is 1.5, but must be between 0 and 1"),
        (dict(lrate_decay=-0.1), "--lrate-decay is -0.1"),
        (dict(lrate_decay=float("nan")), "--lrate-decay is nan"),
        (dict(seed=0), "--seed is 0, but must be between 1 and 2147462578"),
        (dict(seed=2147462579), "--seed is 2147462579"),
        (dict(dseed=-1), "--dseed is -1, but must be between 0 and 4294967295"),
        (dict(dseed=2**32), "--dseed is 4294967296"),
        (dict(batch_size=1), "--batch-size is 1, but must be at least 2, or 0 for all: one example has no variance"),
        (dict(valid_batch_size=0), "--valid-batch-size is 0, but must be at least"),
        (dict(valid_set_size=-1), "--valid-set-size is -1, but must be 0 or more"),
        (dict(labeled_samples=-1), "--labeled-samples is -1, but must be 0 or more"),
        (dict(unlabeled_samples=-1), "--unlabeled-samples is -1, but must be 0 or more"),
        (dict(super_noise_std=-0.1), "--super-noise-std is -0.1, but must be 0 or more"),
        (dict(super_noise_std=float("nan")), "--super-noise-std is nan"),
        (dict(f_local_noise_std=(0.1, -0.2)), "--f-local-noise-std is -0.2, but must be 0 or more"),
        (dict(denoising_cost_x=(1.0, 2.0, -3.0)), "--denoising-cost-x is -3.0, but must be 0 or more"),
        (dict(denoising_cost_x=(1.0, float("inf"), 0.0)), "--denoising-cost-x is inf"),
        (dict(zestbn="yes"), "--zestbn is yes, but must be one of bugfix, no"),
        (dict(noise="mt"), "--noise is mt, but must be one of mrg, philox"),
        (dict(first_weights="above"), "--first-weights is above, but must be one of below, both"),
        (dict(contrast_norm=-1), "--contrast-norm is -1, but must be 0 or more"),
        (dict(whiten_zca=-1), "--whiten-zca is -1, but must be 0 or more"),
        (dict(whiten_zca=3072), "--whiten-zca is 3072, but an example has 3 inputs (3) and whitening keeps them all"),
        (dict(encoder_layers=()), "--encoder-layers is missing: give the layers, e.g. 1000-500"),
        (dict(encoder_layers=("5", "fx:4")), "--encoder-layers: unknown layer type 'fx' in 'fx:4': write"),
        (dict(encoder_layers=("5", "ten")), "--encoder-layers: 'ten' is not a layer: write a number"),
        (dict(encoder_layers=("5", "0")), "--encoder-layers: '0' is not a layer"),
        (dict(encoder_layers=("5", "-4")), "--encoder-layers: '-4' is not a layer"),
        (dict(encoder_layers=("5", "4.0")), "--encoder-layers: '4.0' is not a layer"),
        (dict(encoder_layers=("5", "")), "--encoder-layers: '' is not a layer"),
        (dict(encoder_layers=("5", "fc:")), "--encoder-layers: 'fc:' is not a layer"),
        (dict(encoder_layers=("convv:5:3:1:1", "4")), "--encoder-layers: 'convv:5:3:1:1' needs maps below"),
        (dict(encoder_layers=("globalmeanpool:0", "4")), "--encoder-layers: 'globalmeanpool:0' needs maps"),
        (
            dict(in_dim=(1, 6, 6), encoder_layers=("9", "convf:5:3:1:1")),
            "--encoder-layers: 'convf:5:3:1:1' needs maps below",
        ),
        (dict(denoising_cost_x=(1.0,)), "--denoising-cost-x has 1 weight for 3 layers (the input and 2 of --enc"),
        (dict(denoising_cost_x=(1.0,) * 4), "--denoising-cost-x has 4 weights for 3 layers"),
        (dict(denoising_cost_x=(1.0,) * 2), "give 3, split by commas"),
        (dict(act=("relu", "relu")), "--act has 2 entries for 3 layers: give one, or 3 split by '-', layer 0"),
        (dict(act=()), "--act has 0 entries for 3 layers"),
        (dict(act=("swish",)), "--act: unknown activation 'swish': choose from relu, leakyrelu, linear"),
        (dict(f_local_noise_std=(0.1,) * 4), "--f-local-noise-std has 4 entries for 3 layers: give one, or at most 3"),
        (dict(decoder_spec=("gauss", "gauss")), "--decoder-spec has 2 entries for 3 layers: give one, or 3"),
        (dict(decoder_spec=("gaus",)), "--decoder-spec: unknown decoder function 'gaus': choose from gauss, "),
        (dict(decoder_spec=("gauss00",)), "--decoder-spec: unknown decoder function 'gauss0'"),
        (dict(decoder_spec=("relu0", "sig", "sig")), "--decoder-spec: 'relu' at layer 0 needs a signal from"),
        (dict(decoder_spec=("gauss", "sigmoid", "0")), "--decoder-spec: 'sigmoid' at layer 1 needs a signal"),
    ],
)
def test_refused(options, says):
    assert says in refused(**options)


@pytest.mark.parametrize(
    "options",
    [
        dict(lrate_decay=0.0),
        dict(lrate_decay=1.0),
        dict(seed=2147462578, dseed=2**32 - 1),
        dict(batch_size=2, valid_batch_size=2, valid_set_size=0),
        dict(labeled_samples=0, unlabeled_samples=0),
        dict(super_noise_std=0.0, f_local_noise_std=(0.0,)),
        dict(decoder_spec=("0", "0", "relu")),
    ],
)
def test_extremes_that_are_allowed(options):
    assert len(layers(**options)) == 3


@pytest.mark.parametrize("seed", [1, 2147462578])
def test_seeds_that_are_allowed_start_the_noise(seed):
    from ladder.bricks.noise import GaussianNoise

    GaussianNoise(seed)


@pytest.mark.parametrize("seed", [0, 2147462579])
def test_seeds_that_are_refused_would_not(seed):
    from ladder.bricks.noise import GaussianNoise

    with pytest.raises(ValueError):
        GaussianNoise(seed)
