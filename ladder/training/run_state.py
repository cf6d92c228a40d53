"""Everything that an update or an epoch changes, taken from a run and put back."""

import numpy as np

from ladder.errors import UserError


class RunState:
    """The state of a run between two updates.

    Parameters
    ----------
    ladder : LadderAE
        Its parameters, running averages and noise.
    step : TrainingStep
        Adam's moments and time, the learning rate.
    streams : dict of name -> SemiDataStream
        ``train``, and ``valid`` where there is one.
    monitor : TrainingMonitor
        The sums of the epoch so far.
    log : SaveLog
        The rows of the epochs done.
    """

    def __init__(self, ladder, step, streams, monitor, log):
        self._parameters = ladder.shareds
        changing = [*ladder.shareds.values(), *step.updates, step.learning_rate]
        self._shared = {variable.name: variable for variable in changing}
        if len(self._shared) < len(set(changing)):
            raise ValueError("two shared variables have the same name, or none")
        self._all = {**self._shared, **{f"noise_{i}": state for i, state in enumerate(ladder.noise.states())}}
        self._streams, self._monitor, self._log = streams, monitor, log

    def counterpart(self, other):
        """A function of another run's shared variable (of a network with the same variables) -> this run's."""
        mine = {variable: self._all[name] for name, variable in other._all.items()}
        return mine.__getitem__

    def begin_epoch(self):
        """Remember the order of data of the epoch that begins: its batches are counted from here."""
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
        return values, {name: np.array(variable.get_value(borrow=True)) for name, variable in self._all.items()}

    def set(self, loop, values, arrays):
        """Put back what :meth:`get` returned, in this process or in another.

        Raises
        ------
        UserError
            It is the state of a network with other variables.
        """
        missing = [name for name in self._all if name not in arrays]
        if missing:
            raise UserError(
                f"the checkpoint has no {missing[0]}: it was written by another version of this program; go on with that one."
            )
        for name in ("epochs_done", "batches_done", "updates_done"):
            setattr(loop, name, values[name])
        for name, stream in self._streams.items():
            stream.state = _from_plain(values["streams"][name])
        self.begin_epoch()
        self._monitor.state, self._log.text = values["monitor"], values["log"]
        for name, variable in self._all.items():
            variable.set_value(arrays[name])


def _plain(state):
    """States of RandomState (or None) by stream, without arrays."""
    return {half: s and [s[0], s[1].tolist(), *s[2:]] for half, s in state.items()}


def _from_plain(state):
    return {half: s and (s[0], np.array(s[1], "uint32"), *s[2:]) for half, s in state.items()}
