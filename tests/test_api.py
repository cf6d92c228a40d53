"""Training and loading from Python."""

import copy
import json
import logging
import multiprocessing
import pickle
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import ladder
from ladder.backends import c
from ladder.cli import main
from ladder.data.hdf5 import find_dataset
from ladder.data.npz import load_arrays
from ladder.data.preprocessing import TrainingData
from ladder.errors import UserError
from ladder.options import Options

SMALL = dict(
    dataset="digits",
    encoder_layers=("20", "10"),
    decoder_spec="gauss",
    denoising_cost_x=(10, 1, 0.1),
    labeled_samples=100,
    unlabeled_samples=400,
    valid_set_size=200,
    num_epochs=2,
)
COMMAND = (
    "train --dataset digits --encoder-layers 20-10 --decoder-spec gauss --denoising-cost-x 10,1,0.1 "
    "--labeled-samples 100 --unlabeled-samples 400 --valid-set-size 200 --num-epochs 2 --threads 1 -- typed"
).split()


class Count(ladder.Extension):
    def __init__(self):
        self.updates = 0

    def after_batch(self, loop, values):
        self.updates += 1

    def after_epoch(self, loop):
        loop.row["my_updates"] = self.updates


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model trained in memory, its callback, and the folder in which it was trained."""
    folder, patch = tmp_path_factory.mktemp("api"), pytest.MonkeyPatch()
    patch.chdir(folder)
    count = Count()
    model = ladder.train(callbacks=[count], **SMALL)
    yield model, count, folder
    patch.undo()


def images():
    from ladder.data.examples import load_examples

    return load_examples("digits", "test").features[:50]


def test_importing_is_cheap_and_needs_no_aesara():
    code = "import sys, ladder; sys.exit('aesara' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    code = "import sys, ladder; ladder.train, ladder.LadderClassifier; sys.exit('aesara' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_public_names_are_there():
    assert {"LadderClassifier", "train", "load"} <= set(dir(ladder))
    for name in ladder.__all__:
        assert getattr(ladder, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ladder.nothing


def test_in_memory_no_file_is_written(trained):
    model, _, folder = trained
    assert model.folder is None
    assert [path.name for path in folder.iterdir()] in ([], ["datasets"])


def test_the_same_bits_as_from_the_command_line(trained):
    model, _, folder = trained
    assert main(COMMAND) == 0
    saved = load_arrays(folder / "results" / "typed0" / "trained_params.npz")
    ours = model._run.load_arrays().parameters
    assert saved.keys() == ours.keys()
    for name, array in saved.items():
        np.testing.assert_array_equal(ours[name], array)
    loaded = ladder.load(folder / "results" / "typed0")
    assert loaded.evaluate() == model.evaluate()
    assert [row.get("train_cost_total") for row in loaded.log] == [row.get("train_cost_total") for row in model.log]


def test_callbacks_are_extensions(trained):
    model, count, _ = trained
    assert count.updates == 8
    assert [row.get("my_updates") for row in model.log] == [4, 8, None]
    assert "valid_final_error_rate_clean" in model.log[-1]


def test_predictions_do_not_depend_on_how_many_stand_beside(trained):
    model, x = trained[0], images()
    together = model.predict_proba(x)
    assert together.shape == (50, 10) and together.dtype == "float32"
    np.testing.assert_allclose(together.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(together[:8], model.predict_proba(x[:8]))
    # At another position in a batch BLAS may round differently (OpenBLAS without AVX-512 does).
    np.testing.assert_allclose(together[7:8], model.predict_proba(x[7:8]), rtol=1e-5)
    np.testing.assert_array_equal(together, model.predict_proba(x.reshape(50, 64)))
    np.testing.assert_array_equal(model.predict(x), together.argmax(axis=1))


def test_saved_and_loaded(trained, tmp_path):
    model, x = trained[0], images()
    path = model.save(str(tmp_path / "mine"))
    assert path == tmp_path / "mine0"
    loaded = ladder.load(path)
    np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))
    assert loaded.options == model.options and loaded.log == model.log
    assert main(["evaluate", str(path), "--threads", "1"]) == 0
    # A loaded model no longer depends on its folder.
    shutil.rmtree(path)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(loaded)).predict_proba(x), model.predict_proba(x))


def test_one_thread_at_a_time(trained):
    """An Aesara function stores its input where another call would overwrite it."""
    model, together = copy.copy(trained[0]), []

    def probabilities(x):
        together.append(1)
        time.sleep(0.002)
        assert len(together) == 1
        together.clear()
        return x.reshape(len(x), 64)[:, :10]

    model._probabilities = probabilities
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: model.predict_proba(images()[i : i + 1])[0], range(20)))
    np.testing.assert_array_equal(found, images()[:20].reshape(20, 64)[:, :10])


def test_trained_into_a_folder_as_from_the_command_line(trained, tmp_path, capsys):
    model = ladder.train(str(tmp_path / "kept"), **SMALL)
    assert capsys.readouterr().out == ""
    said = (model.folder / "log.txt").read_text()
    assert "encoder_layers" in said and "e 2, i 8: T_C_class" in said
    assert not list(model.folder.glob("checkpoint-*"))
    assert main(["train", "--resume", str(model.folder)]) == 0
    assert "is finished" in capsys.readouterr().out
    assert ladder.load(model.folder).evaluate() == trained[0].evaluate()


def test_verbose_prints_a_line_per_epoch(trained, capsys):
    ladder.train(verbose=True, **SMALL)
    assert [line[:7] for line in capsys.readouterr().out.splitlines() if line.startswith("e ")] == [
        "e 1, i ",
        "e 2, i ",
        "e 2, i ",
    ]


def predict_elsewhere(pickled, x):
    import ladder

    ladder.configure(threads=1)
    return pickle.loads(pickled).predict(x)


def test_a_model_goes_to_another_process(trained):
    model, x = trained[0], images()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(predict_elsewhere, pickle.dumps(model), x).result()
    np.testing.assert_array_equal(found, model.predict(x))


def test_a_pickle_reads_its_data_set_again(trained):
    model = trained[0]
    pickled = pickle.dumps(model)
    assert 10 * len(pickled) < model._run.training.examples.features.nbytes
    assert pickle.loads(pickled).evaluate("valid") == model.evaluate("valid")
    assert pickle.loads(pickled).evaluate() == model.evaluate()


def test_so_does_one_of_a_model_that_was_loaded(trained, tmp_path):
    loaded = ladder.load(trained[0].save(str(tmp_path / "mine")))
    expected = loaded.evaluate("valid")
    pickled = pickle.dumps(loaded)
    assert 10 * len(pickled) < loaded._run.training.examples.features.nbytes
    assert pickle.loads(pickled).evaluate("valid") == expected


def test_a_network_with_data_that_it_was_not_trained_on_is_not_saved(trained, tmp_path):
    path = trained[0].save(str(tmp_path / "mine"))
    with pytest.raises(ladder.UserError, match="data that may not be those.*load it without them, to save it"):
        ladder.load(path, divide_by=2.0).save(str(tmp_path / "other"))
    assert not (tmp_path / "other0").exists()
    copied = ladder.load(ladder.load(path).save(str(tmp_path / "again")))
    np.testing.assert_array_equal(copied.predict_proba(images()), trained[0].predict_proba(images()))


def test_what_no_training_has_made_is_not_saved(trained, tmp_path):
    path = trained[0].save(str(tmp_path / "mine"))
    with pytest.raises(
        ladder.UserError, match="loaded with another seed than .*mine0 was trained with: load it without"
    ):
        ladder.load(path, seed=7).save(str(tmp_path / "other"))
    with np.load(path / "running_statistics.npz") as stored:
        statistics = dict(stored, final=False)
    np.savez(path / "running_statistics.npz", **statistics)
    with pytest.raises(ladder.UserError, match="mine0 was interrupted or stopped, and a copy could not go on"):
        ladder.load(path).save(str(tmp_path / "other"))
    assert not (tmp_path / "other0").exists()


def test_a_copy_has_the_environment_that_trained_it(trained, tmp_path):
    path = trained[0].save(str(tmp_path / "mine"))
    environment = json.loads((path / "environment.json").read_text())
    (path / "environment.json").write_text(json.dumps({**environment, "threads": 77}))
    copy = ladder.load(path).save(str(tmp_path / "copy"))
    assert json.loads((copy / "environment.json").read_text())["threads"] == 77


def test_a_copy_of_its_data_set_trains_on_as_many_examples(trained, tmp_path, monkeypatch):
    path = trained[0].save(str(tmp_path / "mine"))
    options = json.loads((path / "params.json").read_text())
    (path / "params.json").write_text(json.dumps({**options, "unlabeled_samples": None}))
    data = json.loads((path / "data.json").read_text())
    shutil.copy(find_dataset("digits"), tmp_path / "copied.hdf5")
    loaded = ladder.load(path, dataset=str(tmp_path / "copied.hdf5"))
    assert len(loaded._run.training.split.train) == data["splits"]["train"]["examples"]
    # This needs no option, because the name 'digits' implies no number of training examples.
    assert loaded.options.unlabeled_samples is None
    with monkeypatch.context() as names:  # as with 'mnist', which implies one, while its copy does not
        names.setattr("ladder.training.evaluation.n_training_examples", lambda name: 1200 if name == "digits" else None)
        loaded = ladder.load(path, dataset=str(tmp_path / "copied.hdf5"))
    assert loaded.options.unlabeled_samples == len(loaded._run.training.split.train) == 1200


def test_a_device_is_checked():
    with pytest.raises(ValueError, match="device is 'cuda', but must be one of cpu, gpu"):
        ladder.configure("jax", device="cuda")


def test_in_a_thread(trained):
    found = []
    thread = threading.Thread(target=lambda: found.append(ladder.train(**SMALL)))
    thread.start()
    thread.join()
    assert found[0].evaluate() == trained[0].evaluate()


def test_an_original_run_is_loaded_with_its_options(trained, tmp_path):
    model = trained[0]
    np.savez(tmp_path / "trained_params.npz", **model._run.load_arrays().parameters)
    with pytest.raises(ladder.UserError, match=r"has no params.json: give the options .*encoder_layers"):
        ladder.load(tmp_path)
    given = dict(dataset="digits", encoder_layers="20-10", labeled_samples=100, unlabeled_samples=400)
    loaded = ladder.load(tmp_path, **given)
    assert abs(loaded.evaluate()["error_percent"] - model.evaluate()["error_percent"]) < 3
    saved = ladder.load(loaded.save(tmp_path / "saved"))
    assert saved._run.load_arrays().final  # the original's folder had no statistics
    assert saved.evaluate() == loaded.evaluate()


def test_options_take_scalars_tuples_numpy_and_text():
    same = [
        Options.of(encoder_layers="20-10", denoising_cost_x="1,2,3", act="relu", lr=0.1, top_c="f", seed="3"),
        Options.of(encoder_layers=(20, 10), denoising_cost_x=[1, 2.0, 3], act=("relu",), lr="0.1", top_c=False, seed=3),
        Options.of(
            encoder_layers=np.array([20, 10]),
            denoising_cost_x=np.array([1, 2, 3]),
            lr=np.float64(0.1),
            top_c=False,
            seed=np.int64(3),
        ),
    ]
    assert same[0] == same[1] == same[2]
    assert Options.of(unlabeled_samples=None) == Options()
    assert Options.of(**same[0].as_dict()) == same[0]
    assert Options.of(labeled_indices=range(3)) == Options.of(labeled_indices=[0, 1, 2])
    for nothing in ([], range(0), np.flatnonzero(np.zeros(3))):
        with pytest.raises(UserError, match="--labeled-indices holds no position: give at least one of each class"):
            Options.of(labeled_indices=nothing)
    assert Options.of(**Options().as_dict()).labeled_indices == ()


@pytest.mark.parametrize(
    "options, sentence",
    [
        (dict(lr=-1), "lr is -1.0, but must be above 0."),
        (dict(lr="fast"), "lr: 'fast' is not a number."),
        (dict(batch_size=2.5), "batch_size: it is 2.5, not a whole number."),
        (dict(encoder_layers="10", denoising_cost_x=(1, 2, 3)), "denoising_cost_x has 3 weights for 2 layers"),
        (dict(learning=1), "there is no option 'learning': choose from encoder_layers"),
        (dict(encoder_layers="10", denoising_cost_x=(0, 0), dataset="nowhere"), "there is no data set 'nowhere'"),
        (dict(lr=Decimal("0.1")), "lr: it is \"Decimal('0.1')\", not a number."),
        (dict(callbacks=5), "callbacks must be a list of ladder.Extension, but is 5."),
        (dict(callbacks=[print]), "but <built-in function print> is none: derive its class from that."),
        (dict(save_to=5), "save_to is 5, which names no folder: give a name, e.g. mine, or a path."),
        (dict(save_to=b"x"), "save_to is b'x', which names no folder"),
        (dict(save_to=""), "save_to is '', which names no folder"),
        (dict(save_to="a\0b"), "which names no folder"),
        (dict(checkpoint_minutes=None), "checkpoint_minutes is None, but must be a number of minutes, 0 or more."),
        (dict(checkpoint_minutes=float("nan")), "checkpoint_minutes is nan, but must be"),
    ],
)
def test_mistakes_name_the_argument(options, sentence):
    with pytest.raises(ValueError) as error:
        ladder.train(**options)
    assert sentence in str(error.value) and "--" not in str(error.value).split(": make it")[0]
    assert isinstance(error.value, ladder.UserError)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (dict(draw="lr=1"), "draw is 'lr=1', but must be a dict of option -> distribution."),
        (dict(halving="3"), "halving is '3', but must be a whole number, 2 or more."),
        (dict(halving=1), "halving is 1, but must be a whole number, 2 or more."),
        (dict(random=2, sweep_seed=-1), "sweep_seed is -1, but must be a whole number from 0 to 4294967295."),
        (dict(sweep_seed=3), "sweep_seed is for random: say how many configurations to draw, or leave it out"),
        (dict(preset=5), "preset is 5, but must be the name of a preset, or a file."),
        (dict(preset=Path("absent.json")), "absent.json"),
        (dict(preset="readings_100", rows="one"), "rows is 'one', but must be a list of the preset's rows."),
        (dict(lr=[], **SMALL), "lr is an empty list: give at least one value."),
        (dict(threads="2", lr=0.1, **SMALL), "threads is '2', but must be a whole number from 1 to"),
    ],
)
def test_mistakes_in_a_sweep_name_the_argument(arguments, sentence):
    with pytest.raises(ValueError) as error:
        ladder.sweep("never", **arguments)
    assert sentence in str(error.value)


@pytest.mark.parametrize("folder", [None, 5, b"x", "", "a\0b"])
def test_what_is_no_path_is_no_run(folder):
    with pytest.raises(ValueError, match="there is no folder .*: give the folder of a run"):
        ladder.load(folder)


def test_a_network_trained_without_labels_knows_no_classes(trained):
    model = copy.copy(trained[0])
    model._run = replace(model._run, p=replace(model._run.p, unsupervised=True))
    for ask in (model.evaluate, lambda: model.predict(images())):
        with pytest.raises(ValueError, match="was trained without labels, so it knows no classes"):
            ask()


def test_a_run_whose_data_cannot_be_preprocessed_is_not_begun(tmp_path, monkeypatch):
    def cannot(self, examples):
        raise ladder.UserError("--whiten-zca: the images cannot be whitened.")

    monkeypatch.setattr(TrainingData, "preprocess", cannot)
    with pytest.raises(ValueError, match="cannot be whitened"):
        ladder.train(tmp_path / "run", dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0), whiten_zca=64)
    assert list(tmp_path.iterdir()) == []


def test_x_of_another_shape_is_named(trained):
    for x in (
        np.zeros((3, 5)),
        np.zeros(64),
        np.zeros((0, 64)),
        np.zeros((2, 4, 16)),
        np.zeros((2, 8, 1, 8)),
        np.full((2, 64), "a"),
    ):
        with pytest.raises(ValueError, match="X is an array of .* but an example of this network is 64 numbers"):
            trained[0].predict(x)


def test_a_second_backend_that_cannot_take_effect(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(c, "_in_force", None)
        patch.setattr(c, "_without_compiler", True)
        with pytest.raises(ValueError, match="this process has imported Aesara without a compiler, as backend .*jax"):
            ladder.configure("c")
    with pytest.raises(ValueError, match="device is for backend jax"):
        ladder.configure(device="gpu")


def test_threads_take_turns_and_leave_the_logger_as_it_was(tmp_path):
    logger = logging.getLogger("main")
    before = logger.level, logger.propagate, list(logger.handlers)
    network = dict(dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0), decoder_spec="0", num_epochs=3)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: ladder.train(tmp_path / name, **network), ["a", "b"]))
    assert (logger.level, logger.propagate, logger.handlers) == before
    for name in ("a", "b"):
        text = (tmp_path / f"{name}0" / "log.txt").read_text()
        assert [text.count(f"e {epoch}, i ") for epoch in (1, 2, 3)] == [1, 1, 1]
