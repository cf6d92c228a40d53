"""``LadderClassifier`` beside scikit-learn's methods for few labels: test error on scikit-learn's own small data sets.

    python benchmarks/classifiers.py [--splits 10] [--labels 10] [--json FILE]

Each split sets a quarter of the examples aside for testing, stratified, and
keeps the labels of a fixed number of training examples of each class.  The
ladder has its defaults, of which scale and costs were chosen on three splits of
the digits (seeds 0 to 2; the splits here begin at 100).  The others have the
settings in ``methods``, and features from 0 to 1; none was tuned on these data
sets' test errors.
"""

import argparse
import json
import time
import warnings

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from ladder import LadderClassifier, configure

DATA = {"digits": load_digits, "wine": load_wine, "breast cancer": load_breast_cancer}
FIRST_SPLIT = 100


def methods(seed):
    """Name -> estimator, and whether it takes only labelled examples."""
    mlp = MLPClassifier((250, 100, 50), max_iter=500, random_state=seed)
    return {
        "LadderClassifier()": (LadderClassifier(random_state=seed), False),
        "LadderClassifier(denoising_cost=0)": (LadderClassifier(denoising_cost=0, random_state=seed), False),
        "LabelSpreading(knn)": (make_pipeline(MinMaxScaler(), LabelSpreading(kernel="knn")), False),
        "SelfTraining(MLP)": (make_pipeline(MinMaxScaler(), SelfTrainingClassifier(mlp)), False),
        "LogisticRegression": (make_pipeline(MinMaxScaler(), LogisticRegression(max_iter=1000)), True),
    }


def errors_of_split(load, seed, n_labels):
    """Test error in per cent by method, and seconds."""
    X, y = load(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=seed)
    known = np.full(len(y), -1)
    for label in np.unique(y):
        known[np.flatnonzero(y == label)[:n_labels]] = label
    found = {}
    for name, (estimator, labelled_alone) in methods(seed).items():
        start, chosen = time.time(), known >= 0 if labelled_alone else slice(None)
        estimator.fit(X[chosen], known[chosen])
        found[name] = 100 * (1 - estimator.score(X_test, y_test)), time.time() - start
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--labels", type=int, default=10, help="of each class")
    parser.add_argument("--json")
    args = parser.parse_args()
    configure(threads=1)
    warnings.filterwarnings("ignore", module="sklearn")  # convergence, and lonely classes of self-training
    table, results = Table("", *DATA), {}
    for name, load in DATA.items():
        splits = [errors_of_split(load, FIRST_SPLIT + i, args.labels) for i in range(args.splits)]
        results[name] = {method: [split[method] for split in splits] for method in splits[0]}
        print(name, {m: f"{np.mean([e for e, _ in r]):.2f}" for m, r in results[name].items()}, flush=True)
    for method in next(iter(results.values())):
        cells = []
        for name in DATA:
            errors, seconds = np.array(results[name][method]).T
            cells.append(f"{errors.mean():.2f} ± {errors.std(ddof=1):.2f} ({np.median(seconds):.1f} s)")
        table.add_row(method, *cells)
    Console(width=140).print(table)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
