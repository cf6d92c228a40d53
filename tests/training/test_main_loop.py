"""The main loop's order of events, and its end by a signal."""

import os
import signal

import pytest

from ladder.training.extensions import Extension
from ladder.training.main_loop import MainLoop


class Stream:
    """Three batches an epoch."""

    num_batches = 3

    def get_epoch_iterator(self):
        return iter([{"x": i} for i in range(3)])


class Recorder(Extension):
    def __init__(self):
        self.events = []

    def before_training(self, loop):
        self.events.append("before_training")

    def before_epoch(self, loop):
        self.events.append("before_epoch")

    def after_batch(self, loop, values):
        self.events.append(("batch", loop.updates_done, values["x"]))

    def after_epoch(self, loop):
        self.events.append(("epoch", dict(loop.row)))

    def after_training(self, loop):
        self.events.append("after_training")

    def on_interrupt(self, loop):
        self.events.append("on_interrupt")


def test_order_of_events():
    recorder = Recorder()
    loop = MainLoop(lambda batch: {"x": batch["x"] * 10.0}, Stream(), 2, [recorder])
    loop.run()
    epoch = [("batch", 1, 0.0), ("batch", 2, 10.0), ("batch", 3, 20.0), ("epoch", {"epoch": 1, "update": 3})]
    assert recorder.events[:2] == ["before_training", "before_epoch"]
    assert recorder.events[2:6] == epoch
    assert recorder.events[-1] == "after_training" and recorder.events[-2] == ("epoch", {"epoch": 2, "update": 6})
    assert (loop.epochs_done, loop.updates_done, loop.interrupted) == (2, 6, False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_training_after_the_batch_in_hand(number):
    before = signal.getsignal(number)
    recorder = Recorder()

    def process(batch):
        if batch["x"] == 1:
            os.kill(os.getpid(), number)
        return {"x": 0.0}

    loop = MainLoop(process, Stream(), 5, [recorder])
    loop.run()
    assert loop.interrupted and loop.updates_done == 2
    assert recorder.events[-1] == "on_interrupt" and "after_training" not in recorder.events
    assert signal.getsignal(number) is before


def test_later_extensions_see_what_earlier_ones_wrote():
    class Writer(Extension):
        def after_epoch(self, loop):
            loop.row["written"] = 1

    recorder = Recorder()
    MainLoop(lambda batch: {"x": 0.0}, Stream(), 1, [Writer(), recorder]).run()
    assert ("epoch", {"epoch": 1, "update": 3, "written": 1}) in recorder.events


def test_a_run_that_goes_on_within_an_epoch_skips_the_batches_done():
    """Also where all were done, but the epoch's end was not reached."""
    for done, events in ((2, [("batch", 6, 2.0)]), (3, [])):
        recorder = Recorder()
        loop = MainLoop(lambda batch: {"x": float(batch["x"])}, Stream(), 2, [recorder])
        loop.epochs_done, loop.batches_done, loop.updates_done = 1, done, 3 + done
        loop.run()
        end = [("epoch", {"epoch": 2, "update": 6}), "after_training"]
        assert recorder.events == ["before_training", *events, *end]


def test_signal_handlers_are_put_back_after_an_error():
    before = signal.getsignal(signal.SIGINT)

    def process(batch):
        raise ValueError

    with pytest.raises(ValueError):
        MainLoop(process, Stream(), 1, []).run()
    assert signal.getsignal(signal.SIGINT) is before
