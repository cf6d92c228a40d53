"""One small network through the whole command line: train, evaluate, predict."""

import csv
import json
import logging
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from ladder.cli import main
from ladder.data.examples import load_examples
from ladder.training import evaluation

TRAIN = (
    "train --dataset digits --encoder-layers 30-10 --decoder-spec gauss --denoising-cost-x 10,1,0.1 "
    "--labeled-samples 100 --unlabeled-samples 1137 --valid-set-size 202 --num-epochs 12 --threads 1 -- small"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run in a folder of its own, which stays the current one."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("FUEL_DATA_PATH", raising=False)
        assert main(TRAIN.split()) == 0
        yield SimpleNamespace(folder=folder / "results" / "small0", test=load_examples("digits", "test"))


def test_files_of_a_run(run):
    assert {path.name for path in run.folder.iterdir()} == {
        "params.json",
        "data.json",
        "environment.json",
        "log.txt",
        "log.jsonl",
        "trained_params.npz",
        "running_statistics.npz",
    }
    params = json.loads((run.folder / "params.json").read_text())
    assert params["encoder_layers"] == [[1, 8, 8], "30", "10"] and params["labeled_samples"] == 100
    environment = json.loads((run.folder / "environment.json").read_text())
    assert environment["aesara"] == "2.9.4" and environment["threads"] == 1 and environment["blas"]
    with np.load(run.folder / "trained_params.npz") as arrays:
        assert {"f_1_W", "f_1_b", "f_2_c", "g_0_W", "g_0_a1", "g_2_a10"} <= set(arrays.files)
        assert not any(name.startswith("shared_") for name in arrays.files)
        assert all(np.isfinite(arrays[name]).all() for name in arrays.files)


def test_log_has_a_row_an_epoch_and_a_final_one(run):
    rows = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == list(range(1, 13)) + [12]
    assert rows[0]["update"] == 12  # 1137 examples in batches of 100
    for row in rows[:-1]:
        assert {"train_cost_total", "train_cost_class_corr", "train_denois0", "valid_approx_error_rate_clean"} <= set(
            row
        )
    assert rows[-1]["valid_final_error_rate_clean"] < 50
    costs = [value for row in rows for name, value in row.items() if "denois" in name or "cost" in name]
    assert len(costs) > 100 and all(0 < cost < 100 for cost in costs)
    assert rows[11]["train_cost_total"] < 0.7 * rows[0]["train_cost_total"]
    # 12 * 0.67 = 8.04: constant up to epoch 8, then linear to 0
    assert rows[7]["learning_rate"] == pytest.approx(0.002)
    assert rows[9]["learning_rate"] == pytest.approx(0.002 * 2 / 3.96)
    assert rows[11]["learning_rate"] == 0
    text = (run.folder / "log.txt").read_text()
    assert "e 12, i 144: T_C_class" in text and "V_E" in text and "VF_E" in text


def test_evaluate_prints_error_by_class_and_confusion_matrix(run, capsys, tmp_path):
    assert main(["evaluate", str(run.folder), "--json", str(tmp_path / "report.json")]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    shown = capsys.readouterr().out
    assert f"Test error: {report['error_percent']:.2f} % ({report['n_wrong']} of 360 wrong)" in shown
    confusion = np.array(report["confusion"])
    lines = [re.findall(r"[\d.]+", line) for line in shown.splitlines()]
    for number, (error, row) in enumerate(zip(report["error_percent_by_class"], confusion)):
        assert [str(number), f"{error:.2f}", str(row.sum()), *map(str, row)] in lines
    assert confusion.sum() == 360 and confusion.sum() - np.trace(confusion) == report["n_wrong"]
    assert (confusion.sum(axis=1) == np.bincount(run.test.targets)).all()
    assert report["error_percent"] < 50


def test_evaluate_keeps_what_it_found_for_tables(run, tmp_path, capsys):
    for words in ((), ("--data-type", "valid"), ("--data-type", "train"), ("--seed", "1")):
        assert main(["evaluate", str(run.folder), "--json", str(tmp_path / "report.json"), *words]) == 0
    kept = json.loads((run.folder / "evaluation.json").read_text())
    report = json.loads((tmp_path / "report.json").read_text())
    assert kept["test"] == {
        "error_percent": report["error_percent"],
        "n_wrong": report["n_wrong"],
        "n": 360,
        "statistics": "saved",
        "epochs": 12,
    }
    assert set(kept) == {"test", "valid"} and kept["valid"]["n"] == 202
    # with other options, something other than the run is evaluated
    written = (run.folder / "evaluation.json").stat().st_mtime_ns
    assert main(["evaluate", str(run.folder), "--unlabeled-samples", "1237", "--recompute-statistics"]) == 0
    assert (run.folder / "evaluation.json").stat().st_mtime_ns == written
    assert main(["evaluate", str(run.folder), "--recompute-statistics"]) == 0
    assert json.loads((run.folder / "evaluation.json").read_text())["test"]["statistics"] == "estimated"
    assert main(["evaluate", str(run.folder), "--recompute-statistics", "--data-type", "train"]) == 2
    assert (
        "the errors of --data-type train are found with each batch's own statistics: leave it out"
        in capsys.readouterr().err
    )
    # a damaged file is replaced
    (run.folder / "evaluation.json").write_text("{")
    assert main(["evaluate", str(run.folder)]) == 0
    assert set(json.loads((run.folder / "evaluation.json").read_text())) == {"test"}


def test_evaluate_goes_without_a_folder_that_takes_no_files(run, monkeypatch, capsys):
    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(evaluation, "save_evaluation", refuse)
    assert main(["evaluate", str(run.folder)]) == 0
    shown = capsys.readouterr().out
    assert "Test error: " in shown and "not kept" in shown and "Read-only file system" in shown


def test_table_evaluates_on_request(run, tmp_path, capsys):
    options = {
        "dataset": "digits",
        "encoder-layers": "30-10",
        "decoder-spec": "gauss",
        "denoising-cost-x": "10,1,0.1",
        "labeled-samples": 100,
        "unlabeled-samples": 1137,
        "valid-set-size": 202,
        "num-epochs": 12,
    }
    (tmp_path / "mine.json").write_text(json.dumps({"options": options}))
    words = ["table", str(tmp_path / "mine.json"), "--output", str(tmp_path)]
    (run.folder / "evaluation.json").unlink(missing_ok=True)
    assert main(words) == 0
    assert "run.py evaluate" in capsys.readouterr().out
    assert main([*words, "--evaluate", "--threads", "1"]) == 0
    shown = capsys.readouterr().out
    (row,) = csv.DictReader((tmp_path / "mine.csv").read_text().splitlines())
    assert f"Evaluating {run.folder.relative_to(run.folder.parents[1])}" in shown
    assert float(row["mean"]) == json.loads((run.folder / "evaluation.json").read_text())["test"]["error_percent"]


def test_recomputed_statistics_are_those_that_were_saved(run, tmp_path):
    """Also for a copy of the run whose own statistics are wrong."""
    copy = shutil.copytree(run.folder, tmp_path / "copy")
    with np.load(copy / "running_statistics.npz") as saved:
        wrong = {name: value + np.float32(0.5) if value.ndim else value for name, value in saved.items()}
    np.savez(copy / "running_statistics.npz", **wrong)
    for name, folder, extra in (
        ("saved", run.folder, []),
        ("wrong", copy, []),
        ("again", copy, ["--recompute-statistics"]),
    ):
        assert main(["evaluate", str(folder), "--json", str(tmp_path / name), *extra]) == 0
    assert (tmp_path / "saved").read_text() != (tmp_path / "wrong").read_text()
    assert (tmp_path / "saved").read_text() == (tmp_path / "again").read_text()


def test_final_validation_error_is_what_evaluate_finds(run, tmp_path):
    rows = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    assert main(["evaluate", str(run.folder), "--data-type", "valid", "--json", str(tmp_path / "valid")]) == 0
    report = json.loads((tmp_path / "valid").read_text())
    assert report["n"] == 202
    assert rows[-1]["valid_final_error_rate_clean"] == pytest.approx(report["error_percent"], abs=1e-4)


def test_a_file_of_parameters_alone_needs_the_options(run, tmp_path, capsys):
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "trained_params.npz").write_bytes((run.folder / "trained_params.npz").read_bytes())
    assert main(["evaluate", str(bare)]) == 2
    assert "--encoder-layers" in capsys.readouterr().err
    options = (
        "--dataset digits --encoder-layers 30-10 --labeled-samples 100 --unlabeled-samples 1137 --valid-set-size 202"
    ).split()
    assert main(["evaluate", str(bare), "--json", str(tmp_path / "bare.json"), *options]) == 0
    assert main(["evaluate", str(run.folder), "--json", str(tmp_path / "ours.json")]) == 0
    assert (tmp_path / "bare.json").read_text() == (tmp_path / "ours.json").read_text()
    # other shapes are refused by name
    options[options.index("30-10")] = "31-10"
    assert main(["evaluate", str(bare), *options]) == 2
    assert "f_1_W" in capsys.readouterr().err


def test_predict_agrees_with_evaluate(run, tmp_path, capsys):
    features = run.test.features.reshape(360, 64)
    np.savetxt(tmp_path / "input.csv", features, delimiter=",", fmt="%.6f")
    np.savez(tmp_path / "input.npz", features=run.test.features)
    tables = []
    for name in ("input.csv", "input.npz"):
        output = tmp_path / (name + ".out")
        assert main(["predict", str(run.folder), "--input", str(tmp_path / name), "--output", str(output)]) == 0
        with output.open() as f:
            tables.append(list(csv.DictReader(f)))
    classes = np.array([int(row["class"]) for row in tables[0]])
    assert (classes == [int(row["class"]) for row in tables[1]]).all()
    probabilities = np.array([[float(row[f"p{i}"]) for i in range(10)] for row in tables[0]])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    assert main(["evaluate", str(run.folder), "--json", str(tmp_path / "report.json")]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert (classes != run.test.targets).sum() == report["n_wrong"]


@pytest.mark.parametrize(
    "content, sentence",
    [("1,2,3\n4,5,6\n", "an example has 64"), ("1;2\n", "has 1 value, but an example has 64"), ("", "no examples")],
)
def test_predict_refuses_other_input(run, tmp_path, capsys, content, sentence):
    (tmp_path / "bad.csv").write_text(content)
    assert main(["predict", str(run.folder), "--input", str(tmp_path / "bad.csv")]) == 2
    assert sentence in capsys.readouterr().err


def test_predict_warns_of_another_scale(run, tmp_path, capsys):
    np.savez(tmp_path / "raw.npz", features=run.test.features[:2] * 16)
    assert main(["predict", str(run.folder), "--input", str(tmp_path / "raw.npz")]) == 0
    assert "are both on the same scale" in capsys.readouterr().err


def test_damaged_files_are_named(run, tmp_path, capsys):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in run.folder.iterdir():
        (damaged / path.name).write_bytes(path.read_bytes())
    content = (run.folder / "trained_params.npz").read_bytes()
    (damaged / "trained_params.npz").write_bytes(content[: len(content) // 2])
    assert main(["evaluate", str(damaged)]) == 2
    assert "trained_params.npz" in capsys.readouterr().err
    (damaged / "params.json").write_text("{")
    assert main(["evaluate", str(damaged)]) == 2
    assert "params.json" in capsys.readouterr().err


def test_log_handlers_do_not_pile_up(run):
    assert not [h for h in logging.getLogger("main").handlers if isinstance(h, logging.FileHandler)]
