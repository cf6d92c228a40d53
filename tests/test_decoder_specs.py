"""The strings of --decoder-spec that are small networks; the others are in test_layers.py."""

import pytest

from ladder.decoder_specs import hidden_sizes, parse_decoder
from ladder.errors import UserError
from ladder.layers import resolve_layers
from ladder.options import Options


@pytest.mark.parametrize(
    "text, name, takes_u",
    [
        ("amlp:2:2:2", "amlp:2:2:2", True),
        ("amlp:2:2:2:0", "amlp:2:2:2", False),
        ("amlp:10", "amlp:10", True),
        ("amlp:10:0", "amlp:10", False),
        ("amlp:1:0", "amlp:1", False),
        ("mlp:32:32:32:32", "mlp:32:32:32:32", True),
        ("mlp:32:32:32:32:0", "mlp:32:32:32:32", False),
        ("amlp:02", "amlp:2", True),
    ],
)
def test_a_cut_signal_is_an_entry_of_its_own(text, name, takes_u):
    assert parse_decoder(text) == (name, takes_u)


def test_sizes():
    assert hidden_sizes("amlp:2:10") == ("amlp", (2, 10)) and hidden_sizes("gauss") == ("gauss", ())


@pytest.mark.parametrize(
    "text",
    ["amlp", "mlp0", "amlp0", "amlp:", "amlp:0", "amlp:0:0", "amlp:2:0:2", "amlp:33", "amlp:2:2:2:2:2", "amlp:-2"]
    + ["amlp:2.0", "amlp:²", "mlp:two", "amlp:2:", "amlp:" + "2:" * 5000],
)
def test_refused(text):
    with pytest.raises(UserError) as caught:
        parse_decoder(text)
    message = str(caught.value)
    assert "is not a decoder function: write " in message and "1 to 4 hidden layers of 1 to 32 units, e.g. " in message
    assert len(message) < 500


def test_layers():
    p = Options.of(encoder_layers="5-4", denoising_cost_x=(1, 1, 1), decoder_spec="amlp:2:10-mlp:3:0-amlp:2")
    assert [(layer.decoder, layer.gets_u) for layer in resolve_layers(p)] == [
        ("amlp:2:10", True),
        ("mlp:3", False),
        ("amlp:2", True),
    ]
