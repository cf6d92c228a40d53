"""``run.py train --missing``: what of a preset has no run yet."""

import logging
import os
from pathlib import Path

from ladder.cli.options import hyper_parameters
from ladder.errors import UserError
from ladder.experiments.runs import find_runs
from ladder.experiments.settings import settings_of
from ladder.training import lock, results

logger = logging.getLogger("main")


def without_trained(all_options, save_to):
    """The configurations that have no run, finished or begun, where their own would go.

    A run that was begun may be training at this moment in another process,
    so it is named and left alone.

    Parameters
    ----------
    all_options : list of dict of option name -> value
    save_to : str

    Returns
    -------
    list of dict of option name -> value
    """
    runs, problems = find_runs(_folder_of(save_to))
    for problem in problems:
        logger.info("%s", problem)
    return [options for options in all_options if not _has_run(options, runs)]


def claim(chosen, all_options, experiments, save_to):
    """Begin those that still have no run, so that no other process does.

    Parameters
    ----------
    chosen : list of int, positions in the other two
    all_options : list of dict of option name -> value
    experiments : list of (HyperParameters, …)
    save_to : str

    Returns
    -------
    dict of position -> folder (Path), of those that are this process's to train
    """
    folder = _folder_of(save_to)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder} ({error.strerror}): give another save_to.") from None
    with lock.turn(folder):
        runs, _ = find_runs(folder)
        return {i: results.begin(save_to, experiments[i][0]) for i in chosen if not _has_run(all_options[i], runs)}


def _folder_of(save_to):
    return Path(os.path.dirname(save_to) or "results")


def _has_run(options, runs):
    seed, settings = hyper_parameters(options, in_dim=()).seed, settings_of(options)
    same = [run for run in runs if run.seed == seed and run.settings == settings]
    finished = [run for run in same if run.finished]
    if finished:
        logger.info("Seed %d is not trained again: %s", seed, finished[0].folder)
    elif same:
        run = same[0]
        logger.info(
            "Seed %d was begun in %s (epoch %d of %d) and is left out; unless it is training now, go on with: "
            "run.py train --resume %s",
            seed,
            run.folder,
            run.epochs,
            run.options["num_epochs"],
            run.folder,
        )
    return bool(same)
