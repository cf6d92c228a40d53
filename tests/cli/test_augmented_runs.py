"""Runs whose training images are changed: what the updates are given, killed and resumed, and what stays plain."""

import os
import signal

import numpy as np
import pytest

import ladder
from ladder.augmentation_specs import parse
from ladder.backends import c
from ladder.cli import main
from ladder.data.augmentation import augmented, random_numbers
from ladder.data.examples import load_examples
from ladder.data.npz import load_arrays
from ladder.data.streams import SemiDataStream
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
CHANGES = dict(augment="flip,shift:1,rotate:10:0.5,erode:2:0.2", standardize=True)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)


def recorded(patch):
    """What each update is asked for, as it happens."""
    asked, make = [], c.Updates.make
    patch.setattr(c.Updates, "make", lambda updates, requests: asked.extend(requests) or make(updates, requests))
    return asked


def test_killed_and_resumed_it_ends_bit_for_bit_as_in_one_go(monkeypatch):
    asked = recorded(monkeypatch)
    whole = ladder.train("whole", **NETWORK, **CHANGES)
    in_one_go = list(asked)
    after_batch = TrainingMonitor.after_batch

    def interrupting(monitor, loop, values):
        after_batch(monitor, loop, values)
        if loop.updates_done == 17 and len(asked) == 2 * BATCHES + 17:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(TrainingMonitor, "after_batch", interrupting)
    with pytest.raises(KeyboardInterrupt):
        ladder.train("part", **NETWORK, **CHANGES)
    assert main(["train", "--resume", "results/part0"]) == 0
    assert len(in_one_go) == 2 * BATCHES and len(asked) == 4 * BATCHES
    for one, other in zip(in_one_go, asked[2 * BATCHES :]):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    resumed = ladder.load("results/part0")
    assert resumed.log == whole.log
    for name in ("trained_params.npz", "running_statistics.npz"):
        found, wanted = (load_arrays(run.folder / name) for run in (resumed, whole))
        for key, array in wanted.items():
            np.testing.assert_array_equal(found[key], array, err_msg=key)


def test_updates_see_changed_images_and_everything_else_plain_ones(monkeypatch):
    asked, streamed = recorded(monkeypatch), []
    batch_of = SemiDataStream._batch
    monkeypatch.setattr(
        SemiDataStream, "_batch", lambda stream, request: streamed.append(batch_of(stream, request)) or streamed[-1]
    )
    ladder.train(**NETWORK, augment="shift:1", augment_halves="unlabeled")
    images = load_examples("digits", "train").features
    known = {image.tobytes() for image in images}
    # Validation, and the statistics of the end.
    plain = [batch[name] for batch in streamed for name in batch if name.startswith("features")]
    assert len(plain) > 2 * BATCHES and all(image.tobytes() in known for batch in plain for image in batch)
    epoch, number = 1, 4
    request = asked[BATCHES * epoch + number]
    assert request["features_labeled"].dtype == "int64" and request["features_labeled"] is request["targets_labeled"]
    changed = request["features_unlabeled"]
    draws = random_numbers(3, "unlabeled", epoch, number, len(changed))
    shifted = {
        augmented(image[None], [parse("shift:1")], {name: u[:1] for name, u in draws.items()}, 0, 1).tobytes()
        for image in images
    }
    assert changed[0].tobytes() in shifted and changed[0].tobytes() not in known


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
    assert main(["train", *network, *options]) == 2
    assert sentence in capsys.readouterr().err and not os.path.exists("results")


def test_rows_are_refused_where_images_are_needed(capsys):
    rng = np.random.RandomState(0)
    np.savez("rows.npz", features=rng.rand(300, 64).astype("float32"), targets=np.arange(300) % 10)
    assert main(["convert", "arrays", "--input", "rows.npz"]) == 0
    network = "--dataset rows --encoder-layers 10 --denoising-cost-x 0,0 --decoder-spec 0".split()
    assert main(["train", *network, "--augment", "flip"]) == 2
    assert "an example of rows is a row of 64 numbers: leave it out" in capsys.readouterr().err
