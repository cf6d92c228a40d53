"""Training and loading from Python: the functions behind ``ladder.train`` and ``ladder.load``."""

import logging
import sys
from contextlib import contextmanager, nullcontext

from tqdm.contrib.logging import logging_redirect_tqdm

from ladder.arguments import naming_arguments
from ladder.configured import ready
from ladder.data.preprocessing import TrainingData
from ladder.errors import UserError
from ladder.options import KEPT, Options
from ladder.runs.folder import RunFolder
from ladder.trained_model import Model
from ladder.training.evaluation import TrainedRun
from ladder.training.experiment import prepare
from ladder.training.extensions.checkpointing import MINUTES
from ladder.training.extensions.deadline import Deadline
from ladder.training.into_folders import check_compiler, log_beginning
from ladder.training.logs import Speaker
from ladder.training.pretraining.alone import AS_ONE_WOULD, begin_alone
from ladder.training.pretraining.starting import check_source, with_source
from ladder.training.records import LOG_FORMATS, Records


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
        the command line; default: it is trained in memory, and no file is
        written.
    callbacks : list of :class:`ladder.training.extensions.Extension`
        Called around epochs and updates; what they add to ``loop.row`` is
        logged.
    verbose : bool
        Print a line per epoch, and show a progress bar.
    checkpoint_minutes : float
        Between checkpoints in the folder; 0: at the ends of epochs alone.
    max_minutes : float, optional
        After which training stops as if it were interrupted, to go on later in
        its folder (``run.py train --resume``); default: it trains to the end.
    tensorboard : bool
        Write what TensorBoard shows into the folder, too (needs tensorboardX).
    log_format : {'jsonl', 'csv'}
        'csv': write ``log.csv`` beside ``log.jsonl``.
    save_split : bool
        Write the positions of the labelled, training and validation examples
        into the folder (``labeled.txt``, ``train.txt``, ``valid.txt``).
    **options
        Every option of ``run.py train --help``, with ``_`` for ``-``: as
        Python values (numbers, tuples, scalars for tuples of one) or as the
        command line's text.  See :class:`ladder.options.Options`.

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
        Training was interrupted, or ``max_minutes`` were over; where there is
        a folder, it can go on.

    Examples
    --------
    >>> import ladder
    >>> model = ladder.train(dataset="digits", encoder_layers="30-10", decoder_spec="gauss",
    ...                      denoising_cost_x=(10, 1, 0.1), labeled_samples=100, num_epochs=2)
    >>> model.evaluate()["n"], len(model.log)
    (360, 3)
    """
    with naming_arguments(), heard(verbose):
        deadline = None if max_minutes is None else Deadline.of(max_minutes, save_to)
        records = Records.of(tensorboard, log_format, save_split)
        if not save_to and records != Records():
            raise UserError(
                "--tensorboard, --log-format and --save-split write into the folder of a run: give --save-to, too."
            )
        (experiment,) = prepare([with_source(Options.of(**options))])
        check_source(experiment)
        check_compiler(ready(), experiment)
        folder = RunFolder.begin(save_to, experiment.p, experiment.in_dim) if save_to else None
        return train_experiment(experiment, folder, callbacks, verbose, checkpoint_minutes, records, deadline)


def train_experiment(
    experiment, folder=None, callbacks=(), verbose=False, checkpoint_minutes=MINUTES, records=Records(), deadline=None
):
    """Train an experiment (its examples as they were read) in memory or into a folder: a Model."""
    from ladder.runs import lock
    from ladder.training.pretraining.starting import first_values
    from ladder.training.session import Session

    training = TrainingData(experiment.p, experiment.examples, experiment.split)
    preprocessed = experiment.taking(training.preprocess(experiment.examples))
    if folder is None:
        first = first_values(preprocessed, progress=verbose)
        finished = first is not None
        if finished:
            session = Session(preprocessed, callbacks=callbacks, progress=verbose, first=first)
            finished = session.train()
    else:
        with lock.held(folder), Speaker([""]).logged([folder]):
            log_beginning(folder, experiment)
            first = first_values(preprocessed, folder, checkpoint_minutes, deadline, verbose)
            finished = first is not None
            if finished:
                more = {"progress": verbose, "records": records, "deadline": deadline, "first": first}
                session = Session(preprocessed, folder, checkpoint_minutes, callbacks, **more)
                finished = session.train()
    if not finished:
        how = f"; go on with: run.py train --resume {folder}" if folder else ""
        raise KeyboardInterrupt(f"training was interrupted{how}")
    arrays, best = session.arrays(final=True), session.best_arrays(final=True)
    run = TrainedRun.in_memory(preprocessed, training, arrays, folder, best)
    return Model(run, session.log.rows)


def pretrain(save_to, *, verbose=False, checkpoint_minutes=MINUTES, max_minutes=None, **options):
    """Pre-train an encoder on examples alone with the options of ``run.py pretrain``.

    Parameters
    ----------
    save_to : str
        Name or path of its folder, to which a number is added.
    verbose : bool
        Print a line per epoch, and show a progress bar.
    checkpoint_minutes, max_minutes : as for :func:`train`
    **options
        Every option of ``run.py pretrain --help``, with ``_`` for ``-``, as for
        :func:`train`; ``pretrain`` is 'dae' unless given.

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
        It was interrupted, or ``max_minutes`` were over, and can go on.

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
        deadline = None if max_minutes is None else Deadline.of(max_minutes, save_to)
        p = Options.of(**{**AS_ONE_WOULD, **options})
        folder, finished = begin_alone(p, save_to, checkpoint_minutes, ready, deadline, verbose)
        if not finished:
            raise KeyboardInterrupt(f"pre-training was interrupted; go on with: run.py pretrain --resume {folder}")
        return folder.path


def load(folder, *, parameters="last", **options):
    """A trained network, from the folder of a run: ours, or one that the original wrote.

    Parameters
    ----------
    folder : str or Path
        E.g. 'results/mnist_100_full0'.
    parameters : {'last', 'best'}
        Those of the last epoch, or those of the epoch with the lowest
        validation error, where the run was trained with ``keep='best'``.
    **options
        Options that override the run's.  A folder with nothing but a
        ``trained_params.npz``, such as the original wrote, needs those it was
        trained with.

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
        given = Options.of(**options)
        run = TrainedRun.load(folder, {name: getattr(given, name) for name in options}, parameters)
        run.check_knows_classes()
        return Model(run, run.folder.rows())


@contextmanager
def heard(verbose):
    """While inside, what training says is printed past progress bars where ``verbose``, and else only its warnings."""
    progress, handler = logging.getLogger("main"), logging.StreamHandler(sys.stdout if verbose else sys.stderr)
    before = progress.level, progress.propagate
    handler.setLevel(logging.INFO if verbose else logging.WARNING)
    progress.setLevel(logging.INFO)  # what is not printed still goes into the log of a run
    progress.propagate = False
    progress.addHandler(handler)
    try:
        with logging_redirect_tqdm([progress]) if verbose else nullcontext():
            yield
    finally:
        progress.removeHandler(handler)
        progress.setLevel(before[0])
        progress.propagate = before[1]
