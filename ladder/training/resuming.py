"""Resuming a run that was interrupted or killed."""

import logging

from ladder import backends
from ladder.backends import choice
from ladder.data.preprocessing import Preprocessor
from ladder.data.record import check_unchanged, load_training_set
from ladder.errors import UserError
from ladder.options import Options
from ladder.runs import checkpoints, lock
from ladder.runs.folder import OPTIONS_FILE, RunFolder
from ladder.training.experiment import Experiment
from ladder.training.into_folders import check_compiler, train_held
from ladder.training.upkeep import Upkeep

logger = logging.getLogger("main")


def resume(path, backend_options, upkeep=Upkeep()):
    """Train the run in a folder to its end.

    Parameters
    ----------
    path : str
    backend_options : dict
        Arguments of :func:`ladder.backends.configure`; in place of None the run's
        own are used, as other threads or another backend would round differently.
    upkeep : Upkeep

    Returns
    -------
    folder : RunFolder
    state : str
        'finished', 'interrupted', or 'was finished' if nothing was left to train.
    interrupted : bool
        Whether a signal or a deadline asked to stop, even if after the last update.
    """
    folder = RunFolder.existing(path, "--resume")
    options = folder.load_options()
    if options is None:
        raise UserError(f"--resume: {folder} has no {OPTIONS_FILE}, so no run was begun there: start it anew.")
    if options["rival"]:
        raise UserError(f"--resume: {folder} is a rival's run: give its command, run.py rivals, again.")
    if folder.is_finished():
        checkpoints.remove(folder.path)  # in case it was killed before it could
        return folder, "was finished", False
    if folder.is_record():
        raise UserError(
            f"--resume: {folder} is the record of a finished run, without its parameters: nothing can go on there."
        )
    with lock.held(folder):
        if folder.is_finished():  # by the process that held it until now
            return folder, "was finished", False
        finished, interrupted = _go_on(folder, Options(**options), backend_options, upkeep)
    return folder, "finished" if finished else "interrupted", interrupted


def _go_on(folder, p, backend_options, upkeep):
    experiment = begun_experiment(folder, p, backend_options)
    (finished,), errors, interrupted = train_held([experiment], [folder], upkeep)
    if errors:
        raise errors[0]
    return finished, interrupted


def begun_experiment(folder, p, backend_options):
    """The Experiment begun in a folder, its examples as the network takes them; also configures its backend."""
    backend = backends.configure(**as_it_was(folder, backend_options))
    record = folder.load_data()
    check_unchanged(p, record, folder, splits=("train",))
    experiment = Experiment.on(load_training_set(p, record), p)
    check_compiler(backend, experiment)
    return experiment.preprocessed(Preprocessor(), folder.load_fitted(p, experiment.in_dim))


def as_it_was(folder, given):
    """The backend's options: those given, or else the run's."""
    had = folder.backend_options()
    if had.get("backend") not in choice.BACKENDS or not 1 <= had["threads"] <= choice.MOST_THREADS:
        had = {}
    given = {name: value for name, value in given.items() if value is not None}
    backend = given.get("backend", had.get("backend", "c"))
    options = had if backend == had.get("backend") else {"threads": had.get("threads")}
    if backend == "jax":  # not what another run left behind in this process
        options = {"matmul_precision": "float32", **options}
    return choice.checked(**{**options, "backend": backend, **given})
