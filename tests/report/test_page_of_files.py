"""A page made from the files of runs alone."""

import json
import re

import pytest
from report.pages import Page, write_run
from scipy import stats

from ladder.cli import main
from ladder.errors import UserError
from ladder.report.page import MOST_BYTES, make_page
from ladder.runs.folder import RunFolder
from ladder.tables.statistics import summarize

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>$\\frac{$ & 'x' \"y\""


def test_numbers_are_those_of_the_files(tmp_path):
    page = Page(make_page([write_run(tmp_path / "one", n_wrong=9)], static=True))
    low, high = stats.binomtest(9, 360).proportion_ci(method="wilson")
    assert f"2.50 % (9 of 360) [{100 * low:.2f} to {100 * high:.2f}]" in page.text
    labels = [a.get("aria-label", "") for tag, a in page.tags if tag == "svg"]
    assert any("Supervised cost, training, against epoch: one ends at 0.3333." in label for label in labels)
    assert any("layer 0 ends at 1; layer 1 ends at 1; layer 2 ends at 1." in label for label in labels)
    assert "c" * 40 in page.text and "-L/a/b" not in page.text


def test_seeds_share_their_curves_and_have_a_mean(tmp_path):
    runs = [write_run(tmp_path / f"run{seed}", n_wrong=9 * seed, seed=seed) for seed in (1, 2, 3)]
    page = Page(make_page(runs, static=True))
    found = summarize([2.5, 5.0, 7.5])
    assert f"mean test error 5.000 % over 3 seeds, standard deviation {found.std:.3f}" in page.text
    assert f"{found.interval[0]:.3f} to {found.interval[1]:.3f}" in page.text
    labels = [a.get("aria-label", "") for tag, a in page.tags if tag == "svg"]
    assert any("run1 and 2 more (seeds 1, 2, 3) ends at 0.6667." in label for label in labels)
    assert "the range from lowest to highest" in page.text
    # Numbers on logarithmic axes are not formulas.
    assert "mathdefault" not in page.text and " 2 " in page.text


def test_a_mean_is_of_finished_runs_and_of_each_seed_once(tmp_path):
    runs = [write_run(tmp_path / f"run{seed}", n_wrong=9 * seed, seed=seed) for seed in (1, 2, 3)]
    RunFolder(runs[2]).save_rows(RunFolder(runs[2]).rows()[:2])
    evaluation = json.loads((runs[2] / "evaluation.json").read_text())
    (runs[2] / "evaluation.json").write_text(json.dumps({"test": {**evaluation["test"], "epochs": 2}}))
    again = write_run(tmp_path / "again", n_wrong=9, seed=1)
    text = Page(make_page([*runs, again], static=True)).text
    assert "7.50 % (27 of 360)" in text and "mean test error 3.750 % over 2 seeds" in text
    assert (
        "Left out, as not finished, not evaluated, of a seed that counts already, or of other data: run3, again."
        in text
    )
    assert "mean test error" not in Page(make_page([runs[0], again], static=True)).text


def test_curves_are_of_finished_runs_and_of_each_seed_once(tmp_path):
    def shown(*runs):
        page = Page(make_page(runs, static=True))
        labels = " ".join(a.get("aria-label", "") for tag, a in page.tags if tag == "svg")
        (cost,) = re.findall(r"Supervised cost, training[^;]*? ends at ([0-9]+(?:[.][0-9]+)?)", labels)
        return float(cost), page.text

    runs = [write_run(tmp_path / f"run{seed}", seed=seed) for seed in (1, 2, 3)]
    again = write_run(tmp_path / "again", seed=1)
    left_out = "left out, as not finished, without costs in its log, of a seed that counts already, or of other data:"
    # The cost of seed s after three epochs is s / 3.
    cost, text = shown(*runs, again)
    assert cost == pytest.approx(2 / 3, abs=1e-4) and f"the lines are of run1, run2, run3; {left_out} again." in text
    assert "the lines" not in shown(*runs)[1]
    RunFolder(runs[2]).save_rows(RunFolder(runs[2]).rows()[:2])
    cost, text = shown(*runs)
    assert cost == pytest.approx(0.5, abs=1e-4) and f"the lines are of run1, run2; {left_out} run3." in text
    # The record of a run without its costs has no line, and removes no other.
    RunFolder(runs[0]).save_rows([{"epoch": 3, "update": 45}])
    cost, text = shown(*runs)
    assert cost == pytest.approx(2 / 3, abs=1e-4) and f"the lines are of run2; {left_out} run1, run3." in text
    RunFolder(runs[0]).save_rows(RunFolder(again).rows())
    # If none is finished, all are drawn as far as they go.
    for run, n in zip(runs, (1, 2, 2)):
        RunFolder(run).save_rows(RunFolder(run).rows()[:n])
    cost, text = shown(*runs)
    assert cost == pytest.approx(2, abs=1e-4) and "the lines end at epoch 1, the last that all of its runs have" in text


def test_labels_that_were_named_are_counted(tmp_path):
    run = write_run(tmp_path / "one", labeled_samples=None, labeled_indices=range(60))
    assert "Labels used: 60." in Page(make_page([run], static=True)).text
    assert "Labels used: all." in Page(make_page([write_run(tmp_path / "all", labeled_samples=None)], static=True)).text


def test_examples_that_train_are_told_from_the_split(tmp_path):
    marks = {"targets": "a" * 64, "features": "b" * 64}
    splits = {"train": {"examples": 1437, **marks}, "test": {"examples": 360, **marks}}
    for n, said in ((None, 1437), (1000, 1000)):
        run = write_run(tmp_path / f"run{n}", unlabeled_samples=n)
        RunFolder(run).save_data({"in_dim": (1, 8, 8), "n_classes": 10, "feature_range": (0.0, 1.0), "splits": splits})
        text = Page(make_page([run], static=True)).text
        assert f"{said:,} examples train, of 1,437 in the training split. 360 test examples." in text


def test_labels_that_differ_are_a_difference_and_the_command_finds_their_file(tmp_path):
    named = [range(60), range(1, 61)]
    runs = [write_run(tmp_path / f"r{i}", labeled_samples=None, labeled_indices=each) for i, each in enumerate(named)]
    html = make_page(runs, static=True)
    section = re.search(r'<section id="difference">.*?</section>', html, re.DOTALL)[0]
    assert len(set(re.findall(r"of 60 examples \(\w{6}\)", section))) == 2
    assert f"--labeled-indices {runs[1] / 'labeled.txt'}" in Page(html).text


def test_the_last_epoch_of_many_is_drawn(tmp_path):
    run = write_run(tmp_path / "one", num_epochs=1000)
    labels = [a.get("aria-label", "") for tag, a in Page(make_page([run], static=True)).tags if tag == "svg"]
    assert any("Supervised cost, training, against epoch: one ends at 0.001." in label for label in labels)


def test_files_that_no_run_has_written(tmp_path, capsys):
    run = write_run(tmp_path / "one")
    RunFolder(run).save_environment({"blas": "half a character: \ud800"})
    entry = {"error_percent": 1.0, "n_wrong": 1, "n": 10**29, "statistics": "saved", "epochs": 3}
    (run / "evaluation.json").write_text(json.dumps({"test": entry}))
    with open(run / "log.jsonl", "a") as log:
        log.write(json.dumps({"epoch": 3, "train_denois" + 5000 * "1": 1.0}) + "\n")
    assert main(["report", str(run), "--files-only", "--static", "--output", str(tmp_path / "page.html")]) == 0
    text = Page((tmp_path / "page.html").read_text()).text
    assert "half a character: ?" in text and "not evaluated" in text


def test_seeds_that_share_their_data_are_one_group_too(tmp_path):
    runs = [write_run(tmp_path / f"run{seed}", seed=seed, dseed=1) for seed in (1, 2, 3)]
    assert "mean test error 2.500 % over 3 seeds" in Page(make_page(runs, static=True)).text


def test_options_that_differ_are_shown_and_no_others(tmp_path):
    runs = [write_run(tmp_path / "a"), write_run(tmp_path / "b", adv_tau=0.045, act="sigmoid")]
    html = make_page(runs, static=True)
    section = re.search(r'<section id="difference">.*?</section>', html, re.DOTALL)[0]
    assert re.findall(r'<th scope="row">(.*?)</th>', section) == ["--act", "--adv-tau"]
    assert re.findall(r"<code>(.*?)</code>", section) == ["relu", "sigmoid", "0", "0.045"]


def test_equal_runs_have_no_difference(tmp_path):
    html = make_page([write_run(tmp_path / "a"), write_run(tmp_path / "b")], static=True)
    assert 'id="difference"' not in html


@pytest.mark.parametrize("static", [True, False])
def test_hostile_names_are_text(tmp_path, static):
    name = HOSTILE.replace("/", "\N{FRACTION SLASH}")  # a folder's name cannot contain a slash
    run = write_run(tmp_path / name, dataset=HOSTILE)
    RunFolder(run).save_environment({HOSTILE: HOSTILE, "commit": HOSTILE})
    with open(run / "log.jsonl", "a") as log:
        log.write(json.dumps({HOSTILE: HOSTILE, "epoch": 3, f"train_denois{HOSTILE}": 1.0}) + "\n")
    other = write_run(tmp_path / "other", lr=0.1)
    html = make_page([run, other], static=static, title=HOSTILE)
    page = Page(html)
    assert page.count("script") == (0 if static else 2)
    assert not [tag for tag, a in page.tags if any(attribute.startswith("on") for attribute in a)]
    assert page.count("img") == 0 and HOSTILE in page.text
    # No text can end a script either: "<" is written as \u003c.
    assert "<script>alert" not in html


@pytest.mark.parametrize("static", [True, False])
def test_nothing_is_fetched(tmp_path, static):
    html = make_page([write_run(tmp_path / "one")], static=static)
    page = Page(html)
    assert all(address.startswith("data:") for address in page.fetched())
    assert "default-src 'none'" in html and "@import" not in html
    style = re.search(r"<style>.*?</style>", html, re.DOTALL)[0]
    assert "url(" not in style
    assert len(html.encode()) < (400_000 if static else 1_800_000) < MOST_BYTES


def test_headings_are_in_order_and_identifiers_unique(tmp_path):
    runs = [write_run(tmp_path / "a"), write_run(tmp_path / "b", adv_tau=0.045)]
    page = Page(make_page(runs, static=True))
    assert page.levels[0] == 1 and page.levels.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.levels, page.levels[1:]))
    identifiers = [a["id"] for _, a in page.tags if "id" in a]
    assert len(set(identifiers)) == len(identifiers)
    referred = [a[name][1:] for _, a in page.tags for name in ("href", "xlink:href") if a.get(name, "").startswith("#")]
    assert referred and set(referred) <= set(identifiers)


def test_a_record_has_no_parameters(tmp_path):
    page = Page(make_page([write_run(tmp_path / "one")], backend={"name": "c", "threads": 1}, static=True))
    assert "the record of a run, without its parameters" in page.text


def test_an_interrupted_run(tmp_path):
    run = write_run(tmp_path / "one")
    (run / "evaluation.json").unlink()
    RunFolder(run).save_rows(RunFolder(run).rows()[:2])
    page = Page(make_page([run], static=True))
    assert "2 of 3, not finished" in page.text and "not evaluated" in page.text
    assert "has saved no parameters yet" in page.text


def test_a_run_that_has_logged_nothing(tmp_path):
    run = write_run(tmp_path / "one")
    for name in ("log.jsonl", "evaluation.json", "environment.json"):
        (run / name).unlink()
    page = Page(make_page([run], static=True))
    assert "The log has no complete row yet" in page.text and "not recorded" in page.text


def test_an_old_evaluation_is_left_out_and_named(tmp_path):
    run = write_run(tmp_path / "one")
    found = json.loads((run / "evaluation.json").read_text())
    (run / "evaluation.json").write_text(json.dumps({"test": {**found["test"], "epochs": 1}}))
    page = Page(make_page([run], static=True))
    assert "not evaluated" in page.text and "is from epoch 1, and the run has done 3" in page.text


def test_values_that_are_not_numbers_are_no_points(tmp_path):
    run = write_run(tmp_path / "one")
    with open(run / "log.jsonl", "a") as log:
        for value in ("NaN", '"x"', "null", "1e999"):
            log.write(f'{{"epoch": 3, "train_cost_class_corr": {value}}}\n')
    labels = [a.get("aria-label", "") for tag, a in Page(make_page([run], static=True)).tags if tag == "svg"]
    assert any("one ends at 0.3333." in label for label in labels)


def test_attacks_in_the_folder(tmp_path):
    run = write_run(tmp_path / "one")
    attacks = [{"kind": kind, "tau": tau, "error_percent": 10 * tau} for kind in ("sgn", "kN") for tau in (0.0, 0.25)]
    settings = {"clip": False, "random_start": False, "steps": 20, "step_size": None}
    report = {"dataset": "digits", "data_type": "test", "epochs": 3, "units": "inputs", "settings": settings, "n": 360}
    (run / "attack.json").write_text(json.dumps({**report, "attacks": attacks}))
    (run / "attack_images.png").write_bytes(b"<svg onload=alert(1)>")  # not a PNG, so it is left out
    html = make_page([run], static=True)
    page = Page(html)
    assert "tau sgn kN 0 0.00 0.00 0.25 2.50 2.50" in page.text and page.count("img") == 0
    assert any("sgn ends at 2.5; kN ends at 2.5." in a.get("aria-label", "") for _, a in page.tags)
    through_batches = {**report, "batch_size": 100, "attacks": attacks}
    (run / "attack.json").write_text(json.dumps(through_batches))
    assert "through the statistics of each batch of 100" in Page(make_page([run], static=True)).text
    assert "statistics" not in page.text
    # An unfinished run's parameters may be older than its log.
    (run / "attack.json").write_text(json.dumps({**report, "epochs": None, "attacks": attacks}))
    text = Page(make_page([run], static=True)).text
    assert "attack.json is of a run that was not finished, or of an older version: it is left out" in text
    (run / "attack.json").write_text(json.dumps({**report, "n_wrong_before": 300, "attacks": attacks}))
    text = Page(make_page([run], static=True)).text
    assert "attack.json is left out: the network that was attacked made 300 errors before, and the run's makes" in text
    many = [{"kind": f"k{i}", "tau": i / 1e4, "error_percent": 1.0} for i in range(30_000)]
    (run / "attack.json").write_text(json.dumps({**report, "attacks": many}))  # a table of 900 million cells
    assert "attack.json is damaged, and left out" in Page(make_page([run], static=True)).text
    (run / "attack.json").write_text("{")
    page = Page(make_page([run], static=True))
    assert "attack.json is damaged, and left out" in page.text and "Under attack" not in page.text


def test_published_numbers_of_the_preset(tmp_path):
    from tables.made_up import make_run

    def shown(*runs):
        text = Page(make_page(runs, static=True)).text
        return text, re.findall(r"\(preset (\w+) \)", text)

    noise, baseline = "thesis_table_22", "thesis_table_20"
    text, presets = shown(make_run(tmp_path / "begun", noise, 1, error=1.5, epochs=30))
    assert presets[0] == noise and "not finished" in text and " ours" not in text
    assert "no adversarial noise (baseline) published 1-10 1.108 0.3967" in text
    assert "sgn 4.5e-2, kN 4.5e-4 * published 1-10 1.084 0.4063 0.944 to 1.493 -0.024 0.221 0.377" in text
    assert "* chosen by the test error of a seed that is counted again here" in text
    short = make_run(tmp_path / "short", noise, 1, error=1.5, num_epochs=30)
    text, presets = shown(short)
    assert presets[0] == noise and "sgn 4.5e-2, kN 4.5e-4 * ours, num-epochs 30 1 1.500" in text
    plain = make_run(tmp_path / "plain", baseline, 1, error=1.25)
    text, presets = shown(plain)
    assert presets == [baseline, "mnist_100_full", "thesis_table_1"]  # not the preset that it is only the baseline of
    assert "no adversarial noise ours 1 1.250" in text
    # Presets trained exactly so come before those trained for fewer epochs.
    assert shown(short, plain)[1] == [baseline, "mnist_100_full", noise]


@pytest.mark.parametrize(
    "more, sentence",
    [
        ({}, "the result is the same bit for bit."),
        ({"earlier": [{"commit": "d" * 40}]}, "up to rounding: this run was interrupted"),
        ({"callbacks": ["Halve"]}, "another where it depends on the callbacks that Python gave this run, ['Halve']."),
        ({"earlier": ["", {"callbacks": ["Halve"]}]}, "the callbacks that Python gave this run, ['Halve']."),
        ({"earlier": "damaged"}, "up to rounding"),
    ],
)
def test_what_training_again_gives(tmp_path, more, sentence):
    run = write_run(tmp_path / "one")
    environment = json.loads((run / "environment.json").read_text())
    (run / "environment.json").write_text(json.dumps({**environment, **more}))
    assert sentence in Page(make_page([run], static=True)).text


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(UserError, match="has no params.json"):
        make_page([tmp_path], static=True)
    with pytest.raises(UserError, match="there is no folder"):
        make_page([tmp_path / "nowhere"], static=True)


def test_long_logs_are_thinned(tmp_path):
    run = write_run(tmp_path / "one", num_epochs=5000)
    html = make_page([run])
    assert len(html.encode()) < 2_000_000
