"""Compare a golden file about one network: build it, run it, look at every array.

How the original's numbers were made, as inferred from the numbers themselves:

* ``clean0``: no noise, initial parameters; ``pert0``: then the same with
  perturbed parameters; the running averages carry over.
* Calls with noise, one after another, at the initial parameters (``noisy`` is
  the first, ``calls`` has the costs of five), then one at the perturbed ones
  (``pertn``, the sixth); calls advance the streams and the running averages,
  but leave the parameters unchanged.
* ``traj0``, ``trajn``: updates that start from the initial parameters, running
  averages, optimiser and streams; ``final`` estimates the statistics over the
  batches of ``traj0`` with its last parameters, and then takes mean costs over
  the same batches.
"""

import re
from dataclasses import dataclass, replace

import numpy as np

from ladder import backends
from ladder.parity.configuration import is_pooling, options_of
from ladder.parity.probe import Probe
from ladder.parity.tolerances import EXACT, ROUNDING_GRADIENT, RULES, difference, floor_of_mean

BATCH = ("features_labeled", "targets_labeled", "features_unlabeled")

KINDS = (
    ("initial values", r"init__"),
    ("noise states", r"noisy__mrg_rstate"),
    ("noise", r"(noisy|pertn)__noise__|calls__noise_call"),
    ("activations", r".*__act__|.*__softmax_batch0$"),
    ("error rates", r".*error_rate_clean$"),
    ("costs over updates", r"traj.__cost__"),
    ("costs", r".*__cost_"),
    ("gradients", r".*__grad__"),
    ("gradient norms", r".*__grad_norm$"),
    ("running averages", r".*__bn_after_|.*__final__bn__|.*__counter_after_pass$"),
    ("parameters", r".*__param_after_"),
)
BY_ROUNDING = (
    "left out: updates of {1} parameters that only rounding moves ({0}): their first gradient's largest "
    f"entry is below {ROUNDING_GRADIENT:.0e} of the file's largest. After the first update they are put where "
    "the original's rounding put them, so that the other parameters can be compared"
)
OVER_UPDATES = ("costs over updates", "gradient norms")

#: How many times the updates are repeated with nudged features.
NUDGES = 3
#: An array counts as unchanged if it moves by no more than this fraction of its allowance.
SAME_AGAIN = 0.25
UNDETERMINED = (
    "left out: {0} arrays after updates, in part or as a whole, that depend on rounding: with features changed in "
    f"their last bit our own run differs by more than {SAME_AGAIN:.0%} of what is allowed ({{1}})"
)
INPUTS = re.compile(r"static_|traj_|pert__")

#: The name of an array of means, with the number of its layer.
MEAN = re.compile(r"(__act__.*__m__|shared_f_)(?P<layer>\d+)($|_bn_mean_clean$)")

FIRST_VALUES_OF_NOISE = 64
FIRST_ROWS_OF_STATE = 3


def compare(golden, result, plain_graph=False):
    """Compare all arrays of ``golden``, adding to ``result``.

    Parameters
    ----------
    golden : ladder.parity.golden.Golden
    result : ladder.parity.comparison.Result
    plain_graph : bool
    """
    probe = build(golden, plain_graph)
    if _same_names(golden, probe, result):
        compare_arrays(golden, compute(golden, probe), result)


def build(golden, plain_graph=False):
    """The network of a golden file (a ``Probe``), not yet compiled."""
    return Probe(*options_of(golden.meta, plain_graph))


@dataclass(frozen=True)
class Ours:
    """What this program computes from a golden file's inputs.

    Attributes
    ----------
    arrays : dict of str to array, by the golden file's names
    again : list of dict of str to array
        The results of the same updates with features changed in their last
        bit.  Adam turns gradients that are nothing but rounding into steps as
        large as any, in whatever update they occur; whatever follows from such
        steps cannot be reproduced, here or in the original.
    exact_noise : bool
        Whether the normals must be the original's to the bit, as those of the
        plain graph in C are: it calls the same functions of the C library.
    """

    arrays: dict
    again: list
    exact_noise: bool = True


def compute(golden, probe):
    """Our version of everything that a golden file may hold (an ``Ours``)."""
    first = {f"init__{name}": shared.get_value() for name, shared in probe.shareds.items()}
    if all(name in first or INPUTS.match(name) for name in golden.arrays):
        return Ours(first, [])
    probe.compile()
    arrays = {**first, **_static(golden, probe), **_noisy(golden, probe), **_updates(golden, probe)}
    again = [_updates(golden, probe, nudge) for nudge in range(1, NUDGES + 1)]
    return Ours(arrays, again, exact_noise=probe.p.plain_graph and backends.name() == "c")


def compare_arrays(golden, ours, result):
    """Compare every array of ``golden`` with the one of the same name in ``ours``."""
    by_rounding, undetermined = moved_by_rounding(golden), []
    for name, array in golden.arrays.items():
        if INPUTS.match(name) or _parameter(name) in by_rounding:
            continue
        kind = _kind(name)
        if name not in ours.arrays or kind not in RULES:
            result.fail(kind, f"{name} is not computed here")
            continue
        rule = EXACT if kind == "noise" and ours.exact_noise else _rule(kind, name, golden)
        if re.sub("^clean0__grad__", "", name) in by_rounding:
            # What is left of a sum that should be zero may be anything small.
            rule = replace(rule, floor=largest_gradient(golden) * ROUNDING_GRADIENT)
        n = _determined(kind, name, ours, array, rule)
        if n is not None:
            undetermined.append(name)
        if n is None:
            result.compare(kind, name, ours.arrays[name], array, rule)
        elif n > 0:
            result.compare(kind, f"{name}[:{n}]", ours.arrays[name][:n], array[:n], rule)
    if by_rounding:
        result.notes.append(BY_ROUNDING.format(", ".join(sorted(by_rounding)), len(by_rounding)))
    if undetermined:
        result.notes.append(UNDETERMINED.format(len(undetermined), ", ".join(undetermined)))


def _determined(kind, name, ours, golden, rule):
    """How many entries, from the first update on, can be reproduced; None for all, and where all agree anyway.

    An array that is not over time can be reproduced as a whole or not at all (0).
    """
    array, others = ours.arrays[name], [again[name] for again in ours.again if name in again]
    # An array that agrees needs no excuse.
    if array.shape == golden.shape and difference(array, golden, rule).share <= 1:
        return None
    if not _uncertain(array, others, rule):
        return None
    if kind not in OVER_UPDATES:
        return 0
    return next(k for k in range(len(array)) if _uncertain(array[: k + 1], [o[: k + 1] for o in others], rule))


def _uncertain(array, others, rule):
    return any(difference(other, array, rule).share > SAME_AGAIN for other in others)


def _kind(name):
    return next((kind for kind, pattern in KINDS if re.match(pattern, name)), "unknown arrays")


def _parameter(name):
    """The name of the parameter whose value after an update is the array ``name``, if it is one."""
    match = re.match(r"traj.__param_after_\d+__(.*)", name)
    return match and match.group(1)


def moved_by_rounding(golden):
    """Parameters whose first gradient is a sum that cancels, so that only rounding is left.

    Adam scales every gradient to full steps, so these parameters move
    arbitrarily, in the original too.  A gradient of exactly zero moves nothing.
    """
    limit = ROUNDING_GRADIENT * largest_gradient(golden)
    return {name for name, g in _part(golden, "clean0__grad__").items() if 0 < np.abs(g).max() < limit}


def largest_gradient(golden):
    """The largest entry of the first gradients, 0 where the file has none."""
    return max((float(np.abs(g).max()) for g in _part(golden, "clean0__grad__").values()), default=0.0)


def _rule(kind, name, golden):
    """The kind's rule; for means, its floor follows from the variance of the same layer."""
    if kind not in ("activations", "running averages") or not MEAN.search(name):
        return RULES[kind]
    i = int(MEAN.search(name).group("layer"))
    _, variance = _statistics(golden, name, i)
    if variance is None:
        return RULES[kind]
    below = _statistics(golden, name, i - 1) if is_pooling(golden.meta, i - 1) else (None, None)
    return replace(RULES[kind], floor=floor_of_mean(variance, *below))


def _statistics(golden, name, i):
    """Mean and variance of layer i, given the ``name`` of a layer's mean; None for what the file lacks."""
    mean = MEAN.sub(rf"\g<1>{i}\g<3>", name)
    variance = mean.replace("__m__", "__s__").replace("_bn_mean_", "_bn_var_")
    return golden.arrays.get(mean), golden.arrays.get(variance)


def _same_names(golden, probe, result):
    """Whether the shared variables have the original's names and fit its perturbed values."""
    ours = {"shared variables": list(probe.shareds), "trained parameters": [v.name for v in probe.parameters]}
    theirs = {
        "shared variables": golden.meta.get("shared_creation_order"),
        "trained parameters": golden.meta.get("param_order"),
    }
    kind = "initial values"
    for what, names in theirs.items():
        odd = set(ours[what]) ^ set(ours[what] if names is None else names)
        if odd:
            result.fail(kind, f"{what}: only here or only in the original: {', '.join(sorted(odd))}")
    for name, value in _part(golden, "pert__").items():
        if name not in probe.shareds or probe.shareds[name].get_value().shape != value.shape:
            result.fail(kind, f"pert__{name} does not fit a parameter here")
    return not result.lines


def _part(golden, prefix):
    """The arrays whose names begin with ``prefix``, by the rest of their names."""
    return {name[len(prefix) :]: a for name, a in golden.arrays.items() if name.startswith(prefix)}


def _prefixed(prefix, arrays):
    return {f"{prefix}__{name}": array for name, array in arrays.items()}


def _batch(golden, prefix):
    """Labelled features, targets, unlabelled features; None where the file lacks them."""
    names = [prefix + name for name in BATCH]
    return tuple(golden.arrays[n] for n in names) if all(n in golden.arrays for n in names) else None


def _static(golden, probe):
    """Results without noise, at the initial and at the perturbed parameters."""
    batch = _batch(golden, "static_")
    if batch is None:
        return {}
    probe.restore()
    noise = probe.no_noise(batch)
    found = _prefixed("clean0", probe.evaluate(batch, noise))
    found.update(_prefixed("clean0__bn_after_1", probe.running_averages()))
    probe.set_values(_part(golden, "pert__"))
    found.update(_prefixed("pert0", probe.evaluate(batch, noise)))
    found.update(_prefixed("pert0__bn_after_2", probe.running_averages()))
    return found


def _noisy(golden, probe):
    """Results with noise, call after call, the last at the perturbed parameters."""
    batch = _batch(golden, "static_")
    if batch is None:
        return {}
    probe.restore()
    found = _numbered("noisy__mrg_rstate_first3rows", [s[:FIRST_ROWS_OF_STATE] for s in probe.noise_states()])
    last = golden.meta.get("pertn_is_noise_call", 6)
    costs = []
    for call in range(1, last + 1):
        if call == last:
            probe.set_values(_part(golden, "pert__"))
        noise = probe.draw_noise(batch)
        outputs = probe.evaluate(batch, noise)
        costs.append({name: value for name, value in outputs.items() if name.startswith("cost__")})
        found.update(_numbered(f"calls__noise_call{call}", [n.ravel()[:FIRST_VALUES_OF_NOISE] for n in noise]))
        if call in (1, last):
            scene = "noisy" if call == 1 else "pertn"
            found.update(_prefixed(scene, outputs))
            found.update(_numbered(f"{scene}__noise", noise))
            found.update(_prefixed(f"{scene}__bn_after_{call}", probe.running_averages()))
    return {**found, **_prefixed("calls", _over_time(costs[: last - 1]))}


def _updates(golden, probe, nudge=0):
    """Results of parameter updates, without and with noise."""
    stacked = _batch(golden, "traj_")
    if stacked is None:
        return {}
    x, y, x_only = stacked
    batches, found = list(zip(_nudged(x, nudge), y, _nudged(x_only, nudge))), {}
    for scene in ("traj0", "trajn"):
        if _part(golden, scene + "__"):
            found.update(_trajectory(probe, batches, scene, _steps_by_rounding(golden, scene)))
        if _part(golden, scene + "__final__"):
            found.update(_prefixed(scene + "__final", probe.final_pass(batches)))
    return found


def _steps_by_rounding(golden, scene):
    """The values that the original's first update gave the parameters that only rounding moves."""
    first = _part(golden, scene + "__param_after_1__")
    return {name: first[name] for name in moved_by_rounding(golden) if name in first}


def _trajectory(probe, batches, scene, by_rounding):
    probe.restore()
    found, costs = {}, []
    for k, batch in enumerate(batches, start=1):
        noise = probe.draw_noise(batch) if scene == "trajn" else probe.no_noise(batch)
        outputs = probe.update(batch, noise)
        costs.append({n: value for n, value in outputs.items() if n.startswith("cost__") or n == "grad_norm"})
        if k == 1:
            probe.set_values(by_rounding)
        found.update(_prefixed(f"{scene}__param_after_{k}", probe.parameter_values()))
        found.update(_prefixed(f"{scene}__bn_after_{k}", probe.running_averages()))
    return {**found, **_prefixed(scene, _over_time(costs))}


def _nudged(x, nudge):
    """``x`` with every entry one unit of rounding larger or smaller, at random; unchanged for nudge 0."""
    if nudge == 0:
        return x
    signs = np.random.RandomState(nudge).choice(np.array([-1, 1], "float32"), x.shape)
    return x * (1 + signs * np.finfo("float32").eps)


def _numbered(prefix, arrays):
    return {f"{prefix}__{i}": array for i, array in enumerate(arrays)}


def _over_time(costs):
    """A list of dicts of scalars -> a dict of vectors."""
    return {name: np.array([each[name] for each in costs]) for name in costs[0]} if costs else {}
