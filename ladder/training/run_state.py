"""Everything that an update or an epoch changes: taken from a run, and restored."""

import math
import re

import numpy as np

from ladder import plain_json

#: The types of a state's plain values.
VALUES = {"epochs_done": int, "batches_done": int, "updates_done": int, "streams": dict, "monitor": dict, "log": str}

#: Pattern of the names of monitored values.
MONITORED = r"(denois|vat)\d{1,4}|l[12]|(cost|total|error)[a-z_]*"

#: Prefix of the names of the best epoch's arrays.
OF_BEST = "best_"

#: Words in the state of MT19937.
KEY_SIZE = 624


class RunState:
    """The state of a run between two updates.

    Parameters
    ----------
    ladder : LadderAE
        Its parameters, running averages and noise.
    step : TrainingStep
        The optimiser's buffers, and the learning rate.
    streams : dict of name -> SemiDataStream
        ``train``, and ``valid`` if there is one.
    monitor : TrainingMonitor
        The sums of the epoch so far.
    log : SaveLog
        The rows of the epochs done.
    best : KeepBest, optional
        The arrays of the best epoch, where they are kept.
    followed : str, optional
        The number in the log's rows that the learning rate follows.
    """

    def __init__(self, ladder, step, streams, monitor, log, best=None, followed=None):
        self._parameters = ladder.shareds
        changing = [*ladder.shareds.values(), *step.updates, step.learning_rate]
        self._shared = {variable.name: variable for variable in changing}
        if len(self._shared) < len(set(changing)):
            raise ValueError("two shared variables have the same name, or none")
        self._all = {**self._shared, **{f"noise_{i}": state for i, state in enumerate(ladder.noise.states())}}
        self._streams, self._monitor, self._log, self._best = streams, monitor, log, best
        self._followed = followed

    def counterpart(self, other):
        """A function from another run's shared variables (of a network with the same ones) to this run's."""
        mine = {variable: self._all[name] for name, variable in other._all.items()}
        return mine.__getitem__

    def begin_epoch(self):
        """Remember the order of the data at the start of an epoch, from which its batches are counted."""
        self._epoch_began = self._streams["train"].state

    def is_finite(self):
        """Whether parameters and running averages are finite numbers."""
        return all(np.isfinite(variable.get_value(borrow=True)).all() for variable in self._parameters.values())

    def get(self, loop):
        """The state as plain values (for JSON) and arrays.

        Parameters
        ----------
        loop : MainLoop

        Returns
        -------
        values : dict
        arrays : dict of name -> array
        """
        states = {name: stream.state for name, stream in self._streams.items()}
        if loop.batches_done:
            states["train"] = self._epoch_began
        values = {
            "epochs_done": loop.epochs_done,
            "batches_done": loop.batches_done,
            "updates_done": loop.updates_done,
            "streams": {name: _plain(state) for name, state in states.items()},
            "monitor": self._monitor.state,
            "log": self._log.text,
        }
        # Some backends hold arrays of their own.
        arrays = {name: np.array(variable.get_value(borrow=True)) for name, variable in self._all.items()}
        kept = {} if self._best is None else self._best.kept
        return values, {**arrays, **{OF_BEST + name: array for name, array in kept.items()}}

    def check(self, loop, values, arrays):
        """Compare everything in a state with this run: types, ranges, shapes.

        Raises
        ------
        ValueError
            Its message completes the sentence "it is …".
        """
        check_values(values)
        self._check_counters(loop, values)
        _check_log(values["log"], values["epochs_done"], self._followed)
        for name, stream in self._streams.items():
            _check_streams(stream.state, values["streams"].get(name), name)
        for name, variable in self._all.items():
            _check_array(variable.get_value(borrow=True), arrays.get(name), name, name in self._parameters)
        if self._best is not None and values["epochs_done"]:
            for name in self._best.names:
                own = self._all[name].get_value(borrow=True)
                _check_array(own, arrays.get(OF_BEST + name), f"{name} of the best epoch", True)

    def _check_counters(self, loop, values):
        epochs, batches, updates = (values[name] for name in ("epochs_done", "batches_done", "updates_done"))
        of_an_epoch = self._streams["train"].num_batches
        # An interrupt may come after the last batch, before the epoch counts as done.
        if not (
            0 <= epochs <= loop.num_epochs and 0 <= batches <= of_an_epoch and updates == epochs * of_an_epoch + batches
        ):
            raise ValueError(
                f"of update {updates}, {epochs} epochs and {batches} batches, which this run cannot have made"
            )

    def set(self, loop, values, arrays):
        """Restore what :meth:`get` returned, in this process or in another.

        Raises
        ------
        ValueError
            This run could not have had that state, see :meth:`check`; nothing was changed.
        """
        self.check(loop, values, arrays)
        for name in ("epochs_done", "batches_done", "updates_done"):
            setattr(loop, name, values[name])
        for name, stream in self._streams.items():
            stream.state = _from_plain(values["streams"][name])
        self.begin_epoch()
        self._monitor.state, self._log.text = values["monitor"], values["log"]
        for name, variable in self._all.items():
            variable.set_value(arrays[name])
        if self._best is not None and values["epochs_done"]:
            self._best.kept = {name: arrays[OF_BEST + name] for name in self._best.names}


def check_values(values):
    """Raise a ValueError if the types of plain values differ from what :meth:`RunState.get` returns."""
    try:
        checked = plain_json.check(values, VALUES, "the whole")
        sums = plain_json.check(checked["monitor"], {"sums": dict, "count": int}, "'monitor'")["sums"]
        if not all(type(value) is float and re.fullmatch(MONITORED, name) for name, value in sums.items()):
            raise plain_json.NotJSON("'sums' are numbers by name")
        if checked["monitor"]["count"] < 0 or not checked["log"].isascii():
            raise plain_json.NotJSON("'count' or 'log' are not what this program writes")
    except plain_json.NotJSON as error:
        raise ValueError(f"damaged ({error})") from None


def _check_log(text, epochs_done, followed):
    """Refuse a log unless it has one row for each epoch, each with the number that is followed (str or None)."""
    try:
        rows = [plain_json.parse(line.encode()) for line in text.splitlines()]
        epochs = [plain_json.check(row, {"epoch": int}, "a row")["epoch"] for row in rows]
    except plain_json.NotJSON as error:
        raise ValueError(f"damaged (its log: {error})") from None
    if epochs != list(range(1, epochs_done + 1)) or text and not text.endswith("\n"):
        raise ValueError(f"damaged (its log is not that of {epochs_done} epochs)")
    # A validation error need not be finite.
    if followed is not None and not all(type(row.get(followed)) in (int, float) for row in rows):
        raise ValueError(f"damaged (its log lacks {followed})")


def _check_streams(state, stored, name):
    """Refuse states of RandomState that do not match the run's own streams, or that NumPy cannot continue from."""
    if not isinstance(stored, dict) or stored.keys() != state.keys():
        raise ValueError(f"of other streams of data ({name})")
    for half, own in state.items():
        if (own is None) != (stored[half] is None) or own is not None and not _is_random_state(stored[half]):
            raise ValueError(f"damaged (the order of the {half} data)")


def _is_random_state(stored):
    """Whether plain values are a state of MT19937; NumPy itself would follow a position beyond its end."""
    if not isinstance(stored, list) or len(stored) != 5:
        return False
    kind, key, position, has_normal, normal = stored
    return (
        kind == "MT19937"
        and isinstance(key, list)
        and len(key) == KEY_SIZE
        and all(type(word) is int and 0 <= word < 2**32 for word in key)
        and type(position) is int
        and 0 <= position <= KEY_SIZE
        and type(has_normal) is int
        and has_normal in (0, 1)
        and type(normal) is float
        and math.isfinite(normal)
    )


def _check_array(own, stored, name, is_parameter):
    if stored is None:
        raise ValueError(f"without {name}, so another version of this program wrote it")
    own = np.asarray(own)
    if stored.dtype != own.dtype or stored.shape != own.shape:
        raise ValueError(
            f"of another network: its {name} is {stored.dtype} {stored.shape}, here {own.dtype} {own.shape}"
        )
    # Moments may be infinite, as they were in the run; none is ever NaN.
    if stored.dtype.kind == "f" and not (np.isfinite(stored).all() if is_parameter else not np.isnan(stored).any()):
        raise ValueError(f"damaged ({name} is not finite)")


def _plain(state):
    """States of RandomState (or None) by stream, without arrays."""
    return {half: s and [s[0], s[1].tolist(), *s[2:]] for half, s in state.items()}


def _from_plain(state):
    return {half: s and (s[0], np.array(s[1], "uint32"), *s[2:]) for half, s in state.items()}
