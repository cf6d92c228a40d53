"""A network whose internals can be read: one compiled function for everything that golden files hold.

The function updates the parameters, as in training, and also returns
activations, costs and gradients.  It takes the raw noise as arguments: zeros
for a network without noise, draws from the model's own streams for one with
noise.  Compiling takes most of the time, so it is done once per file, and
parameters, averages and the optimiser's state are restored between evaluations.
"""

from functools import cached_property

import numpy as np

from ladder import backends
from ladder.training import functions
from ladder.training.statistics import averaging, with_running_statistics
from ladder.training.step import training_step

PATHS, HALVES = ("clean", "corr"), ("labeled", "unlabeled")


class Probe:
    """The network of one configuration; ``compile`` it before running it.

    Parameters
    ----------
    p : Options
    in_dim : tuple of int, shape of one example

    Attributes
    ----------
    shareds : ParameterStore
    parameters : list of shared variables that are trained
    """

    def __init__(self, p, in_dim):
        self.p, self.in_dim = p, in_dim
        self.ladder, self.inputs = functions.build_training_graph(p, in_dim)
        step = training_step(self.ladder)
        self.shareds, self.parameters = self.ladder.shareds, step.parameters
        self._outputs = {**_activations(self.ladder.act), **_costs(self.ladder), **_gradients(step)}
        self._first = {v: v.get_value() for v in [*self.shareds.values(), *step.updates]}
        self._first_noise = self.ladder.noise.get_states()
        self._updates = step.updates

    def compile(self):
        """Compile the functions that the other methods call; takes most of a minute the first time."""
        draws = self.ladder.noise.draws
        noise = [draw.type() for draw in draws]
        self._draw = backends.function(self.inputs, draws)
        self._update = backends.function(
            [*self.inputs, *noise], list(self._outputs.values()), self._updates, givens=dict(zip(draws, noise))
        )

    def restore(self):
        """Put parameters, running averages, optimiser and noise streams back to the start."""
        for variable, value in self._first.items():
            variable.set_value(value)
        self.ladder.noise.set_states(self._first_noise)

    def noise_states(self):
        """The state of every noise stream: list of int32 arrays (substreams, 6)."""
        return self.ladder.noise.get_states()

    def draw_noise(self, batch):
        """The next raw standard normals of every stream, float32, for a batch; advances the streams."""
        return self._draw(*batch)

    def no_noise(self, batch):
        """Zeros in place of the noise; the streams do not move."""
        states = self.noise_states()
        zeros = [np.zeros_like(noise) for noise in self._draw(*batch)]
        self.ladder.noise.set_states(states)
        return zeros

    def update(self, batch, noise):
        """Make one update.

        Parameters
        ----------
        batch : tuple of arrays
            Labelled features, targets, unlabelled features.
        noise : list of arrays, from ``draw_noise`` or ``no_noise``

        Returns
        -------
        dict of str to array
            What the network computed before its parameters changed, by the
            golden files' names.
        """
        return dict(zip(self._outputs, self._update(*batch, *noise)))

    def evaluate(self, batch, noise):
        """Like ``update``, but only the running averages change."""
        before = self.parameter_values()
        outputs = self.update(batch, noise)
        self.set_values(before)
        return outputs

    def parameter_values(self):
        """The value of every trained parameter, by name."""
        return {variable.name: variable.get_value() for variable in self.parameters}

    def running_averages(self):
        """The values of the running averages and their counters, by name."""
        trained = {variable.name for variable in self.parameters}
        names = [n for n in self.shareds if n.startswith("shared_") or n in ("counter", "counter_max")]
        return {name: self.shareds[name].get_value() for name in names if name not in trained}

    def set_values(self, values):
        """Set shared variables by name."""
        for name, value in values.items():
            self.shareds[name].set_value(value)

    def final_pass(self, batches):
        """The final statistics over all batches, and the costs computed with them.

        Returns
        -------
        dict of str to array
            Named like the golden ``traj0__final__…``.
        """
        with averaging(self.shareds):
            for labeled, _, _ in batches:
                self._update_averages({"features_labeled": labeled})
            counter = self.shareds["counter"].get_value()
            counter_max = self.shareds["counter_max"].get_value()
        # The original leaves counter_max as the pass set it.
        averages = {**self.running_averages(), "counter_max": counter_max}
        found = {f"bn__{name}": value for name, value in averages.items()}
        return {**found, "counter_after_pass": counter, **self._test(batches)}

    def _test(self, batches):
        costs, errors, probabilities = zip(*(self._test_batch(*batch) for batch in batches))
        return {
            "cost_class_clean": np.mean(costs),
            "error_rate_clean": np.mean(errors, dtype="float64"),
            "softmax_batch0": probabilities[0],
        }

    @cached_property
    def _update_averages(self):
        return functions.compile_statistics(self.p, self.in_dim, self.shareds)

    @cached_property
    def _test_batch(self):
        x, y, _ = self.inputs
        ladder = functions.build_classifier(self.p, self.in_dim, self.shareds, x, y)
        outputs = [ladder.costs.class_clean, ladder.error.clean, ladder.clean_outputs()[0]]
        outputs = with_running_statistics(outputs, self.shareds)
        return backends.function(self.inputs, outputs)


def _activations(act):
    halves = {f"{path}__{half}": getattr(getattr(act, path), half) for path in PATHS for half in HALVES}
    found = {}
    for where, kept in {**halves, "est": act.est}.items():
        for kind in ("z", "h", "s", "m"):
            for i, variable in getattr(kept, kind).items():
                found[f"act__{where}__{kind}__{i}"] = variable
    return found


def _costs(ladder):
    found = {f"cost__{name}": getattr(ladder.costs, name) for name in ("total", "class_clean", "class_corr")}
    found["cost__error_rate_clean"] = ladder.error.clean
    return {**found, **{f"cost__denois__{i}": cost for i, cost in ladder.costs.denois.items()}}


def _gradients(step):
    found = {f"grad__{v.name}": gradient for v, gradient in zip(step.parameters, step.gradients)}
    return {**found, "grad_norm": step.gradient_norm}
