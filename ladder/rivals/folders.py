"""Rivals in folders of runs, alongside those of networks: ``run.py table`` reads both.

Besides a run's usual files (options, data, versions, log, test error), the
folder has ``rival.json``: the chosen parameters and what they were chosen from,
times, warnings.  The test error is written last, so its presence means "finished".
"""

import glob
import logging
from dataclasses import asdict
from pathlib import Path

from ladder.data.examples import describe
from ladder.data.record import check_unchanged
from ladder.errors import UserError
from ladder.files import save_json
from ladder.output_files import made_folder
from ladder.rival_methods import METHODS
from ladder.rivals.environment import environment
from ladder.rivals.fitting import fit_rival
from ladder.runs import lock
from ladder.runs.evaluations import save_evaluation
from ladder.runs.folder import RIVAL, RunFolder, parent_of
from ladder.runs.log_rows import FINAL_ERROR
from ladder.tables.found_runs import find_runs
from ladder.tables.settings import settings_of
from ladder.training.logs import Speaker

logger = logging.getLogger("main")


def fit_into_folder(experiment, save_to, examples_of):
    """Fit a rival into a folder, unless a finished run with its options and seed is there.

    A folder that was begun but never finished is reused; one that another
    process is fitting into is left alone.

    Parameters
    ----------
    experiment : Experiment, its examples as they were read
    save_to : str
        A path, to which the method and a number are added.
    examples_of : ExamplesOfRuns

    Returns
    -------
    folder : RunFolder
    state : str
        'fitted', 'was finished', or 'elsewhere' where another process fits it.

    Raises
    ------
    UserError
        Nothing can be written, or the data set has changed since a rival was fitted there.
    """
    p, parent = experiment.p, made_folder(parent_of(_begun_as(save_to, experiment.p)), "--save-to")
    folder = find_run(p, save_to)
    if folder is not None and folder.is_record():
        check_unchanged(p, folder.load_data(), folder)
        return folder, "was finished"
    examples = examples_of(experiment)
    with lock.turn(parent):  # another process may have begun it meanwhile
        folder = find_run(p, save_to) or RunFolder.begin(_begun_as(save_to, p), p, experiment.in_dim)
    try:
        with lock.held(folder), Speaker([""]).logged([folder]):
            if folder.is_record():
                return folder, "was finished"
            _fit(p, examples, folder)
    except UserError as error:
        if lock.is_held(folder):
            logger.info("%s", error)
            return folder, "elsewhere"
        raise
    return folder, "fitted"


def find_run(p, save_to):
    """The folder of a run with these options, seed and name ``save_to``, a finished one if possible; None for none."""
    settings = settings_of(p)
    runs = [run for path in _folders_of(save_to, p) for run in find_runs(path)[0] if run.folder.path == path]
    same = [run for run in runs if run.seed == p.seed and run.settings == settings]
    return max(same, key=lambda run: run.finished).folder if same else None


def _begun_as(save_to, p):
    """The name or path of a rival's folders, to which numbers are added."""
    return f"{save_to}_{p.rival}_"


def _folders_of(save_to, p):
    """These folders (Path); whatever else is beside or below them, such as records, was fitted by somebody else."""
    begun_as = _begun_as(save_to, p)
    name = Path(begun_as).name
    return [path for path in parent_of(begun_as).glob(f"{glob.escape(name)}*") if path.name[len(name) :].isdecimal()]


def _fit(p, examples, folder):
    folder.remove_leftovers()
    logger.info("%s, seed %d: into %s", METHODS[p.rival].title, p.seed, folder)
    folder.save_data(describe(examples.as_taken))
    folder.save_environment(environment())
    outcome = fit_rival(p, examples)
    save_outcome(folder, outcome)
    for line in in_words(outcome):
        logger.info("  %s", line)


def save_outcome(folder, outcome):
    """Write the outcome of a rival into its folder (RunFolder), the test error last."""
    choice = asdict(outcome.choice)
    save_json(folder / RIVAL, {**choice, "seconds": outcome.seconds, "warnings": outcome.warnings})
    valid = {} if outcome.valid is None else {FINAL_ERROR: outcome.valid["error_percent"]}
    folder.save_rows([{"epoch": 1, **valid}])
    save_evaluation(folder, "test", outcome.test, "none")


def in_words(outcome):
    """Iterate over lines that describe the outcome of a rival."""
    chosen = ", ".join(f"{name} {value:g}" for name, value in outcome.choice.parameters.items())
    yield f"{chosen}: chosen by {outcome.choice.how}"
    yield from (f"warning: {warning}" for warning in outcome.warnings)
    times = ", ".join(f"{name} {seconds:.2f}" for name, seconds in outcome.seconds.items() if seconds >= 0.005)
    test = outcome.test
    yield f"test error {test['error_percent']:.2f} % ({test['n_wrong']} of {test['n']}); seconds of processor time: {times}"
