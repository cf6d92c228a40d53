"""Commands that messages about labels offer."""

import shlex

import numpy as np
import pytest

from ladder.cli import make_parser
from ladder.data.convert.arrays import dataset_name
from ladder.data.labels import check_labels, mend
from ladder.errors import UserError


def parsed(command):
    program, *words = shlex.split(command)
    assert program == "run.py"
    return make_parser().parse_args(words)


@pytest.mark.parametrize("path", ["my data.hdf5", "deep/a.b.npz", "größe.hdf5", "ü.h5", "mnist.hdf5"])
def test_a_command_can_be_typed_as_it_is_whatever_the_file_is_called(path):
    args = parsed(mend(path, "--renumber-labels").strip("`"))
    assert args.input == path and args.renumber_labels
    assert dataset_name(args.input, args.name) == args.name


def test_names_of_sources_are_kept_in_the_command():
    with pytest.raises(UserError) as caught:
        check_labels(np.array([1, 2, 3]), "x.hdf5", ("features=my pixels", "targets=y"))
    args = parsed(str(caught.value).split("`")[1])
    assert args.sources == ("features=my pixels", "targets=y") and args.renumber_labels
