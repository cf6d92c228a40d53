"""Runs with ``--tensorboard`` and ``--log-format csv``: what they write, and that nothing else changes."""

import csv
import io
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")

from PIL import Image  # noqa: E402
from runs.event_reader import read  # noqa: E402

import ladder  # noqa: E402
from ladder.cli import main  # noqa: E402
from ladder.live.progress import TRAINING, Reader  # noqa: E402
from ladder.training.extensions.monitoring import TrainingMonitor  # noqa: E402

EPOCHS, UPDATES = 6, 6
NETWORK = (
    "--dataset digits --encoder-layers 10 --decoder-spec gauss --denoising-cost-x 10,1 --labeled-samples 100 "
    f"--unlabeled-samples 600 --valid-set-size 100 --num-epochs {EPOCHS} --threads 1"
).split()
WATCHED = ["--tensorboard", "--log-format", "csv"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs ``plain0``; ``watched0``; ``part0``, interrupted after update 20 and resumed without asking for its records;
    ``late0``, a copy of that before it was resumed, without records; and what a reader saw of ``part0``."""
    folder, seen = tmp_path_factory.mktemp("runs"), []
    after_batch = TrainingMonitor.after_batch

    def interrupting(monitor, loop, values):
        after_batch(monitor, loop, values)
        if loop.updates_done == 20:
            seen.append(Reader().read(Path("results/part0")))
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("FUEL_DATA_PATH", raising=False)
        assert main(["train", *NETWORK, "--", "plain"]) == 0
        assert main(["train", *NETWORK, *WATCHED, "--", "watched"]) == 0
        with pytest.MonkeyPatch.context() as signals:
            signals.setattr(TrainingMonitor, "after_batch", interrupting)
            assert main(["train", *NETWORK, *WATCHED, "--", "part"]) == 130
        seen.append(Reader().read(Path("results/part0")))
        shutil.copytree("results/part0", "results/late0")
        for path in [Path("results/late0/log.csv"), *Path("results/late0").glob("events.*")]:
            path.unlink()
        # As if it had been killed an epoch later: the checkpoint does not know of this row.
        with open("results/part0/log.csv", "a") as f:
            f.write("4,24,")
        assert main(["train", "--resume", "results/part0"]) == 0
    return folder / "results", seen


def rows(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def arrays(run):
    found = {}
    for name in ("trained_params.npz", "running_statistics.npz"):
        with np.load(run / name) as archive:
            found.update({key: archive[key] for key in archive.files})
    return found


@pytest.mark.parametrize("name", ["watched0", "part0"])
def test_no_bit_of_a_run_changes(runs, name):
    plain, watched = runs[0] / "plain0", runs[0] / name
    for file in ("log.jsonl", "params.json", "data.json"):
        assert (plain / file).read_bytes() == (watched / file).read_bytes()
    expected, found = arrays(plain), arrays(watched)
    assert expected.keys() == found.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)
    others = {path.name for path in watched.iterdir()} - {path.name for path in plain.iterdir()}
    assert sorted(other[:12] for other in others) in (["events.out.t", "log.csv"], ["events.out.t"] * 2 + ["log.csv"])


#: Name in the log -> name in TensorBoard.
SHOWN = {
    "train_denois0": "train/denoising/0",
    "valid_approx_denois1": "valid_approx/denoising/1",
    "train_cost_class_corr": "train/cost_class_corr",
    "valid_final_error_rate_clean": "valid_final/error_rate_clean",
    "learning_rate": "learning_rate",
}


@pytest.mark.parametrize("name", ["watched0", "part0"])
def test_every_number_of_the_log_is_a_scalar_once(runs, name):
    log, found = rows(runs[0] / name), read(runs[0] / name, check=True).scalars
    *epochs, last = log
    assert [step for step, _ in found["update"]] == list(range(1, EPOCHS + 1))
    assert len(found) == len({key for row in log for key in row}) - 1  # all but 'epoch', which is the step
    for key, tag in SHOWN.items():
        expected = [(row["epoch"], np.float32(row[key])) for row in log if key in row]
        assert found[tag] == expected and expected, key
    of_the_end = [tag for tag, values in found.items() if tag.startswith("valid_final/")]
    assert len(of_the_end) == len(last) - 2 and all(len(found[tag]) == 1 for tag in of_the_end)


def test_resumed_files_show_what_uninterrupted_ones_show(runs):
    whole, part = (read(runs[0] / name) for name in ("watched0", "part0"))
    assert whole.scalars == part.scalars and whole.histograms == part.histograms and whole.images == part.images
    assert whole.starts == [] and part.starts == [4]
    assert (runs[0] / "watched0/log.csv").read_bytes() == (runs[0] / "part0/log.csv").read_bytes()


def test_distributions_are_of_z_and_of_the_parameters(runs):
    found, saved = read(runs[0] / "watched0").histograms, arrays(runs[0] / "watched0")
    names = {key for key in saved if key[:2] in ("f_", "g_")}
    assert set(found) == {"z/0", "z/1", *(f"parameters/{name}" for name in names)}
    for name in names:
        step, histogram = found[f"parameters/{name}"][-1]
        values = saved[name].astype(float)
        assert step == EPOCHS and histogram.get(3, [0]) == [values.size]
        assert histogram.get(4, [0])[0] == pytest.approx(values.sum(), abs=1e-6)
        assert histogram.get(2, [0])[0] == pytest.approx(values.max())
    for step, histogram in found["z/1"]:  # 100 examples of 10 units, normalised over the examples
        assert histogram[3] == [1000] and sum(histogram[7]) == 1000
        assert histogram[4][0] == pytest.approx(0, abs=1e-2) and histogram[5][0] == pytest.approx(1000, rel=1e-2)


def test_reconstructions_come_closer_to_the_input(runs):
    images = read(runs[0] / "watched0").images["input/clean_noisy_reconstructed"]
    assert [step for step, _ in images] == list(range(1, EPOCHS + 1))

    def pictures(png):
        """Ten examples, clean, noisy and reconstructed, 56 x 56 pixels each with a line below and at the right."""
        values = np.asarray(Image.open(io.BytesIO(png)).convert("L"), float)
        assert values.shape == (3 * 57, 10 * 57)
        return values.reshape(3, 57, 10, 57)[:, :56, :, :56]

    from ladder.data.examples import load_examples

    (clean, noisy, first), (again, _, last) = pictures(images[0][1]), pictures(images[-1][1])
    np.testing.assert_array_equal(clean, again)
    digits = load_examples("digits", "train").features[:, 0]
    shown = clean[::7, :, ::7].transpose(1, 0, 2) / 255
    assert all(np.abs(digits - image).max(axis=(1, 2)).min() < 1 / 250 for image in shown)
    error_of_noise = np.abs(noisy - clean).mean()
    assert np.abs(last - clean).mean() < np.abs(first - clean).mean() and error_of_noise > 10


def test_the_spreadsheet_has_the_rows_of_the_log(runs):
    run = runs[0] / "watched0"
    with (run / "log.csv").open(newline="") as f:
        found = [{key: float(cell) for key, cell in row.items() if cell} for row in csv.DictReader(f)]
    assert found == rows(run)
    lines = (run / "log.csv").read_text().splitlines()
    assert len({line.count(",") for line in lines}) == 1 and lines[0].startswith("epoch,update,train_cost_total,")


def test_a_run_is_seen_while_it_trains_and_once_it_is_interrupted(runs):
    during, after = runs[1]
    assert during.state == TRAINING and after.state == "interrupted"
    assert during.epochs == after.epochs == 3 and during.num_epochs == EPOCHS
    assert during.left > 0 and during.epoch_seconds > 0 and after.left is None
    assert during.rows == rows(runs[0] / "part0")[:3]
    assert Reader().read(runs[0] / "part0").state == "finished"


def test_records_may_begin_when_a_run_is_resumed(runs, monkeypatch):
    monkeypatch.chdir(runs[0].parent)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    assert main(["train", "--resume", "results/late0", *WATCHED]) == 0
    late, whole = (runs[0] / name for name in ("late0", "watched0"))
    assert (late / "log.csv").read_bytes() == (whole / "log.csv").read_bytes()
    assert read(late).scalars == read(whole).scalars
    assert [step for step, _ in read(late).histograms["z/1"]] == [4, 5, 6]


def test_without_the_writer_nothing_is_begun_and_a_resumed_run_goes_on(runs, tmp_path, monkeypatch, capsys, caplog):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    assert main(["train", *NETWORK, "--tensorboard", "--", "x"]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1 and "pip install -e '.[tensorboard]'" in shown and not Path("results").exists()
    with pytest.raises(ladder.UserError, match="tensorboard needs tensorboardX"):
        ladder.train("x", tensorboard=True)
    from ladder.runs.folder import RunFolder
    from ladder.training.records import Records

    run = shutil.copytree(runs[0] / "watched0", tmp_path / "again")
    assert Records().going_on(RunFolder(run)) == Records(csv=True)
    assert "event files, which do not go on" in caplog.text


def test_a_run_that_is_killed_before_its_first_epoch_is_known_to_have_records(tmp_path):
    from ladder.runs.folder import RunFolder
    from ladder.training.records import Records

    folder = RunFolder(tmp_path)
    Records(tensorboard=True, csv=True).begin(folder)
    assert Records().going_on(folder) == Records(tensorboard=True, csv=True)
    assert read(tmp_path, check=True).scalars == {}
    before = sorted(path.name for path in tmp_path.iterdir())
    Records(tensorboard=True, csv=True).begin(folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == before and len(before) == 2
    Records(tensorboard=True).begin(RunFolder(tmp_path / "gone"))


def test_from_python_records_need_a_folder():
    for options in ({"tensorboard": True}, {"log_format": "csv"}):
        with pytest.raises(ladder.UserError, match="write into the folder of a run: give save_to, too"):
            ladder.train(dataset="digits", **options)
    with pytest.raises(ladder.UserError, match="log_format is 'xlsx', but must be one of jsonl, csv"):
        ladder.train("x", dataset="digits", log_format="xlsx")
