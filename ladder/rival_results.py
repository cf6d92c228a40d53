"""Rivals from Python: the function behind ``ladder.fit_rivals``."""

import numpy as np

from ladder.arguments import naming_arguments
from ladder.errors import UserError
from ladder.option_names import as_typed
from ladder.options import OPTIONS, Options, from_python
from ladder.rival_methods import METHODS, OF_DATA
from ladder.rivals.configurations import configurations
from ladder.rivals.examples import ExamplesOfRuns
from ladder.rivals.fitting import fit_rival
from ladder.rivals.folders import fit_into_folder
from ladder.rivals.methods import check_installed
from ladder.rivals.results import of_folder, of_outcome
from ladder.training.experiment import prepare_all


def fit_rivals(dataset, methods=tuple(METHODS), seeds=(1,), save_to=None, **options):
    """Fit scikit-learn methods to the data, splits and labels of ``ladder.train`` with the same options.

    Parameters
    ----------
    dataset : str
    methods : str or sequence of str
        Some of 'logistic-regression', 'knn', 'svm', 'mlp', 'label-propagation', 'label-spreading', 'self-training',
        'self-training-mlp'; default: all of them.
    seeds : int or sequence of int
    save_to : str, optional
        Path to which the methods' names and numbers are added; fits that
        were finished there before are not repeated.  Default: nothing is
        written.
    **options
        Those of :func:`ladder.train` that choose and prepare data, and
        ``encoder_layers``, whose hidden layers are also those of an MLP.

    Returns
    -------
    list of :class:`ladder.rivals.results.RivalResult`
        All of one seed, then those of the next.

    Raises
    ------
    ArgumentError
        An option, or the data set, cannot be used, and nothing was fitted; or
        another process is fitting into one of the folders.

    Examples
    --------
    >>> import ladder
    >>> results = ladder.fit_rivals("digits", ["knn", "label-spreading"], seeds=(1, 2), labeled_samples=100)
    >>> [(result.method, result.seed) for result in results]
    [('knn', 1), ('label-spreading', 1), ('knn', 2), ('label-spreading', 2)]
    """
    with naming_arguments():
        check_installed()
        _check_arguments(options)
        options["dataset"] = dataset
        Options.of(**options)
        given = {name: from_python(name, value) for name, value in options.items()}
        experiments = prepare_all(configurations(given, _as_list(methods), _as_list(seeds)))
        examples_of, results, elsewhere = ExamplesOfRuns(), [], []
        for experiment in experiments:
            if save_to is None:
                results.append(of_outcome(experiment.p, fit_rival(experiment.p, examples_of(experiment))))
                continue
            folder, state = fit_into_folder(experiment, str(save_to), examples_of)
            if state == "elsewhere":
                elsewhere.append(str(folder))
            else:
                results.append(of_folder(experiment.p, folder))
        if elsewhere:
            raise UserError(
                f"another process fits into {', '.join(elsewhere)}: call this again when it has ended; the others are kept."
            )
        return results


def _check_arguments(options):
    """Refuse options that a rival would ignore."""
    if "seed" in options:
        raise UserError("--seed: rivals take several, as seeds=(1, 2, 3): give that.")
    unused = [name for name in options if name in OPTIONS and name not in (*OF_DATA, "encoder_layers")]
    if unused:
        raise UserError(f"{as_typed(unused[0])} means nothing to methods of scikit-learn's: leave it out.")


def _as_list(values):
    """One value or several, of NumPy or Python types, as a list."""
    return np.atleast_1d(values).tolist()
