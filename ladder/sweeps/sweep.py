"""A sweep from beginning to end: what ``run.py sweep`` and ``ladder.sweep`` do."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from ladder.backends import choice
from ladder.errors import UserError
from ladder.runs.folder import parent_of
from ladder.sweeps.agenda import Agenda
from ladder.sweeps.carrying_out import carry_out
from ladder.sweeps.configurations import Search
from ladder.sweeps.halving import Halving
from ladder.sweeps.local import LocalPool
from ladder.sweeps.swept import SweepFolder, setting_of
from ladder.tables.preset import load_preset
from ladder.training.experiment import each_prepared
from ladder.training.extensions.deadline import check_minutes
from ladder.training.pretraining.starting import check_source
from ladder.training.stopping import more_validation

logger = logging.getLogger("main")


@dataclass(frozen=True)
class Plan:
    """What a sweep is to train, and who trains it.

    Attributes
    ----------
    configurations : list of Options
    folder : SweepFolder
    search : Search or None
    halving : Halving or None
    workers : int or None
        Processes on this machine; None: as many as there are cores for.
    scheduler : str or None
        The address of a Dask cluster that trains instead.
    """

    configurations: list
    folder: SweepFolder
    search: Search = None
    halving: Halving = None
    workers: int = None
    scheduler: str = None

    def __post_init__(self):
        if self.scheduler is not None and self.workers is not None:
            raise UserError(
                "--workers are processes on this machine, and with --scheduler the cluster's train: give one."
            )


def folder_of(save_to, preset):
    """The folder of a sweep (SweepFolder), from its name or path, or else from the preset's name."""
    name = str(save_to or "").rstrip("/") or (load_preset(preset).name if preset else "sweep")
    return SweepFolder(parent_of(name) / Path(name).name)


def begin(plan):
    """Check every configuration, and begin the runs that do not exist yet: list of SweptRun."""
    return plan.folder.begin(plan.configurations, check(plan), plan.search, plan.halving)


def check(plan):
    """Check every configuration, with its data.

    Returns
    -------
    list of tuple of int
        The shape of one example, for each configuration.

    Raises
    ------
    UserError
        A configuration cannot be trained, or the sweep cannot be halved.
    """
    if plan.scheduler is not None:
        from ladder.sweeps.dask_pool import check_address

        check_address(plan.scheduler)
    if not plan.configurations:
        raise UserError("the sweep has no configurations: give some values.")
    if plan.halving is not None:
        epochs = {p.num_epochs for p in plan.configurations}
        if len(epochs) > 1:
            raise UserError("--halving compares runs after as many epochs: give one --num-epochs.")
        plan.halving.rungs(len(plan.configurations), *epochs)
    in_dims, validated = [], True
    for experiment in each_prepared(plan.configurations):
        check_source(experiment)
        in_dims.append(experiment.in_dim)
        if not len(experiment.split.valid):
            validated = False
            if plan.halving is not None:
                raise UserError(
                    "--halving follows the validation error, and no examples are left over for validation: "
                    f"{more_validation(experiment.p, experiment.split)}, or leave it out."
                )
    if not validated:
        logger.info(
            "No examples are left over for validation, so no configuration will be called the best: give fewer "
            "--unlabeled-samples if one is to be chosen"
        )
    return in_dims


def extent(plan):
    """How many runs a plan has, and how many of them have nothing left to train: (int, int)."""
    keys = {(setting_of(p), p.seed) for p in plan.configurations}
    there = [run for run in plan.folder.runs() if run.key in keys] if plan.folder.path.is_dir() else []
    if not there:
        return len(keys), 0
    return len(keys), len(Agenda(there, plan.halving).settled)


def train_runs(plan, runs, wish):
    """Train the runs of a sweep to their ends.

    Parameters
    ----------
    plan : Plan
    runs : list of SweptRun
    wish : Wish

    Returns
    -------
    Agenda
        It has something left to do after an interrupt.

    Raises
    ------
    UserError
        The first runs failed.
    """
    agenda = Agenda(runs, plan.halving)
    if agenda.is_done:
        return agenda
    if plan.scheduler is not None:
        from ladder.sweeps.dask_pool import DaskPool

        # Whoever starts the cluster's workers decides how many cores each run has.
        wish.backend = {**wish.backend, "threads": wish.backend.get("threads") or 1}
        pool = DaskPool(plan.scheduler)
    else:
        # As many threads as at the start of the sweep: a run resumed with another number may round differently.
        workers, threads = shares(plan.workers, wish.backend, len(runs))
        workers = min(workers, len(runs) - len(agenda.settled))
        wish.backend = {**wish.backend, "threads": threads}
        logger.info("%d process%s, %d thread%s each", workers, "es" * (workers > 1), threads, "s" * (threads > 1))
        pool = LocalPool(workers, wish.backend)
    carry_out(agenda, pool, wish)
    for item in agenda.not_noted:
        logger.warning("%s failed (%s), and nothing can be written there: make room", item.run.folder, item.error)
    return agenda


def shares(workers, backend, n_runs):
    """How many processes train, and with how many threads each, so that together they use the cores of this machine.

    Parameters
    ----------
    workers : int or None
    backend : dict
        'backend', 'threads' (int or None) …
    n_runs : int

    Returns
    -------
    workers, threads : int

    Examples
    --------
    >>> shares(workers=3, backend={"threads": 2}, n_runs=10)
    (3, 2)
    """
    cores, threads = choice.cores(), backend.get("threads")
    if workers is None:
        # Several JAX processes would each take most of a GPU's memory.
        workers = 1 if backend.get("backend") == "jax" else max(1, cores // (threads or 1))
    workers = min(workers, n_runs)
    return workers, threads or max(1, cores // workers)


def end_of(minutes):
    """The time at which these minutes are over, as of ``time.monotonic()``."""
    check_minutes(minutes)
    return time.monotonic() + 60 * minutes
