"""The functions behind ``ladder.train``, ``ladder.pretrain``, ``ladder.load`` and ``ladder.sweep``."""

import logging
import math
import os
import sys
import threading
from contextlib import contextmanager, nullcontext
from numbers import Real

from tqdm.contrib.logging import logging_redirect_tqdm

from ladder.arguments import naming_arguments
from ladder.backends import choice
from ladder.configured import ready
from ladder.data.preprocessing import TrainingData
from ladder.errors import UserError
from ladder.option_names import as_typed
from ladder.option_types import MOST_DATA_SEED
from ladder.options import KEPT, OPTIONS, Options, from_python
from ladder.runs.folder import RunFolder, check_save_to
from ladder.sweeps.carrying_out import Wish
from ladder.sweeps.configurations import Search, check_search, configurations
from ladder.sweeps.halving import Halving
from ladder.sweeps.standing import standing
from ladder.sweeps.sweep import Plan, begin, end_of, folder_of, train_runs
from ladder.trained_model import Model
from ladder.training.evaluation import TrainedRun
from ladder.training.experiment import prepare
from ladder.training.extensions import Extension
from ladder.training.extensions.checkpointing import MINUTES
from ladder.training.extensions.deadline import Deadline
from ladder.training.into_folders import check_compiler, log_beginning
from ladder.training.logs import Speaker
from ladder.training.pretraining.alone import AS_ONE_WOULD, begin_alone, check_read
from ladder.training.pretraining.starting import check_source, with_source
from ladder.training.records import LOG_FORMATS, Records
from ladder.training.upkeep import Upkeep
from ladder.turns import Turns

#: Threads take turns at training, because its messages share one logger.
_one_at_a_time = Turns(threading.RLock)


def train(
    save_to=None,
    *,
    callbacks=(),
    verbose=False,
    checkpoint_minutes=MINUTES,
    max_minutes=None,
    tensorboard=False,
    log_format=LOG_FORMATS[0],
    save_split=False,
    **options,
):
    """Train a ladder network with the options of ``run.py train``.

    Parameters
    ----------
    save_to : str, optional
        Name or path of the run's folder, to which a number is added, as on
        the command line; default: train in memory, and write no file.
    callbacks : list of :class:`ladder.training.extensions.Extension`
        Called around epochs and updates; anything they add to ``loop.row`` is
        logged.
    verbose : bool
        Print a line per epoch, and show a progress bar.
    checkpoint_minutes : float
        Minutes between checkpoints in the folder; 0: only at the ends of epochs.
    max_minutes : float, optional
        Minutes after which training stops as if interrupted, to be resumed in
        its folder (``run.py train --resume``); default: train to the end.
    tensorboard : bool
        Also write event files for TensorBoard into the folder (needs tensorboardX).
    log_format : {'jsonl', 'csv'}
        'csv': write ``log.csv`` beside ``log.jsonl``.
    save_split : bool
        Write the positions of the labelled, training and validation examples
        into the folder (``labeled.txt``, ``train.txt``, ``valid.txt``).
    **options
        The options of ``run.py train --help`` that describe data, network
        and training, with ``_`` for ``-``, as Python values (numbers, tuples,
        scalars for tuples of one) or as command-line text.  See :class:`ladder.options.Options`.

    Returns
    -------
    Model

    Raises
    ------
    ArgumentError
        An option, or the data set, cannot be used; nothing was trained.
    TrainingStopped
        A cost was not finite.
    KeyboardInterrupt
        Training was interrupted, or ``max_minutes`` were over; if there is a
        folder, it can be resumed, or loaded if the last update was made.

    Examples
    --------
    >>> import ladder
    >>> model = ladder.train(dataset="digits", encoder_layers="30-10", decoder_spec="gauss",
    ...                      denoising_cost_x=(10, 1, 0.1), labeled_samples=100, num_epochs=2)
    >>> model.evaluate()["n"], len(model.log)
    (360, 3)
    """
    with naming_arguments(), heard(verbose):
        callbacks = checked_callbacks(callbacks)
        if save_to is not None:
            check_save_to(save_to)
        records = Records.of(tensorboard, log_format, save_split)
        upkeep = _upkeep(save_to, verbose, checkpoint_minutes, max_minutes, records)
        if not save_to and records != Records():
            raise UserError(
                "--tensorboard, --log-format and --save-split write into the folder of a run: give --save-to, too."
            )
        (experiment,) = prepare([with_source(Options.of(**options), options)])
        check_source(experiment)
        check_compiler(ready(), experiment)
        folder = RunFolder.begin(save_to, experiment.p, experiment.in_dim) if save_to else None
        return train_experiment(experiment, folder, callbacks, upkeep)


def train_experiment(experiment, folder=None, callbacks=(), upkeep=Upkeep()):
    """Train an experiment (its examples not yet preprocessed) in memory or into a folder; returns a Model."""
    from ladder.training.pretraining.starting import first_values
    from ladder.training.session import Session

    training = TrainingData(experiment.p, experiment.examples, experiment.split)
    try:
        preprocessed = experiment.taking(training.preprocess(experiment.examples))
    except UserError:
        if folder is not None:
            folder.abandon()
        raise
    with nullcontext() if folder is None else _held_and_logged(folder, experiment):
        first = first_values(preprocessed, folder, upkeep, callbacks)
        finished = first is not None
        if finished:
            session = Session(preprocessed, folder, upkeep, callbacks, first=first)
            finished = session.train()
    if not finished:
        how = f"; go on with: run.py train --resume {folder.typed}" if folder else ""
        raise KeyboardInterrupt(f"training was interrupted{how}")
    if session.loop.interrupted and folder:  # after the last update; without a folder, raising would lose the model
        raise KeyboardInterrupt(f"interrupted; the run was finished first: ladder.load('{folder}')")
    arrays, best = session.arrays(final=True), session.best_arrays(final=True)
    run = TrainedRun.in_memory(preprocessed, training, arrays, folder, best)
    return Model(run, session.log.rows)


@contextmanager
def _held_and_logged(folder, experiment):
    """While inside, this process holds the lock of a run's folder, and training messages go into the run's log."""
    from ladder.runs import lock

    with lock.held(folder), Speaker([""]).logged([folder]):
        log_beginning(folder, experiment)
        yield


def pretrain(save_to, *, verbose=False, checkpoint_minutes=MINUTES, max_minutes=None, **options):
    """Pre-train an encoder without labels, with the options of ``run.py pretrain``.

    Parameters
    ----------
    save_to : str
        Name or path of the folder, to which a number is added.
    verbose : bool
        Print a line per epoch, and show a progress bar.
    checkpoint_minutes, max_minutes : as for :func:`train`
    **options
        All options of ``run.py pretrain --help``, with ``_`` for ``-``, as for
        :func:`train`; ``pretrain`` defaults to 'dae'.  Of a ladder's own options, ``denoising_cost_x`` and
        ``decoder_spec`` are also accepted, and have no effect.

    Returns
    -------
    Path
        The folder, from which ``ladder.train(from_=folder, …)`` starts.

    Raises
    ------
    ArgumentError
        An option, or the data set, cannot be used; nothing was trained.
    TrainingStopped
        A cost was not finite.
    KeyboardInterrupt
        Pre-training was interrupted, or ``max_minutes`` were over; it can be resumed.

    Examples
    --------
    >>> import ladder, tempfile
    >>> network = dict(dataset="digits", encoder_layers="30-10")
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = ladder.pretrain(place + "/dae", pretrain_epochs=1, **network)
    ...     model = ladder.train(from_=folder, denoising_cost_x=(0, 0, 0), num_epochs=1, **network)
    >>> model.options.pretrain
    'dae'
    """
    with naming_arguments(), heard(verbose):
        check_save_to(save_to)
        upkeep = _upkeep(save_to, verbose, checkpoint_minutes, max_minutes)
        p = Options.of(**{**AS_ONE_WOULD, **options})
        check_read(p, options)
        folder, finished = begin_alone(p, save_to, ready, upkeep)
        if not finished:
            raise KeyboardInterrupt(
                f"pre-training was interrupted; go on with: run.py pretrain --resume {folder.typed}"
            )
        return folder.path


def load(folder, *, parameters="last", **options):
    """Load a trained network from the folder of a run, ours or one that the original wrote.

    Parameters
    ----------
    folder : str or Path
        E.g. 'results/mnist_100_full0'.
    parameters : {'last', 'best'}
        Those of the last epoch, or those of the epoch with the lowest
        validation error, if the run was trained with ``keep='best'``.
    **options
        Options that override the run's.  A folder that holds only a
        ``trained_params.npz``, such as the original wrote, needs the options
        it was trained with.

    Returns
    -------
    Model

    Raises
    ------
    ArgumentError
        There is no such folder, it is damaged, or it has no such parameters.

    Examples
    --------
    >>> import ladder, tempfile
    >>> trained = ladder.train(dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0), num_epochs=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = trained.save(folder + "/run")
    ...     ladder.load(path).evaluate() == trained.evaluate()
    True
    """
    with naming_arguments():
        if parameters not in KEPT:
            raise UserError(f"--parameters is {parameters!r}, but must be one of {', '.join(KEPT)}.")
        Options.of(**options)  # refuses invalid ones
        given = {name: from_python(name, value) for name, value in options.items()}
        run = TrainedRun.load(folder, given, parameters).held()
        run.check_knows_classes()
        return Model(run, run.folder.rows())


def sweep(
    save_to=None,
    *,
    preset=None,
    rows=None,
    random=None,
    draw=None,
    sweep_seed=None,
    halving=None,
    workers=None,
    threads=None,
    scheduler=None,
    verbose=False,
    checkpoint_minutes=MINUTES,
    max_minutes=None,
    tensorboard=False,
    log_format=LOG_FORMATS[0],
    save_split=False,
    **options,
):
    """Train the configurations of a grid or random search, as ``run.py sweep`` does.

    Runs that a sweep of the same name has already finished are not trained
    again, and those it has begun are resumed.

    Parameters
    ----------
    save_to : str, optional
        Name or path of the sweep's folder, in which each run has its own;
        default: the preset's name, or 'sweep'.
    preset : str or Path, optional
        A published experiment, or your own preset file; ``options`` override the preset's.
    rows : list of str, optional
        Rows of the preset.
    random : int, optional
        Draw this many configurations; default: train all combinations.
    draw : dict of option -> distribution, optional
        Options to draw anew for each configuration: the distribution as a string
        such as 'log-uniform:1e-4:1e-2', or one of ``scipy.stats``.
    sweep_seed : int, optional
        Seed of the draws; default: 1.
    halving : int or ladder.sweeps.halving.Halving, optional
        Successive halving: one configuration in this many goes on.
    workers : int, optional
        Number of processes; default: the cores of this machine, divided by ``threads``.
    threads : int, optional
        Threads of each process; default: the cores divided by ``workers``.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers train the runs instead.
    verbose : bool
        Print a line for each run; failures are reported in any case.
    checkpoint_minutes, max_minutes, tensorboard, log_format, save_split
        As for :func:`ladder.train`.
    **options
        As for :func:`ladder.train`; a list holds several values, and all
        combinations are formed (give values per layer as tuples or text).

    Returns
    -------
    Standing
        Its ``best`` configuration, by validation error, has the ``folders`` of its runs.

    Raises
    ------
    ArgumentError
        A configuration cannot be trained; nothing was trained.
    KeyboardInterrupt
        The sweep was interrupted, or ``max_minutes`` were over; calling it again resumes it.

    Examples
    --------
    >>> import ladder
    >>> found = ladder.sweep("rates", dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0),
    ...                      unlabeled_samples=1137, num_epochs=1, lr=[0.002, 0.02], seed=[1, 2])  # doctest: +SKIP
    >>> len(found.items), found.best.words  # doctest: +SKIP
    (4, 'lr 0.02')
    """
    with naming_arguments(), heard(verbose):
        if save_to is not None:
            check_save_to(save_to)
        if isinstance(preset, os.PathLike):
            preset = os.fspath(preset)
        if not isinstance(preset, (str, type(None))):
            raise UserError(f"--preset is {preset!r}, but must be the name of a preset, or a file.")
        if not isinstance(rows, (list, tuple, type(None))):
            raise UserError(f"--rows is {rows!r}, but must be a list of the preset's rows.")
        if not isinstance(draw, (dict, type(None))):
            raise UserError(f"--draw is {draw!r}, but must be a dict of option -> distribution.")
        check_search(random, draw, sweep_seed)
        seed = Search.seed if sweep_seed is None else sweep_seed
        if not choice.is_whole(seed) or not 0 <= seed <= MOST_DATA_SEED:
            raise UserError(f"--sweep-seed is {seed!r}, but must be a whole number from 0 to {MOST_DATA_SEED}.")
        search = None if random is None else Search(whole(random, "random"), draw or {}, int(seed))
        given = {name: _values(name, value) for name, value in options.items()}
        halved = halving if isinstance(halving, (Halving, type(None))) else Halving(whole(halving, "halving", 2))
        chosen = configurations(given, preset, rows, search)
        plan = Plan(
            chosen,
            folder_of(save_to, preset),
            search,
            halved,
            workers if workers is None else whole(workers, "workers"),
            scheduler,
        )
        threads = choice.checked("c", threads)["threads"]
        _check_minutes(checkpoint_minutes)
        # Plain numbers, as they are sent to other processes.
        wish = Wish({"backend": "c", "threads": threads}, float(checkpoint_minutes))
        wish.records = Records.of(tensorboard, log_format, save_split)
        if max_minutes is not None:
            wish.until = end_of(max_minutes)
        runs = begin(plan)
        if not train_runs(plan, runs, wish).is_done:
            raise KeyboardInterrupt(f"the sweep in {plan.folder} was interrupted; called again, it goes on")
        return standing(plan.folder, runs)


def _values(name, value):
    """The value of an option, or a list of several, as :func:`ladder.combinations.combinations` takes them."""
    several = isinstance(value, (list, range)) and name in OPTIONS and OPTIONS[name].many
    if several and not value:
        raise UserError(f"{as_typed(name)} is an empty list: give at least one value.")
    read = []
    for each in value if several else [value]:
        Options.of(**{name: each})  # refuses an invalid one
        read.append(from_python(name, each))
    return read if several else read[0]


def _upkeep(save_to, verbose, checkpoint_minutes, max_minutes, records=Records()):
    """The Upkeep that the arguments ask for; the clock starts here, because compiling counts."""
    _check_minutes(checkpoint_minutes)
    deadline = None if max_minutes is None else Deadline.of(max_minutes, save_to)
    return Upkeep(checkpoint_minutes, records, deadline, progress=bool(verbose))


def _check_minutes(value):
    """Refuse anything but a valid number of minutes between checkpoints."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value < math.inf:
        raise UserError(f"--checkpoint-minutes is {value!r}, but must be a number of minutes, 0 or more.")


def checked_callbacks(given):
    """Callbacks as a list, checked; None means none."""
    wanted = "callbacks must be a list of ladder.Extension"
    given = () if given is None else given
    if not isinstance(given, (list, tuple)):
        raise UserError(f"{wanted}, but is {given!r}.")
    for callback in given:
        if not isinstance(callback, Extension):
            raise UserError(f"{wanted}, but {callback!r} is none: derive its class from that.")
    return list(given)


def whole(value, name, least=1):
    """The value of an argument as an int, if it is a whole number that is large enough."""
    if not choice.is_whole(value) or value < least:
        raise UserError(f"--{name} is {value!r}, but must be a whole number, {least} or more.")
    return int(value)


@contextmanager
def heard(verbose):
    """While inside, training messages are printed past progress bars if ``verbose``, else only warnings are printed.

    Only one thread is inside at a time: a callback must not wait for training in another thread.
    """
    with _one_at_a_time.lock, _heard(verbose):
        yield


@contextmanager
def _heard(verbose):
    progress, handler = logging.getLogger("main"), logging.StreamHandler(sys.stdout if verbose else sys.stderr)
    before = progress.level, progress.propagate
    handler.setLevel(logging.INFO if verbose else logging.WARNING)
    progress.setLevel(logging.INFO)  # messages that are not printed still go into a run's log
    progress.propagate = False
    progress.addHandler(handler)
    try:
        with logging_redirect_tqdm([progress]) if verbose else nullcontext():
            yield
    finally:
        progress.removeHandler(handler)
        progress.setLevel(before[0])
        progress.propagate = before[1]
