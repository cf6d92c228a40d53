"""``run.py rivals``: what it prints, keeps and skips, and how tables show its runs beside those of networks."""

import io
import json
import shutil
from contextlib import redirect_stdout

import numpy as np
import pytest
from tables.made_up import make_run

import ladder
from ladder.cli import main
from ladder.runs import lock
from ladder.runs.folder import RunFolder
from ladder.tables.found_runs import find_runs

#: A preset with a ladder and rivals.
ROWS = {"ladder": {}, "spreading": {"rival": "label-spreading"}, "neighbours": {"rival": "knn"}}
PRESET = {
    "options": {
        "dataset": "digits",
        "encoder-layers": "20-10",
        "denoising-cost-x": "1,1,1",
        "decoder-spec": "gauss",
        "labeled-samples": 50,
        "unlabeled-samples": 300,
        "valid-set-size": 0,
        "seed": [1, 2],
    },
    "rows": ROWS,
    "baseline": {"preset": "mine.json", "row": "ladder"},
}
WORDS = [
    *("rivals", "digits", "--labeled-samples", "50", "--unlabeled-samples", "300", "--valid-set-size", "0"),
    *("--seed", "1", "2", "--methods", "knn", "label-spreading"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("rivals")


@pytest.fixture(autouse=True)
def in_a_folder_of_their_own(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    if not (folder / "datasets").exists():
        assert main(["convert", "digits"]) == 0


@pytest.fixture(scope="module")
def said(folder):
    """What ``WORDS`` prints; it is given once."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        patch.chdir(folder)
        patch.delenv("FUEL_DATA_PATH", raising=False)
        if not (folder / "datasets").exists():
            assert main(["convert", "digits"]) == 0
        assert main([*WORDS, "--json", "found.json"]) == 0
    return printed.getvalue()


@pytest.fixture
def fitted(folder, said):
    """The folder of runs that ``WORDS`` leaves."""
    return folder / "results" / "rivals"


def test_results_are_printed_kept_and_not_made_again(fitted, said, capsys):
    assert "5-fold cross-validation of the labelled examples" in said and "label spreading" in said
    found = json.loads(open("found.json").read())
    assert [(result["method"], result["seed"]) for result in found["results"]] == [
        ("knn", 1),
        ("label-spreading", 1),
        ("knn", 2),
        ("label-spreading", 2),
    ]
    errors = [result["error_percent"] for result in found["results"] if result["method"] == "knn"]
    assert found["methods"]["knn"]["mean"] == pytest.approx(np.mean(errors))
    assert found["methods"]["knn"]["std"] == pytest.approx(np.std(errors, ddof=1))
    assert f"{np.mean(errors):.2f}" in said
    times = {path: path.stat().st_mtime_ns for path in fitted.rglob("*") if path.is_file()}
    assert main([*WORDS, "--json", "again.json"]) == 0
    assert "knn, seed 1: finished before, results/rivals/digits_knn_0" in capsys.readouterr().out
    assert json.loads(open("again.json").read()) == found
    assert {path: path.stat().st_mtime_ns for path in fitted.rglob("*") if path.is_file()} == times


def test_another_name_is_another_place(folder, fitted, capsys):
    """Runs elsewhere below the folder, like the program's own records below results/, are not taken for the user's."""
    words = [*WORDS[:8], "--seed", "1", "--methods", "knn", "--save-to"]
    shutil.copytree(fitted, folder / "elsewhere" / "measured")
    for name in ("mine", "other", "below/"):
        assert main([*words, f"elsewhere/{name}"]) == 0
        assert "finished before" not in capsys.readouterr().out
        assert (folder / "elsewhere" / f"{name}_knn_0" / "rival.json").exists()
    for name in ("mine", "below/"):
        assert main([*words, f"elsewhere/{name}"]) == 0
        assert f"finished before, elsewhere/{name}_knn_0" in capsys.readouterr().out


def test_results_of_other_data_are_not_taken_for_those_of_these(tmp_path):
    rng = np.random.RandomState(0)
    for shift in (0, 1):
        features, targets = rng.normal(size=(40, 3)), np.arange(40) % 2
        arrays = {"features": features, "targets": targets, "features_test": features + shift, "targets_test": targets}
        np.savez("mine.npz", **arrays)
        assert main(["convert", "arrays", "--input", "mine.npz", "--force"]) == 0
        if shift == 0:
            ladder.fit_rivals("mine", "knn", save_to=tmp_path / "own")
    with pytest.raises(ladder.UserError, match="mine has other values in its .* examples than"):
        ladder.fit_rivals("mine", "knn", save_to=tmp_path / "own")


def test_a_data_seed_of_none_is_that_of_each_run():
    found = ladder.fit_rivals("digits", "knn", seeds=(2, 3), save_to="none", labeled_samples=50, dseed=None)
    assert [RunFolder(result.folder).load_options()["dseed"] for result in found] == [2, 3]


def test_python_gives_the_same_results(fitted):
    options = {"seeds": [1, 2], "labeled_samples": 50, "unlabeled_samples": 300, "valid_set_size": 0}
    in_memory = ladder.fit_rivals("digits", ["knn", "label-spreading"], **options)
    kept = ladder.fit_rivals("digits", ["knn", "label-spreading"], save_to="results/rivals/digits", **options)
    assert [(r.method, r.seed, r.error_percent, r.parameters) for r in in_memory] == [
        (r.method, r.seed, r.error_percent, r.parameters) for r in kept
    ]


def test_a_table_sets_them_beside_a_ladder_of_the_same_seeds(folder, fitted, capsys):
    (folder / "mine.json").write_text(json.dumps(PRESET))
    runs, problems = find_runs(fitted)
    assert not problems and {(run.p.rival, run.seed) for run in runs if run.finished} == {
        (method, seed) for method in ("knn", "label-spreading") for seed in (1, 2)
    }
    for seed, error in ((1, 3.0), (2, 4.0)):
        make_run(folder / "results" / f"ladder{seed}", "mine.json", seed, error)
    assert main(["table", "mine.json", "--output", "tables"]) == 0
    said = capsys.readouterr().out
    knn = np.mean([run.test_error for run in runs if run.p.rival == "knn"])
    assert f"neighbours, ours: mean difference {knn - 3.5:+.3f} over 2 shared seeds" in said
    assert "spreading, ours: mean difference" in said and "left out" not in said


def test_rows_that_are_rivals_have_their_own_command(folder, fitted, capsys):
    (folder / "mine.json").write_text(json.dumps(PRESET))
    assert main(["table", "mine.json", "--results", "datasets", "--output", "tables"]) == 0
    said = capsys.readouterr().out
    assert "no run of ours yet of 'ladder': run.py train --preset mine.json" in said
    assert "no run of ours yet of 2 of 3 rows: run.py rivals --preset mine.json" in said
    assert main(["train", "--preset", "mine.json", "--rows", "neighbours"]) == 2
    assert "fit them with run.py rivals --preset mine.json" in capsys.readouterr().err
    assert main(["train", "--preset", "mine.json", "--dry-run"]) == 0
    assert "4 of 6 configurations are methods of scikit-learn's: run.py rivals" in capsys.readouterr().out
    assert main(["rivals", "--preset", "mine.json", "--save-to", str(fitted / "digits")]) == 0
    assert capsys.readouterr().out.count("finished before") == 4


def test_rows_of_other_data_share_no_mean(folder, capsys):
    rows = {"few": {"labeled-samples": 20}, "many": {"labeled-samples": 200}}
    (folder / "two.json").write_text(json.dumps({"options": PRESET["options"], "rows": rows}))
    words = ["rivals", "--preset", "two.json", "--methods", "knn", "--save-to", "two/x", "--json", "two.out"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "digits: test error" in said and "nearest neighbours, labeled-samples 20" in said.replace("\n", " ")
    methods = json.loads((folder / "two.out").read_text())["methods"]
    assert list(methods) == ["knn, labeled-samples 20", "knn, labeled-samples 200"]
    assert methods["knn, labeled-samples 20"]["mean"] > methods["knn, labeled-samples 200"]["mean"]


def test_a_seed_given_twice_counts_once(capsys):
    assert main([*WORDS[:-5], "1", "1", "--methods", "knn", "--save-to", "twice/x"]) == 0
    assert "│ 1     │" in capsys.readouterr().out


@pytest.mark.parametrize("name, content", [("evaluation.json", "{}"), ("rival.json", "{}"), ("rival.json", None)])
def test_a_damaged_result_is_named_with_its_mend(name, content, tmp_path, capsys):
    words = ["rivals", "digits", "--labeled-samples", "100", "--methods", "knn", "--save-to", str(tmp_path / "x")]
    assert main(words) == 0
    path = tmp_path / "x_knn_0" / name
    path.unlink() if content is None else path.write_text(content)
    capsys.readouterr()
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and f"remove {path.parent}, and fit it again" in error


def test_what_was_begun_is_begun_again_unless_another_process_fits_it(folder, capsys):
    words = ["rivals", "digits", "--labeled-samples", "100", "--methods", "svm", "--save-to", "begun/x"]
    assert main(words) == 0
    run = RunFolder("begun/x_svm_0")
    (run / "evaluation.json").unlink()
    capsys.readouterr()
    with lock.held(run):
        assert main(words) == 0
    assert "1 left to another process" in capsys.readouterr().out and not (run / "evaluation.json").exists()
    assert main(words) == 0
    assert (run / "evaluation.json").exists() and not (folder / "begun" / "x_svm_1").exists()


@pytest.mark.parametrize(
    "words, sentence",
    [
        ("rivals", "give either a data set, e.g. digits, or --preset"),
        ("rivals digits --preset rivals_digits_100", "give either a data set"),
        ("rivals digits --rows a", "--rows is about a preset"),
        ("rivals digits --methods mlp --encoder-layers convv:3:3:1:1-10", "has convv:3:3:1:1, and scikit-learn's mlp"),
        ("rivals digits --methods mlp --encoder-layers 10", "has no hidden layer for mlp"),
        ("rivals digits --labeled-samples 55", "does not divide by the 10 classes"),
        ("rivals nowhere", "nowhere"),
        ("rivals --preset rivals_digits_100 --rows ladder knn", "has no row 'knn'"),
        ("rivals digits --json datasets", "--json datasets is a folder"),
        ("rivals digits --whiten-zca 5", "--whiten-zca is 5, but an example has 64 inputs"),
        ("evaluate results/rivals/digits_knn_0", "run of scikit-learn's knn, and no network"),
        ("attack results/rivals/digits_knn_0", "run of scikit-learn's knn, and no network"),
        ("report results/rivals/digits_knn_0 --output page.html", "run of scikit-learn's knn, and no network"),
        ("train --resume results/rivals/digits_knn_0", "is a rival's run"),
    ],
)
def test_mistakes_get_one_sentence(words, sentence, fitted, capsys):
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert sentence in error and len(error.splitlines()) == 1


def test_mistakes_in_python_get_one_sentence():
    for arguments, sentence in (
        ({"methods": "forest"}, "methods: there is no method 'forest'"),
        ({"seed": 3}, r"seed: rivals take several, as seeds=\(1, 2, 3\)"),
        ({"lr": 0.1}, "lr means nothing to methods of scikit-learn's"),
    ):
        with pytest.raises(ladder.UserError, match=sentence):
            ladder.fit_rivals("digits", **arguments)
    with pytest.raises(ladder.UserError, match="run of scikit-learn's svm, and no network"):
        ladder.train(dataset="digits", rival="svm")


def test_without_scikit_learn_the_mend_is_named(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "sklearn", None)
    assert main(["rivals", "digits"]) == 2
    assert "run `pip install scikit-learn`" in capsys.readouterr().err


def test_a_run_that_is_watched_needs_no_course(fitted, capsys):
    assert main(["watch", "--once", str(fitted)]) == 0
    assert "digits_knn_0" in capsys.readouterr().out
