"""How the command line's error messages read when a Python function raises them."""

import pytest

from ladder.arguments import ArgumentError, naming_arguments
from ladder.errors import UserError


@pytest.mark.parametrize(
    "said, raised",
    [
        ("--batch-size 1 is too small: give --lr.", "batch_size 1 is too small: give lr."),
        ("(--seed)", "(seed)"),
        ("--l1 is -1.0, but --from: there is no folder x", "l1 is -1.0, but from_: there is no folder x"),
        ("'--encoder-layers' is wrong", "'hidden' is wrong"),
        ("make it with `run.py convert arrays --input F --name N`, or give --lr", None),
        ("interrupted; go on with: run.py train --resume results/x0", None),
        ("/data/my--first/x.hdf5 is no file", None),
    ],
)
def test_options_are_arguments_but_commands_and_paths_stay(said, raised):
    expected = raised or said.replace("give --lr", "give lr")
    with pytest.raises(ArgumentError) as error, naming_arguments({"encoder_layers": "hidden"}):
        raise UserError(said)
    assert str(error.value) == expected
