"""Monitors, the guard against NaN, early stopping, deadlines, checkpoints, saving and printing."""

import json
import logging
from types import SimpleNamespace

import aesara
import numpy as np
import pytest

from ladder.errors import TrainingStopped, UserError
from ladder.training.extensions import checkpointing, saving
from ladder.training.extensions.deadline import Deadline
from ladder.training.extensions.early_stopping import EarlyStopping
from ladder.training.extensions.guard import SNAPSHOT_EVERY, StopOnNotFinite
from ladder.training.extensions.monitoring import (
    ApproxTestMonitor,
    FinalTestMonitor,
    TrainingMonitor,
    mean_over_batches,
)
from ladder.training.extensions.printing import ShortPrinting
from ladder.training.extensions.saving import Log, SaveLog
from ladder.training.upkeep import Upkeep


def loop_at(epoch=0, update=0):
    return SimpleNamespace(epochs_done=epoch, updates_done=update, row={"epoch": epoch, "update": update})


def test_training_monitor_averages_over_the_epoch():
    monitor, loop = TrainingMonitor(), loop_at()
    for values in ([1.0, 2.0, 6.0], [10.0]):
        monitor.before_epoch(loop)
        for value in values:
            monitor.after_batch(loop, {"cost_total": value})
        monitor.after_epoch(loop)
        assert loop.row["train_cost_total"] == pytest.approx(np.mean(values))


def test_mean_over_batches_weighs_by_examples():
    batches = [{"features_unlabeled": np.zeros((n, 2)), "v": v} for n, v in ((3, 1.0), (1, 5.0))]
    assert mean_over_batches(lambda batch: {"v": batch["v"]}, batches) == {"v": 2.0}


def test_test_monitors_prefix_their_values():
    called, loop = [], loop_at()
    ApproxTestMonitor(lambda: {"e": 1.0}, lambda: called.append("forget")).after_epoch(loop)
    FinalTestMonitor(lambda: called.append("estimate"), lambda: {"e": 2.0}).after_training(loop)
    assert called == ["forget", "estimate"]
    assert loop.row["valid_approx_e"] == 1.0 and loop.row["valid_final_e"] == 2.0


def test_final_monitor_without_validation_set_adds_no_values():
    called, loop = [], loop_at()
    FinalTestMonitor(lambda: called.append("estimate")).after_training(loop)
    assert called == ["estimate"] and loop.row == {"epoch": 0, "update": 0}


class TestGuard:
    def make(self, has_folder=True):
        names = [f"shared_f_{i}_bn_{kind}_clean" for i in (1, 2) for kind in ("mean", "var")]
        shareds = {name: aesara.shared(np.ones(3, "float32")) for name in names + ["f_1_W"]}
        saved = []
        guard = StopOnNotFinite(shareds, lambda: saved.append(shareds["f_1_W"].get_value()) or has_folder, n_layers=3)
        guard.before_training(loop_at())
        return shareds, saved, guard

    def stop(self, guard, update, **values):
        with pytest.raises(TrainingStopped) as stopped:
            guard.after_batch(loop_at(update=update), {"cost_total": float("nan"), **values})
        return str(stopped.value)

    def go_on(self, guard, update):
        guard.after_batch(loop_at(update=update), {"cost_total": 1.0})
        guard.after_updates(loop_at(update=update))

    def test_finite_costs_go_on(self):
        shareds, saved, guard = self.make()
        for update in range(1, 2 * SNAPSHOT_EVERY + 2):
            self.go_on(guard, update)
        assert not saved

    def test_stops_with_update_layer_and_the_last_good_parameters(self):
        shareds, saved, guard = self.make()
        shareds["f_1_W"].set_value(np.full(3, 2, "float32"))
        self.go_on(guard, SNAPSHOT_EVERY)
        self.go_on(guard, SNAPSHOT_EVERY + 1)
        shareds["f_1_W"].set_value(np.full(3, np.nan, "float32"))
        shareds["shared_f_2_bn_mean_clean"].set_value(np.array([1, np.inf, 1], "float32"))
        message = self.stop(guard, SNAPSHOT_EVERY + 7)
        assert f"update {SNAPSHOT_EVERY + 7}" in message and "layer 2 of the encoder" in message
        assert f"after update {SNAPSHOT_EVERY}, the last that were good, are saved" in message
        np.testing.assert_array_equal(saved, [[2, 2, 2]])

    def test_finite_parameters_whose_cost_is_not_are_not_good(self):
        shareds, saved, guard = self.make()
        for update, value in ((SNAPSHOT_EVERY, 2), (2 * SNAPSHOT_EVERY, 1e30)):
            shareds["f_1_W"].set_value(np.full(3, value, "float32"))
            self.go_on(guard, update)
        assert f"after update {SNAPSHOT_EVERY}," in self.stop(guard, 2 * SNAPSHOT_EVERY + 1)
        np.testing.assert_array_equal(saved, [[2, 2, 2]])

    def test_without_a_folder_it_does_not_say_that_anything_is_saved(self):
        _, _, guard = self.make(has_folder=False)
        assert self.stop(guard, 1).endswith(
            "the corrupted encoder's output (layer 2): training stopped; try a smaller --lr."
        )

    def test_the_end_of_an_epoch_is_looked_at(self):
        shareds, saved, guard = self.make()
        guard.after_batch(loop_at(update=5), {"cost_total": 1.0})
        shareds["f_1_W"].set_value(np.full(3, 2, "float32"))
        guard.after_epoch(loop_at(epoch=1, update=5))
        guard.after_batch(loop_at(epoch=1, update=6), {"cost_total": 1.0})
        assert "after update 5," in self.stop(guard, 7)
        np.testing.assert_array_equal(saved, [[2, 2, 2]])

    def test_a_snapshot_that_is_not_finite_is_not_kept(self):
        shareds, saved, guard = self.make()
        shareds["f_1_W"].set_value(np.array([1, np.nan, 1], "float32"))
        self.go_on(guard, SNAPSHOT_EVERY)
        assert "after update 0" in self.stop(guard, SNAPSHOT_EVERY + 1)
        np.testing.assert_array_equal(saved, [[1, 1, 1]])

    def test_the_last_update_has_no_next_that_looks_at_it(self):
        shareds, saved, guard = self.make()
        self.go_on(guard, SNAPSHOT_EVERY)
        self.go_on(guard, SNAPSHOT_EVERY + 1)
        shareds["f_1_W"].set_value(np.full(3, np.inf, "float32"))
        guard.after_epoch(loop_at(epoch=1, update=SNAPSHOT_EVERY + 1))
        with pytest.raises(TrainingStopped) as stopped:
            guard.after_training(loop_at(epoch=1, update=SNAPSHOT_EVERY + 1))
        assert str(stopped.value) == (
            f"The parameters after update {SNAPSHOT_EVERY + 1}, the last one, are not finite numbers: training stopped, and "
            f"the parameters after update {SNAPSHOT_EVERY}, the last that were good, are saved; try a smaller --lr."
        )
        np.testing.assert_array_equal(saved, [[1, 1, 1]])

    def test_a_good_end_is_left_alone(self):
        _, saved, guard = self.make()
        guard.after_batch(loop_at(update=1), {"cost_total": 1.0})
        guard.after_epoch(loop_at(epoch=1, update=1))
        guard.after_training(loop_at(epoch=1, update=1))
        assert not saved

    def test_names_the_topmost_bad_layer_of_the_decoder(self):
        _, _, guard = self.make()
        bad = float("inf")
        message = self.stop(guard, 1, denois0=bad, denois1=bad, denois2=0.5)
        assert "layer 1 of the decoder" in message
        assert "layer 2" in self.stop(guard, 1, denois0=0.1)
        assert "virtual adversarial cost of layer 1" in self.stop(guard, 1, denois0=0.1, vat1=bad)


def test_log_rows_are_json_lines(tmp_path):
    log, loop = SaveLog(tmp_path / "log.jsonl"), loop_at(1, 5)
    loop.row.update(x=0.5, norm=np.float32(2), counts=np.arange(2))
    log.after_epoch(loop)
    log.after_training(loop)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows == [{"epoch": 1, "update": 5, "x": 0.5, "norm": 2.0, "counts": [0, 1]}] * 2
    loop.row["path"] = tmp_path
    with pytest.raises(UserError, match="an extension put a PosixPath into the row of an epoch"):
        log.after_epoch(loop)
    for number in (10**40, 10**5000):
        loop.row["path"] = number
        with pytest.raises(UserError, match="a value into the row of an epoch that could not be read back"):
            log.after_epoch(loop)
    assert len(log.rows) == 2


def test_log_has_the_rows_of_a_checkpoint_and_no_later_ones(tmp_path):
    path, first = tmp_path / "log.jsonl", SaveLog(tmp_path / "log.jsonl")
    first.after_epoch(loop_at(1, 5))
    kept = first.text
    first.after_epoch(loop_at(2, 10))
    with path.open("a") as f:
        f.write('{"epoch": 3, "upd')  # killed there
    second = SaveLog(path)
    second.text = kept
    second.before_training(loop_at(1, 5))
    assert path.read_text() == kept
    second.after_epoch(loop_at(2, 10))
    assert path.read_text() == first.text


def test_rows_that_could_not_be_written_come_with_the_next(tmp_path, caplog):
    log = SaveLog(tmp_path / "missing" / "log.jsonl")
    log.after_epoch(loop_at(1, 5))
    assert "missing" in caplog.text
    (tmp_path / "missing").mkdir()
    log.after_epoch(loop_at(2, 10))
    assert len((tmp_path / "missing" / "log.jsonl").read_text().splitlines()) == 2
    log = SaveLog(tmp_path / "absent" / "log.jsonl")
    with pytest.raises(OSError) as caught:
        log.after_training(loop_at(2, 10))
    assert caught.value.filename == str(tmp_path / "absent" / "log.jsonl")


def test_printed_line_uses_the_originals_names(caplog):
    loop = loop_at(1, 600)
    loop.row.update(train_cost_class_corr=0.156, train_denois0=0.02, train_denois1=0.3, train_denois10=0.4)
    loop.row.update(train_vat0=0.01, train_vat3=0.002)
    loop.row.update(train_denoising_ratio=0.5, train_denois0_scaled=0.1, train_vat_share=0.2)  # from a callback
    loop.row.update(valid_approx_cost_class_clean=0.2, valid_approx_error_rate_clean=3.5)
    with caplog.at_level(logging.INFO, "main"):
        ShortPrinting().after_epoch(loop)
    assert caplog.messages[0] == (
        "e 1, i 600: T_C_class 0.156, T_C_de 0.02 0.3 0.4, T_C_vat 0.01 0.002, V_C_class 0.2, V_E 3.5"
    )


def test_the_last_line_has_the_best_epoch_and_penalties(caplog):
    loop = loop_at(9, 5400)
    loop.row.update(train_l1=1234.5, train_l2=0.25, valid_final_error_rate_clean=1.5, valid_best_error_rate_clean=1.25)
    with caplog.at_level(logging.INFO, "main"):
        ShortPrinting().after_training(loop)
    assert caplog.messages == ["e 9, i 5400: T_L1 1.23e+03, T_L2 0.25, VF_E 1.5, VB_E 1.25"]


class TestDeadline:
    def loop(self, epochs_done, ended=False):
        return SimpleNamespace(epochs_done=epochs_done, num_epochs=3, ended=ended, interrupted=False)

    def interrupts(self, deadline, loop):
        deadline.before_training(loop)
        return loop.interrupted

    def test_a_run_that_begins_too_late_is_interrupted_but_not_what_follows_its_last_epoch(self):
        over, not_yet = Deadline(0), Deadline(60)
        assert self.interrupts(over, self.loop(2)) and not self.interrupts(not_yet, self.loop(2))
        assert not self.interrupts(over, self.loop(3)) and not self.interrupts(over, self.loop(2, ended=True))

    def test_it_is_that_of_pre_training_too(self):
        assert self.interrupts(Upkeep(deadline=Deadline(0)).of_pretraining.deadline, self.loop(0))
        assert Upkeep().of_pretraining.deadline is None


def test_a_run_that_was_killed_after_its_patience_is_not_trained_on():
    log, loop = Log(), SimpleNamespace(epochs_done=0, ended=False)
    for epoch, error in enumerate((3.0, 2.0, 2.5, 2.25), 1):
        log.after_epoch(SimpleNamespace(row={"epoch": epoch, "valid_approx_error_rate_clean": error}))
    for epochs_done, ended in ((2, False), (3, False), (4, True)):
        loop.epochs_done = epochs_done
        EarlyStopping(2, log).before_training(loop)
        assert loop.ended == ended


def test_runs_side_by_side_write_checkpoints_more_seldom(tmp_path, monkeypatch):
    """Each run waits while all checkpoints are written, so together they take the same share of the time."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(checkpointing, "time", SimpleNamespace(monotonic=lambda: clock.now))
    written = []

    def write(folder, update, *_):
        clock.now += 1.0
        written.append(update)

    monkeypatch.setattr(checkpointing.checkpoints, "write", write)
    state = SimpleNamespace(is_finite=lambda: True, get=lambda loop: ({}, {}))

    def updates_written(together):
        clock.now = 0.0
        written.clear()
        checkpoint = checkpointing.Checkpoint(tmp_path, state, {}, minutes=0, together=together)
        checkpoint.before_training(loop_at())
        for epoch in range(1, 31):
            clock.now += 2.0
            checkpoint.after_epoch(loop_at(epoch, epoch))
        return written.copy()

    assert updates_written(1) == [1, 6, 11, 16, 21, 26]  # 10 s of training for 1 s of writing
    assert updates_written(3) == [1, 16]


def test_rows_of_a_log_are_read_once(monkeypatch):
    log, read = Log(), []
    loads = lambda line: read.append(line) or {"line": line}
    monkeypatch.setattr(saving, "json", SimpleNamespace(loads=loads, dumps=json.dumps))
    for epoch in range(1, 6):
        log.after_epoch(SimpleNamespace(row={"epoch": epoch}))
        assert len(log.rows) == len(read) == epoch
    log.rows.append("a row of whoever asked")
    log.text = log.text[: log.text.index("\n") + 1]  # as in an earlier checkpoint
    assert log.rows == [{"line": '{"epoch": 1}'}]
