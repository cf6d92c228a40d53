"""Check that the ladders in PyTorch and JAX compute what ours does.

    python benchmarks/check_rivals.py                  # the fully connected network, all rivals
    python benchmarks/check_rivals.py torch --model conv_small --small
    python benchmarks/check_rivals.py torch --model conv_small --fused

All costs, all gradients and, after one update, the parameters and running
averages are compared with those of the plain graph, or the fused one, for the
same inputs, noise and parameters (moved away from the start, where most
gradients are 0).  The plain graph is evaluated in Python: use the fused one for
the large convolutional networks.  The exit status is 1 if anything differs, or
if a rival that was asked for is not installed.
"""

import argparse
import sys

import numpy as np
from network import NETWORKS, SMALL_NETWORKS, first_averages, first_parameters, random_batch
from rich.console import Console
from rich.table import Table
from rows import ROWS
from unavailable import Unavailable

#: The rows that can be compared.
RIVALS = ("torch", "torch-joined", "jax")

#: The precision that float32 may lose: norm of an array's difference, relative to the array's norm.
TOLERANCE = 1e-4

#: The same for all of Adam's steps together.  Adam divides each gradient by its size, so those that are
#: nothing but rounding also take full steps.
STEP_TOLERANCE = 1e-2

#: In the large network one or two of the many ReLUs have an input that is 0 up to rounding: on in one
#: program and off in the other, they change a unit's gradient by as much as this.
LARGE_GRADIENT_TOLERANCE = 1e-3

#: For gradients and steps of the large convolutional networks, whose maps have thousands of such ReLUs and
#: pooling windows each.  In conv_small, our gradients differ from those in float64 by 0.003, the first port's
#: by 0.002, those of PyTorch with channels last by 0.014: its batch normalisation sums less exactly.
LARGE_CONV_TOLERANCES = 0.05, 0.3


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rivals", nargs="*", help=f"{', '.join(RIVALS)}; default: all")
    parser.add_argument("--model", choices=NETWORKS, default="mnist", help="default: mnist")
    parser.add_argument("--small", action="store_true", help="a small network of its kind, as in the tests")
    parser.add_argument("--fused", action="store_true", help="compare the fused graph, compiled")
    args = parser.parse_args()
    if set(args.rivals) - set(RIVALS):
        parser.error(f"the rivals are {', '.join(RIVALS)}")
    network = (SMALL_NETWORKS if args.small else NETWORKS)[args.model]
    tolerances = TOLERANCE if args.small else LARGE_GRADIENT_TOLERANCE, STEP_TOLERANCE
    if network.convolutional and not args.small:
        tolerances = LARGE_CONV_TOLERANCES
    situation = perturbed(network)
    ours = ladder_results(network, *situation, args.fused)
    good = True
    for name in args.rivals or RIVALS:
        try:
            rival = ROWS[name].module_for(network)
        except (ImportError, Unavailable) as error:
            print(f"{name}: not compared ({error})")
            good &= name not in args.rivals
            continue
        theirs = rival.costs_and_gradients(network, *situation), rival.after_update(network, *situation)
        good &= compare(name, network, situation[0], ours, theirs, *tolerances)
    sys.exit(0 if good else 1)


def perturbed(network):
    """Parameters away from the start, a batch, and noise."""
    rng = np.random.default_rng(3)
    parameters = first_parameters(network, rng)
    for value in parameters.values():
        if value.ndim == 1:
            value += 0.3 * rng.standard_normal(value.shape, "float32")
    noise = [rng.standard_normal(shape, "float32") for shape in network.noise_shapes]
    return parameters, random_batch(network, rng), noise


def ladder_results(network, parameters, batch, noise, fused):
    """Our costs and gradients, and our parameters and averages after an update."""
    from ladder.backends import c

    c.configure()
    import aesara
    from aesara.compile.mode import Mode

    from ladder.training import functions
    from ladder.training.step import training_step

    ladder, inputs = functions.build_training_graph(options_of(network, fused), network.in_dim)
    step = training_step(ladder)
    costs = {"cost_total": ladder.costs.total, "cost_class_corr": ladder.costs.class_corr}
    costs.update({f"denois{i}": cost for i, cost in ladder.costs.denois.items()})
    for name, value in parameters.items():
        ladder.shareds[name].set_value(value)
    evaluate = aesara.function(
        inputs,
        [*costs.values(), *step.gradients],
        updates=step.updates,
        givens=dict(zip(ladder.noise.draws, noise, strict=True)),
        # One evaluation of the plain graph is not worth compiling for.
        mode=c.mode() if fused else Mode(linker="py", optimizer=None),
    )
    values = evaluate(*[batch[variable.name] for variable in inputs])
    gradients = dict(zip([p.name for p in step.parameters], values[len(costs) :], strict=True))
    changed = {name: ladder.shareds[name].get_value() for name in (*parameters, *first_averages(network))}
    return (dict(zip(costs, values)), gradients), changed


def options_of(network, fused):
    """The ladder's own description of a network."""
    from ladder.options import Options

    return Options(plain_graph=not fused, **network.options)


def compare(name, network, parameters, ours, theirs, gradient_tolerance, step_tolerance):
    """Print the largest difference of every kind, and return whether all are small."""
    (costs, gradients), changed = ours
    (their_costs, their_gradients), their_changed = theirs
    assert set(gradients) == set(their_gradients) == set(parameters)
    averages = first_averages(network)
    kinds = {
        "costs": (largest(costs, their_costs), TOLERANCE),
        "gradients": (largest(gradients, their_gradients), gradient_tolerance),
        # Together: above a normalised layer without activation all means are nothing but rounding.
        "running averages": (("all", steps_apart(averages, changed, their_changed)), TOLERANCE),
        "parameters' steps": (("all", steps_apart(parameters, changed, their_changed)), step_tolerance),
    }
    table = Table("", "difference", "allowed", "largest in", title=f"{name} and the ladder")
    for kind, ((where, difference), allowed) in kinds.items():
        table.add_row(kind, f"{difference:.1e}", f"{allowed:.0e}", where)
    Console().print(table)
    return all(difference < allowed for (_, difference), allowed in kinds.values())


def largest(ours, theirs):
    """Name and size of the largest of all arrays' relative differences."""
    apart = {name: relative(ours[name], theirs[name]) for name in ours}
    # NaN counts as the largest: it would lose every comparison.
    name = max(apart, key=lambda key: np.nan_to_num(apart[key], nan=np.inf))
    return name, apart[name]


def steps_apart(first, ours, theirs):
    """Relative difference of two updates' steps, all parameters together."""
    our_steps, their_steps = (
        np.concatenate([(changed[name] - value).ravel() for name, value in first.items()]) for changed in (ours, theirs)
    )
    return relative(our_steps, their_steps)


def relative(ours, theirs):
    """Norm of the difference, relative to the norm of ours."""
    return np.linalg.norm(ours - theirs) / np.linalg.norm(ours)


if __name__ == "__main__":
    main()
