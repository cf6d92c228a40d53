"""Run folders: numbering, loading, and refusing what is damaged or foreign."""

import json
import os
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ladder import plain_json
from ladder.data.description import image_reading
from ladder.data.npz import load_arrays
from ladder.errors import UserError
from ladder.graph import ParameterStore
from ladder.options import Options
from ladder.runs.arrays import TrainedArrays
from ladder.runs.evaluations import load_evaluations, save_evaluation
from ladder.runs.folder import WRITTEN_WHOLE, RunFolder, parent_of

P = Options(encoder_layers=("20", "10"), denoising_cost_x=(1.0, 2.0, 3.0), seed=7)


def begin(save_to):
    return RunFolder.begin(save_to, P, (1, 8, 8))


def test_folders_take_the_first_free_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [begin("x") for _ in range(2)]
    assert [str(run) for run in runs] == ["results/x0", "results/x1"]
    runs[0].abandon()
    assert str(begin("x")) == "results/x0"


def test_a_path_is_taken_as_it_is(tmp_path):
    assert begin(str(tmp_path / "deep" / "run")).path == tmp_path / "deep" / "run0"
    assert (tmp_path / "deep" / "run0" / "params.json").is_file()


@pytest.mark.parametrize("save_to, made", [("mine/", "results/mine0"), ("there/mine/", "there/mine0")])
def test_a_slash_at_the_end_changes_nothing(tmp_path, monkeypatch, save_to, made):
    monkeypatch.chdir(tmp_path)
    assert str(begin(save_to)) == made and parent_of(save_to) == Path(made).parent


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file/run0 .Not a directory.: give another save_to"):
        begin(str(tmp_path / "file" / "run"))


def test_a_link_that_leads_nowhere_takes_a_number(tmp_path):
    (tmp_path / "run0").symlink_to("nowhere")
    assert begin(str(tmp_path / "run")).path == tmp_path / "run1" and not (tmp_path / "nowhere").exists()
    (tmp_path / "parent").symlink_to("nowhere")
    with pytest.raises(UserError, match="parent/run0: .*/parent is not a folder"):
        begin(str(tmp_path / "parent" / "run"))


def store(**arrays):
    shareds = ParameterStore()
    for name, value in arrays.items():
        shareds.get_or_make(name, value)
    return shareds


def test_parameters_and_statistics_come_back(tmp_path):
    shareds = store(f_1_W=np.eye(2), shared_f_1_bn_mean_clean=[1.0, 2.0], counter=3)
    TrainedArrays.of([shareds["f_1_W"]], shareds, final=True).save(RunFolder(tmp_path))
    with np.load(tmp_path / "trained_params.npz") as arrays:
        assert arrays.files == ["f_1_W"]
    fresh = store(f_1_W=np.zeros((2, 2)), shared_f_1_bn_mean_clean=[0.0, 0.0], counter=1)
    arrays = TrainedArrays.load(RunFolder(tmp_path))
    assert arrays.final is True
    arrays.set_parameters(fresh, ["f_1_W"])
    arrays.set_statistics(fresh)
    np.testing.assert_array_equal(fresh["f_1_W"].get_value(), np.eye(2))
    np.testing.assert_array_equal(fresh["shared_f_1_bn_mean_clean"].get_value(), [1, 2])
    assert fresh["counter"].get_value() == 1


def saved(tmp_path, **arrays):
    """Write these parameters to a folder, without statistics, and load its arrays."""
    np.savez(tmp_path / "trained_params.npz", **arrays)
    return TrainedArrays.load(RunFolder(tmp_path))


def test_arrays_of_a_backend_become_arrays_of_numpy():
    """Other arrays could not be unpickled without that backend."""
    jnp = pytest.importorskip("jax.numpy", reason="needs JAX")
    shared = SimpleNamespace(name="f_1_W", get_value=lambda borrow=False: jnp.ones(3))
    found = TrainedArrays.of([shared], {"shared_f_1_bn_mean_clean": shared}, True)
    assert {type(array) for array in (*found.parameters.values(), *found.statistics.values())} == {np.ndarray}


def test_no_statistics_are_not_final(tmp_path):
    arrays = saved(tmp_path, f_1_W=np.eye(2))
    assert arrays.statistics is None and not arrays.final


def test_statistics_of_another_network_are_named(tmp_path):
    np.savez(tmp_path / "running_statistics.npz", final=np.asarray(True))
    with pytest.raises(UserError, match="running_statistics.npz has no 'shared_f_1_bn_mean_clean'"):
        saved(tmp_path, f_1_W=np.eye(2)).set_statistics(store(shared_f_1_bn_mean_clean=[0.0]))


@pytest.mark.parametrize(
    "array, sentence", [(np.zeros(3), "shape"), (np.full((2, 2), np.nan), "finite"), (np.zeros((2, 2), int), "finite")]
)
def test_parameters_that_do_not_fit_are_named(tmp_path, array, sentence):
    with pytest.raises(UserError, match=f"trained_params.npz.*f_1_W.*{sentence}"):
        saved(tmp_path, f_1_W=array).set_parameters(store(f_1_W=np.eye(2)), ["f_1_W"])


def test_a_missing_parameter_is_named(tmp_path):
    with pytest.raises(UserError, match="no 'f_1_W'"):
        saved(tmp_path, f_1_b=np.zeros(2)).set_parameters(store(f_1_W=np.eye(2)), ["f_1_W"])


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was run",))


def test_pickles_are_refused_and_never_run(tmp_path):
    np.savez(tmp_path / "objects.npz", x=np.array([Bomb()], dtype=object))
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps(Bomb()))
    for name in ("objects.npz", "pickle.npz"):
        with pytest.raises(UserError, match=name):
            load_arrays(tmp_path / name)


def test_options_come_back_as_typed(tmp_path):
    folder = RunFolder(tmp_path)
    folder.save_options(P, (1, 8, 8))
    assert json.loads((tmp_path / "params.json").read_text())["encoder_layers"] == [[1, 8, 8], "20", "10"]
    assert Options(**folder.load_options()) == P
    assert RunFolder(tmp_path / "elsewhere").load_options() is None


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"encoder_layers": []}), json.dumps({"unknown": 1})])
def test_damaged_options_are_named(tmp_path, text):
    (tmp_path / "params.json").write_text(text)
    with pytest.raises(UserError, match="params.json is damaged"):
        RunFolder(tmp_path).load_options()


DATA = {"in_dim": [1, 8, 8], "n_classes": 2, "feature_range": [0.0, 1.0]}


def test_entries_of_a_newer_version_are_passed_over(tmp_path):
    images = {"height": 8, "width": 8, "channels": 1, "fit": "pad"}
    (tmp_path / "data.json").write_text(json.dumps({**DATA, "images": {**images, "rotate": True}, "new": 1}))
    data = RunFolder(tmp_path).load_data()
    assert data["images"] == images and image_reading(data, data["in_dim"]).fit == "pad"


@pytest.mark.parametrize("classes", [["cat", ["dog"], 3], [["cat"], ["dog"]], [None, "dog"], [{}], ["\x1b[2J"]])
def test_classes_are_names_or_numbers(tmp_path, classes):
    (tmp_path / "data.json").write_text(json.dumps({**DATA, "classes": classes}))
    with pytest.raises(UserError, match="data.json is damaged .*'classes' are names that can be printed, or numbers"):
        RunFolder(tmp_path).load_data()


@pytest.mark.parametrize("final", [[True, True], [], "yes", 1.5])
def test_statistics_that_are_neither_final_nor_not(tmp_path, final):
    folder = RunFolder(tmp_path)
    np.savez(tmp_path / "trained_params.npz", f_1_W=np.eye(2))
    for name in ("running_statistics.npz", "best_params.npz"):
        np.savez(tmp_path / name, final=final)
    for read in (folder.is_finished, lambda: TrainedArrays.load(folder), lambda: TrainedArrays.load_best(folder)):
        with pytest.raises(UserError, match="npz is damaged, as its 'final' is neither true nor false"):
            read()


@pytest.mark.parametrize("epoch", ["3", float("nan"), [3, 4], []])
def test_an_epoch_that_is_none(tmp_path, epoch):
    np.savez(tmp_path / "best_params.npz", final=True, epoch=epoch)
    with pytest.raises(UserError, match="best_params.npz is damaged, as its 'epoch' is no number"):
        TrainedArrays.load_best(RunFolder(tmp_path))


def test_a_log_that_is_too_large_gets_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(plain_json, "MOST_BYTES", 10)
    (tmp_path / "log.jsonl").write_text('{"epoch": 1}\n')
    for read in (RunFolder(tmp_path).rows, RunFolder(tmp_path).last_row):
        with pytest.raises(UserError, match="log.jsonl cannot be read, as it is far too large: restore it"):
            read()


def test_everything_that_was_left_half_written_is_removed(tmp_path):
    for name in WRITTEN_WHOLE:
        (tmp_path / f"{name}.17.partial").touch()
    RunFolder(tmp_path).remove_leftovers()
    assert not list(tmp_path.iterdir())


def test_parameters_that_are_no_numbers_are_named(tmp_path):
    saved(tmp_path, f_1_W=np.array([["abc"]]))
    with pytest.raises(UserError, match="'f_1_W' holds values that are not finite numbers"):
        TrainedArrays.load(RunFolder(tmp_path)).set_parameters(store(f_1_W=np.zeros((1, 1))), ["f_1_W"])


@pytest.mark.parametrize("in_dim", [(2**31 - 1,) * 34, (1,) * 9, (2**20, 2**20, 2**20)])
def test_examples_of_absurd_shapes_are_damage(in_dim, tmp_path):
    (tmp_path / "data.json").write_text(json.dumps({"in_dim": in_dim, "n_classes": 10, "feature_range": [0, 1]}))
    with pytest.raises(UserError, match="data.json is damaged .an example is not that large"):
        RunFolder(tmp_path).load_data()


def test_memory_is_asked_for_the_rows_of_a_log(tmp_path, monkeypatch):
    monkeypatch.setenv("LADDER_MEMORY", "0.001")
    for rows in ("{}\n" * 10_000, '{"a": [' + "[]," * 10_000 + "[]]}"):
        (tmp_path / "log.jsonl").write_text(rows)
        with pytest.raises(UserError, match="log.jsonl: its rows would need [12].* MB"):
            RunFolder(tmp_path).rows()


def test_a_parameter_too_large_for_float32_is_named(tmp_path):
    saved(tmp_path, f_1_W=np.array([[1e300]]))
    with pytest.raises(UserError, match="'f_1_W' holds values that are not finite numbers"):
        TrainedArrays.load(RunFolder(tmp_path)).set_parameters(store(f_1_W=np.zeros((1, 1))), ["f_1_W"])


def test_a_result_beside_a_damaged_one_is_kept_and_the_damage_told(tmp_path, caplog):
    folder, report = RunFolder(tmp_path), {"error_percent": 1.0, "n_wrong": 1, "n": 100}
    (tmp_path / "target").write_text("not ours")
    (tmp_path / "evaluation.json").symlink_to(tmp_path / "target")
    save_evaluation(folder, "test", report, "saved")
    assert "evaluation.json was damaged" in caplog.text and (tmp_path / "target").read_text() == "not ours"
    save_evaluation(folder, "valid", report, "saved")
    assert load_evaluations(folder).keys() == {"test", "valid"}
    (tmp_path / "evaluation.json").unlink()
    os.mkfifo(tmp_path / "evaluation.json")
    with pytest.raises(UserError, match="evaluation.json is a folder or a device"):
        save_evaluation(folder, "test", report, "saved")
