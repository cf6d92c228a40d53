"""The main loop: order of events, ending on a signal, and several loops in step."""

import os
import signal
from contextlib import contextmanager

import pytest

from ladder.errors import TrainingStopped
from ladder.training.extensions import Extension
from ladder.training.main_loop import MainLoop, run_side_by_side


class Stream:
    """Batches of an epoch, three by default."""

    def __init__(self, num_batches=3):
        self.num_batches = num_batches

    def get_request_iterator(self):
        return iter([{"x": i} for i in range(self.num_batches)])


class Updates:
    """Stand-in for a backend's updates: ``make_one`` returns the monitored values of a request."""

    def __init__(self, make_one=lambda request: {"x": float(request["x"])}, at_once=1):
        self.make_one, self.at_once, self.asked = make_one, at_once, []

    def make(self, requests):
        self.asked.append(len(requests))
        return [self.make_one(request) for request in requests]


class Recorder(Extension):
    def __init__(self):
        self.events = []

    def before_training(self, loop):
        self.events.append("before_training")

    def before_epoch(self, loop):
        self.events.append("before_epoch")

    def after_batch(self, loop, values):
        self.events.append(("batch", loop.updates_done, values["x"]))

    def after_updates(self, loop):
        self.events.append(("updates", loop.updates_done, loop.batches_done))

    def after_epoch(self, loop):
        self.events.append(("epoch", dict(loop.row)))

    def after_training(self, loop):
        self.events.append("after_training")

    def on_interrupt(self, loop):
        self.events.append("on_interrupt")

    def of(self, kind):
        return [event for event in self.events if event[0] == kind]


def test_order_of_events():
    recorder = Recorder()
    loop = MainLoop(Stream(2), 2, [recorder])
    loop.run(Updates(lambda request: {"x": request["x"] * 10.0}))
    epoch = [
        ("batch", 1, 0.0),
        ("updates", 1, 1),
        ("batch", 2, 10.0),
        ("updates", 2, 2),
        ("epoch", {"epoch": 1, "update": 2}),
    ]
    assert recorder.events[:2] == ["before_training", "before_epoch"]
    assert recorder.events[2:7] == epoch
    assert recorder.events[-1] == "after_training" and recorder.events[-2] == ("epoch", {"epoch": 2, "update": 4})
    assert (loop.epochs_done, loop.updates_done, loop.interrupted, loop.finished) == (2, 4, False, True)


def test_several_updates_at_once_end_with_the_epoch():
    recorder, updates = Recorder(), Updates(at_once=4)
    MainLoop(Stream(6), 2, [recorder]).run(updates)
    assert updates.asked == [4, 2, 4, 2]
    assert recorder.of("batch") == [("batch", k + 1, float(k % 6)) for k in range(12)]
    assert recorder.of("updates") == [("updates", 4, 4), ("updates", 6, 6), ("updates", 10, 4), ("updates", 12, 6)]


def test_updates_that_were_not_made_are_not_counted():
    """A backend stops making updates after one whose cost is not finite."""

    class Stopping(Updates):
        def make(self, requests):
            return super().make(requests)[:2]

    recorder = Recorder()
    loop = MainLoop(Stream(3), 1, [recorder])
    loop.run(Stopping(at_once=3))
    assert [event[1:] for event in recorder.of("batch")] == [(1, 0.0), (2, 1.0)] and loop.updates_done == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_training_after_the_batch_in_hand(number):
    before = signal.getsignal(number)
    recorder = Recorder()

    def make_one(request):
        if request["x"] == 1:
            os.kill(os.getpid(), number)
        return {"x": 0.0}

    loop = MainLoop(Stream(), 5, [recorder])
    loop.run(Updates(make_one))
    assert loop.interrupted and loop.updates_done == 2
    assert recorder.events[-1] == "on_interrupt" and "after_training" not in recorder.events
    assert signal.getsignal(number) is before


def test_later_extensions_see_what_earlier_ones_wrote():
    class Writer(Extension):
        def after_epoch(self, loop):
            loop.row["written"] = 1

    recorder = Recorder()
    MainLoop(Stream(), 1, [Writer(), recorder]).run(Updates())
    assert ("epoch", {"epoch": 1, "update": 3, "written": 1}) in recorder.events


def test_a_run_that_goes_on_within_an_epoch_skips_the_batches_done():
    """Also if all of them were done but the end of the epoch was not reached."""
    for done, events in ((2, [("batch", 6, 2.0), ("updates", 6, 3)]), (3, [])):
        recorder = Recorder()
        loop = MainLoop(Stream(), 2, [recorder])
        loop.epochs_done, loop.batches_done, loop.updates_done = 1, done, 3 + done
        loop.run(Updates())
        end = [("epoch", {"epoch": 2, "update": 6}), "after_training"]
        assert recorder.events == ["before_training", *events, *end]


def test_a_run_that_goes_on_makes_the_same_numbers_of_updates_at_once_again():
    updates, loop = Updates(at_once=4), MainLoop(Stream(10), 1, [])
    loop.batches_done = loop.updates_done = 2
    loop.run(updates)
    assert updates.asked == [2, 4, 2]


@pytest.mark.parametrize("at_once", [1, 4])
def test_augmentation_is_told_the_place_of_each_request_also_where_a_run_goes_on(at_once):
    made = []

    def make_one(request):
        made.append(request["at"])
        return {"x": 0.0}

    def augmentation(request, epoch, batch):
        return {**request, "at": (epoch, batch, request["x"])}

    loop = MainLoop(Stream(6), 3, [], augmentation)
    loop.epochs_done, loop.batches_done, loop.updates_done = 1, 3, 9
    loop.run(Updates(make_one, at_once))
    assert made == [(1, k, k) for k in range(3, 6)] + [(2, k, k) for k in range(6)]


def test_signal_handlers_are_put_back_after_an_error():
    before = signal.getsignal(signal.SIGINT)

    def make_one(request):
        raise ValueError

    with pytest.raises(ValueError):
        MainLoop(Stream(), 1, []).run(Updates(make_one))
    assert signal.getsignal(signal.SIGINT) is before


class Stopper(Extension):
    """Ends its run after an update, as the guard against NaN does."""

    def __init__(self, after):
        self._after = after

    def after_batch(self, loop, values):
        if loop.updates_done == self._after:
            raise TrainingStopped("stopped")


class TestSideBySide:
    def run(self, loops, at_once=2, signal_at=None):
        asked = []

        def make(requests):
            asked.append({i: [request["x"] for request in each] for i, each in requests.items()})
            if len(asked) == signal_at:
                os.kill(os.getpid(), signal.SIGTERM)
            return {i: [{"x": 10.0 * i + request["x"]} for request in each] for i, each in requests.items()}

        return run_side_by_side(loops, make, at_once), asked

    def test_all_updates_are_made_together(self):
        recorders = [Recorder(), Recorder()]
        errors, asked = self.run([MainLoop(Stream(), 1, [recorder]) for recorder in recorders])
        assert not errors and asked == [{0: [0, 1], 1: [0, 1]}, {0: [2], 1: [2]}]
        for i, recorder in enumerate(recorders):
            assert [event[2] for event in recorder.of("batch")] == [10.0 * i + k for k in range(3)]
            assert recorder.events[-1] == "after_training"

    def test_the_others_go_on_where_one_stops(self):
        loops = [MainLoop(Stream(), 2, [Stopper(2)]), MainLoop(Stream(), 2, [])]
        errors, asked = self.run(loops)
        assert list(errors) == [0] and isinstance(errors[0], TrainingStopped)
        assert asked[1:] == [{1: [2]}, {1: [0, 1]}, {1: [2]}] and loops[1].finished and not loops[0].finished

    def test_the_others_go_on_where_one_has_learnt_enough(self):
        """It ends as if the epoch had been its last; the others train as they would have anyway."""

        class Enough(Extension):
            def after_epoch(self, loop):
                loop.ended = loop.epochs_done == 1

        recorders = [Recorder(), Recorder()]
        loops = [MainLoop(Stream(), 2, [Enough(), recorders[0]]), MainLoop(Stream(), 2, [recorders[1]])]
        errors, asked = self.run(loops)
        assert not errors and all(loop.finished for loop in loops)
        assert [loop.epochs_done for loop in loops] == [1, 2]
        assert asked == [{0: [0, 1], 1: [0, 1]}, {0: [2], 1: [2]}, {1: [0, 1]}, {1: [2]}]
        assert [recorder.events[-1] for recorder in recorders] == ["after_training"] * 2

    def test_a_signal_ends_all(self):
        recorders = [Recorder(), Recorder()]
        loops = [MainLoop(Stream(), 5, [recorder]) for recorder in recorders]
        _, asked = self.run(loops, signal_at=2)
        assert len(asked) == 2 and all(loop.interrupted for loop in loops)
        assert all(recorder.events[-1] == "on_interrupt" for recorder in recorders)

    def test_what_a_loop_does_happens_inside_its_context(self):
        now, seen = [None], []

        class Looking(Extension):
            def __init__(self, i):
                self._i = i

            def after_batch(self, loop, values):
                seen.append((self._i, now[0]))

        @contextmanager
        def current(i):
            now[0] = i
            yield
            now[0] = None

        loops = [MainLoop(Stream(), 1, [Looking(i)]) for i in range(2)]
        run_side_by_side(loops, lambda requests: {i: [{"x": 0.0}] * len(r) for i, r in requests.items()}, 2, current)
        assert seen and all(i == inside for i, inside in seen)

    def test_one_run_that_stops_raises(self):
        with pytest.raises(TrainingStopped):
            MainLoop(Stream(), 1, [Stopper(1)]).run(Updates())
