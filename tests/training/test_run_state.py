"""The state of a run can be restored in another run; this needs no compiling."""

import json

import numpy as np
import pytest

from ladder.data.schemes import SequentialScheme, ShuffledScheme
from ladder.data.streams import DataStream, SemiDataStream
from ladder.options import Options
from ladder.training.extensions.early_stopping import KeepBest
from ladder.training.extensions.monitoring import TrainingMonitor
from ladder.training.extensions.saving import SaveLog
from ladder.training.functions import build_training_graph
from ladder.training.main_loop import MainLoop
from ladder.training.run_state import RunState
from ladder.training.schedules import FOLLOWED
from ladder.training.step import training_step


class Run:
    """A small network, its streams and its loop."""

    def __init__(self, unlabeled=ShuffledScheme, **options):
        p = Options(encoder_layers=("3", "2"), decoder_spec=("gauss",), denoising_cost_x=(1.0, 1.0, 1.0), **options)
        self.ladder, _ = build_training_graph(p, (4,))
        self.step = training_step(self.ladder)
        sources = {"features": np.zeros((10, 4), "float32"), "targets": np.zeros(10, int)}
        both = [DataStream(sources, scheme(10, 3)) for scheme in (ShuffledScheme, unlabeled)]
        self.stream = SemiDataStream(*both)
        self.monitor, self.log = TrainingMonitor(), SaveLog("log.jsonl")
        self.loop = MainLoop(self.stream, 5, [])
        self.state = RunState(self.ladder, self.step, {"train": self.stream}, self.monitor, self.log)

    def get(self):
        values, arrays = self.state.get(self.loop)
        return json.loads(json.dumps(values)), arrays

    def order(self):
        """Positions of the examples of the next epoch, or of what is left of the current one."""
        batches = list(self.stream.unlabeled.scheme.get_request_iterator())
        return np.concatenate(batches[self.loop.batches_done :])


#: The log of one epoch.
LOG = '{"epoch": 1, "train_cost_total": 0.5}\n'


def scramble(run):
    """Change everything that training changes."""
    rng = np.random.RandomState(3)
    for variable in [*run.ladder.shareds.values(), *run.step.updates, run.step.learning_rate]:
        variable.set_value(np.asarray(rng.uniform(size=np.shape(variable.get_value())), "float32"))
    run.ladder.noise.set_states([state + 1 for state in run.ladder.noise.get_states()])
    list(run.stream.get_epoch_iterator())
    run.monitor.state, run.log.text = {"sums": {"cost": 0.1}, "count": 2}, LOG
    run.loop.epochs_done, run.loop.updates_done = 1, 4


@pytest.mark.parametrize(
    "options", [{"noise": "mrg"}, {"noise": "philox"}, {"plain_graph": True}, {"unlabeled": SequentialScheme}]
)
def test_all_of_it_comes_back(options):
    one, two = Run(**options), Run(**options)
    untouched = two.get()[1]
    scramble(one)
    values, arrays = one.get()
    changed = [name for name in arrays if not np.array_equal(arrays[name], untouched[name])]
    assert {"f_1_W", "f_1_W_mean", "adam_time", "learning_rate", "noise_0", "shared_f_1_bn_mean_clean"} <= set(changed)
    two.state.set(two.loop, values, arrays)
    again = two.get()
    assert again[0] == values and again[1].keys() == arrays.keys()
    for name in arrays:
        np.testing.assert_array_equal(again[1][name], arrays[name], err_msg=name)
        assert again[1][name].dtype == untouched[name].dtype
    np.testing.assert_array_equal(one.order(), two.order())


def test_within_an_epoch_the_order_is_that_of_its_start():
    one, two = Run(), Run()
    one.order()  # a completed epoch
    one.state.begin_epoch()
    order = one.order()
    one.loop.batches_done = one.loop.updates_done = 2
    two.state.set(two.loop, *one.get())
    np.testing.assert_array_equal(two.order(), order[6:])
    # and a checkpoint of the resumed run has the same values
    assert two.get()[0] == one.get()[0]


def test_the_best_epoch_comes_back_too_and_a_state_without_it_is_refused():
    one, two = Run(), Run()
    names = ["f_1_W", "shared_f_1_bn_mean_clean"]
    for run in (one, two):
        run.best = KeepBest(run.ladder.shareds, names, run.log, None, None)
        run.state = RunState(run.ladder, run.step, {"train": run.stream}, run.monitor, run.log, run.best)
    two.state.set(two.loop, *one.get())  # before the end of the first epoch there is no best one
    assert two.best.kept == {}
    one.log.text = '{"epoch": 1, "valid_approx_error_rate_clean": 9.0}\n'
    for epoch, error in ((2, 5.0), (3, 5.0), (4, 7.0)):
        one.ladder.shareds["f_1_W"].set_value(np.full((4, 3), epoch, "float32"))
        one.loop.epochs_done, one.loop.row = epoch, {"epoch": epoch, "valid_approx_error_rate_clean": error}
        one.best.after_epoch(one.loop)
        one.log.text += json.dumps(one.loop.row) + "\n"
    assert (one.best.kept["f_1_W"] == 2).all()
    one.loop.updates_done = 4 * one.stream.num_batches
    values, arrays = one.get()
    two.state.set(two.loop, values, arrays)
    assert two.best.kept.keys() == set(names) and (two.best.kept["f_1_W"] == 2).all()
    for wrong in (None, np.zeros((2, 2), "float32"), np.full((4, 3), np.nan, "float32")):
        others = {**arrays, "best_f_1_W": wrong}
        with pytest.raises(ValueError, match="f_1_W"):
            two.state.check(two.loop, values, others)


def change(values, *path, to):
    """The same values with one of them changed."""
    values = json.loads(json.dumps(values))
    inner = values
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return values


@pytest.fixture(scope="module")
def two_runs():
    one, two = Run(), Run()
    scramble(one)
    return one, two


RANDOM_STATE = ("streams", "train", "labeled")
N_BATCHES = 4  # per epoch: ten examples in batches of three


@pytest.mark.parametrize(
    "path, to, said",
    [
        ((*RANDOM_STATE, 2), 10**9, "damaged"),
        ((*RANDOM_STATE, 2), 625, "damaged"),
        ((*RANDOM_STATE, 2), -5, "damaged"),
        ((*RANDOM_STATE, 2), 1.0, "damaged"),
        ((*RANDOM_STATE, 2), True, "damaged"),
        ((*RANDOM_STATE, 0), "PCG64", "damaged"),
        ((*RANDOM_STATE, 1), [1] * 623, "damaged"),
        ((*RANDOM_STATE, 1), [2**32] * 624, "damaged"),
        ((*RANDOM_STATE, 1), None, "damaged"),
        ((*RANDOM_STATE, 3), 2, "damaged"),
        ((*RANDOM_STATE, 4), None, "damaged"),
        (RANDOM_STATE, None, "damaged"),
        (("streams", "train"), {}, "of other streams of data"),
        (("streams",), {}, "of other streams of data"),
        (("streams",), [1], "damaged"),
        (("epochs_done",), "1", "damaged"),
        (("updates_done",), 5, "cannot have made"),
        (("monitor",), {}, "damaged"),
        (("monitor", "sums"), {"denois": 1.0}, "damaged"),
        (("monitor", "sums"), {"cost": "x"}, "damaged"),
        (("monitor", "count"), None, "damaged"),
        (("log",), 3, "damaged"),
        (("log",), "\udc80", "damaged"),
        (("log",), "no JSON\n", "damaged .its log"),
        (("log",), "[]\n", "damaged .its log"),
        (("log",), "{}\n", "damaged .its log"),
        (("log",), "", "not that of 1 epochs"),
        (("log",), LOG + LOG, "not that of 1 epochs"),
        (("log",), LOG.replace("1", "2", 1), "not that of 1 epochs"),
        (("log",), LOG.strip(), "not that of 1 epochs"),
    ],
)
def test_plain_values_that_no_run_has_are_refused_and_nothing_is_set(path, to, said, two_runs):
    one, two = two_runs
    values, arrays = one.get()
    before = two.get()
    with pytest.raises(ValueError, match=said):
        two.state.set(two.loop, change(values, *path, to=to), arrays)
    after = two.get()
    assert after[0] == before[0]
    for name in arrays:
        np.testing.assert_array_equal(after[1][name], before[1][name])


@pytest.mark.parametrize("schedule", FOLLOWED)
def test_a_log_without_the_number_that_the_rate_follows_is_refused(schedule, two_runs):
    run = two_runs[1]
    values, arrays = two_runs[0].get()
    state = RunState(run.ladder, run.step, {"train": run.stream}, run.monitor, run.log, followed=FOLLOWED[schedule])
    for value in ("1.0", "NaN"):  # a validation error need not be finite
        state.check(run.loop, {**values, "log": f'{{"epoch": 1, "{FOLLOWED[schedule]}": {value}}}\n'}, arrays)
    for row in ('{"epoch": 1}', f'{{"epoch": 1, "{FOLLOWED[schedule]}": "1.0"}}'):
        with pytest.raises(ValueError, match="its log lacks"):
            state.check(run.loop, {**values, "log": row + "\n"}, arrays)


@pytest.mark.parametrize("epochs, batches", [(6, 0), (-1, 0), (0, 1 + N_BATCHES), (1, -1)])
def test_counters_beyond_the_run_are_refused(epochs, batches, two_runs):
    one, two = two_runs
    assert two.stream.num_batches == N_BATCHES
    values, arrays = one.get()
    counters = {"epochs_done": epochs, "batches_done": batches, "updates_done": epochs * N_BATCHES + batches}
    with pytest.raises(ValueError, match="cannot have made"):
        two.state.set(two.loop, {**values, **counters}, arrays)


@pytest.mark.parametrize(
    "name, array, said",
    [
        ("f_1_W", None, "without f_1_W"),
        ("f_1_W", np.zeros((4, 2), "float32"), "of another network"),
        ("f_1_W", np.zeros((4, 3)), "of another network"),
        ("f_1_W", np.full((4, 3), np.nan, "float32"), "not finite"),
        ("f_1_W", np.full((4, 3), np.inf, "float32"), "not finite"),
        ("f_1_W_variance", np.full((4, 3), np.nan, "float32"), "not finite"),
        ("adam_time", np.zeros(1, "float32"), "of another network"),
        ("noise_0", np.zeros(3), "of another network"),
    ],
)
def test_arrays_that_no_run_has_are_refused(name, array, said, two_runs):
    one, two = two_runs
    values, arrays = one.get()
    arrays = {**arrays, name: array}
    if array is None:
        del arrays[name]
    with pytest.raises(ValueError, match=said):
        two.state.set(two.loop, values, arrays)
