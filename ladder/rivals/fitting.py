"""Fitting one rival: choose its parameters, train it, and test it."""

import warnings
from dataclasses import dataclass
from time import process_time
from typing import Optional, Tuple

from ladder.rivals import methods
from ladder.rivals.choosing import ChosenParameters, choose
from ladder.training.evaluation import error_report

#: The most distinct warnings from scikit-learn that are recorded.
MOST_WARNINGS = 5


@dataclass(frozen=True)
class Outcome:
    """The outcome of a rival.

    Attributes
    ----------
    choice : ChosenParameters
    test : dict
        What :func:`ladder.training.evaluation.error_report` finds on the test set: ``error_percent``, ``confusion`` …
    valid : dict or None
        The same for the validation examples, of which there may be none.
    seconds : dict of str -> float
        Processor time of 'neighbours' (found once for all rivals on the same graph), 'choosing', 'fitting', 'predicting'.
    warnings : tuple of str
        scikit-learn's warnings about the final fit, e.g. that it did not converge.
    """

    choice: ChosenParameters
    test: dict
    valid: Optional[dict]
    seconds: dict
    warnings: Tuple[str, ...]


def fit_rival(p, examples):
    """Choose parameters, fit, and test.

    Parameters
    ----------
    p : Options
        With a ``rival``.
    examples : RivalExamples

    Returns
    -------
    Outcome
    """
    clock = _Clock(examples)
    choice = clock.time("choosing", lambda: choose(p, examples))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = clock.time("fitting", lambda: methods.fit(p, examples, choice.parameters))
        guesses = clock.time("predicting", lambda: fitted.of_part("test"))
        valid = fitted.of_part("valid") if len(examples.valid.targets) else None
    said = tuple(dict.fromkeys(str(warning.message).split("\n")[0] for warning in caught))[:MOST_WARNINGS]
    valid = None if valid is None else error_report(examples.valid.targets, valid)
    return Outcome(choice, error_report(examples.test.targets, guesses), valid, clock.seconds, said)


class _Clock:
    """Processor time by what it was spent on, with finding neighbours counted separately."""

    def __init__(self, examples):
        self._examples, self.seconds = examples, {"neighbours": 0.0}

    def time(self, name, function):
        start, found = process_time(), self._examples.neighbours.seconds
        result = function()
        finding = self._examples.neighbours.seconds - found
        self.seconds["neighbours"] += finding
        self.seconds[name] = process_time() - start - finding
        return result
