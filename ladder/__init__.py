"""Semi-supervised learning with ladder networks, on Aesara.

A port of the Theano/Blocks code of Rasmus et al., "Semi-Supervised Learning
with Ladder Networks" (2015).

``LadderClassifier`` is a scikit-learn estimator; ``train``, ``pretrain``,
``load``, ``sweep`` and ``fit_rivals`` do from Python what ``run.py`` does; ``Model``
is what ``train`` and ``load`` return; ``LadderAE`` (:mod:`ladder.model`) is the
symbolic graph.  Importing this package loads neither Aesara nor a compiler: each
name is imported on first use.
"""

import importlib

__version__ = "0.1.0"

#: Public name -> the module it is imported from.
_WHERE = {
    "LadderClassifier": "ladder.classifier",
    "Model": "ladder.trained_model",
    "Options": "ladder.options",
    "Extension": "ladder.training.extensions",
    "TrainingStopped": "ladder.errors",
    "UserError": "ladder.errors",
    "configure": "ladder.configured",
    "fit_rivals": "ladder.rival_results",
    "load": "ladder.api",
    "pretrain": "ladder.api",
    "sweep": "ladder.api",
    "train": "ladder.api",
}

__all__ = [*_WHERE, "__version__"]


def __getattr__(name):
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_WHERE])
