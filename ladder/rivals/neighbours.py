"""The nearest training examples of every example, found once for all numbers of neighbours, methods and folds.

scikit-learn's label spreading finds them anew in each fit, which for 60,000
images takes longer than the spreading; but it accepts a function instead of
the name of a kernel, and the one here looks up the neighbours that were found.
"""

from functools import cached_property
from time import process_time

import numpy as np
from scipy.sparse import csr_matrix


class Neighbours:
    """The graph of nearest neighbours of some training examples.

    Parameters
    ----------
    features : (n, inputs) float32
    others : dict of name -> (m, inputs) float32
        Examples outside the graph, whose neighbours in it are asked for.

    Attributes
    ----------
    most : int
        How many neighbours are found for each example, itself included.
    seconds : float
        Processor time that finding them took.
    """

    def __init__(self, features, others):
        self._features, self._others = features, others
        self._found, self._starts, start = {}, {"train": 0}, len(features)
        for name, rows in others.items():
            self._starts[name] = start
            start += len(rows)
        self.most, self.seconds = 0, 0.0

    def find(self, most):
        """Find up to ``most`` neighbours of each example, unless that many are known."""
        most = min(most, len(self._features))
        if most <= self.most:
            return
        self.most, start = most, process_time()
        self._found = {"train": self._nearest(self._features)}
        self.seconds += process_time() - start

    def take_over(self, other):
        """Use the neighbours that another graph of the same training examples has found."""
        if not other.most:
            return
        self.most, self._found = other.most, {"train": other._found["train"]}
        if np.array_equal(self._others["test"], other._others["test"]) and "test" in other._found:
            self._found["test"] = other._found["test"]

    def positions(self, part="train"):
        """Positions that stand for examples in place of their features: (n, 1) int64.

        Parameters
        ----------
        part : str, 'train' or one of the others' names
        """
        n = len(self._features) if part == "train" else len(self._others[part])
        return self._starts[part] + np.arange(n)[:, np.newaxis]

    def kernel(self, n_neighbors):
        """A kernel on positions for scikit-learn's label spreading: 1 for an example's nearest neighbours, else 0.

        Parameters
        ----------
        n_neighbors : int
            An example of the graph is its own first neighbour.

        Returns
        -------
        function of (positions of the graph, positions) -> sparse matrix
        """
        self.find(n_neighbors)

        def weights(graph, positions):
            if positions is graph:
                return self._rows("train", n_neighbors)
            # When it predicts, scikit-learn transposes the weights before it uses them.
            return self._rows(self._part_of(positions), n_neighbors).T

        return weights

    def _part_of(self, positions):
        # An empty part starts where the next one does: the latter is meant.
        return [name for name, start in self._starts.items() if start <= positions[0, 0]][-1]

    def _rows(self, part, n_neighbors):
        """Row i has a 1 for each of the nearest neighbours of example i of the part."""
        if part not in self._found:
            start = process_time()
            self._found[part] = self._nearest(self._others[part])
            self.seconds += process_time() - start
        nearest = self._found[part][:, :n_neighbors]
        n, k = nearest.shape
        starts = np.arange(0, n * k + 1, k)
        return csr_matrix((np.ones(n * k), nearest.ravel(), starts), shape=(n, len(self._features)))

    def _nearest(self, features):
        """(m, most) int32, the nearest first."""
        return self._index.kneighbors(features, self.most, return_distance=False).astype("int32")

    @cached_property
    def _index(self):
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors().fit(self._features)
