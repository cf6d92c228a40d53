"""Which configurations of a preset have no run yet (``run.py train --missing``)."""

import logging

from ladder.errors import UserError
from ladder.files import printable
from ladder.runs import lock
from ladder.runs.folder import RunFolder, parent_of
from ladder.tables.found_runs import find_runs
from ladder.tables.settings import settings_of

logger = logging.getLogger("main")


def without_trained(configurations, save_to):
    """The configurations that have no run, finished or begun, in the folder where theirs would go.

    A run that was begun may be training in another process right now, so it is
    named and left alone.

    Parameters
    ----------
    configurations : list of Options
    save_to : str
    """
    runs, problems = find_runs(parent_of(save_to), unsupervised=True)
    for problem in problems:
        logger.info("%s", printable(problem))
    return [p for p in configurations if not _has_run(p, runs)]


def claim(chosen, experiments, save_to):
    """Begin the runs that still do not exist, so that no other process begins them.

    Parameters
    ----------
    chosen : list of int, positions in ``experiments``
    experiments : list of Experiment
    save_to : str

    Returns
    -------
    dict of position -> RunFolder
        Those that this process is to train.
    """
    folder = parent_of(save_to)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder} ({error.strerror}): give another save_to.") from None
    with lock.turn(folder):
        runs, _ = find_runs(folder, unsupervised=True)
        return {
            i: RunFolder.begin(save_to, experiments[i].p, experiments[i].in_dim)
            for i in chosen
            if not _has_run(experiments[i].p, runs)
        }


def _has_run(p, runs):
    settings = settings_of(p)
    same = [run for run in runs if run.seed == p.seed and run.settings == settings]
    finished = [run for run in same if run.finished]
    if finished:
        logger.info("Seed %d is not trained again: %s", p.seed, finished[0].folder)
    elif same and same[0].ended_early:
        logger.info("Seed %d is not trained again: an extension ended it early, in %s", p.seed, same[0].folder)
    elif same:
        run = same[0]
        logger.info(
            "Seed %d was begun in %s (epoch %d of %d) and is left out; unless it is training now, go on with: "
            "run.py train --resume %s",
            p.seed,
            run.folder,
            run.epochs,
            run.p.num_epochs,
            run.folder.typed,
        )
    return bool(same)
