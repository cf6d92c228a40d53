"""Runs with augmented training images: what updates are given, also when killed and resumed, and what stays plain."""

import os
import signal

import numpy as np
import pytest

import ladder
from ladder.augmentation_specs import parse
from ladder.backends import c
from ladder.cli import main
from ladder.data.augmentation import augmented, random_numbers
from ladder.data.examples import choose_examples, load_examples, training_stream
from ladder.data.npz import load_arrays
from ladder.data.streams import SemiDataStream
from ladder.options import Options
from ladder.training.extensions.monitoring import TrainingMonitor

#: The network that test_resume.py compiles.
NETWORK = dict(
    dataset="digits",
    encoder_layers="30-10",
    decoder_spec="gauss",
    denoising_cost_x=(10, 1, 0.1),
    labeled_samples=250,
    unlabeled_samples=1137,
    valid_set_size=202,
    num_epochs=2,
    seed=3,
)
BATCHES = 12
ENTRIES = ("flip", "shift:1", "rotate:10:0.5", "erode:2:0.2")
CHANGES = dict(augment=ENTRIES, augment_halves="unlabeled", standardize=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(autouse=True)
def in_a_folder_of_their_own(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)


def recorded(patch, owner, name):
    """A list of the arguments that a method is called with, extended by every call."""
    found, method = [], getattr(owner, name)

    def recording(self, given):
        found.append(given)
        return method(self, given)

    patch.setattr(owner, name, recording)
    return found


def test_what_updates_are_given_and_that_a_killed_run_goes_on_with_it(monkeypatch):
    asked = recorded(monkeypatch, c.Updates, "make")
    picked = recorded(monkeypatch, SemiDataStream, "_batch")
    whole = ladder.train("whole", **NETWORK, **CHANGES)
    in_one_go = [request for (request,) in asked]
    assert len(in_one_go) == 2 * BATCHES
    check_requests(in_one_go)
    # Validation and the final statistics pick plain images by their positions.
    assert len(picked) >= BATCHES and all(at.dtype == "int64" for request in picked for at in request.values())

    asked.clear()
    interrupt_after(17, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        ladder.train("part", **NETWORK, **CHANGES)
    assert len(asked) == 17 and main(["train", "--resume", "results/part0"]) == 0
    for one, (other,) in zip(in_one_go, asked, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    resumed = ladder.load("results/part0")
    assert resumed.log == whole.log
    for name in ("trained_params.npz", "running_statistics.npz"):
        found, wanted = (load_arrays(run.folder / name) for run in (resumed, whole))
        for key, array in wanted.items():
            np.testing.assert_array_equal(found[key], array, err_msg=key)


def check_requests(requests):
    """Compare requests with images that are picked, augmented and standardised here."""
    p, examples = Options.of(**NETWORK, **CHANGES), load_examples("digits", "train")
    split = choose_examples(p, examples)
    stream = training_stream(p, examples, split)
    trains = examples.features[split.train].astype("float64")
    mean, deviation = trains.mean(axis=0), trains.std(axis=0)
    for epoch in range(2):
        for batch, positions in enumerate(stream.get_request_iterator()):
            request = requests[BATCHES * epoch + batch]
            for name in ("features_labeled", "targets_labeled"):
                np.testing.assert_array_equal(request[name], positions[name])
            images = examples.features[positions["features_unlabeled"]]
            draws = random_numbers(NETWORK["seed"], "unlabeled", epoch, batch, len(images))
            changed = augmented(images, [parse(entry) for entry in ENTRIES], draws, 0, 1)
            assert (changed != images).any(axis=(1, 2, 3)).mean() > 0.8
            wanted = (changed - mean) / np.where(deviation > 0, deviation, 1)
            np.testing.assert_allclose(request["features_unlabeled"], wanted, rtol=1e-4, atol=1e-5)


def interrupt_after(updates, patch):
    after_batch, sent = TrainingMonitor.after_batch, []

    def interrupting(monitor, loop, values):
        after_batch(monitor, loop, values)
        if loop.updates_done == updates and not sent:
            sent.append(True)  # a second signal would end the process
            os.kill(os.getpid(), signal.SIGTERM)

    patch.setattr(TrainingMonitor, "after_batch", interrupting)


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["--augment", "shift:8"], "--augment shift:8 is too much for images of 8 x 8 pixels: give at most 7."),
        (["--augment", "shift"], "--augment: 'shift' must be shift:PIXELS, then perhaps :PROBABILITY."),
        (["--augment-halves", "labeled"], "--augment-halves is of no use without --augment"),
    ],
)
def test_mistakes_are_named_before_anything_is_trained(options, sentence, capsys):
    network = "--dataset digits --encoder-layers 30-10 --decoder-spec gauss --denoising-cost-x 10,1,0.1".split()
    assert main(["train", *network, *options, "--", "refused"]) == 2
    assert sentence in capsys.readouterr().err and not os.path.exists("results/refused0")
