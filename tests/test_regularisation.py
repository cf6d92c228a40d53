"""What the options of regularisers mean, and what is refused."""

import pytest

from ladder.errors import UserError
from ladder.layers import resolve_layers
from ladder.options import Options
from ladder.regularisation import Regularisation, resolve_regularisation
from ladder.tables.settings import settings_of


def options_of(**options):
    """Options with layers 5-4 above the input (or those given)."""
    layers = options.pop("encoder_layers", "5-4")
    costs = (0.0,) * (layers.count("-") + 2)
    return Options.of(encoder_layers=layers, denoising_cost_x=costs, **options)


def resolved(**options):
    p = options_of(**options)
    return resolve_regularisation(p, resolve_layers(p))


def refused(**options):
    with pytest.raises(UserError) as error:
        resolved(**options)
    return str(error.value)


def test_none_is_the_default():
    assert resolved() == Regularisation({}, None, {}, {})


def test_one_value_is_for_all_layers_that_it_can_be_for():
    found = resolved(dropout=0.2, drop_connect=0.1, l1=0.01, l2=0.5, max_norm=3)
    assert found == Regularisation({"l1": 0.01, "l2": 0.5}, 3.0, {0: 0.2, 1: 0.2}, {1: 0.1, 2: 0.1})
    assert resolved(encoder_layers="convf:4:3:1:1-maxpool:2:2-5", drop_connect=0.1).drop_connect == {1: 0.1, 3: 0.1}


def test_one_value_a_layer():
    found = resolved(dropout="0.2,0,0", drop_connect="0,0.3")
    assert (found.dropout, found.drop_connect) == ({0: 0.2}, {2: 0.3})


@pytest.mark.parametrize(
    "options, said",
    [
        (dict(dropout="0.1,0.2"), "--dropout has 2 entries for 3 layers: give one, or 3"),
        (dict(dropout="0.1,0.2,0.3"), "no layer takes what layer 2 gives"),
        (dict(drop_connect="0.1,0.2,0.3"), "--drop-connect has 3 entries for 2 layers above the input: give one, or 2"),
        (
            dict(drop_connect="0,0.2,0", encoder_layers="convf:4:3:1:1-maxpool:2:2-5"),
            "layer 2 (maxpool) has no weights",
        ),
        (dict(dropout=1.0), "--dropout is 1.0, but must be at least 0 and below 1"),
        (dict(drop_connect=-0.1), "--drop-connect is -0.1, but must be at least 0 and below 1"),
        (dict(l1=-1.0), "--l1 is -1.0, but must be 0 or more"),
        (dict(l2=float("inf")), "--l2: it is Infinity, not a number"),
        (dict(max_norm=-3.0), "--max-norm is -3.0, but must be 0 or more"),
    ],
)
def test_refused(options, said):
    assert said in refused(**options)


def test_runs_are_compared_by_what_the_options_mean():
    alike = [
        settings_of(options_of(dropout=dropout, drop_connect=connect))
        for dropout, connect in ((0.2, 0.1), ("0.2,0.2,0", "0.1,0.1"))
    ]
    assert alike[0] == alike[1] != settings_of(options_of())
    assert settings_of(options_of(l2=0.1)) != settings_of(options_of())
