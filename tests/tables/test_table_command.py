"""``run.py table`` on made-up runs: what is averaged, left out, printed and written."""

import csv
import io
import json
import re

import numpy as np
import pytest
from tables.made_up import make_run

from ladder.cli import main
from ladder.runs.folder import RunFolder
from ladder.tables.attacked import errors_under_attack
from ladder.tables.published import load_published

NAME, BASELINE = "thesis_table_22", "thesis_table_20"
OURS = {1: 0.95, 2: 0.90, 3: 0.99, 4: 0.93, 5: 1.00, 6: 1.02}
THEIRS = {1: 1.01, 2: 0.97, 3: 1.10, 4: 0.98, 5: 1.07, 6: 1.04}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder of results below the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "results"


def table(capsys, *words, status=0):
    """What is printed; on standard error if the status is not 0."""
    assert main(["table", *words]) == status
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    return shown.out if status == 0 else shown.err


def written(folder, name=NAME):
    return list(csv.DictReader(io.StringIO((folder / f"{name}.csv").read_text())))


def ours(rows):
    return [row for row in rows if row["whose"].startswith("ours")]


def six_seeds(results, **options):
    for seed in OURS:
        make_run(results / f"{NAME}_{seed}", NAME, seed, OURS[seed], **options)
        make_run(results / f"{BASELINE}_{seed}", BASELINE, seed, THEIRS[seed], **options)


@pytest.mark.parametrize(
    "name", ["thesis_table_22", "thesis_table_19", "thesis_table_13", "thesis_table_2", "mnist_50_full"]
)
def test_without_runs_the_published_rows_are_printed(name, results, capsys):
    shown = table(capsys, name)
    assert "no run of ours yet" in shown and "run.py train --preset" in shown
    assert ("published" in shown) == (name != "mnist_50_full")
    assert {path.suffix for path in (results / "tables").iterdir()} == {".csv", ".md", ".tex"}


def test_every_preset_has_a_table(results, capsys):
    from ladder.tables.preset import preset_names

    for name in preset_names():
        assert "- " in table(capsys, name)


def test_misprinted_mean_is_shown_beside_the_one_of_its_seeds(results, capsys):
    shown = table(capsys, "thesis_table_12")
    assert "0.566 (printed: 0.560)" in shown
    assert "the ten printed values average 0.566" in shown


def test_six_seeds_beside_the_published_ten(results, capsys):
    six_seeds(results)
    shown = table(capsys, NAME)
    rows = written(results / "tables")
    assert [(row["row"], row["whose"], row["without_seed"]) for row in rows] == [
        ("no adversarial noise", "published", ""),
        ("no adversarial noise", "ours", ""),
        ("sgn 4.5e-2, kN 4.5e-4", "published", ""),
        ("sgn 4.5e-2, kN 4.5e-4", "published", "1"),
        ("sgn 4.5e-2, kN 4.5e-4", "ours", ""),
        ("sgn 4.5e-2, kN 4.5e-4", "ours", "1"),
    ]
    all_six, five = ours(rows)[1:]
    assert float(all_six["mean"]) == pytest.approx(np.mean(list(OURS.values())))
    assert float(all_six["std"]) == pytest.approx(np.std(list(OURS.values()), ddof=1))
    assert all_six["seeds"] == all_six["shared_seeds"] == "1 2 3 4 5 6"
    assert float(all_six["interval_low"]) < float(all_six["mean"]) < float(all_six["interval_high"])
    # all six are lower: 2 of 64 sign patterns are as far from 0
    assert float(all_six["wilcoxon_p"]) == float(all_six["permutation_p"]) == pytest.approx(2 / 64)
    assert (all_six["tuned_on_test"], five["tuned_on_test"]) == ("1", "0")
    assert five["seeds"] == "2 3 4 5 6" and float(five["mean"]) == pytest.approx(np.mean(list(OURS.values())[1:]))
    published = load_published(NAME).rows["sgn 4.5e-2, kN 4.5e-4"]
    assert float(rows[2]["mean"]) == pytest.approx(published.mean)
    assert "lower than the baseline at the 5 % level" in shown
    assert "5 seeds cannot tell these apart (no exact test of 5 can give p below 0.0625" in shown
    assert "10 seeds cannot tell these apart" in shown  # the thesis's own
    assert "squared normals" in shown  # --noise mrg
    assert "* chosen by the test error of a seed" in shown


def test_runs_that_share_their_data_are_tested_against_the_baseline_that_does(results, capsys):
    for seed in (2, 3):
        make_run(results / f"base{seed}", BASELINE, seed, 9.0)
    for seed in (1, 2, 3):
        make_run(results / f"sharedbase{seed}", BASELINE, seed, 1.0 + seed, dseed=1)
        make_run(results / f"shared{seed}", NAME, seed, 1.5 + seed, dseed=1)
    shown = table(capsys, NAME)
    (row,) = (row for row in ours(written(results / "tables")) if row["baseline"] != "1" and not row["without_seed"])
    assert (row["whose"], row["shared_seeds"], float(row["mean_difference"])) == ("ours, dseed 1", "1 2 3", 0.5)
    assert shown.count("alone, though it would suit") == 1
    assert (
        "results/sharedbase1 counts for 'no adversarial noise, ours, dseed 1' alone, though it would suit 'ours'"
        in shown
    )


def test_runs_of_other_settings_never_share_a_mean(results, capsys):
    six_seeds(results)
    make_run(results / "short", NAME, 7, 3.0, num_epochs=30)
    make_run(results / "shortbase", BASELINE, 7, 4.0, num_epochs=30)
    make_run(results / "philox", NAME, 8, 5.0, noise="philox")
    make_run(results / "samelabels", NAME, 9, 5.0, dseed=1)
    make_run(results / "otherlr", NAME, 10, 9.0, lr=0.001)
    make_run(results / "othertau", NAME, 10, 9.0, adv_tau=(0.2,))
    make_run(results / "othercosts", NAME, 10, 9.0, denoising_cost_x=(5000.0,) * 7)
    shown = table(capsys, NAME)
    rows = ours(written(results / "tables"))
    kept = {row["whose"]: row for row in rows if not row["baseline"] == "1" and not row["without_seed"]}
    assert set(kept) == {"ours", "ours, num-epochs 30", "ours, noise philox", "ours, dseed 1"}
    assert kept["ours"]["n"] == "6" and "9" not in kept["ours"]["errors"].split()
    short = kept["ours, num-epochs 30"]
    # against the baseline of 30 epochs
    assert (short["seeds"], short["shared_seeds"], float(short["mean_difference"])) == ("7", "7", -1.0)
    assert kept["ours, noise philox"]["shared_seeds"] == ""
    assert "no test, as the baseline has no run of the same settings, seeds and data" in shown


def test_a_seed_counts_once(results, capsys):
    make_run(results / "b", NAME, 1, 0.95)
    make_run(results / "a10", NAME, 1, 0.97)
    make_run(results / "a9", NAME, 1, 0.99)
    shown = table(capsys, NAME)
    (row,) = ours(written(results / "tables"))
    assert (row["errors"], row["folders"]) == ("0.99", "results/a9")
    assert "results/a10 (0.97 %) is left out: seed 1 is counted once, as in results/a9 (0.99 %)" in shown
    (results / "a9" / "running_statistics.npz").unlink()  # now it is a record, like those that come with the program
    assert "results/a9 (0.99 %) is left out: seed 1 is counted once, as in results/a10 (0.97 %)" in table(capsys, NAME)
    assert "results/b (0.95 %) is left out" in shown


def with_data(run, digest):
    """Record in a run that its training examples have this digest; returns the run."""
    splits = {"train": {"examples": 60000, "targets": "a", "features": digest}}
    (run / "data.json").write_text(
        json.dumps({"in_dim": [1, 28, 28], "n_classes": 10, "feature_range": [0, 1], "splits": splits})
    )
    return run


def test_runs_on_other_data_of_one_name_share_no_mean_and_no_test(results, capsys):
    for seed in range(1, 4):
        with_data(make_run(results / f"a{seed}", NAME, seed, OURS[seed]), "before")
        with_data(make_run(results / f"base{seed}", BASELINE, seed, THEIRS[seed]), "before")
    with_data(make_run(results / "b4", NAME, 4, OURS[4]), "after")
    make_run(results / "b5", NAME, 5, OURS[5])  # an older run, which does not record it
    shown = table(capsys, NAME)
    (row,) = (
        row
        for row in ours(written(results / "tables"))
        if row["row"] != "no adversarial noise" and not row["without_seed"]
    )
    assert (row["seeds"], row["shared_seeds"]) == ("1 2 3 5", "1 2 3")
    assert (
        f"results/b4 ({OURS[4]:.2f} %) is left out: its data set mnist had other examples or labels than that of results/a1; "
        "convert changed data under another name, and train on that" in shown
    )
    for seed in range(1, 4):
        with_data(results / f"base{seed}", "after")
    assert "no test, as the baseline has no run of the same settings, seeds and data: sgn" in table(capsys, NAME)


def test_names_in_files_of_others_move_no_cursor(results, capsys):
    run = make_run(results / "a", NAME, 1, 0.95)
    (run / "params.json").write_text(json.dumps({"\x1b[2J": 1}))
    assert "\x1b" not in table(capsys, NAME)


def test_runs_without_an_end_or_an_error_are_named(results, capsys):
    make_run(results / "half", NAME, 1, 2.0, epochs=12)
    make_run(results / "done", NAME, 2)
    shown = table(capsys, NAME)
    assert (
        "results/half is left out: it ended at epoch 12 of 150; go on with: run.py train --resume results/half" in shown
    )
    assert "results/done is left out: it has no test error yet; find it with: run.py evaluate results/done" in shown
    assert not ours(written(results / "tables"))


def test_an_evaluation_before_the_end_is_out_of_date(results, capsys):
    run = make_run(results / "x", NAME, 1, 2.0)
    found = json.loads((run / "evaluation.json").read_text())
    found["test"]["epochs"] = 20
    (run / "evaluation.json").write_text(json.dumps(found))
    assert "results/x is left out: it has no test error yet" in table(capsys, NAME)


def test_damaged_runs_do_not_stop_a_table(results, capsys):
    make_run(results / "good", NAME, 1, 0.9)
    for name, file, text in (
        ("b1", "params.json", "{"),
        ("b2", "params.json", "[]"),
        ("b3", "evaluation.json", "{"),
        ("b4", "evaluation.json", '{"test": {"n": 1}}'),
        ("b5", "environment.json", "7"),
        ("b6", "log.jsonl", "[1]\nx"),
    ):
        (make_run(results / name, NAME, 2, 0.9) / file).write_text(text)
    (make_run(results / "b7", NAME, 3, 0.9) / "log.jsonl").open("a").write('{"epoch": 150, "upd')  # cut off
    shown = table(capsys, NAME)
    for name in ("b1", "b2", "b3", "b4", "b6"):
        assert f"results/{name} is left out: " in shown and f"results/{name}/" in shown
    (row, _) = ours(written(results / "tables"))
    assert row["seeds"] == "1 2 3"


def test_rows_of_one_seed_are_not_tested(results, capsys):
    make_run(results / "a", "thesis_table_6", 1, 0.9, row="sgn 2.5e-2")
    make_run(results / "b", "thesis_table_5", 1, 1.0, row="no noise")
    shown = table(capsys, "thesis_table_6")
    (baseline, row) = ours(written(results / "tables", "thesis_table_6"))
    assert (row["row"], float(row["mean_difference"])) == ("sgn 2.5e-2", pytest.approx(-0.1))
    assert baseline["row"] == "no noise"
    assert "one seed cannot tell a row from the baseline" in shown
    assert "no run of ours yet of 15 of 16 rows" in shown


def test_search_over_epochs_keeps_its_rows_apart(results, capsys):
    for i, row in enumerate(("sgn 4.5e-4, 150 epochs", "sgn 4.5e-4, 220 epochs")):
        make_run(results / f"r{i}", "thesis_table_8", 1, 0.5 + i, row=row)
    table(capsys, "thesis_table_8")
    assert {(row["row"], row["mean"], row["whose"]) for row in ours(written(results / "tables", "thesis_table_8"))} == {
        ("sgn 4.5e-4, 150 epochs", "0.5", "ours"),
        ("sgn 4.5e-4, 220 epochs", "1.5", "ours"),
    }


def test_markdown_and_latex_are_whole(results, capsys):
    six_seeds(results)
    table(capsys, NAME, "--output", "out")
    markdown = (results.parent / "out" / f"{NAME}.md").read_text()
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(lines) == 8 and len({line.count("|") for line in lines}) == 1
    assert "1.108" in markdown and "thesis\\_table" not in markdown.split("- ")[0]
    latex = (results.parent / "out" / f"{NAME}.tex").read_text()
    body = latex.split("\\hline\n")[2]
    assert body.count("\\\\") == 6
    assert {line.count("&") for line in body.splitlines()} == {8}
    assert latex.count("{") == latex.count("}")
    assert not re.search(r"(?<!\\)[%_#$]", latex)
    assert latex.startswith("\\begin{table}") and latex.endswith("\\end{table}\n")
    assert not list((results.parent / "out").glob("*.partial"))


def test_a_preset_of_ones_own_with_several_values(results, capsys):
    options = {
        "dataset": "digits",
        "encoder-layers": "20-10",
        "denoising-cost-x": "1,1,1",
        "labeled-samples": [100, 200],
        "seed": [1, 2],
    }
    (results.parent / "mine.json").write_text(json.dumps({"title": "a | b_c", "options": options}))
    for n in (100, 200):
        for seed in (1, 2):
            make_run(results / f"r{n}{seed}", "mine.json", seed, n / 100 + seed, labeled_samples=n)
    assert "labeled-samples 200" in table(capsys, "mine.json")
    assert [(row["row"], row["errors"]) for row in written(results / "tables", "mine")] == [
        ("mine, labeled-samples 100", "2 3"),
        ("mine, labeled-samples 200", "3 4"),
    ]


def test_a_baseline_in_the_same_file_of_ones_own(results, capsys):
    own = results.parent / "own"
    own.mkdir()
    entries = {
        "options": {"dataset": "digits", "encoder-layers": "20-10", "denoising-cost-x": "1,1,1"},
        "rows": {"none": {}, "some": {"adv-tau": 0.1}},
        "baseline": {"preset": "mine.json", "row": "none"},
    }
    (own / "mine.json").write_text(json.dumps(entries))
    make_run(results / "a", "own/mine.json", 1, 2.0, row="none", valid=1.0)
    make_run(results / "b", "own/mine.json", 1, 1.0, row="some", valid=1.0)
    table(capsys, "own/mine.json")
    rows = written(results / "tables", "mine")
    assert [(row["row"], row["baseline"], row["mean_difference"]) for row in rows] == [
        ("none", "1", ""),
        ("some", "0", "-1.0"),
    ]
    (own / "mine.json").write_text(json.dumps({**entries, "rows": {**entries["rows"], "more": {"adv-tau": 0.2}}}))
    make_run(results / "c", "own/mine.json", 1, 0.5, row="more", valid=1.0)
    shown = table(capsys, "own/mine.json", "--select-on", "valid")
    assert "chosen by validation error, seeds 1: 'some' (a tie: the first of the table is taken)" in shown


def attack(run, errors, epochs=150, n=10000, folder=None, **settings):
    """Write a report of attacks, (kind, tau) -> error, into a run's folder."""
    report = {
        "dataset": settings.pop("dataset", "mnist"),
        "data_type": "test",
        "epochs": epochs,
        "units": "inputs",
        "batch_size": settings.pop("batch_size", None),
        "overridden": settings.pop("overridden", []),
        "n": n,
        "n_wrong_before": settings.pop("before", None),
        "attacks": [{"kind": kind, "tau": tau, "error_percent": error} for (kind, tau), error in errors.items()],
    }
    report["settings"] = {"clip": False, "random_start": False, "steps": 20, "step_size": None, **settings}
    path = run / folder if folder else run
    path.mkdir(exist_ok=True)
    (path / "attack.json").write_text(json.dumps(report))


def test_errors_under_attack(results, capsys):
    """Mean and deviation are over the attacked seeds; other attacks, or attacks on other networks, are kept apart."""
    runs = {seed: make_run(results / f"r{seed}", NAME, seed, 0.9 + seed / 100, noise="philox") for seed in (1, 2, 3)}
    for seed, error in ((1, 10.0), (2, 12.0)):
        attack(runs[seed], {("sgn", 0.25): error, ("sgn", 0.0): 1.0, ("pgd-l2", 2.5): 50.0})
    attack(runs[3], {("sgn", 0.25): 99.0}, epochs=20)  # before it was resumed
    attack(runs[3], {("sgn", 0.25): 99.0}, dataset="other", overridden=["dataset"], folder="other")
    attack(runs[3], {("sgn", 0.25): 99.0}, dataset="other", overridden=None, folder="older")
    attack(runs[3], {("sgn", 0.25): 99.0}, overridden=["contrast_norm"], folder="overridden")
    attack(runs[1], {("sgn", 0.25): 5.0}, batch_size=100, folder="batch")
    attack(runs[2], {("sgn", 0.25): 7.0}, clip=True, n=500, folder="clipped")
    shown = table(capsys, NAME)
    line = next(line for line in written(results / "tables") if line["whose"] == "ours, noise philox")
    attacked = {name: line[f"{name}, mean"] for name in (key[:-6] for key in line if key.endswith(", mean"))}
    assert {name: float(mean) for name, mean in attacked.items()} == {
        "sgn 0.25": 11.0,
        "pgd-l2 2.5 (20 steps)": 50.0,
        "sgn 0.25 (batches of 100)": 5.0,
        "sgn 0.25 (clipped, 500 examples)": 7.0,
    }
    assert (line["sgn 0.25, n"], float(line["sgn 0.25, std"])) == ("2", pytest.approx(np.sqrt(2)))
    errors, problems = errors_under_attack(RunFolder(runs[1]), "/data/mnist.hdf5", 150, None)  # the same data
    assert errors["sgn 0.25"] == 10.0 and not problems
    attack(runs[3], {("kN", 0.25): 80.0}, dataset="copy", folder="of_a_copy")
    assert errors_under_attack(RunFolder(runs[3]), "mnist", 150, None)[0] == {"kN 0.25": 80.0}
    markdown = (results / "tables" / f"{NAME}.md").read_text()
    cells = next(line for line in markdown.splitlines() if "ours, noise philox" in line).split(" | ")
    assert "11.00 ± 1.41 (2 seeds)" in cells and "mean ± standard deviation" in markdown
    assert "\\ensuremath{\\pm}" in (results / "tables" / f"{NAME}.tex").read_text()
    assert "batches" in shown


def test_attacks_that_do_not_count_are_named(results, capsys):
    """Attacks on the run when it had done less, with other options, or copied from another run."""
    run, error = make_run(results / "a", NAME, 1, 0.9), {("sgn", 0.25): 50.0}
    attack(run, error, epochs=None)
    attack(run, error, epochs=20, folder="b")
    attack(run, error, overridden=["noise"], folder="c")
    attack(run, error, before=100, folder="d")
    attack(run, {("kN", 0.25): 70.0}, before=91, folder="e")  # one more image is wrong, as on another machine
    shown = " ".join(table(capsys, NAME).split())
    for folder, why in (
        ("", "the run was not finished"),
        ("/b", "the run had done 20 epochs, and has done 150"),
        ("/c", "it was made with another noise than the run"),
        ("/d", "the network that was attacked made 100 errors before, and the run's makes 90"),
    ):
        again = "run.py attack results/a" + f" --output results/a{folder}" * bool(folder)
        assert f"results/a{folder}/attack.json does not count: {why}; {again} makes another" in shown
    (line,) = (line for line in ours(written(results / "tables")) if not line["without_seed"])
    assert [name for name in line if name.endswith(", mean")] == ["kN 0.25, mean"]


def test_a_difference_of_fewer_seeds_than_the_means_says_so(results, capsys):
    for seed, error in ((1, 1.0), (2, 1.0), (8, 4.0)):
        make_run(results / f"base{seed}", BASELINE, seed, error)
    for seed in (1, 2):
        make_run(results / f"row{seed}", NAME, seed, 1.5)
    table(capsys, NAME)
    cells = [line.split(" | ") for line in (results / "tables" / f"{NAME}.md").read_text().splitlines()]
    assert [line[6] for line in cells if line[0].endswith(" \\*") and line[1] == "ours"] == ["+0.500 (2 seeds)"]
    make_run(results / "row8", NAME, 8, 4.5)
    table(capsys, NAME)
    cells = [line.split(" | ") for line in (results / "tables" / f"{NAME}.md").read_text().splitlines()]
    assert [line[6] for line in cells if line[0].endswith(" \\*") and line[1] == "ours"] == ["+0.500"]


def test_of_one_seed_the_spreadsheet_has_no_p(results, capsys):
    make_run(results / "base", BASELINE, 1, 1.0)
    make_run(results / "row", NAME, 1, 1.5)
    table(capsys, NAME)
    (row,) = (row for row in ours(written(results / "tables")) if row["baseline"] != "1")
    assert (row["mean_difference"], row["wilcoxon_p"], row["permutation_p"]) == ("0.5", "", "")


def test_a_baseline_that_was_trained_otherwise_is_told_of(results, capsys):
    """LVAN-LW takes 250 epochs and the thesis's ladder 150, so more than the noise differs."""
    for seed in (1, 2):
        make_run(results / f"base{seed}", BASELINE, seed, 1.0)
        make_run(results / f"row{seed}", NAME, seed, 1.5)
        make_run(results / f"lvan{seed}", "valn_lvan_lw_100", seed, 1.25, row="LVAN-LW, 100 labels")
    shown = " ".join(table(capsys, BASELINE, NAME, "valn_lvan_lw_100").split())
    (sentence,) = (part for part in shown.split(" - ") if "the baseline was trained otherwise (" in part)
    assert "LVAN-LW, 100 labels, ours: mean difference +0.250" in sentence
    assert "num-epochs" in sentence and "layers" in sentence and "noise-std" not in sentence


def test_published_errors_under_attack(results, capsys):
    table(capsys, "valn_lvan_lw_50")
    markdown = (results / "tables" / "valn_lvan_lw_50.md").read_text()
    cells = [line.strip("| ").split(" | ") for line in markdown.splitlines() if "| published |" in line]
    assert [(line[0], line[3], line[4], line[9]) for line in cells] == [
        ("ladder, 50 labels (baseline)", "1.62", "0.65", "68.6 ± 6.5"),
        ("LVAN-LW, 50 labels", "1.42", "0.12", "2.4 ± 0.3"),
    ]


def test_a_damaged_report_of_attacks_is_named(results, capsys):
    for i, text in enumerate(("{", "[]", '{"attacks": 1}')):
        (make_run(results / f"x{i}", NAME, 1 + i, 0.9) / "attack.json").write_text(text)
    attack(make_run(results / "odd", NAME, 4, 0.9), {("[/b]", 0.25): 5.0})
    shown = table(capsys, NAME)
    assert all(f"results/x{i}/attack.json is damaged" in shown for i in range(3))
    assert "1-4" in shown and "is left out" not in shown  # their test errors still count
    assert "[/b] 0.25" in shown


def test_a_baseline_with_several_values_of_an_option_is_none(results, capsys):
    options = {"dataset": "digits", "encoder-layers": "20-10", "denoising-cost-x": "1,1,1"}
    several = {"options": options, "rows": {"none": {"lr": [0.001, 0.002]}, "some": {"adv-tau": 0.1}}}
    (results.parent / "mine.json").write_text(
        json.dumps({**several, "baseline": {"preset": "mine.json", "row": "none"}})
    )
    (results.parent / "other.json").write_text(json.dumps({"options": options, "baseline": {"preset": "mine.json"}}))
    for name in ("mine", "other"):
        assert main(["table", f"{name}.json"]) == 2
        sentence = f"the baseline of {name}, row 'none' of mine, has several values of an option: give it one."
        assert sentence in capsys.readouterr().err


def test_several_presets_in_one_table(results, capsys):
    """All are compared with the first, whatever their own baselines, over runs that were trained alike."""
    for seed in range(1, 7):
        make_run(results / f"base{seed}", BASELINE, seed, THEIRS[seed], noise="philox")
        make_run(results / f"thesis{seed}", NAME, seed, OURS[seed], noise="philox")
        make_run(results / f"vat{seed}", "valn_lvan_lw_100", seed, OURS[seed] + 1, noise="philox", num_epochs=150)
        make_run(results / f"own{seed}", "valn_ladder_100", seed, 5.0, noise="philox")
    shown = table(capsys, BASELINE, NAME, "valn_lvan_lw_100")
    rows = ours(written(results / "tables", f"{BASELINE}_and_{NAME}_and_valn_lvan_lw_100"))
    kept = [(row["row"], row["whose"], row["baseline"], row["shared_seeds"]) for row in rows if not row["without_seed"]]
    assert kept == [
        ("no adversarial noise", "ours, noise philox", "1", ""),
        ("sgn 4.5e-2, kN 4.5e-4", "ours, noise philox", "0", "1 2 3 4 5 6"),
        ("LVAN-LW, 100 labels", "ours, num-epochs 150, noise philox", "0", "1 2 3 4 5 6"),
    ]
    assert float(rows[-1]["mean_difference"]) > 0.5
    assert "no run of ours" not in shown
    table(capsys, NAME, NAME)  # given twice, it counts once
    assert [row["row"] for row in written(results / "tables")].count("no adversarial noise") == 2


def test_rows_of_one_name_and_other_settings_are_told_apart(results, capsys):
    """Tables 20 and 23 both have a row 'no adversarial noise', for 100 and for 1,000 labels."""
    hundred, thousand = "thesis_table_20", "thesis_table_23"
    shown = table(capsys, hundred, thousand)
    for preset in (hundred, thousand):
        assert f"no run of ours yet of 'no adversarial noise, {preset}': run.py train --preset {preset}" in shown
    make_run(results / "hundred", hundred, 1, 1.0)
    shown = table(capsys, hundred, thousand)
    assert f"train --preset {hundred}" not in shown and f"run.py train --preset {thousand}" in shown
    make_run(results / "thousand", thousand, 1, 0.8)
    shown = table(capsys, hundred, thousand)
    assert "no run of ours yet" not in shown
    rows = ours(written(results / "tables", f"{hundred}_and_{thousand}"))
    assert {row["row"]: float(row["mean"]) for row in rows} == {
        f"no adversarial noise, {hundred}": 1.0,
        f"no adversarial noise, {thousand}": 0.8,
    }


def test_a_baseline_that_is_given_too_is_missed_once(results, capsys):
    shown = table(capsys, NAME, BASELINE)
    assert shown.count("run.py train --preset thesis_table_20") == 1


def test_presets_of_the_same_settings_have_the_same_runs(results, capsys):
    make_run(results / "a", BASELINE, 1, 1.0)
    shown = table(capsys, BASELINE, "mnist_100_full")
    assert "no run of ours yet" not in shown


def test_names_of_many_presets_fit_into_a_file_name(results, capsys):
    many = [f"thesis_table_{n}" for n in (12, 13, 14, 15, 17, 20, 22, 25)]
    table(capsys, *many)
    assert (results / "tables" / f"{many[0]}_and_7_more.csv").exists()


def test_the_name_of_ones_own_preset_fits_into_a_file_name(results, capsys):
    """A preset's file name may have 255 characters, so nothing could be added to it."""
    for letter, n in (("n", 1), ("の", 3)):  # n bytes each
        own = results.parent / (letter * (250 // n) + ".json")
        options = {"encoder-layers": "20-10", "denoising-cost-x": "1,1,1"}
        own.write_text(json.dumps({"title": "long", "options": options}))
        table(capsys, str(own))
        table(capsys, str(own), BASELINE)
        assert sorted(path.stem for path in (results / "tables").glob(f"{letter}*.csv")) == [
            letter * (109 // n) + "_and_1_more",
            letter * (120 // n),
        ]


def test_errors_are_written_unrounded(results, capsys):
    make_run(results / "a", BASELINE, 1, 12 / 360 * 100)
    table(capsys, BASELINE)
    (row,) = ours(written(results / "tables", BASELINE))
    assert float(row["errors"]) == pytest.approx(12 / 360 * 100, abs=1e-12)


def test_several_presets_without_runs(results, capsys):
    shown = table(capsys, NAME, "valn_lvan_lw_100")
    for preset in (BASELINE, NAME, "valn_lvan_lw_100"):
        assert f"run.py train --preset {preset}" in shown


def test_different_programs_are_named(results, capsys):
    make_run(results / "a", NAME, 1, 0.9)
    run = make_run(results / "b", NAME, 2, 0.9)
    (run / "environment.json").write_text(
        json.dumps({"ladder": "0.2", "commit": None, "blas": "openblas", "threads": 4})
    )
    shown = " ".join(table(capsys, NAME).split())
    assert "made with different programs or on different processors" in shown


def test_different_processors_are_named(results, capsys):
    for seed, bits in ((1, 256), (2, 512)):
        run = make_run(results / f"seed{seed}", NAME, seed, 0.9)
        environment = json.loads((run / "environment.json").read_text())
        (run / "environment.json").write_text(json.dumps({**environment, "vector_bits": bits}))
    shown = " ".join(table(capsys, NAME).split())
    assert "threads 1, vectors of 256 bits; " in shown and "threads 1, vectors of 512 bits" in shown


def test_a_run_that_went_on_elsewhere_names_both(results, capsys):
    run = RunFolder(make_run(results / "a", NAME, 1, 0.9))
    first = run.load_environment()
    run.save_environment({**first, "commit": "d" * 40}, goes_on=True)
    run.save_environment({**first, "commit": "d" * 40}, goes_on=True)  # the same again
    run.save_environment({**first, "threads": 2}, goes_on=True)
    shown = " ".join(table(capsys, NAME).split())
    one = "version 0.1, commit {}, mkl, threads {}".format
    assert f"ours made with {one('c' * 10, 1)}, then {one('d' * 10, 1)}, then {one('c' * 10, 2)}" in shown
    run.save_environment(first)  # begun anew
    assert run.load_environment() == first


def test_devices_of_jax_are_named(results, capsys):
    run = make_run(results / "a", NAME, 1, 0.9)
    environment = {"ladder": "0.1", "commit": "c" * 40, "threads": 1, "device": "gpu H", "matmul_precision": "tf32"}
    (run / "environment.json").write_text(json.dumps(environment))
    shown = " ".join(table(capsys, NAME).split())
    assert "unknown BLAS, threads 1, JAX on gpu H, products in tf32" in shown


def candidates(results, **options):
    """Runs of three of table 13's taus; the second is best on the validation set, the third on the test set."""
    for i, (row, valid, error) in enumerate(
        (("sgn 4.5e-5, kN 4.5e-9", 1.5, 1.1), ("sgn 4.5e-4, kN 4.5e-7", 1.2, 1.3), ("sgn 4.5e-2, kN 4.5e-4", 1.4, 0.7))
    ):
        for seed in (1, 2):
            make_run(
                results / f"c{i}{seed}",
                "thesis_table_13",
                seed,
                error + seed / 100,
                row=row,
                valid=valid,
                unlabeled_samples=50000,
                **options,
            )


def test_selection_on_the_validation_set(results, capsys):
    candidates(results)
    for seed in (1, 2):
        make_run(results / f"base{seed}", BASELINE, seed, 1.2 + seed / 100, valid=1.3, unlabeled_samples=50000)
        make_run(results / f"all{seed}", "thesis_table_13", seed, 1.0, row="sgn 4.5e-4, kN 4.5e-7")  # no validation set
    shown = table(capsys, NAME, "--select-on", "valid")
    rows = ours(written(results / "tables", f"{NAME}_selected_on_valid"))
    chosen = "sgn 4.5e-4, kN 4.5e-7, chosen on validation"
    assert [(row["row"], row["whose"], row["errors"]) for row in rows] == [
        ("no adversarial noise", "ours, unlabeled-samples 50000", "1.21 1.22"),
        (chosen, "ours", "1 1"),
        (chosen, "ours, unlabeled-samples 50000", "1.31 1.32"),
    ]
    assert float(rows[2]["mean_difference"]) == pytest.approx(0.1) and rows[1]["shared_seeds"] == ""
    assert all(row["tuned_on_test"] == "0" for row in rows)
    assert "seeds 1 2: 'sgn 4.5e-4, kN 4.5e-7'" in shown
    assert "25 of 28 candidates have no validation error" in shown


def test_selection_keeps_settings_apart_and_needs_shared_seeds(results, capsys):
    candidates(results, num_epochs=30)
    make_run(results / "lone", "thesis_table_13", 1, 0.1, row="sgn 4.5e-3, kN 0.45", valid=0.1, unlabeled_samples=50000)
    shown = table(capsys, NAME, "--select-on", "valid")
    assert "chosen by validation error, num-epochs 30, unlabeled-samples 50000, seeds 1 2" in shown
    assert "only 'sgn 4.5e-3, kN 0.45' has validation errors" in shown
    make_run(
        results / "late", "thesis_table_13", 9, 0.1, row="sgn 4.5e-3, kN 4.5e-9", valid=0.1, unlabeled_samples=50000
    )
    assert "no seed has validation errors of all of" in table(capsys, NAME, "--select-on", "valid")


def test_selection_compares_no_errors_on_different_data(results, capsys):
    for seed in (1, 2):
        for row, digest in (("sgn 4.5e-3, kN 0.45", "before"), ("sgn 4.5e-3, kN 4.5e-9", "after")):
            run = make_run(
                results / f"{digest}{seed}", "thesis_table_13", seed, 1.0, row=row, valid=0.5, unlabeled_samples=50000
            )
            with_data(run, digest)
    shown = table(capsys, NAME, "--select-on", "valid")
    assert re.search("results/[a-z]*1 had other examples or labels than results/[a-z]*1, so their errors cannot", shown)
    assert "chosen by validation error" not in shown


def test_selection_without_validated_runs_says_how_to_train_them(results, capsys):
    make_run(results / "a", NAME, 1, 0.9)
    shown = table(capsys, NAME, "--select-on", "valid")
    assert "run.py train --preset thesis_table_13 --unlabeled-samples 50000" in shown
    assert "1.084" in shown  # the published row


MISTAKES = {
    "thesis_table_29": "no preset 'thesis_table_29'",
    "thesis_table_20 --select-on valid": "has one row and leaves no choice",
    "thesis_table_20 thesis_table_22 --select-on valid": "--select-on chooses among the rows of one preset",
    "thesis_table_20 --results nowhere": "--results nowhere is not a folder",
    "thesis_table_20 --output file/in": "--output: cannot make the folder file/in",
    "mine.json": "no published table 'thesis_table_99'",
    "mine2.json": "has no row 'x'",
    "mine3.json": "no row 'x'",
}


@pytest.mark.parametrize("command", MISTAKES)
def test_mistakes(command, results, capsys):
    folder = results.parent
    (folder / "file").write_text("")
    options = {"encoder-layers": "20-10", "denoising-cost-x": "1,1,1"}
    for name, entries in (
        ("mine", {"published": {"table": "thesis_table_99"}}),
        ("mine2", {"published": {"table": "thesis_table_20", "row": "x"}}),
        ("mine3", {"baseline": {"preset": "thesis_table_5", "row": "x"}}),
    ):
        (folder / f"{name}.json").write_text(json.dumps({"options": options, **entries}))
    error = table(capsys, *command.split(), status=2)
    assert MISTAKES[command] in error and len(error.splitlines()) == 1
