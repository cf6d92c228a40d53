"""What a run keeps of its data: scaling, whitening, and what reveals that the data set has changed."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import ladder
from ladder.cli import main
from ladder.data import registry
from ladder.data.examples import load_examples
from ladder.data.fuel_file import write_fuel_file

NETWORK = (
    "--encoder-layers 12-3 --decoder-spec 0 --denoising-cost-x 0,0,0 --labeled-samples 90 --num-epochs 12 --threads 1"
)
RNG = np.random.RandomState(0)
TARGETS = np.arange(300) % 3
#: Three patterns of flags, with a tenth of the flags inverted.
FLAGS = (RNG.rand(3, 20) < 0.5)[TARGETS] ^ (RNG.rand(300, 20) < 0.1)
#: The same as measurements, in columns with scales from 0.01 to 1e6.
COLUMNS = (FLAGS + 0.1 * RNG.randn(300, 20)) * np.logspace(-2, 6, 20) + 3
PIXELS = np.where(FLAGS, 250, 5).astype("uint8")
SETS = {
    **{"flags": FLAGS.astype("uint8"), "floats": FLAGS.astype("float32"), "columns": COLUMNS, "pixels": PIXELS},
    "light": PIXELS.astype("float32"),
}


def call(command):
    return main(command.split())


def write(name, features, *options, targets=TARGETS):
    np.savez(f"{name}.npz", features=features, targets=targets)
    assert main(["convert", "arrays", "--input", f"{name}.npz", "--force", *options]) == 0


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Runs on five data sets of one kind; one compilation serves all."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("FUEL_DATA_PATH", raising=False)
        for name, features in SETS.items():
            write(name, features)
        for name in ("flags", "floats", "pixels"):
            assert call(f"train --dataset {name} {NETWORK} -- {name}") == 0
        assert call(f"train --dataset light {NETWORK} --divide-by 255 -- light") == 0
        for option in ("standardize", "rescale", "whiten-zca 20 --standardize"):
            assert call(f"train --dataset columns {NETWORK} --{option} -- {option.split()[0]}") == 0
        yield SimpleNamespace(folder=folder)


@pytest.fixture
def changed(here):
    """Restores the data sets after a test."""
    shutil.copytree("datasets", "kept")
    yield
    shutil.rmtree("datasets")
    shutil.move("kept", "datasets")


def evaluated(run, *options):
    assert main(["evaluate", f"results/{run}0", "--json", "report.json", "--threads", "1", *options]) == 0
    return json.loads(Path("report.json").read_text())


def predicted(run, features, capsys, suffix="npz"):
    if suffix == "npz":
        np.savez("mine.npz", features=features)
    else:
        np.savetxt("mine.csv", features, "%g", ",")
    assert (
        main(["predict", f"results/{run}0", "--input", f"mine.{suffix}", "--output", "out.csv", "--threads", "1"]) == 0
    )
    with open("out.csv") as file:
        return np.array([[float(value) for value in row] for row in list(csv.reader(file))[1:]])


def parameters(run):
    with np.load(f"results/{run}0/trained_params.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def kept(run):
    return json.loads(Path(f"results/{run}0/data.json").read_text())


# --- one scale for all examples of a run


def test_flags_are_flags_of_whatever_type(here):
    ours, theirs = parameters("flags"), parameters("floats")
    assert all((ours[name] == theirs[name]).all() for name in ours)
    assert evaluated("flags") == evaluated("floats")
    assert kept("flags")["divided_by"] == 1 and kept("pixels")["divided_by"] == 255


def test_what_is_done_is_printed(here, capsys):
    assert call(f"train --dataset pixels {NETWORK} --dry-run") == 0
    assert "pixels: features are whole numbers from 5 to 250, divided by 255" in capsys.readouterr().out
    assert call(f"train --dataset pixels {NETWORK} --divide-by 5 --dry-run") == 0
    assert "divided by 5" in capsys.readouterr().out


def test_a_users_examples_are_read_as_those_of_training(here, capsys):
    test = load_examples("pixels", "test").features
    raw = np.rint(test * 255)
    expected = predicted("pixels", raw.astype("uint8"), capsys)
    assert (predicted("pixels", raw, capsys) == expected).all()
    assert (predicted("pixels", raw, capsys, "csv") == expected).all()
    capsys.readouterr()
    np.testing.assert_allclose(predicted("pixels", test, capsys), expected, atol=1e-5)
    assert "from 0.0196078 to 0.980392, taken as they are" in capsys.readouterr().err
    flags = load_examples("flags", "test").features
    assert (predicted("flags", flags.astype("uint8"), capsys) == predicted("flags", flags == 1, capsys)).all()


def test_another_data_set_is_read_as_that_of_training(here):
    write("white", PIXELS.astype("float32"))
    write("fractions", (PIXELS / 255).astype("float32"))
    for name in ("white", "fractions"):
        assert evaluated("pixels", "--dataset", name) == evaluated("pixels")


def test_what_a_runs_own_data_were_divided_by_is_not_for_others(here):
    write("fractions", (PIXELS / 255).astype("float32"))
    expected = evaluated("light")
    assert expected["error_percent"] < 20
    assert evaluated("light", "--dataset", "fractions") == expected
    assert evaluated("light", "--dataset", "pixels") == expected
    # Unless it is asked for.
    assert evaluated("light", "--dataset", "fractions", "--divide-by", "255")["error_percent"] > 40


# --- features of one scale


def test_unscaled_features_are_warned_of_and_the_mends_work(here, capsys):
    assert call(f"train --dataset columns {NETWORK} --dry-run") == 0
    assert "Warning: the features' standard deviations go from" in capsys.readouterr().err
    assert call(f"train --dataset columns {NETWORK} --standardize --dry-run") == 0
    assert "Warning" not in capsys.readouterr().err
    assert max(evaluated(run)["error_percent"] for run in ("standardize", "rescale")) < 20


@pytest.mark.parametrize("run", ["standardize", "rescale", "whiten-zca"])
def test_every_command_scales_alike(here, run, capsys):
    test = load_examples("columns", "test")
    classes = predicted(run, test.features, capsys)[:, 0]
    assert (classes != test.targets).sum() == evaluated(run)["n_wrong"]
    assert call(f"attack results/{run}0 --tau 0 --kinds sgn --threads 1") == 0
    assert json.loads(Path(f"results/{run}0/attack.json").read_text())["n_wrong_before"] == evaluated(run)["n_wrong"]
    # The features can also be attacked as the file has them.
    assert call(f"attack results/{run}0 --tau 0 --kinds sgn --units pixels --threads 1") == 0


def test_the_scale_is_that_of_the_examples_that_train(here):
    train = load_examples("columns", "train").features
    with np.load("results/standardize0/preprocessing.npz") as arrays:
        np.testing.assert_allclose(arrays["scale_shift"], train.mean(axis=0, dtype="float64"), rtol=1e-5)
        np.testing.assert_allclose(arrays["scale_divisor"], train.std(axis=0, dtype="float64"), rtol=1e-5)


def test_two_scales_are_refused(here, capsys):
    assert call(f"train --dataset columns {NETWORK} --standardize --rescale") == 2
    assert "--standardize and --rescale are two scales" in capsys.readouterr().err


# --- another data set of the same name

COMMANDS = (
    "evaluate results/{0}0",
    "predict results/{0}0 --input {0}.npz",
    "attack results/{0}0",
    "evaluate results/{0}0 --data-type train",
)


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda: write("columns", COLUMNS, "--seed", "2"), "has other labels on its training examples than when"),
        (lambda: write("columns", COLUMNS * 10), "has other values in its training examples than when"),
        (
            lambda: write("columns", COLUMNS[:200], targets=TARGETS[:200]),
            "has 161 training examples, and had 240 when results/whiten-zca0 was trained",
        ),
    ],
)
def test_a_changed_data_set_is_refused(here, changed, change, said, capsys):
    evaluated("whiten-zca")
    before = Path("results/whiten-zca0/evaluation.json").read_bytes()
    change()
    capsys.readouterr()
    shutil.copy("columns.npz", "whiten-zca.npz")
    for command in COMMANDS:
        assert call(command.format("whiten-zca")) == 2
        assert f"the data set columns {said}" in " ".join(capsys.readouterr().err.split())
    assert Path("results/whiten-zca0/evaluation.json").read_bytes() == before
    assert call("evaluate results/whiten-zca0 --dataset columns --threads 1") == 0  # asked for by name
    assert Path("results/whiten-zca0/evaluation.json").read_bytes() == before


def test_test_examples_of_another_kind_are_noticed_by_themselves(here, changed, capsys):
    import h5py

    with h5py.File("datasets/columns.hdf5", "a") as file:
        file["features"][-1] += 1
    assert call("evaluate results/standardize0") == 2
    assert "other values in its test examples" in capsys.readouterr().err


def test_the_same_data_in_another_type_are_the_same(here, changed):
    write("pixels", PIXELS.astype("int64"))
    evaluated("pixels")


def test_labels_that_the_network_does_not_know(here, changed, capsys):
    write("more", FLAGS, targets=np.arange(300) % 5)
    assert call("evaluate results/floats0 --dataset more") == 2
    assert "the labels of more go from 0 to 4, but the network knows the classes 0 to 2" in capsys.readouterr().err


def write_named(name, classes, *, features=FLAGS.astype("uint8"), split="test", **description):
    """A data set of one split, in which the label of pattern i is the position of 'abc'[i] among the classes."""
    order = [classes.index(letter) for letter in "abc"]
    arrays = {"features": features, "targets": np.array(order, "uint8")[TARGETS][:, None]}
    axes = {"features": ("batch", "feature"), "targets": ("batch", "index")}
    write_fuel_file(f"datasets/{name}.hdf5", {split: arrays}, axes, {"classes": list(classes), **description})


@pytest.fixture
def named(here, changed):
    """A copy of the run on flags whose record of its data also names the classes."""
    shutil.copytree("results/flags0", "results/named0")
    Path("results/named0/data.json").write_text(json.dumps({**kept("flags"), "classes": ["a", "b", "c"]}))
    yield
    shutil.rmtree("results/named0")


def test_classes_of_another_data_set_are_known_by_name(named, capsys):
    """The other data set has no training set."""
    write_named("same", "abc")
    write_named("turned", "cab")
    same, turned = (evaluated("named", "--dataset", name) for name in ("same", "turned"))
    assert turned == same and same["n"] == 300 and same["error_percent"] < 20
    write_named("strange", "abxc")
    assert call("evaluate results/named0 --dataset strange") == 2
    assert "strange has a class 'x', and the network's are a, b, c" in capsys.readouterr().err


def test_a_model_answers_as_the_network_that_was_trained(named):
    write_named("turned", "cab", split="train")
    ours, other = ladder.load("results/named0"), ladder.load("results/named0", dataset="turned")
    assert list(other.classes) == ["a", "b", "c"]
    assert (other.predict(FLAGS) == ours.predict(FLAGS)).all()
    model, dataset = ladder.load("results/pixels0"), "datasets/pixels.hdf5"
    for same in (ladder.load("results/pixels0", dataset=dataset), ladder.load("results/pixels0", divide_by=255)):
        for values in (PIXELS, PIXELS.astype("int64"), PIXELS / 255):
            np.testing.assert_allclose(same.predict_proba(values), model.predict_proba(values), atol=1e-5)
    halved = ladder.load("results/pixels0", divide_by=127.5)
    np.testing.assert_allclose(halved.predict_proba(PIXELS // 2), model.predict_proba(PIXELS // 2 * 2), atol=1e-5)


def test_a_copy_of_the_data_set_is_no_other_one(here, changed, capsys):
    shutil.copy("datasets/flags.hdf5", "copy.hdf5")
    kept_in = Path("results/flags0/evaluation.json")
    expected = evaluated("flags")
    kept_in.unlink()
    assert evaluated("flags", "--dataset", "copy.hdf5", "--noise", "mrg") == expected and kept_in.exists()
    command = "attack results/flags0 --dataset copy.hdf5 --kinds sgn --tau 0.1 --threads 1 --output attacked"
    assert call(command) == 0
    assert json.loads(Path("attacked/attack.json").read_text())["overridden"] == []
    kept_in.unlink()
    write("others", ~FLAGS)
    capsys.readouterr()
    evaluated("flags", "--dataset", "others")
    assert not kept_in.exists()
    assert "Not kept in results/flags0, as --dataset: not the run's own" in capsys.readouterr().out


def test_a_copy_of_another_name_has_the_examples_that_trained(here, monkeypatch):
    """The number of training examples follows from the name of the data set."""
    known = replace(registry.KNOWN["mnist"], name="flags", n_training=200, has_pixels=None, unit_interval=False)
    monkeypatch.setitem(registry.KNOWN, "flags", known)
    shutil.copy("datasets/flags.hdf5", "copy.hdf5")
    for data_type, n in (("valid", 40), ("train", 200)):
        expected = evaluated("flags", "--data-type", data_type)
        assert expected["n"] == n and evaluated("flags", "--dataset", "copy.hdf5", "--data-type", data_type) == expected


def test_of_a_run_that_lost_its_options_or_part_of_its_record_less_is_known(here):
    run = Path("results/flags0")
    expected, options, record = evaluated("flags"), (run / "params.json").read_bytes(), (run / "data.json").read_bytes()
    shutil.copy("datasets/flags.hdf5", "copy.hdf5")
    try:
        less = json.loads(record)
        del less["splits"]["train"]
        (run / "data.json").write_text(json.dumps(less))
        assert evaluated("flags", "--dataset", "copy.hdf5") == expected
        (run / "data.json").write_bytes(record)
        (run / "params.json").unlink()
        words = "--encoder-layers 12-3 --labeled-samples 90 --dataset copy.hdf5".split()
        assert evaluated("flags", *words)["n_wrong"] == expected["n_wrong"]
    finally:
        (run / "data.json").write_bytes(record)
        (run / "params.json").write_bytes(options)


def test_statistics_are_those_of_the_data_that_it_was_trained_on(here, changed, capsys):
    shutil.copy("datasets/flags.hdf5", "elsewhere.hdf5")
    assert evaluated("flags", "--dataset", "elsewhere.hdf5", "--recompute-statistics")["error_percent"] < 20
    write("other", ~FLAGS)
    assert call("evaluate results/flags0 --dataset other --recompute-statistics --threads 1") == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "the data set other has other values in its training examples than when results/flags0 was trained" in said


def test_dark_images_are_pixels(here, changed):
    """A run on numbers from 0 to 1 reads these images as pixels, as predict does."""
    images = {"images": {"height": 4, "width": 5, "channels": 1, "fit": "crop"}}
    write_named("dark", "abc", features=(FLAGS * 99).astype("int64"), **images)
    write_named("fractions", "abc", features=(FLAGS * 99 / 255).astype("float32"))
    assert evaluated("floats", "--dataset", "dark") == evaluated("floats", "--dataset", "fractions")


# --- runs from before this was kept


def without_record(run):
    path = Path(f"results/{run}0/data.json")
    content, data = path.read_bytes(), kept(run)
    path.write_text(json.dumps({name: data[name] for name in ("in_dim", "n_classes", "feature_range")}))
    return lambda: path.write_bytes(content)


def test_an_older_run_reads_uint8_as_it_did(here, capsys):
    before = evaluated("pixels")
    put_back = without_record("pixels")
    try:
        assert evaluated("pixels") == before
        raw = np.rint(load_examples("pixels", "test").features * 255).astype("uint8")
        older = predicted("pixels", raw, capsys)
    finally:
        put_back()
    assert (older == predicted("pixels", raw, capsys)).all()


def test_examples_to_which_the_network_has_no_answer(here, changed, capsys):
    """This is how satellite images mark what they did not see; the largest of several NaNs would be class 0."""
    write("seen", np.where(np.arange(20) < 10, FLAGS, -3.4028235e38).astype("float32"))
    assert call("evaluate results/floats0 --dataset seen --threads 1") == 2
    assert "the network's answer to some examples is not a number" in capsys.readouterr().err


def test_a_label_below_all_classes_is_none(named, capsys):
    write_named("odd", "cab")
    import h5py

    with h5py.File("datasets/odd.hdf5", "a") as file:
        targets = file["targets"][:].astype("int64")
        targets[0] = -2
        del file["targets"]
        file["targets"] = targets
        file["targets"].dims[0].label, file["targets"].dims[1].label = "batch", "index"
    assert call("evaluate results/named0 --dataset odd") == 2
    assert "odd has the label -2, which is no class" in capsys.readouterr().err
