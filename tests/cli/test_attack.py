"""The attack command on a network of one layer, whose errors under attack NumPy computes as well."""

import json
import shutil

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ladder.backends import c
from ladder.cli import main
from ladder.data.examples import describe, load_examples
from ladder.options import Options
from ladder.runs.arrays import TrainedArrays
from ladder.runs.folder import RunFolder
from ladder.training import evaluation

TAUS = (0.0, 0.1, 0.25)
ATTACK = "--tau 0 0.1 0.25 --threads 1"


@pytest.fixture(scope="module")
def fitted():
    """A logistic regression on the digits: weights (64, 10), biases (10,), and the test data."""
    train, test = load_examples("digits", "train"), load_examples("digits", "test")
    model = LogisticRegression(max_iter=300).fit(train.features.reshape(-1, 64), train.targets)
    return model.coef_.T, model.intercept_, train, test


@pytest.fixture(scope="module", autouse=True)
def in_a_folder_of_its_own(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("attack"))
        patch.delenv("FUEL_DATA_PATH", raising=False)
        yield


@pytest.fixture(scope="module")
def folder(fitted, tmp_path_factory):
    """The regression as a finished run."""
    return save_run(tmp_path_factory.mktemp("runs") / "regression0", *fitted[:3])


def save_run(folder, W, b, train):
    from ladder.graph import ParameterStore
    from ladder.training.functions import build_prediction_graph

    p = Options(encoder_layers=("10",), denoising_cost_x=(0.0, 0.0), decoder_spec=("0",), dataset=train.name)
    shareds = ParameterStore()
    build_prediction_graph(p, train.in_dim, shareds)
    values = {"f_1_W": W, "f_1_b": b, "f_1_c": np.ones(10)}
    values.update({"shared_f_1_bn_mean_clean": np.zeros(10), "shared_f_1_bn_var_clean": np.ones(10)})
    for name, value in values.items():
        shareds[name].set_value(value.astype("float32"))
    folder.mkdir()
    run = RunFolder(folder)
    run.save_options(p, train.in_dim)
    run.save_data(describe(train))
    TrainedArrays.of([shareds[name] for name in ("f_1_W", "f_1_b", "f_1_c")], shareds, True).save(run)
    return folder


def wrong_under_sgn(fitted, tau):
    """Which test examples the regression gets wrong under this attack, in closed form."""
    W, b, _, test = fitted
    x = test.features.reshape(-1, 64).astype("float64")
    logits = x @ W + b
    true = np.eye(10, dtype=bool)[test.targets]
    others = np.where(true, 0, np.exp(logits))
    gradient = (others / others.sum(axis=1, keepdims=True) - true) @ W.T
    return ((x + tau * np.sign(gradient)) @ W + b).argmax(axis=1) != test.targets


@pytest.fixture(scope="module")
def report(folder):
    assert main(["attack", str(folder), *ATTACK.split()]) == 0
    return json.loads((folder / "attack.json").read_text())


def by_kind(report):
    found = {}
    for attack in report["attacks"]:
        found.setdefault(attack["kind"], {})[attack["tau"]] = attack
    return found


def test_counts_are_those_of_the_closed_form(report, fitted):
    before = wrong_under_sgn(fitted, 0)
    assert (report["n"], report["n_wrong_before"]) == (360, before.sum())
    for tau in TAUS:
        wrong, found = wrong_under_sgn(fitted, tau), by_kind(report)["sgn"][tau]
        assert (found["n_wrong"], found["n_newly_wrong"]) == (wrong.sum(), (wrong & ~before).sum())
        assert found["error_percent"] == pytest.approx(100 * wrong.sum() / 360)
    assert wrong_under_sgn(fitted, 0.25).mean() > 0.5


def test_every_kind_attacks_and_the_control_hardly_does(report):
    kinds = by_kind(report)
    assert list(kinds) == ["sgn", "1N", "kN", "pgd-linf", "pgd-l2", "gaussian"]
    before = report["n_wrong_before"]
    assert all(kinds[kind][0.0]["n_wrong"] == before for kind in kinds)
    strong = {kind: kinds[kind][0.25]["n_wrong"] for kind in kinds}
    assert strong["pgd-linf"] >= strong["sgn"] > 100 and strong["kN"] > 100
    assert strong["pgd-l2"] >= strong["1N"] > before
    assert strong["gaussian"] < 0.3 * strong["sgn"]


def test_report_says_what_was_done(report, folder):
    assert report["folder"] == str(folder)
    assert (report["dataset"], report["data_type"]) == ("digits", "test")
    assert (report["epochs"], report["overridden"]) == (0, [])
    settings = report["settings"]
    assert settings["taus"] == list(TAUS) and settings["steps"] == 20 and settings["clip"] is False


def test_errors_before_are_those_of_evaluate(report, folder, tmp_path):
    assert main(["evaluate", str(folder), "--threads", "1", "--json", str(tmp_path / "evaluate.json")]) == 0
    assert json.loads((tmp_path / "evaluate.json").read_text())["n_wrong"] == report["n_wrong_before"]


def wrong_under_sgn_through_batches(fitted, tau, size):
    """How many test examples are wrong if the gradient goes through the statistics of successive batches."""
    W, b, _, test = fitted
    n_wrong = 0
    for start in range(0, 360, size):
        x = test.features[start : start + size].reshape(-1, 64).astype("float64")
        y = test.targets[start : start + size]
        z = x @ W
        deviation = np.sqrt(z.var(axis=0) + 1e-10)
        z = (z - z.mean(axis=0)) / deviation
        p = np.exp(z + b) / np.exp(z + b).sum(axis=1, keepdims=True)
        by_z = p - np.eye(10)[y]
        by_product = (by_z - by_z.mean(axis=0) - z * (by_z * z).mean(axis=0)) / deviation
        attacked = x + tau * np.sign(by_product @ W.T)
        n_wrong += ((attacked @ W + b).argmax(axis=1) != y).sum()
    return n_wrong


def test_gradients_through_the_statistics_of_batches(folder, fitted, report, tmp_path, capsys):
    command = f"--statistics batch --batch-size 90 --kinds sgn --tau 0.1 0.25 --threads 1 --output {tmp_path}"
    assert main(["attack", str(folder), *command.split()]) == 0
    found = json.loads((tmp_path / "attack.json").read_text())
    assert found["settings"]["statistics"] == "batch" and found["batch_size"] == 90
    assert (report["settings"]["statistics"], report["batch_size"]) == ("fixed", None)
    assert found["n_wrong_before"] == report["n_wrong_before"]
    for attack in found["attacks"]:
        assert attack["n_wrong"] == wrong_under_sgn_through_batches(fitted, attack["tau"], 90)
        assert attack["n_wrong"] < by_kind(report)["sgn"][attack["tau"]]["n_wrong"]
    assert "the statistics of each batch of 90" in capsys.readouterr().out


def test_a_batch_has_no_more_examples_than_there_are(folder, tmp_path):
    command = f"--statistics batch --examples 50 --kinds sgn --tau 0.1 --threads 1 --output {tmp_path}"
    assert main(["attack", str(folder), *command.split()]) == 0
    assert json.loads((tmp_path / "attack.json").read_text())["batch_size"] == 50


def test_the_batches_of_the_gradient_leave_the_classifier_as_it_is(folder, fitted, report, tmp_path, monkeypatch):
    """Statistics, where they have to be estimated, come from the run's own batches."""
    unfinished = tmp_path / "unfinished0"
    shutil.copytree(folder, unfinished)
    (unfinished / "attack.json").unlink()
    (unfinished / "running_statistics.npz").unlink()
    sizes = []
    estimate = evaluation.training_stream
    monkeypatch.setattr(
        evaluation, "training_stream", lambda p, *args: sizes.append(p.batch_size) or estimate(p, *args)
    )
    command = f"--statistics batch --batch-size 90 --kinds sgn --tau 0.1 --threads 1 --output {tmp_path / 'found'}"
    assert main(["attack", str(unfinished), *command.split()]) == 0
    assert sizes == [100] and json.loads((tmp_path / "found" / "attack.json").read_text())["batch_size"] == 90


@pytest.mark.parametrize(
    "options, other",
    [
        ("--examples 359", "on 359 test examples"),
        ("--examples 359 --output {}", "on 359 test examples"),
        ("--data-type valid", "on 360 valid examples"),
        ("--noise philox", "with another noise than the run's"),
    ],
)
def test_an_attack_on_the_test_set_is_not_replaced_by_another(report, folder, options, other, capsys, monkeypatch):
    monkeypatch.setattr(c, "configure", lambda threads: pytest.fail("went on to compile"))
    examples = evaluation.TrainedRun.labelled_examples
    monkeypatch.setattr(evaluation.TrainedRun, "labelled_examples", lambda run, data_type: examples(run, "test"))
    before = (folder / "attack.json").read_text()
    assert main(["attack", str(folder), *options.format(folder).split()]) == 2
    said = f"attack.json has an attack on 360 test examples, which this one {other} would replace: give another folder"
    assert said in capsys.readouterr().err
    assert (folder / "attack.json").read_text() == before


def test_an_attack_of_a_preset(folder, fitted, tmp_path):
    """Options given override the preset's."""
    command = f"--preset thesis_section_5_4 --kinds sgn --threads 1 --output {tmp_path}"
    assert main(["attack", str(folder), *command.split()]) == 0
    found = json.loads((tmp_path / "attack.json").read_text())
    assert (found["settings"]["kinds"], found["settings"]["taus"]) == (["sgn"], [0.25])
    assert (found["batch_size"], found["overridden"]) == (100, [])
    assert found["attacks"][0]["n_wrong"] == wrong_under_sgn_through_batches(fitted, 0.25, 100)


def test_files_and_table(folder, tmp_path, capsys):
    output = tmp_path / "new" / "folder"
    command = f"--kinds sgn gaussian --tau 0.1 --examples 50 --clip --attack-seed 3 --output {output} --threads 1"
    assert main(["attack", str(folder), *command.split()]) == 0
    assert {path.name for path in output.iterdir()} == {"attack.json", "attack_errors.png", "attack_images.png"}
    report = json.loads((output / "attack.json").read_text())
    assert report["n"] == 50 and len(report["attacks"]) == 2
    assert report["settings"]["clip"] is True and report["settings"]["seed"] == 3
    shown = capsys.readouterr().out
    assert f"({report['n_wrong_before']} of 50 wrong)" in shown and "kept between 0 and 1" in shown
    sgn, gaussian = report["attacks"]
    row = next(line for line in shown.splitlines() if "0.1 " in line)
    for attack in (sgn, gaussian):
        assert f"{attack['error_percent']:.2f} ({attack['n_newly_wrong']})" in row


def test_examples_that_are_no_images_make_no_grid(fitted, tmp_path, capsys):
    W, b, train, test = fitted
    targets = np.concatenate([train.targets, np.where(np.arange(360) < 10, -1, test.targets)])
    features = np.concatenate([train.features, test.features]).reshape(-1, 64)
    np.savez("flat.npz", features=features, targets=targets)
    assert main("convert arrays --input flat.npz --name flat".split()) == 0
    run = save_run(tmp_path / "flat0", W, b, load_examples("flat", "train"))
    assert main(["attack", str(run), *"--kinds sgn --tau 0.1 --threads 1".split()]) == 0
    assert "are not images" in capsys.readouterr().out
    assert (run / "attack_errors.png").exists() and not (run / "attack_images.png").exists()


@pytest.mark.parametrize(
    "options, sentence",
    [
        ("--tau 0.1 -0.2", "--tau is -0.2, but must be between 0 and"),
        ("--tau nan", "--tau is nan, but must be between 0 and"),
        ("--tau x", "argument --tau: 'x' is not a number"),
        ("--figure-tau -1", "--figure-tau is -1, but must be between 0 and"),
        ("--kinds sgn fgsm", "--kinds: unknown attack 'fgsm'"),
        ("--steps 0", "--steps is 0, but must be at least 1 and at most 10,000."),
        ("--step-size -1", "--step-size is -1, but must be above 0"),
        ("--examples 0", "--examples is 0, but must be at least 1."),
        ("--attack-seed -1", "--attack-seed is -1, but must be 0 or more."),
        ("--data-type valid", "no examples were left over to validate the run with"),
        ("--statistics batches", "--statistics is batches, but must be 'fixed' or 'batch'."),
        ("--statistics batch --batch-size 359", "--batch-size 359 leaves a last batch of one of 360 examples"),
        ("--batch-size 90", "--batch-size is that of --statistics batch: give that, too, or leave it out."),
        ("--preset thesis_table_22", "--preset: thesis_table_22 was not attacked"),
        ("--output params.json", "--output: cannot make the folder"),
        ("--unsupervised", "--unsupervised needs"),
    ],
)
def test_mistakes_are_one_sentence_before_anything_is_compiled(folder, options, sentence, capsys, monkeypatch):
    monkeypatch.setattr(c, "configure", lambda threads: pytest.fail("went on to compile"))
    monkeypatch.chdir(folder)
    try:
        status = main(["attack", str(folder), *options.split()])
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    shown = capsys.readouterr().err
    assert sentence in shown and "Traceback" not in shown and len(shown.splitlines()) <= 2


def test_clipping_is_refused_where_it_would_change_the_examples(fitted, folder, tmp_path, capsys):
    W, b, train, _ = fitted
    np.savez("raw.npz", features=train.features * 16, targets=train.targets)
    assert main("convert arrays --input raw.npz --name raw".split()) == 0
    capsys.readouterr()
    assert main(["attack", str(folder), "--dataset", "raw", "--clip"]) == 2
    assert "raw goes from 0 to 16: use --no-clip." in capsys.readouterr().err


@pytest.mark.parametrize("below", ["", "pixels"])
def test_the_report_of_another_run_is_not_replaced(folder, fitted, tmp_path, below, capsys):
    other = save_run(tmp_path / "other0", *fitted[:3])
    (other / "attack.json").write_text("{}")
    assert main(["attack", str(folder), "--output", str(other / below), *ATTACK.split()]) == 2
    assert f"belongs to the run {other}, which was not attacked: give another folder." in capsys.readouterr().err
    assert (other / "attack.json").read_text() == "{}" and not (other / "pixels").exists()


def test_a_name_with_two_dollars_is_no_formula(fitted, tmp_path):
    named = save_run(tmp_path / "$\\foo$0", *fitted[:3])
    assert main(["attack", str(named), "--examples", "20", *ATTACK.split()]) == 0
    assert (named / "attack_images.png").exists() and (named / "attack_errors.png").exists()


def test_a_folder_that_is_not_there_is_named(capsys):
    assert main(["attack", "nowhere"]) == 2
    assert "there is no folder nowhere" in capsys.readouterr().err
