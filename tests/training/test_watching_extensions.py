"""Files that people read while a run trains (CSV, TensorBoard): full disks, odd values, and names."""

import csv
import logging
from types import SimpleNamespace

import numpy as np
import pytest

from ladder.training.extensions import tensorboard
from ladder.training.extensions.csv_log import SaveCSV
from ladder.training.extensions.saving import Log
from ladder.training.extensions.tensorboard import TensorBoard, grid, tag
from ladder.training.signals import Signals


def loop_at(epoch=0, num_epochs=10, **row):
    row = {"epoch": epoch, "update": 5 * epoch, **row}
    return SimpleNamespace(epochs_done=epoch, updates_done=5 * epoch, num_epochs=num_epochs, ended=False, row=row)


def train(extensions, epochs, **others):
    for epoch in epochs:
        loop = loop_at(epoch, **others)
        for extension in extensions:
            extension.after_epoch(loop)


def table(path):
    with path.open(newline="") as f:
        return list(csv.DictReader(f))


class TestSpreadsheet:
    def test_columns_that_appear_later_and_odd_values(self, tmp_path):
        log = Log()
        sheet = SaveCSV(tmp_path / "log.csv", log)
        sheet.before_training(loop_at())
        assert not (tmp_path / "log.csv").exists()
        train([log, sheet], [1], cost=0.1)
        train([log, sheet], [2], cost=1e-300, note='a "b", c', more=[1, {"x": None}], yes=True)
        first, second = table(tmp_path / "log.csv")
        assert first == {"epoch": "1", "update": "5", "cost": "0.1", "note": "", "more": "", "yes": ""}
        assert second["note"] == 'a "b", c' and second["more"] == '[1, {"x": null}]' and float(second["cost"]) == 1e-300

    def test_a_resumed_run_has_the_rows_of_its_checkpoint(self, tmp_path):
        log = Log()
        train([log, SaveCSV(tmp_path / "log.csv", log)], [1, 2, 3], cost=0.5)
        again = Log()
        again.text = "".join(log.text.splitlines(keepends=True)[:2])
        sheet = SaveCSV(tmp_path / "log.csv", again)
        sheet.before_training(loop_at(2))
        assert [row["epoch"] for row in table(tmp_path / "log.csv")] == ["1", "2"]
        train([again, sheet], [3], cost=0.25)
        assert [row["cost"] for row in table(tmp_path / "log.csv")] == ["0.5", "0.5", "0.25"]

    def test_a_disk_without_room_costs_one_warning(self, tmp_path, caplog):
        log = Log()
        sheet = SaveCSV(tmp_path / "gone" / "log.csv", log)
        with caplog.at_level(logging.WARNING, "main"):
            train([log, sheet], [1, 2])
        assert caplog.text.count("cannot write") == 1 and "gone/log.csv" in caplog.text
        (tmp_path / "gone").mkdir()
        train([log, sheet], [3])
        assert [row["epoch"] for row in table(tmp_path / "gone" / "log.csv")] == ["1", "2", "3"]


class TestTensorBoard:
    @pytest.fixture(autouse=True)
    def writer(self):
        pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")

    @staticmethod
    def make(folder, z=None, images=None):
        log, looks = Log(), []
        z = {1: np.arange(6.0).reshape(2, 3)} if z is None else z

        def look():
            looks.append(1)
            return Signals(z) if images is None else Signals(z, *images)

        board = TensorBoard(folder, log, look, [])
        board.before_training(loop_at())
        return log, looks, board

    @staticmethod
    def read(folder):
        from runs.event_reader import read

        return read(folder, check=True)

    def test_it_looks_thirty_times(self, tmp_path):
        log, looks, board = self.make(tmp_path)
        train([log, board], range(1, 151), num_epochs=150)
        found = self.read(tmp_path)
        assert [step for step, _ in found.histograms["z/1"]] == [1, *range(5, 151, 5)] and len(looks) == 31
        assert [step for step, _ in found.scalars["update"]] == list(range(1, 151))

    def test_what_is_no_finite_number_ends_no_run(self, tmp_path):
        bad = np.array([[np.nan, 1.0], [np.inf, 2.0]])
        log, _, board = self.make(tmp_path, {0: bad, 1: bad * np.nan, 2: np.zeros((0, 3)), 3: np.ones((2, 2))})
        train([log, board], [1], cost=float("nan"), note="x", yes=True, count=3)
        found = self.read(tmp_path)
        assert set(found.histograms) == {"z/0", "z/3"} and found.histograms["z/0"][0][1][3] == [2]
        assert set(found.scalars) == {"update", "cost", "count"} and np.isnan(found.scalars["cost"][0][1])

    def test_a_disk_without_room_costs_one_warning_and_no_step(self, tmp_path, caplog):
        folder = tmp_path / "gone"
        log, _, board = self.make(folder)
        with caplog.at_level(logging.WARNING, "main"):
            train([log, board], [1, 2])
        assert caplog.text.count("for TensorBoard") == 1 and "gone/events.out" in caplog.text
        folder.mkdir()
        train([log, board], [3])
        assert [step for step, _ in self.read(folder).scalars["update"]] == [1, 2, 3]

    def test_files_that_are_none_end_no_run(self, tmp_path, caplog):
        (tmp_path / "events.out.tfevents.4000000000.folder").mkdir()
        log, _, board = self.make(tmp_path)
        train([log, board], [1])
        assert "events.out.tfevents.4000000000.folder" in caplog.text
        (tmp_path / "events.out.tfevents.4000000000.folder").rmdir()
        assert [step for step, _ in self.read(tmp_path).scalars["update"]] == [1]
        assert max(path.name for path in tmp_path.iterdir()).startswith("events.out.tfevents.4000000001.")


def test_tags_of_other_names_stay():
    assert tag("train_vat3") == "train/virtual_adversarial/3" and tag("my_number") == "my_number"
    assert tag("training_x") == "training_x" and tag("valid_final_denois10") == "valid_final/denoising/10"


def test_a_grid_of_images_in_colour():
    clean = np.zeros((3, 3, 4, 5), "float32")
    clean[1, 2] = 2.0  # the second image is blue
    noisy = clean + np.nan
    picture = grid([clean, noisy])
    assert picture.shape == (2 * 57, 3 * 71, 3) and picture.dtype == "uint8"  # enlarged 14 times, plus a line
    assert (picture[10, 100] == [0, 0, 255]).all() and (picture[10, 10] == 0).all() and (picture[56, 10] == 128).all()
    assert grid([np.zeros((3, 64))] * 3) is None and grid([np.zeros((2, 1, 8, 8))] * 2).max() == 128


def test_numbers_are_shown_whoever_made_them():
    """Callbacks may add NumPy numbers to a row."""
    numbers, others = (1, 0.5, np.float32(2), np.int64(3)), (True, np.bool_(True), "a", None)
    assert all(map(tensorboard._is_number, numbers)) and not any(map(tensorboard._is_number, others))
