"""Learn handwritten digits from 100 labelled and 1,300 unlabelled (-1) images, with a scikit-learn estimator."""

import sys

import numpy as np
from sklearn.datasets import load_digits

from ladder import LadderClassifier

N_LABELED = 100
N_TRAIN = 1400


def main(epochs=100):
    X, y = load_digits(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(X))
    X, y = X[order], y[order]
    known = np.where(np.arange(N_TRAIN) < N_LABELED, y[:N_TRAIN], -1)

    ladder = LadderClassifier(epochs=epochs, min_updates=0, random_state=1)
    alone = LadderClassifier(epochs=epochs, min_updates=0, random_state=1, denoising_cost=0)
    for name, estimator in (("ladder", ladder), ("labels alone", alone)):
        error = 100 * (1 - estimator.fit(X[:N_TRAIN], known).score(X[N_TRAIN:], y[N_TRAIN:]))
        print(f"{name}: {error:.2f} % wrong of {len(X) - N_TRAIN} test images")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
