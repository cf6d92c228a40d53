"""How many examples a classifier gets wrong, before and after attacks."""

import numpy as np

from ladder.attacks.methods import AttackedBatch


def count_errors(batches, classify, gradient, settings, progress=lambda n: None):
    """Errors under every attack of ``settings``, over all examples.

    Parameters
    ----------
    batches : iterable of (features, targets)
        (examples, …) float32, and (examples,) int64 class numbers.
    classify : function (examples, …) -> (examples, classes)
        The most probable class has the largest value.
    gradient : as in :class:`~ladder.attacks.methods.AttackedBatch`
    settings : AttackSettings
    progress : function
        Called with the number of examples after each attack on a batch.

    Returns
    -------
    dict
        ``n`` examples, ``n_wrong_before`` any attack, and ``attacks``: for
        each kind and tau a dict of ``kind``, ``tau``, ``n_wrong`` (of all
        examples), ``n_newly_wrong`` (of those that were right before) and
        ``error_percent``.
    """
    n = n_wrong_before = 0
    choices = [(kind, tau) for kind in settings.kinds for tau in settings.taus]
    n_wrong, n_newly_wrong = np.zeros(len(choices), int), np.zeros(len(choices), int)
    for number, (x, y) in enumerate(batches):
        batch = AttackedBatch(x, y, gradient, settings, number)
        right = classify(x).argmax(axis=1) == y
        n, n_wrong_before = n + len(y), n_wrong_before + int((~right).sum())
        for i, (kind, tau) in enumerate(choices):
            wrong = classify(batch.attacked(kind, tau)).argmax(axis=1) != y
            n_wrong[i] += wrong.sum()
            n_newly_wrong[i] += (wrong & right).sum()
            progress(len(y))
    return {
        "n": n,
        "n_wrong_before": n_wrong_before,
        "attacks": [
            {
                "kind": kind,
                "tau": tau,
                "n_wrong": int(wrong),
                "n_newly_wrong": int(newly),
                "error_percent": 100 * int(wrong) / n,
            }
            for (kind, tau), wrong, newly in zip(choices, n_wrong, n_newly_wrong)
        ],
    }
