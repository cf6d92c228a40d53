"""Commands that messages about labels suggest."""

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
    args = parsed(mend(path, {"--renumber-labels": ""}).strip("`"))
    assert args.input == path and args.renumber_labels
    assert dataset_name(args.input, args.name) == args.name


GIVEN = {
    "--sources": "features=my pixels,targets=y",
    "--splits": "train=fit,test=try",
    "--channels": "last",
    "--test-fraction": 0.1,
    "--seed": 3,
}


def offered(targets, **given):
    """The commands that the message about some labels suggests, parsed, and the message itself."""
    with pytest.raises(UserError) as caught:
        check_labels(np.array(targets), "x.hdf5", given)
    return [parsed(command) for command in str(caught.value).split("`")[1::2]], str(caught.value)


def test_options_that_were_given_are_kept_in_the_command():
    (args,), _ = offered([1, 2, 3], **GIVEN, **{"--no-label": 255})
    assert args.sources == ("features=my pixels", "targets=y") and args.splits == ("train=fit", "test=try")
    assert (args.no_label, args.channels, args.test_fraction, args.seed) == (255, "last", 0.1, 3)
    assert args.renumber_labels


def test_a_second_mark_of_no_label_is_not_offered():
    """The option takes one number: a second would turn the first into a class."""
    (first, second), _ = offered([0, 1, 9])
    assert (first.no_label, second.no_label) == (9, -1)
    (only,), message = offered([0, 1, 9], **{"--no-label": 255})
    assert only.no_label == 255 and "means 'no label'" not in message


def test_without_labels_there_is_no_mark_of_none():
    (without,), message = offered([-1, 0], **GIVEN, **{"--no-label": 7, "--renumber-labels": ""})
    assert without.sources == ("features=my pixels", "targets=none") and without.no_label == -1
    assert not without.renumber_labels and "7 means 'no label', which leaves the single class 0" in message
