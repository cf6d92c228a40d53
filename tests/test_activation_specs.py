"""The strings of --act: what they mean, which are refused, and the shapes of maxout layers."""

import pytest

from ladder.activation_specs import ACTIVATIONS, SYNTAX, parse_activation
from ladder.errors import UserError
from ladder.layers import resolve_layers
from ladder.options import Options


@pytest.mark.parametrize(
    "text, name, number, shown",
    [
        ("relu", "relu", None, "relu"),
        ("leakyrelu", "leakyrelu", 0.1, "leakyrelu"),
        ("leakyrelu:0.10", "leakyrelu", 0.1, "leakyrelu"),
        ("leakyrelu:0.01", "leakyrelu", 0.01, "leakyrelu:0.01"),
        ("elu", "elu", 1.0, "elu"),
        ("elu:1", "elu", 1.0, "elu"),
        ("elu:0.5", "elu", 0.5, "elu:0.5"),
        ("maxout:3", "maxout", 3, "maxout:3"),
    ],
)
def test_meaning(text, name, number, shown):
    activation = parse_activation(text)
    assert (activation.name, activation.number, str(activation)) == (name, number, shown)
    assert parse_activation(shown) == activation


def test_pieces_and_scales():
    of = {name: parse_activation(SYNTAX.get(name, "e.g. " + name).split("e.g. ")[1]) for name in ACTIVATIONS}
    assert {name: a.pieces for name, a in of.items() if a.pieces > 1} == {"maxout": 2}
    assert {name for name, a in of.items() if a.is_homogeneous} == {"relu", "leakyrelu", "linear", "maxout"}


@pytest.mark.parametrize(
    "text, says",
    [
        ("swish", "unknown activation 'swish': choose from relu, "),
        ("", "unknown activation ''"),
        ("relu:1", "'relu:1': relu takes no number: write relu."),
        ("tanh:", "tanh takes no number"),
        ("leakyrelu:nan", "not an activation: write leakyrelu, or leakyrelu:SLOPE, e.g. leakyrelu:0.01."),
        ("leakyrelu:1e", "not an activation: write leakyrelu, or"),
        ("leakyrelu:0", "'leakyrelu:0' is relu: write that"),
        ("leakyrelu:1.0", "'leakyrelu:1.0' is linear: write that"),
        ("leakyrelu:2", "the slope below 0 must be above 0 and below 1."),
        ("elu:", "'elu:' is not an activation: write elu, or elu:ALPHA, e.g. elu:0.5."),
        ("elu:inf", "not an activation"),
        ("elu:0", "alpha, how far elu goes below 0, must be above 0 and at most 100."),
        ("elu:101", "at most 100"),
        ("maxout", "'maxout' is not an activation: write maxout:PIECES, e.g. maxout:2."),
        ("maxout:1", "leaves all as it is: give 2 pieces or more, or write linear."),
        ("maxout:0", "a unit chooses from 2 to 100 pieces."),
        ("maxout:101", "a unit chooses from 2 to 100 pieces."),
        ("maxout:2.5", "is not an activation: write maxout:PIECES"),
        ("maxout:²", "is not an activation"),
        ("maxout:" + "9" * 5000, "is not an activation"),
    ],
)
def test_refused(text, says):
    with pytest.raises(UserError) as caught:
        parse_activation(text)
    assert str(caught.value).startswith("--act: ") and says in str(caught.value) and len(str(caught.value)) < 400


def layers(in_dim, encoder_layers, act, **options):
    costs = (0.0,) * (len(encoder_layers) + 1)
    return resolve_layers(Options.of(encoder_layers=encoder_layers, act=act, denoising_cost_x=costs, **options), in_dim)


def test_a_minus_is_no_sign():
    """A minus separates entries, so the error names the part before it."""
    with pytest.raises(UserError, match="'elu:' is not an activation: write elu, or elu:ALPHA"):
        layers((3,), ("5", "4"), "elu:-1")


def test_layers_of_maxout():
    """z has all pieces, h and the layer above do not; layers without weights are linear, and the top is softmax."""
    found = layers((1, 8, 8), ("convv:4:3:1:1", "maxpool:2:2", "convv:2:2:1:1", "fc:6", "10"), "maxout:3")
    assert [layer.act for layer in found] == ["linear", "maxout:3", "linear", "maxout:3", "maxout:3", "softmax"]
    assert [layer.dim for layer in found] == [(1, 8, 8), (12, 6, 6), (4, 3, 3), (6, 2, 2), (18,), (10,)]
    assert [layer.h_dim for layer in found] == [(1, 8, 8), (4, 6, 6), (4, 3, 3), (2, 2, 2), (6,), (10,)]
    assert [layer.h_size for layer in found[3:]] == [8, 6, 10]
    assert [layer.shape_in_words() for layer in found[3:]] == ["6 x 2 x 2, h 2 x 2 x 2", "18, h 6", "10"]


def test_above_an_unknown_input_only_units_are_known():
    assert [layer.dim for layer in layers((), ("convv:4:3:1:1", "6", "3"), "maxout:2")] == [(), (), (12,), (3,)]


def test_too_many_pieces_are_refused():
    with pytest.raises(UserError, match="--act maxout:100 gives '20000' 2000000 z, more than 1,000,000: give fewer"):
        layers((3,), ("20000", "4"), "maxout:100")


def test_the_same_slope_written_otherwise_is_the_same_layer():
    assert layers((3,), ("5", "4"), "leakyrelu:0.100") == layers((3,), ("5", "4"), "leakyrelu")
