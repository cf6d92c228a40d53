"""Run folders made without training: options, a log and a test error."""

import json

import numpy as np

from ladder.combinations import combinations
from ladder.options import Options
from ladder.runs.folder import as_saved
from ladder.tables.preset import load_preset
from ladder.tables.preset_options import parsed_rows

IN_DIM = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32), "digits": (1, 8, 8)}


def make_run(folder, preset, seed, error=None, row=None, valid=None, epochs=None, **options):
    """Write the folder of a run.

    Parameters
    ----------
    folder : Path
    preset, row : str
        Where its options come from; None is the first row.
    seed : int
    error, valid : float or None
        Test and validation error; None if it was not evaluated, or has no validation set.
    epochs : int or None
        How many it has done; None is all of them.
    options : that differ from the preset's
    """
    rows = parsed_rows(load_preset(preset))
    chosen = {**rows[row or next(iter(rows))], "seed": seed, **options}
    (chosen,) = combinations(chosen)
    p = Options(**chosen)
    folder.mkdir(parents=True)
    (folder / "params.json").write_text(json.dumps(as_saved(p, IN_DIM[p.dataset])))
    environment = {"ladder": "0.1", "commit": "c" * 40, "blas": "mkl", "threads": 1}
    (folder / "environment.json").write_text(json.dumps(environment))
    epochs = p.num_epochs if epochs is None else epochs
    logged = [{"epoch": i, "update": 600 * i} for i in range(1, epochs + 1)]
    if valid is not None:
        logged.append({"epoch": epochs, "update": 600 * epochs, "valid_final_error_rate_clean": valid})
    (folder / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in logged))
    if epochs >= p.num_epochs:  # marks that everything was saved
        np.savez(folder / "running_statistics.npz", final=np.asarray(True))
    if error is not None:
        entry = {
            "error_percent": error,
            "n_wrong": round(100 * error),
            "n": 10000,
            "statistics": "saved",
            "epochs": epochs,
        }
        (folder / "evaluation.json").write_text(json.dumps({"test": entry}))
    return folder
