"""``run.py train --missing``: what of a preset has no run yet."""

import logging
import os
from pathlib import Path

from ladder.cli.options import hyper_parameters
from ladder.experiments.runs import find_runs
from ladder.experiments.settings import settings_of

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
    runs, problems = find_runs(Path(os.path.dirname(save_to) or "results"))
    for problem in problems:
        logger.info("%s", problem)
    return [options for options in all_options if not _has_run(options, runs)]


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
            "run.py train --resume %s", seed, run.folder, run.epochs, run.options["num_epochs"], run.folder,
        )  # fmt: skip
    return bool(same)
