"""A network on whitened images through the whole command line, compared with preprocessing in NumPy."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest

from ladder.cli import main
from ladder.data.examples import load_examples

TRAIN = (
    "train --dataset digits --contrast-norm 4 --whiten-zca 64 --encoder-layers 20-10 --decoder-spec 0 "
    "--denoising-cost-x 0,0,0 --labeled-samples 200 --unlabeled-samples 1237 --num-epochs 3 --threads 1 -- white"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("white")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("FUEL_DATA_PATH", raising=False)
        assert main(TRAIN.split()) == 0
        yield SimpleNamespace(folder=folder / "results" / "white0", data=folder / "datasets", white=whitened_by_numpy())


def whitened_by_numpy():
    """The splits whitened in float64, with a fit to the 1,237 examples that seed 1 picks."""
    train, test = (
        load_examples("digits", split).features.reshape(-1, 64).astype("float64") for split in ("train", "test")
    )

    def contrast(x):
        x = x - x.mean(axis=1, keepdims=True)
        return 4 * x / np.linalg.norm(x, axis=1, keepdims=True)

    order = np.arange(len(train))
    np.random.RandomState(1).shuffle(order)
    fitted_to = contrast(train[order[:1237]])
    values, axes = np.linalg.eigh(np.cov(fitted_to, rowvar=False, bias=True) + 0.1 * np.eye(64))
    matrix = (axes / np.sqrt(values)) @ axes.T
    return {name: (contrast(x) - fitted_to.mean(axis=0)) @ matrix for name, x in (("train", train), ("test", test))}


def probabilities(run, x):
    """Class probabilities from a clean pass with the run's parameters and final statistics, in float64."""
    with np.load(run.folder / "trained_params.npz") as p, np.load(run.folder / "running_statistics.npz") as s:
        for i in (1, 2):
            z = x @ p[f"f_{i}_W"].astype("float64")
            z = (z - s[f"shared_f_{i}_bn_mean_clean"]) / np.sqrt(s[f"shared_f_{i}_bn_var_clean"] + 1e-10) + p[
                f"f_{i}_b"
            ]
            x = np.maximum(z, 0) if i == 1 else np.exp(z * p["f_2_c"])
    return x / x.sum(axis=1, keepdims=True)


def caches(run):
    return list(run.data.glob("digits.zca-*.npz"))


def evaluated(run, *options):
    assert main(["evaluate", str(run.folder), "--threads", "1", "--json", "report.json", *options]) == 0
    with open("report.json") as file:
        return json.load(file)


def test_the_network_saw_whitened_images(run):
    low, high = json.loads((run.folder / "data.json").read_text())["feature_range"]
    np.testing.assert_allclose([low, high], [run.white["train"].min(), run.white["train"].max()], rtol=1e-4)
    assert len(caches(run)) == 1


def test_test_data_is_whitened_as_the_training_data_were(run):
    wrong = (probabilities(run, run.white["test"]).argmax(axis=1) != load_examples("digits", "test").targets).sum()
    report = evaluated(run)
    assert abs(report["n_wrong"] - wrong) <= 1 and report["n"] == 360
    assert report["error_percent"] < 50


def test_other_data_of_the_run(run):
    rows = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    report = evaluated(run, "--data-type", "valid")
    assert report["n"] == 200 and report["error_percent"] == pytest.approx(rows[-1]["valid_final_error_rate_clean"])
    assert evaluated(run, "--data-type", "train")["error_percent"] < 50


def test_the_whitening_belongs_to_the_run(run):
    before = evaluated(run)
    (cache,) = caches(run)
    cache.unlink()
    assert evaluated(run) == before and not cache.exists()


def test_older_runs_fit_it_anew(run):
    before, own = evaluated(run), run.folder / "preprocessing.npz"
    content = own.read_bytes()
    own.unlink()
    try:
        assert evaluated(run) == before
        (cache,) = caches(run)
        cache.write_bytes(cache.read_bytes()[:1000])
        assert evaluated(run) == before
        cache.unlink()
        # Without the cached matrix and the saved statistics.
        assert abs(evaluated(run, "--recompute-statistics")["n_wrong"] - before["n_wrong"]) <= 1
    finally:
        own.write_bytes(content)


def test_other_data_are_never_fitted_to(run, tmp_path, capsys):
    moved = copied(run.folder, tmp_path / "moved")
    (moved / "preprocessing.npz").unlink()
    assert main(["evaluate", str(moved), "--divide-by", "2", "--threads", "1"]) == 2
    assert "moved has no preprocessing.npz, so there is no telling how its examples were" in capsys.readouterr().err


@pytest.mark.parametrize("shape", [(64,), (8, 8)])
def test_a_whitening_that_is_no_such_is_refused(run, tmp_path, capsys, shape):
    moved = copied(run.folder, tmp_path / "moved")
    np.savez(
        moved / "preprocessing.npz", whitening_mean=np.zeros(64, "float32"), whitening_matrix=np.zeros(shape, "float32")
    )
    assert main(["evaluate", str(moved), "--threads", "1"]) == 2
    assert "preprocessing.npz has no array 'whitening_matrix' of 64 x 64 numbers" in capsys.readouterr().err


def copied(folder, to):
    to.mkdir()
    for path in folder.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    return to


def predicted(run, path, output):
    assert main(["predict", str(run.folder), "--input", str(path), "--output", str(output), "--threads", "1"]) == 0
    with open(output) as file:
        return np.array([[float(value) for value in row] for row in list(csv.reader(file))[1:]])


def test_a_users_examples_are_whitened(run, tmp_path, capsys):
    x = load_examples("digits", "test").features[:40]
    np.savez(tmp_path / "mine.npz", features=x)
    found = predicted(run, tmp_path / "mine.npz", tmp_path / "out.csv")
    np.testing.assert_allclose(found[:, 1:], probabilities(run, run.white["test"][:40]), atol=1e-4)
    np.savetxt(tmp_path / "mine.csv", 16 * x.reshape(40, -1), delimiter=",")
    # Contrast normalisation removes the scale of the pixels, so there is nothing to warn of.
    np.testing.assert_allclose(predicted(run, tmp_path / "mine.csv", tmp_path / "out2.csv"), found, atol=1e-3)
    assert "Warning" not in capsys.readouterr().err


def test_attacks_are_in_whitened_units(run, tmp_path, capsys):
    command = [
        "attack",
        str(run.folder),
        *"--kinds sgn gaussian --tau 0 0.1 --threads 1 --output".split(),
        str(tmp_path),
    ]
    assert main(command) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "tau in units of the contrast normalised to 4 and ZCA-whitened inputs" in shown
    report = json.loads((tmp_path / "attack.json").read_text())
    assert report["units"] == "contrast normalised to 4 and ZCA-whitened inputs"
    assert report["n_wrong_before"] == evaluated(run)["n_wrong"]
    found = {(attack["kind"], attack["tau"]): attack["n_wrong"] for attack in report["attacks"]}
    assert found["sgn", 0.1] > found["sgn", 0.0] == found["gaussian", 0.0] == report["n_wrong_before"]
    noise = 0.1 * np.sign(np.random.RandomState(0).randn(360, 64))
    targets = load_examples("digits", "test").targets
    wrong = (probabilities(run, run.white["test"] + noise).argmax(axis=1) != targets).sum()
    assert abs(found["gaussian", 0.1] - wrong) < 20 < found["sgn", 0.1] - wrong


def test_attacks_in_pixels(run, tmp_path, capsys):
    """Pixels have a range to be clipped to, whatever preprocessing follows."""
    command = ["attack", str(run.folder), *"--units pixels --clip --kinds sgn gaussian --tau 0 0.1 --threads 1".split()]
    assert main([*command, "--output", str(tmp_path)]) == 0
    assert "tau in units of the pixels" in " ".join(capsys.readouterr().out.split())
    report = json.loads((tmp_path / "attack.json").read_text())
    assert report["units"] == "pixels" and report["n_wrong_before"] == evaluated(run)["n_wrong"]
    found = {(attack["kind"], attack["tau"]): attack["n_wrong"] for attack in report["attacks"]}
    assert found["sgn", 0.1] > found["gaussian", 0.1] + 20 and found["sgn", 0.0] == report["n_wrong_before"]


def test_clipping_whitened_inputs_is_refused(run, capsys):
    assert main(["attack", str(run.folder), "--clip", "--threads", "1"]) == 2
    shown = capsys.readouterr().err
    assert (
        "--clip keeps inputs between 0 and 1, but this network takes" in shown
        and "use --no-clip, or attack the pixels" in shown
    )


def test_a_wrong_number_of_components_is_found_before_anything_is_computed(run, capsys):
    assert main([word.replace("64", "63") for word in TRAIN.split()]) == 2
    assert "--whiten-zca is 63, but an example has 64 inputs (1 x 8 x 8)" in capsys.readouterr().err
    assert main([*TRAIN.split()[:-2], "--dry-run", "--", "white"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(run.folder), "--whiten-zca", "10"]) == 2
    assert "--whiten-zca is 10, but an example has 64 inputs" in capsys.readouterr().err
    assert not (run.folder.parent / "white1").exists()


def test_a_run_whose_data_set_is_gone(run, tmp_path, capsys):
    np.savez(tmp_path / "mine.npz", features=np.zeros((3, 64), "float32"))
    params = json.loads((run.folder / "params.json").read_text())
    moved = copied(run.folder, tmp_path / "moved")
    (moved / "params.json").write_text(json.dumps({**params, "dataset": "gone"}))
    assert main(["predict", str(moved), "--input", str(tmp_path / "mine.npz"), "--threads", "1"]) == 0
    assert main(["evaluate", str(moved), "--threads", "1"]) == 2
    said = capsys.readouterr().err
    assert "there is no data set 'gone'" in said and "--dataset FILE" in said
    (moved / "preprocessing.npz").unlink()
    assert main(["predict", str(moved), "--input", str(tmp_path / "mine.npz"), "--threads", "1"]) == 2
    assert "there is no data set 'gone'" in capsys.readouterr().err


def test_training_error_is_that_of_batches_with_their_own_statistics(run):
    targets = load_examples("digits", "train").targets
    order = np.arange(len(targets))
    np.random.RandomState(1).shuffle(order)
    order, wrong = order[:1237], 0
    with np.load(run.folder / "trained_params.npz") as p:
        for start in range(0, 1237, 100):
            rows = order[start : start + 100]
            x = run.white["train"][rows]
            for i in (1, 2):
                z = x @ p[f"f_{i}_W"].astype("float64")
                z = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-10) + p[f"f_{i}_b"]
                x = np.maximum(z, 0) if i == 1 else z * p["f_2_c"]
            wrong += (x.argmax(axis=1) != targets[rows]).sum()
    fixed = (probabilities(run, run.white["train"][order]).argmax(axis=1) != targets[order]).sum()
    report = evaluated(run, "--data-type", "train")
    assert report["n"] == 1237 and abs(report["n_wrong"] - wrong) <= 2 < abs(fixed - wrong)
