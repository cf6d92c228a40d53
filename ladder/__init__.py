"""Semi-supervised learning with ladder networks, on Aesara.

A port of the Theano/Blocks code of Rasmus et al., "Semi-Supervised Learning
with Ladder Networks" (2015).  ``ladder.model.LadderAE`` builds the symbolic
graph; ``run.py`` is the command line.
"""

__version__ = "0.1.0"
