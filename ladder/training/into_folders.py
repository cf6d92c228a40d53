"""Training into folders that this process has locked, with its log messages."""

import logging
import sys
from contextlib import ExitStack
from pathlib import Path

from ladder import backends
from ladder.errors import TrainingStopped, UserError
from ladder.layers import resolve_layers
from ladder.runs import lock, log_lines
from ladder.runs.folder import LOG, as_saved
from ladder.runs.log_rows import BEST_ERROR, FINAL_ERROR
from ladder.training.logs import Speaker
from ladder.training.provenance import environment
from ladder.training.upkeep import Upkeep

logger = logging.getLogger("main")

#: Characters shown of an option's value in a log; lists of labelled examples are longer.
MOST_SHOWN = 500


def check_compiler(backend, experiment):
    """Refuse what the C backend, as configured, cannot compile.

    Parameters
    ----------
    backend : what :func:`ladder.backends.configure` returned
    experiment : Experiment
    """
    if getattr(backend, "cxx", None) != "":
        return
    p = experiment.p
    if any(layer.is_convolution for layer in resolve_layers(p, experiment.in_dim)):
        raise UserError("Aesara's flag cxx is empty, and convolutions need a compiler: take that flag away.")
    if p.noise == "philox":
        raise UserError(
            "Aesara's flag cxx is empty, and --noise philox needs a compiler: give --noise mrg and --plain-graph."
        )
    if not p.plain_graph:
        raise UserError("Aesara's flag cxx is empty, and fused operations need a compiler: give --plain-graph.")


def train_together(experiments, folders, upkeep=Upkeep()):
    """Train one experiment, or several that differ only in their seeds, into folders that were begun for them.

    Parameters
    ----------
    experiments : list of Experiment, their examples as the network takes them
    folders : list of RunFolder
    upkeep : Upkeep

    Returns
    -------
    folders : list of RunFolder, of those that finished or were interrupted
    errors : list of TrainingStopped or UserError, of the others
    finished : list of bool, one per folder; False after an interrupt
    interrupted : bool
        Whether a signal or a deadline asked to stop, even if after the last update.
    """
    with ExitStack() as locks:
        for folder in folders:
            locks.enter_context(lock.held(folder))
        finished, errors, interrupted = train_held(experiments, folders, upkeep)
    good = [i for i in range(len(folders)) if i not in errors]
    return [folders[i] for i in good], list(errors.values()), [finished[i] for i in good], interrupted


def train_held(experiments, folders, upkeep=Upkeep()):
    """Train, or go on training, into folders that are already locked.

    Returns
    -------
    finished : list of bool, one per folder; False after an interrupt
    errors : dict of index -> TrainingStopped or UserError
    interrupted : bool
        As for :func:`train_together`.
    """
    from ladder.training.session import train_side_by_side

    prefixes = [f"seed {experiment.p.seed}: " for experiment in experiments] if len(experiments) > 1 else [""]
    speaker = Speaker(prefixes)
    with speaker.heard(folders):
        for i, (folder, experiment) in enumerate(zip(folders, experiments)):
            with speaker.says(i):
                log_beginning(folder, experiment)
            if folder.load_environment() is None:  # a run interrupted from here on resumes with the same backend
                folder.save_environment(environment())
        loops = []
        try:
            first, errors = _first_values(experiments, folders, upkeep, speaker)
            those = list(first)  # that can be trained
            if those:
                picked = [experiments[i] for i in those], [folders[i] for i in those], upkeep
                loops, more = train_side_by_side(*picked, lambda j: speaker.says(those[j]), list(first.values()))
                errors.update({those[j]: error for j, error in more.items()})
        except _Interrupted as error:
            errors = {i: _with_mend(of, folders[i], prefixes[i]) for i, of in error.errors.items()}
            return [False] * len(folders), errors, True
        except OSError as error:  # before the first update
            written = [folder for folder in folders if _is_about(error, folder)]
            raise _with_mend(error, written[0], "") if written else error
        errors = {i: _with_mend(error, folders[i], prefixes[i]) for i, error in errors.items()}
        finished = [False] * len(folders)
        for i, loop in zip(those, loops):
            finished[i] = loop.finished
            with speaker.says(i):
                _log_final(loop.row)
    return finished, errors, any(loop.interrupted for loop in loops)


class _Interrupted(Exception):
    """Pre-training was interrupted; ``errors``: index -> the error that had ended an earlier one."""

    def __init__(self, errors):
        super().__init__()
        self.errors = errors


def _first_values(experiments, folders, upkeep, speaker):
    """Initial values of the experiments by index, and TrainingStopped or OSError by index for those without."""
    from ladder.training.pretraining.starting import first_values

    first, errors = {}, {}
    for i, (folder, experiment) in enumerate(zip(folders, experiments)):
        try:
            with speaker.says(i):
                first[i] = first_values(experiment, folder, upkeep)
        except (TrainingStopped, OSError) as error:
            if isinstance(error, OSError) and not _is_about(error, folder):
                raise
            errors[i] = error
            continue
        if first[i] is None:
            raise _Interrupted(errors)
    return first, errors


def _log_final(row):
    """Log the errors in the last row of a run's log."""
    if FINAL_ERROR in row:
        logger.info("%s %g", FINAL_ERROR, row[FINAL_ERROR])
        if "best_epoch" in row:
            logger.info("%s %g, of epoch %d", BEST_ERROR, row[BEST_ERROR], row["best_epoch"])


def log_beginning(folder, experiment):
    """Log the first lines of a run: where its log is, its command line, backend and options."""
    logger.info(log_lines.BEGUN, folder / LOG)
    logger.info("Command line: %s", " ".join(sys.argv))
    logger.info(backends.summary())
    for name, value in as_saved(experiment.p, experiment.in_dim).items():
        logger.info("  %-20s: %s", name, _shortened(str(value)))


def _shortened(text):
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} …"


def _is_about(error, folder):
    return error.filename is not None and folder.path in Path(error.filename).parents


def _with_mend(error, folder, prefix):
    """The error that ended one run, with a remedy; an OSError that is not about its folder is raised."""
    if isinstance(error, TrainingStopped):
        return TrainingStopped(f"{prefix}{error}")
    if not _is_about(error, folder):
        raise error
    return UserError(
        f"{prefix}cannot write {error.filename} ({error.strerror}): fix that, and go on with "
        f"`run.py train --resume {folder.typed}`."
    )
