"""Run folders: numbering, loading, and refusing what is damaged or foreign."""

import json
import pickle

import numpy as np
import pytest

from ladder.data.npz import load_arrays
from ladder.errors import UserError
from ladder.graph.parameters import ParameterStore
from ladder.hyper import HyperParameters
from ladder.training import results


def test_folders_take_the_first_free_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [str(results.make_folder("x")) for _ in range(2)] == ["results/x0", "results/x1"]
    (tmp_path / "results" / "x0").rmdir()
    assert str(results.make_folder("x")) == "results/x0"


def test_a_path_is_taken_as_it_is(tmp_path):
    assert results.make_folder(str(tmp_path / "deep" / "run")) == tmp_path / "deep" / "run0"
    assert (tmp_path / "deep" / "run0").is_dir()


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"):
        results.make_folder(str(tmp_path / "file" / "run"))


def store(**arrays):
    shareds = ParameterStore()
    for name, value in arrays.items():
        shareds.get_or_make(name, value)
    return shareds


def test_parameters_and_statistics_come_back(tmp_path):
    shareds = store(f_1_W=np.eye(2), shared_f_1_bn_mean_clean=[1.0, 2.0], counter=3)
    results.save_model(tmp_path, [shareds["f_1_W"]], shareds, final_statistics=True)
    with np.load(tmp_path / "trained_params.npz") as arrays:
        assert arrays.files == ["f_1_W"]
    fresh = store(f_1_W=np.zeros((2, 2)), shared_f_1_bn_mean_clean=[0.0, 0.0], counter=1)
    results.load_parameters(tmp_path, fresh, ["f_1_W"])
    assert results.load_statistics(tmp_path, fresh) is True
    np.testing.assert_array_equal(fresh["f_1_W"].get_value(), np.eye(2))
    np.testing.assert_array_equal(fresh["shared_f_1_bn_mean_clean"].get_value(), [1, 2])
    assert fresh["counter"].get_value() == 1


def test_no_statistics_are_not_final(tmp_path):
    assert results.load_statistics(tmp_path, store()) is False


@pytest.mark.parametrize(
    "array, sentence", [(np.zeros(3), "shape"), (np.full((2, 2), np.nan), "finite"), (np.zeros((2, 2), int), "finite")]
)
def test_parameters_that_do_not_fit_are_named(tmp_path, array, sentence):
    np.savez(tmp_path / "trained_params.npz", f_1_W=array)
    with pytest.raises(UserError, match=f"f_1_W.*{sentence}"):
        results.load_parameters(tmp_path, store(f_1_W=np.eye(2)), ["f_1_W"])


def test_a_missing_parameter_is_named(tmp_path):
    np.savez(tmp_path / "trained_params.npz", f_1_b=np.zeros(2))
    with pytest.raises(UserError, match="no 'f_1_W'"):
        results.load_parameters(tmp_path, store(f_1_W=np.eye(2)), ["f_1_W"])


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
    p = HyperParameters(encoder_layers=((1, 8, 8), "20", "10"), denoising_cost_x=(1.0, 2.0, 3.0), seed=7)
    results.save_options(tmp_path, p)
    options = results.load_options(tmp_path)
    assert options["encoder_layers"] == ("20", "10")
    again = HyperParameters(**{**options, "encoder_layers": ((1, 8, 8),) + options["encoder_layers"]})
    assert again == p
    assert results.load_options(tmp_path / "elsewhere") is None


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"encoder_layers": []}), json.dumps({"unknown": 1})])
def test_damaged_options_are_named(tmp_path, text):
    (tmp_path / "params.json").write_text(text)
    with pytest.raises(UserError, match="params.json is damaged"):
        results.load_options(tmp_path)


def test_everything_that_was_left_half_written_is_removed(tmp_path):
    written = (
        results.OPTIONS,
        results.DATA,
        results.PREPROCESSING,
        results.ENVIRONMENT,
        results.PARAMETERS,
        results.STATISTICS,
    )
    for name in written:
        (tmp_path / f"{name}.17.partial").touch()
    results.remove_leftovers(tmp_path)
    assert not list(tmp_path.iterdir())
