"""Many updates in one program, of one run or of several side by side.

The examples are stored on the device once; a request for an update holds the
positions of its examples, or examples that were made for it on the host.  On a
GPU a sequence of updates is one ``lax.scan``: nothing comes back to the host
before its end.  Several runs (with different seeds) use the same program under
``vmap``, or in turn where that is faster, each with its own parameters, noise
and order of data.
"""

import copy
from functools import partial
from itertools import groupby

import jax
import jax.numpy as jnp
import numpy as np

from ladder.backends.jax import memory
from ladder.backends.jax.compiled import constants_of, set_values, values_of
from ladder.backends.jax.graph import pure_function

#: Updates per call: on a GPU up to an epoch of them.  On a CPU the host is the device, so nothing is gained, and
#: convolutions inside a loop took 25 times as long.
AT_ONCE, AT_ONCE_ON_CPU = 1000, 1

#: The same where requests contain the examples: 1000 batches of them would take gigabytes.
AT_ONCE_WITH_EXAMPLES = 25


class Updates:
    """See :func:`ladder.backends.updates`.

    Attributes
    ----------
    at_once : int
        The best number of updates per call.
    """

    def __init__(self, inputs, monitored, changes, data):
        self._names, self._monitored = [v.name for v in inputs], list(monitored)
        pure = pure_function(inputs, list(monitored.values()), changes)
        self._changing, self._constant = pure.changing, pure.constant
        # One run after the other, rather than under vmap, where that is faster: a CPU takes twice as long for
        # products of stacked matrices, and separate filters for each run turn convolutions into grouped ones.
        self._in_turn = on_cpu() or pure.convolves
        self._data = _on_device(data)
        self.at_once = (
            AT_ONCE_ON_CPU if on_cpu() else AT_ONCE if set(self._names) <= set(data) else AT_ONCE_WITH_EXAMPLES
        )
        # Traced and compiled once for each combination of number of runs, number of updates and batch sizes.
        self._program = jax.jit(partial(_run, pure.call, tuple(self._names)), donate_argnums=0)

    def on(self, others, data):
        """The same program for another run.

        Parameters
        ----------
        others : function of a shared variable -> the other run's
        data : dict of input name -> array
            Where an array is the same as this run's, the copy on the device is shared.
        """
        other = copy.copy(self)
        other._changing, other._constant = (list(map(others, part)) for part in (self._changing, self._constant))
        other._data = _on_device(data, self._data)
        return other

    def make(self, requests):
        """Make updates; see :class:`ladder.backends.c.Updates`.

        Updates after one whose ``cost_total`` is not finite are not made, and
        their values are missing from the result.
        """
        return make_together([self], [requests])[0]


def on_cpu():
    """Whether programs run on a CPU."""
    return jax.default_backend() == "cpu"


def make_together(runs, requests):
    """See :func:`ladder.backends.make_together`."""
    if runs[0]._in_turn:
        return [_make_all([run], [each])[0] for run, each in zip(runs, requests)]
    return _make_all(runs, requests)


def _make_all(runs, requests):
    done = [[] for _ in runs]
    for _, part in groupby(zip(*requests, strict=True), lambda at_one_time: _shapes(at_one_time[0])):
        _make_alike(runs, list(zip(*part)), done)
    return done


def _shapes(request):
    """The batch sizes of one update: other sizes need another program."""
    return [(name, len(asked)) for name, asked in sorted(request.items())]


def _make_alike(runs, requests, done):
    """Make updates with the same batch sizes, and append the monitored values to ``done``."""
    # Runs that have stopped are left out.
    going = [i for i, values in enumerate(done) if not (values and _is_bad(values[-1]))]
    if not going:
        return
    # Kept to go back to, in case one of several updates turns out bad.
    before = [_copies(runs[i]._changing) if len(requests[i]) > 1 else None for i in going]
    changed, values = _call([runs[i] for i in going], [requests[i] for i in going])
    for i, old, new, table in zip(going, before, changed, values):
        run = runs[i]
        set_values(run._changing, new)
        rows = [dict(zip(run._monitored, row)) for row in table.tolist()]
        bad = next((k for k, row in enumerate(rows) if _is_bad(row)), None)
        if bad is not None and old is not None:
            set_values(run._changing, old)
            rows = _repeat(run, requests[i])
        done[i] += rows


def _call(runs, requests):
    """Run the program; return each run's changed shared variables, and its monitored values on the host.

    Raises
    ------
    UserError
        The device has too little memory.
    """
    names = runs[0]._names
    copies = [{name: copy for name, (_, copy) in run._data.items()} for run in runs]
    picked = [name for name in names if name in copies[0]]
    common = {name: copies[0][name] for name in picked if all(each[name] is copies[0][name] for each in copies)}
    own = [{name: each[name] for name in picked if name not in common} for each in copies]
    changing, constant = [values_of(run._changing) for run in runs], [constants_of(run._constant) for run in runs]
    asked = [_stacked(requests, name, "int32" if name in picked else None) for name in names]
    with memory.advised("train fewer seeds side by side, give a smaller --batch-size, or end what else uses it."):
        changed, values = runs[0]._program(changing, constant, common, own, asked)
        return changed, jax.device_get(values)


def _stacked(requests, name, dtype):
    """One input's arrays stacked to (updates, runs, batch, …); ``dtype`` None: as it is."""
    stacked = np.stack([[request[name] for request in of_run] for of_run in requests], axis=1)
    return stacked if dtype is None else stacked.astype(dtype)


def _repeat(run, requests):
    """Make updates again one by one up to the bad one, so that the run's state is the one after it.

    One by one they round differently, so another may be the bad one, or none: then all are made.
    """
    rows = []
    for request in requests:
        changed, values = _call([run], [[request]])
        set_values(run._changing, changed[0])
        rows.append(dict(zip(run._monitored, values[0][0].tolist())))
        if _is_bad(rows[-1]):
            break
    return rows


def _is_bad(row):
    return not np.isfinite(row.get("cost_total", 0.0))


def _copies(variables):
    """Copies on the device of the values of shared variables: the arrays themselves are donated."""
    return [jnp.copy(value) for value in values_of(variables)]


def _run(update, names, changing, constant, common, own, asked):
    """Make updates one after the other, of one run, or of several with a leading axis for the runs.

    Parameters
    ----------
    update : function of (changing, constant, inputs), see :class:`ladder.backends.jax.graph.PureFunction`
    names : of the inputs
    changing, constant : lists of arrays, one list a run
    common : dict of name -> array (N, …), examples that all runs share
    own : list of such dicts, one per run
    asked : list of arrays, one per input
        (updates, runs, batch) int32 positions; for an input not in these dicts, its examples (updates, runs, batch, …).

    Returns
    -------
    changing : list of arrays, one list a run
    values : list of (updates, monitored) float64, one per run
    """
    runs = range(len(changing))
    if len(runs) == 1:
        changing, constant, together = changing[0], constant[0], update
        asked = [rows[:, 0] for rows in asked]
    else:
        # Split again at the end, so that each run keeps its own arrays.
        changing, constant = ([jnp.stack(x) for x in zip(*lists)] for lists in (changing, constant))
        together = jax.vmap(update)

    def pick(name, rows):
        if name in common:
            return jnp.take(common[name], rows, axis=0)
        if name not in own[0]:
            return rows
        if len(runs) == 1:
            return jnp.take(own[0][name], rows, axis=0)
        return jnp.stack([jnp.take(own[i][name], rows[i], axis=0) for i in runs])

    def step(changing, at):
        outputs, changing = together(changing, constant, [pick(name, rows) for name, rows in zip(names, at)])
        # One array, as each transfer to the host takes time.
        return changing, jnp.stack([x.astype("float64") for x in outputs], axis=-1)

    changing = [jnp.asarray(x) for x in changing]
    if len(asked[0]) == 1:
        changing, values = step(changing, [rows[0] for rows in asked])
        values = values[None]
    else:
        changing, values = jax.lax.scan(step, changing, asked)
    if len(runs) == 1:
        return [changing], [values]
    return [[x[i] for x in changing] for i in runs], [values[:, i] for i in runs]


def _on_device(data, known=None):
    """Copy arrays to the device, each only once: several input names often share one.

    Parameters
    ----------
    data : dict of name -> array
    known : dict of name -> (array, its copy on the device), what is there already
    """
    copies = {id(array): copy for array, copy in (known or {}).values()}
    found = {}
    for name, array in data.items():
        if id(array) not in copies:
            with memory.advised("end what else uses it, or compute on the CPU with --device cpu."):
                copies[id(array)] = jax.device_put(array)
        found[name] = array, copies[id(array)]
    return found
