"""Many updates in one program, of one run or several, against updates one by one and against Aesara's own."""

from functools import lru_cache

import aesara
import aesara.tensor as at
import numpy as np
import pytest

pytest.importorskip("jax.numpy", reason="needs JAX")

from golden.evaluate import PYTHON

from ladder import backends
from ladder.backends import c
from ladder.backends import jax as jax_backend
from ladder.fused.noise import PhiloxNoise
from ladder.options import Options
from ladder.training.functions import build_training_graph, compile_training
from ladder.training.step import training_step

jax_backend.configure()

from ladder.backends.jax import updates as updates_module

N = 30
SIZES = (5, 5, 3, 5, 5)


@pytest.fixture(autouse=True, scope="module")
def without_compiler():
    """As with the JAX backend: Aesara folds constants in Python."""
    with aesara.config.change_flags(cxx=""):
        yield


@pytest.fixture(autouse=True, scope="module")
def as_on_a_gpu():
    """Many updates in one scan, and runs under vmap; what a CPU does is tested at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(updates_module, "on_cpu", lambda: False)
        yield


def value_of(variable):
    return np.asarray(variable.get_value())


# --- A ladder


def ladder_data(seed):
    rng = np.random.RandomState(seed)
    x, y = rng.randn(N, 4).astype("float32"), rng.randint(0, 2, N)
    return {"features_labeled": x, "targets_labeled": y, "features_unlabeled": x}


def ladder_requests(seed, n, labeled=6, unlabeled=8):
    rng = np.random.RandomState(seed)
    made = []
    for _ in range(n):
        few, many = rng.permutation(N)[:labeled], rng.permutation(N)[:unlabeled]
        made.append({"features_labeled": few, "targets_labeled": few, "features_unlabeled": many})
    return made


class Ladder:
    """A run of a tiny ladder: its updates and all that they change; ``like``: a run whose program it uses."""

    def __init__(self, seed=1, data=None, like=None, plain_graph=False):
        p = Options(
            encoder_layers=("3", "2"),
            decoder_spec=("gauss",),
            denoising_cost_x=(1.0, 1.0, 1.0),
            seed=seed,
            plain_graph=plain_graph,
        )
        self.ladder, inputs = build_training_graph(p, (4,))
        data = ladder_data(0) if data is None else data
        if like is None:
            self.updates, self.step = compile_training(self.ladder, inputs, data)
        else:
            self.step = training_step(self.ladder)
            self.updates = like.updates.on(dict(zip(like.variables(), self.variables())).__getitem__, data)
        self.first = [value_of(variable) for variable in self.variables()]

    def variables(self):
        named = {v.name: v for v in (*self.ladder.shareds.values(), *self.step.updates, self.step.learning_rate)}
        return [*named.values(), *self.ladder.noise.states()]

    def state(self):
        return [value_of(variable) for variable in self.variables()]

    def restart(self):
        for variable, value in zip(self.variables(), self.first):
            variable.set_value(value)
        return self


@pytest.fixture(scope="module")
def ladder():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backends, "_in_force", "jax")
        return Ladder()


def assert_near(found, expected, rtol=1e-5, atol=1e-6):
    for one, true in zip(found, expected, strict=True):
        assert one.dtype == true.dtype and one.shape == true.shape
        np.testing.assert_allclose(one, true, rtol, atol)


def assert_rows_near(found, expected, rtol=1e-5):
    assert len(found) == len(expected)
    for row, true in zip(found, expected):
        assert all(type(x) is float for x in row.values()) and list(row) == list(true)
        np.testing.assert_allclose(list(row.values()), list(true.values()), rtol, rtol)


def test_updates_of_a_ladder_are_those_of_aesara(ladder, monkeypatch):
    """The plain graph runs in Python, which needs no compiler."""
    requests = ladder_requests(0, 3)
    rows, state = one_by_one(ladder, requests)
    monkeypatch.setattr(c, "mode", lambda **options: PYTHON)
    plain = Ladder(plain_graph=True)
    assert isinstance(plain.updates, c.Updates) and plain.updates.at_once == 1
    assert_rows_near(plain.updates.make(requests), rows, rtol=1e-4)
    assert_near(plain.state(), state, rtol=1e-4, atol=1e-5)


def test_ladders_made_together(ladder):
    """Two updates at once, each run with its own seed, noise, order and data."""
    other = Ladder(seed=2, data=ladder_data(1), like=ladder)
    assert_as_alone((ladder, other), [ladder_requests(k, 2) for k in range(2)])


# --- Something smaller


class Run:
    """A neuron with noise, a count of updates, and an average."""

    def __init__(self, data, first=0.5, like=None, name="cost_total", module=jax_backend):
        self.w = aesara.shared(np.full(3, first, "float32"), name="w")
        self.mean, self.count = (aesara.shared(np.float32(0), name=name) for name in ("mean", "count"))
        self.rate, self.noise = aesara.shared(np.float32(0.1), name="rate"), PhiloxNoise(int(10 * first))
        self.data = data if isinstance(data, dict) else {"x": data, "t": data}
        x, t = at.fmatrix("x"), at.fmatrix("t")
        cost = at.square(x @ self.w + self.noise.normal((3,)).sum() / 10 - (t[:, 0] * t[:, 1]).mean()).mean()
        changes = {
            self.w: self.w - self.rate * at.grad(cost, self.w),
            self.mean: 0.9 * self.mean + 0.1 * t.mean(),
            self.count: self.count + 1,
        }
        if like is None:
            self.updates = module.Updates(
                [x, t], {name: cost, "count": self.count, "rate": self.rate}, changes, self.data
            )
        else:
            self.updates = like.updates.on(dict(zip(like.variables(), self.variables())).__getitem__, self.data)
        self.first = [value_of(variable) for variable in self.variables()]

    variables = lambda self: [self.w, self.mean, self.count, self.rate, *self.noise.states()]
    state, restart = Ladder.state, Ladder.restart


def points(seed):
    return np.random.RandomState(seed).randn(N, 3).astype("float32")


def requests_of(seed, sizes=SIZES):
    """Positions from 1 on: example 0 is kept for :func:`with_bad`."""
    rng = np.random.RandomState(seed)
    return [{"x": 1 + rng.permutation(N - 1)[:n], "t": 1 + rng.permutation(N - 1)[: n + 1]} for n in sizes]


def with_bad(requests, k):
    """The requests, with example 0 in number ``k``."""
    x = requests[k]["x"].copy()
    x[-1] = 0
    return [*requests[:k], {**requests[k], "x": x}, *requests[k + 1 :]]


@lru_cache(maxsize=None)
def three_runs(shared):
    """Three runs on the same examples, or each on its own; example 0 of each is NaN."""
    data = [points(0 if shared else k) for k in range(3)]
    for array in data:
        array[0] = np.nan
    first = Run(data[0])
    return [first, *(Run(data[0] if shared else data[k], 0.5 + k, like=first) for k in (1, 2))]


def make_together(runs, requests):
    return jax_backend.make_together([run.updates for run in runs], requests)


def one_by_one(run, requests):
    """Rows up to the first whose cost is not finite, and the state after it."""
    run.restart()
    rows = []
    for request in requests:
        rows += run.updates.make([request])
        if not np.isfinite(rows[-1]["cost_total"]):
            break
    return rows, run.state()


def assert_as_alone(runs, requests):
    """Updates of runs made together give the same rows and states as each run's made one by one."""
    for run in runs:
        run.restart()
    found = make_together(runs, requests)
    states = [run.state() for run in runs]
    for run, each, rows, state in zip(runs, requests, found, states):
        expected, after = one_by_one(run, each)
        assert_rows_near(rows, expected)
        assert_near(state, after)
    return found


def test_at_once_as_one_by_one_with_batches_of_several_sizes():
    (run, *_), requests = three_runs(True), requests_of(0)
    (rows,) = assert_as_alone([run], [requests])
    assert [row["count"] for row in rows] == [0, 1, 2, 3, 4]
    assert run.state()[2] == 5 and run.state()[-1].tolist() == [5, 0, 5]
    run.restart()
    again = run.updates.make(requests[:2]) + run.updates.make(requests[2:])
    assert_rows_near(again, rows)


@pytest.mark.parametrize("shared", [True, False])
def test_runs_made_together(shared):
    found = assert_as_alone(three_runs(shared), [requests_of(k) for k in range(3)])
    assert len({rows[-1]["cost_total"] for rows in found}) == 3


@pytest.mark.parametrize("bad", [0, 1, 2, 4])
def test_a_run_whose_cost_is_nan_stops_alone(bad):
    """At the first of several updates, at the last, at a single one, and after a change of sizes."""
    requests = [requests_of(k) for k in range(3)]
    requests[1] = with_bad(requests[1], bad)
    runs = three_runs(False)
    for run in runs:
        run.restart()
    found = make_together(runs, requests)
    states = [run.state() for run in runs]
    assert [len(rows) for rows in found] == [5, bad + 1, 5]
    assert np.isnan(found[1][-1]["cost_total"]) and all(np.isfinite(row["cost_total"]) for row in found[1][:-1])
    assert states[1][2] == bad + 1 and np.isnan(states[1][0]).all() and states[1][-1][2] == bad + 1
    for k, run in enumerate(runs):
        rows, state = one_by_one(run, requests[k])
        assert_rows_near(found[k], rows)
        assert_near(states[k], state)


def test_all_runs_may_stop():
    requests = [with_bad(requests_of(k), k) for k in range(3)]
    assert [len(rows) for rows in assert_as_alone(three_runs(True), requests)] == [1, 2, 3]


def test_a_run_alone_stops():
    (run, *_), requests = three_runs(True), with_bad(requests_of(0), 1)
    (rows,) = assert_as_alone([run], [requests])
    assert len(rows) == 2


def test_only_the_total_cost_stops_a_run():
    data = points(0)
    data[0] = np.nan
    run = Run(data, name="another")
    rows = run.updates.make(with_bad(requests_of(0), 0)[:2])
    assert [np.isnan(row["another"]) for row in rows] == [True, True] and run.state()[2] == 2


def test_values_that_are_set_between_updates_are_used():
    """Those of a constant, and of a variable that updates change."""
    (run, *_), requests = three_runs(True), requests_of(0)
    run.restart().updates.make(requests[:1])
    run.rate.set_value(np.float32(0))
    run.w.set_value(np.float32([1, 2, 3]))
    (row,) = run.updates.make(requests[:1])
    assert row["rate"] == 0 and run.w.get_value().tolist() == [1, 2, 3]
    assert row["cost_total"] != run.restart().updates.make(requests[:1])[0]["cost_total"]


def test_examples_are_on_the_device_once():
    shared, own = three_runs(True), three_runs(False)
    copies = {id(copy) for run in shared for _, copy in run.updates._data.values()}
    assert len(copies) == 1
    assert len({id(copy) for run in own for _, copy in run.updates._data.values()}) == 3


def test_some_inputs_of_their_own():
    """t is shared by the runs, x is not."""
    t = points(9)
    first = Run({"x": points(0), "t": t})
    runs = [first, Run({"x": points(1), "t": t}, 1.5, like=first)]
    assert_as_alone(runs, [requests_of(k, (5, 5)) for k in range(2)])


def test_examples_that_come_with_requests():
    """t as arrays made on the host, not positions, for two runs in one program, with batches of several sizes."""
    data, picking = [points(k) for k in range(2)], three_runs(False)[:2]
    first = Run({"x": data[0]})
    runs = [first, Run({"x": data[1]}, 1.5, like=first)]
    requests = [requests_of(k) for k in range(2)]
    given = [[{"x": each["x"], "t": data[k][each["t"]]} for each in requests[k]] for k in range(2)]
    for run in picking:
        run.restart()
    for rows, expected in zip(make_together(runs, given), make_together([*picking], requests)):
        assert_rows_near(rows, expected)
    for run, other in zip(runs, picking):
        assert_near(run.state(), other.state())
    bad = np.full_like(given[0][1]["t"], np.nan)
    first.restart()
    rows = first.updates.make([given[0][0], {**given[0][1], "t": bad}, *given[0][2:]])
    assert len(rows) == 2 and first.state()[2] == 2
    assert first.updates.at_once == updates_module.AT_ONCE_WITH_EXAMPLES < picking[0].updates.at_once


def test_no_updates():
    run = three_runs(True)[0].restart()
    assert run.updates.make([]) == [] and make_together([run], [[]]) == [[]]
    assert_near(run.state(), run.first)


def test_networks_that_convolve_are_made_one_after_the_other(monkeypatch):
    """A convolution with separate filters for each run would be slower."""
    x, rate = at.ftensor4("x"), np.float32(0.1)

    def run(first):
        W = aesara.shared(np.full((2, 1, 2, 2), first, "float32"), name="W")
        cost = at.square(at.nnet.conv2d(x, W) - 1).mean()
        return W, cost, {W: W - rate * at.grad(cost, W)}

    (W, cost, changes), (other, *_) = run(0.5), run(-0.25)
    data = {"x": np.random.RandomState(0).randn(N, 1, 4, 4).astype("float32")}
    updates = jax_backend.Updates([x], {"cost_total": cost}, changes, data)
    runs = [updates, updates.on({W: other}.__getitem__, data)]
    numbers, call = [], updates_module._call
    monkeypatch.setattr(updates_module, "_call", lambda runs, *rest: numbers.append(len(runs)) or call(runs, *rest))
    requests = [[{"x": np.arange(k, k + 4)}] * 2 for k in range(2)]
    found = jax_backend.make_together(runs, requests)
    assert numbers == [1, 1]
    for rows, first, each in zip(found, (0.5, -0.25), requests):
        W.set_value(np.full((2, 1, 2, 2), first, "float32"))
        assert_rows_near(updates.make(each), rows)


def test_the_backend_in_force_makes_them(monkeypatch):
    """Both give the same values, also for runs made together."""
    monkeypatch.setattr(c, "mode", lambda **options: PYTHON)
    x = at.fmatrix("x")
    found = []
    for name, module in (("c", c), ("jax", updates_module)):
        monkeypatch.setattr(backends, "_in_force", name)
        runs = []
        for k in range(2):
            w = aesara.shared(np.full(3, k, "float32"), name="w")
            cost = at.square(x @ w - 1).mean()
            runs.append(backends.updates([x], {"cost_total": cost}, {w: w - at.grad(cost, w) / 10}, {"x": points(k)}))
            assert isinstance(runs[-1], module.Updates)
        if name == "jax":
            runs[1] = runs[0].on({runs[0]._changing[0]: runs[1]._changing[0]}.__getitem__, {"x": points(1)})
        found.append(backends.make_together(runs, [[{"x": np.arange(k, k + 4)}] * 3 for k in range(2)]))
    for rows, expected in zip(*found, strict=True):
        assert_rows_near(rows, expected)


def test_on_a_cpu_one_by_one_and_in_turn(monkeypatch):
    on_gpu = Run(points(0))
    monkeypatch.setattr(updates_module, "on_cpu", lambda: True)
    on_cpu = Run(points(0))
    assert (on_gpu.updates.at_once, on_cpu.updates.at_once) == (updates_module.AT_ONCE, 1)
    together = []
    monkeypatch.setattr(
        updates_module, "_make_all", lambda runs, requests: together.append(len(runs)) or [[]] * len(runs)
    )
    for run in (on_cpu, on_gpu):
        jax_backend.make_together([run.updates] * 2, [[], []])
    assert together == [1, 1, 2]


def test_all_updates_are_made_where_the_bad_one_is_not_bad_again(monkeypatch):
    """One by one, the program rounds differently; even then, no update may be missing."""
    run, call = Run(points(0)), updates_module._call

    def bad_at_once(runs, requests):
        changed, values = call(runs, requests)
        if len(requests[0]) > 1:
            values = [np.where(np.arange(len(table))[:, None] == 1, np.nan, table) for table in values]
        return changed, values

    requests = requests_of(0, (5, 5, 5, 5))
    expected, state = one_by_one(run, requests)
    run.restart()
    monkeypatch.setattr(updates_module, "_call", bad_at_once)
    assert_rows_near(run.updates.make(requests), expected)
    assert_near(run.state(), state)
