"""``--encoder-layers``: what a layer's string means, the shape that it gives, and what is refused."""

import pytest

from ladder.errors import UserError
from ladder.layer_specs import LayerSpec, parse_layer, pooled_side


def shapes(layers, in_dim):
    """Shapes of all layers of an ``--encoder-layers``, from the input up."""
    dims = [in_dim]
    for text in layers.split("-"):
        dims.append(parse_layer(text).out_dim(dims[-1]))
    return dims


# --- What the words mean


@pytest.mark.parametrize(
    "text, spec",
    [
        ("1000", dict(kind="fc", units=1000)),
        ("fc:1000", dict(kind="fc", units=1000)),
        (7, dict(kind="fc", units=7)),
        ("convv:64:3:1:1", dict(kind="convv", units=64, size=3, stride=1)),
        ("convf:32:5:2:2", dict(kind="convf", units=32, size=5, stride=2)),
        ("convf:32:5:2", dict(kind="convf", units=32, size=5, stride=2)),
        ("maxpool:2:3", dict(kind="maxpool", stride=2, size=3)),
        ("maxpool:3:1", dict(kind="maxpool", stride=3, size=1)),
        ("meanpool:2:3", dict(kind="meanpool", stride=2, size=3)),
        ("globalmeanpool:0", dict(kind="globalmeanpool")),
        ("globalmeanpool:6:6", dict(kind="globalmeanpool")),
    ],
)
def test_words(text, spec):
    assert parse_layer(text) == LayerSpec(str(text), **spec)


# --- Shapes


def n_filters(side, size, stride, border):
    """The number of places for a filter along a side (surrounded by zeros if full), counting every stride-th."""
    places = [i for i in range(-side - size, side + size) if any(0 <= i + k < side for k in range(size))]
    if border == "valid":
        places = [i for i in places if 0 <= i and i + size <= side]
    return len(places[::stride])


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("kind, border", [("convv", "valid"), ("convf", "full")])
def test_a_convolution_has_a_pixel_for_every_place_of_its_filters(kind, border, stride):
    for height in range(5, 12):
        for size in range(1, 6):
            spec = parse_layer(f"{kind}:4:{size}:{stride}:{stride}")
            expected = [n_filters(side, size, stride, border) for side in (height, 9)]
            assert spec.out_dim((3, height, 9)) == (4, *expected), (height, size)


def n_windows(side, size, stride):
    """The number of windows that reach pixels no earlier window reached; the last may be incomplete."""
    count, reached = 0, 0
    while count * stride < side and reached < side:
        reached = count * stride + size
        count += 1
    return count


@pytest.mark.parametrize("stride", range(1, 6))
@pytest.mark.parametrize("size", range(1, 6))
def test_windows_of_max_pooling_reach_every_pixel(size, stride):
    for side in range(1, 14):
        assert pooled_side(side, size, stride) == n_windows(side, size, stride), side


def test_sides_may_differ():
    assert shapes("convf:4:3:2:2-maxpool:2:2-convv:6:2:1:1-globalmeanpool:0-fc:5-3", (1, 9, 12)) == [
        (1, 9, 12),
        (4, 6, 7),
        (4, 3, 4),
        (6, 2, 3),
        (6, 1, 1),
        (5,),
        (3,),
    ]


def test_an_incomplete_window_at_the_edge_counts():
    assert parse_layer("maxpool:2:2").out_dim((3, 7, 5)) == (3, 4, 3)
    assert parse_layer("maxpool:2:3").out_dim((3, 7, 6)) == (3, 3, 3)


def test_conv_small_of_the_original():
    layers = (
        "convf:32:5:1:1-maxpool:2:2-convv:64:3:1:1-convf:64:3:1:1-maxpool:2:2-convv:128:3:1:1-convv:10:1:1:1"
        "-globalmeanpool:6:6-fc:10"
    )
    assert shapes(layers, (1, 28, 28))[1:] == [
        (32, 32, 32),
        (32, 16, 16),
        (64, 14, 14),
        (64, 16, 16),
        (64, 8, 8),
        (128, 6, 6),
        (10, 6, 6),
        (10, 1, 1),
        (10,),
    ]


def test_conv_large_of_the_original():
    layers = (
        "convv:96:3:1:1-convf:96:3:1:1-convf:96:3:1:1-maxpool:2:2-convv:192:3:1:1-convf:192:3:1:1-convv:192:3:1:1"
        "-maxpool:2:2-convv:192:3:1:1-convv:192:1:1:1-convv:10:1:1:1-globalmeanpool:0"
    )
    assert shapes(layers, (3, 32, 32))[1:] == [
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
    ]


def test_conv_fc_of_the_original():
    layers = "convv:1000:26:1:1-convv:500:1:1:1-convv:250:1:1:1-convv:10:1:1:1-globalmeanpool:0"
    assert shapes(layers, (1, 28, 28))[1:] == [(1000, 3, 3), (500, 3, 3), (250, 3, 3), (10, 3, 3), (10, 1, 1)]


def test_above_an_unknown_input_only_units_are_known():
    assert shapes("convv:4:3:1:1-maxpool:2:2-globalmeanpool:0-fc:5-3", ()) == [(), (), (), (), (5,), (3,)]


# --- What is refused: the message names the layer, and what is wrong with it


def refusal(text, below=(1, 8, 8)):
    with pytest.raises(UserError) as error:
        parse_layer(text).out_dim(below)
    return str(error.value)


@pytest.mark.parametrize("text", ["", "ten", "0", "-4", "4.0", " 5", "fc:", "fc:0", "fc:5:5", "fc:5000000"])
def test_not_a_number_of_units(text):
    assert refusal(text) == f"--encoder-layers: '{text}' is not a layer: write a number of units, e.g. 1000 or fc:1000."


def test_a_kind_alone_is_told_what_it_lacks():
    assert refusal("globalmeanpool") == "--encoder-layers: 'globalmeanpool' is not a layer: write globalmeanpool:0."
    assert "write convv:MAPS:SIZE:STRIDE:STRIDE" in refusal("convv")


@pytest.mark.parametrize(
    "text",
    [
        "convv:",
        "convv:4",
        "convv:4:3",
        "convv:4:3:",
        "convv:4:3:1:1:1",
        "convv:4:0:1:1",
        "convv:0:3:1:1",
        "convf:4:3:0:0",
        "convf:4:x:1:1",
        "convf:4:3:-1:-1",
        "convf:4:3.0:1:1",
        "maxpool:2",
        "maxpool:2:2:2",
        "maxpool:0:2",
        "maxpool:2:0",
        "maxpool:a:b",
        "globalmeanpool:",
        "globalmeanpool:0:0:0",
        "globalmeanpool:all",
    ],
)
def test_malformed_layers_of_maps(text):
    assert refusal(text).startswith(f"--encoder-layers: '{text}' is not a layer: write {text.split(':')[0]}:")


@pytest.mark.parametrize("text", ["conv:4:3:1:1", "avgpool:2:2", "Convv:4:3:1:1", ":5", "convs:4"])
def test_an_unknown_kind_is_told_what_there_is(text):
    says = refusal(text)
    assert says.startswith(f"--encoder-layers: unknown layer type '{text.split(':')[0]}' in '{text}'")
    assert all(kind in says for kind in ("fc", "convv:64:3:1:1", "convf", "maxpool", "globalmeanpool"))


@pytest.mark.parametrize(
    "text, below, says",
    [
        ("convv:4:9:1:1", (1, 8, 8), "'convv:4:9:1:1' has filters of 9 x 9 for maps of 8 x 8"),
        ("convv:4:5:1:1", (1, 28, 4), "'convv:4:5:1:1' has filters of 5 x 5 for maps of 28 x 4"),
        ("convv:4:3:1:1", (50,), "'convv:4:3:1:1' needs maps below, but gets 50 units"),
        ("convf:4:3:1:1", (5, 4), "'convf:4:3:1:1' needs maps below, but gets 5 x 4 units"),
        ("maxpool:2:2", (50,), "'maxpool:2:2' needs maps below"),
        ("globalmeanpool:0", (50,), "'globalmeanpool:0' needs maps below"),
        ("convv:4:3:1:2", (1, 8, 8), "'convv:4:3:1:2' has two strides, but both directions have the same"),
        ("maxpool:1:1", (1, 8, 8), "'maxpool:1:1' leaves all as it is"),
        ("convf:2000:3:1:1", (1, 28, 28), "'convf:2000:3:1:1' gives 2000 x 30 x 30 units, more than 1,000,000"),
        ("convf:4:999:1:1", (1, 28, 28), "'convf:4:999:1:1' gives 4 x 1026 x 1026 units, more than 1,000,000"),
    ],
)
def test_what_does_not_fit(text, below, says):
    assert refusal(text, below).startswith("--encoder-layers: " + says)


def test_a_full_convolution_may_have_filters_larger_than_its_maps():
    assert parse_layer("convf:4:9:1:1").out_dim((1, 8, 3)) == (4, 16, 11)
