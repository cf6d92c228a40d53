"""Resolve the options of a rival: a scikit-learn method on the data of a ladder network.

A rival is a run with ``rival`` among its options.  It uses those that choose
and prepare data and, for an MLP, the hidden layers; it ignores all others, so
that rows of a preset may share them with networks.  Nothing here imports
scikit-learn.
"""

from dataclasses import dataclass

from ladder.errors import UserError
from ladder.layer_specs import parse_layer

#: Hidden layers where ``--encoder-layers`` is not given: scikit-learn's default.
HIDDEN = (100,)


@dataclass(frozen=True)
class Rival:
    """What is known about a method without scikit-learn.

    Attributes
    ----------
    title : str
        Its name in human-readable tables.
    learns_from : str
        'labels', or 'all examples'.
    has_layers : bool
        Whether it has hidden layers, those of ``--encoder-layers``.
    """

    title: str
    learns_from: str = "labels"
    has_layers: bool = False


#: The methods, by their names in ``--methods`` and presets, in the order of tables.
METHODS = {
    "logistic-regression": Rival("logistic regression"),
    "knn": Rival("nearest neighbours"),
    "svm": Rival("support vector machine"),
    "mlp": Rival("MLP", has_layers=True),
    "label-propagation": Rival("label propagation", "all examples"),
    "label-spreading": Rival("label spreading", "all examples"),
    "self-training": Rival("self-training, logistic regression", "all examples"),
    "self-training-mlp": Rival("self-training, MLP", "all examples", has_layers=True),
}

#: The options that choose and prepare a rival's data.
OF_DATA = (
    "dataset",
    "sources",
    "divide_by",
    "labeled_samples",
    "labeled_indices",
    "unlabeled_samples",
    "valid_set_size",
    "dseed",
    "standardize",
    "rescale",
    "contrast_norm",
    "whiten_zca",
)


def options_of(method, values):
    """The options of a rival's run, selected from those that a network might have.

    Parameters
    ----------
    method : str, one of :data:`METHODS`
    values : dict of option name -> value

    Returns
    -------
    dict of option name -> value
        Those that the method uses; it is fitted once, which counts as an epoch.

    Examples
    --------
    >>> options_of("svm", {"dataset": "digits", "encoder_layers": ("30", "10"), "lr": 0.1, "seed": 2})
    {'dataset': 'digits', 'seed': 2, 'rival': 'svm', 'num_epochs': 1}
    """
    taken = (*OF_DATA, "seed", *(("encoder_layers",) if METHODS[method].has_layers else ()))
    return {**{name: value for name, value in values.items() if name in taken}, "rival": method, "num_epochs": 1}


def hidden_units(p):
    """Units of each hidden layer: those of ``--encoder-layers`` except the top one, which has the classes.

    Parameters
    ----------
    p : Options

    Returns
    -------
    tuple of int
        () for a method without layers.
    """
    if not METHODS[p.rival].has_layers:
        return ()
    specs = [parse_layer(layer) for layer in p.encoder_layers]
    others = [spec.text for spec in specs if spec.kind != "fc"]
    if others:
        raise UserError(
            f"--encoder-layers has {others[0]}, and scikit-learn's {p.rival} has fully connected layers alone: give "
            "numbers of units, or another of --methods."
        )
    if len(specs) == 1:
        raise UserError(
            f"--encoder-layers {specs[0].text} has no hidden layer for {p.rival}, as its last layer is the classes: give "
            f"e.g. 100-{specs[0].text}, or the method logistic-regression."
        )
    return tuple(spec.units for spec in specs[:-1]) or HIDDEN


def check_rival(p):
    """Check a rival's options as far as possible without data."""
    hidden_units(p)
    if p.unsupervised:
        raise UserError(f"{p.rival} learns from labels, and --unsupervised uses none: leave that out.")


def refuse_rival(p):
    """Refuse a rival where a network is needed."""
    if p.rival:
        raise UserError(
            f"this is a run of scikit-learn's {p.rival}, and no network: run.py rivals fits it, and run.py table shows its "
            "error."
        )


def settings_of_rival(p):
    """The meaning of a rival's own options: dict of str -> comparable value."""
    return {"rival": p.rival, "hidden units": hidden_units(p)}
