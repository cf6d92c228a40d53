"""Training and loading from Python: the functions behind ``ladder.train`` and ``ladder.load``."""

import logging
import re
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import numpy as np
from tqdm.contrib.logging import logging_redirect_tqdm

from ladder import backends
from ladder.backends import choice
from ladder.data.description import labels_of_units
from ladder.data.own_examples import as_in_training, warn_of_scale
from ladder.data.preprocessing import TrainingData, preprocesses
from ladder.errors import TrainingStopped, UserError
from ladder.layers import resolve_layers
from ladder.network_size import examples_at_once
from ladder.options import KEPT, Options
from ladder.runs.folder import RunFolder
from ladder.training.evaluation import TrainedRun, classification_report
from ladder.training.experiment import prepare
from ladder.training.extensions.checkpointing import MINUTES
from ladder.training.extensions.deadline import Deadline
from ladder.training.into_folders import check_compiler, log_beginning
from ladder.training.logs import Speaker
from ladder.training.provenance import environment
from ladder.training.records import LOG_FORMATS, Records
from ladder.training.stopping import best_epoch

#: Examples that are classified together.
AT_ONCE = 256

_configured = None


class ArgumentError(UserError, ValueError):
    """A mistake in an argument: the sentence of the command line, with the argument's name for the option's."""


@contextmanager
def naming_arguments(names=None):
    """Speak of arguments where the command line would speak of options.

    Parameters
    ----------
    names : dict of option name -> what it is called here, where that differs, e.g. {'encoder_layers': 'hidden'}
    """

    def argument(option):
        name = option[1].replace("-", "_")
        return (names or {}).get(name, name)

    try:
        yield
    except (UserError, TrainingStopped) as error:
        kind = ArgumentError if isinstance(error, UserError) else TrainingStopped
        raise kind(re.sub(r"--([a-z][a-z-]*[a-z])", argument, str(error))) from None


def configure(backend="c", threads=None, device=None, matmul_precision=None):
    """Choose what compiles and computes, once per process; without it the first use takes the C backend.

    Parameters
    ----------
    backend : {'c', 'jax'}
        Aesara's own C code (needs a C++ compiler), or XLA through JAX.
    threads : int, optional
        Default: the cores that this process may use.
    device : {'cpu', 'gpu'}, optional
        With ``jax``; default: a GPU where JAX has one.
    matmul_precision : {'float32', 'tf32'}, optional
        With ``jax``: what GPUs multiply matrices in.

    Returns
    -------
    str
        A line that says what is in force.

    Raises
    ------
    ArgumentError
        The backend is not installed, or this process has begun with another
        one: Aesara fixes its settings when it is imported.

    Examples
    --------
    >>> import ladder
    >>> ladder.configure(threads=1)  # doctest: +ELLIPSIS
    'BLAS: ..., 1 threads'
    """
    global _configured
    with naming_arguments():
        arguments = choice.checked(backend, threads, device=device, matmul_precision=matmul_precision)
        if _configured == "jax" and backend == "c":
            raise UserError(
                "this process has begun with backend='jax', and Aesara fixes its settings when it is imported: "
                "use the C backend in another process."
            )
        found = backends.configure(**arguments)
        if threads is not None and found.threads != threads:
            raise UserError(
                f"this process computes with {found.threads} threads already, which JAX fixes when it is first used: "
                f"ask for {threads} in another process."
            )
    _configured = backend
    return found.summary


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
        (experiment,) = prepare([Options.of(**options)])
        check_compiler(ready(), experiment)
        folder = RunFolder.begin(save_to, experiment.p, experiment.in_dim) if save_to else None
        return train_experiment(experiment, folder, callbacks, verbose, checkpoint_minutes, records, deadline)


def train_experiment(
    experiment, folder=None, callbacks=(), verbose=False, checkpoint_minutes=MINUTES, records=Records(), deadline=None
):
    """Train an experiment (its examples as they were read) in memory or into a folder: a Model."""
    from ladder.runs import lock
    from ladder.training.session import Session

    training = TrainingData(experiment.p, experiment.examples, experiment.split)
    preprocessed = experiment.taking(training.preprocess(experiment.examples))
    if folder is None:
        session = Session(preprocessed, callbacks=callbacks, progress=verbose)
        finished = session.train()
    else:
        with lock.held(folder), Speaker([""]).logged([folder]):
            log_beginning(folder, experiment)
            more = {"progress": verbose, "records": records, "deadline": deadline}
            session = Session(preprocessed, folder, checkpoint_minutes, callbacks, **more)
            finished = session.train()
    if not finished:
        how = f"; go on with: run.py train --resume {folder}" if folder else ""
        raise KeyboardInterrupt(f"training was interrupted{how}")
    arrays, best = session.arrays(final=True), session.best_arrays(final=True)
    run = TrainedRun.in_memory(preprocessed, training, arrays, folder, best)
    return Model(run, session.log.rows)


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


class Model:
    """A trained network.

    Attributes
    ----------
    options : Options
        What it was trained with.
    in_dim : tuple of int
        Shape of one example.
    classes : array or None
        The labels or names of the classes; None: they are 0, 1, …
    log : list of dict
        A row per epoch, and a last one: costs and errors by name.
    folder : Path or None
        Where it is saved.

    Examples
    --------
    >>> import ladder, numpy as np
    >>> model = ladder.train(dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0), num_epochs=1)
    >>> model.predict_proba(np.zeros((3, 64))).shape
    (3, 10)
    """

    def __init__(self, run, log):
        self._run, self.log = run, log
        self.options, self.in_dim = run.p, tuple(run.in_dim)
        n_units = resolve_layers(run.p, run.in_dim)[-1].size
        self.classes = np.array(labels_of_units(run.data["classes"], n_units)) if "classes" in run.data else None
        self._probabilities = None

    @property
    def best(self):
        """The network of the epoch with the lowest validation error: a Model, where ``keep='best'`` kept it.

        Raises
        ------
        ArgumentError
            It was not kept.

        Examples
        --------
        >>> import ladder
        >>> model = ladder.train(dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0), num_epochs=2,
        ...                      unlabeled_samples=1200, keep="best")
        >>> model.best.evaluate()["n"], model.log[-1]["best_epoch"] in (1, 2)
        (360, True)
        """
        if not self._run.keeps_best():
            raise ArgumentError("this network has no best parameters beside its last ones: train one with keep='best'.")
        return Model(replace(self._run, parameters="best"), self.log)

    @property
    def folder(self):
        return None if self._run.folder is None else self._run.folder.path

    def __repr__(self):
        layers = "-".join(self.options.encoder_layers)
        return f"<ladder.Model {'x'.join(map(str, self.in_dim))}-{layers}, {self.options.dataset}>"

    def __getstate__(self):
        return {**vars(self), "_probabilities": None}  # compiled code stays behind

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : (examples, …) array of numbers
            Examples of the shape ``in_dim``, or flat; values as in the data set that it was trained on (they are
            divided, scaled and whitened as that was).

        Returns
        -------
        (examples, classes) float32
        """
        run = self._run
        with naming_arguments():
            values = self._as_examples(X)
            features = as_in_training(values, "X", run.p.dataset, run.data)
            features = run.training.preprocess_features(features)
            if not preprocesses(run.p):
                warn_of_scale(features, run.data["feature_range"])
            if self._probabilities is None:
                ready()
                classifier, _ = run.classifier()
                self._probabilities = classifier.compile()
        n = min(AT_ONCE, examples_at_once(resolve_layers(run.p, run.in_dim)))
        return np.concatenate([self._of_whole_batch(features[i : i + n], n) for i in range(0, len(features), n)])

    def _of_whole_batch(self, features, n):
        """Probabilities of up to n examples: filled up, so that none depends on how many stand beside it."""
        filled = np.zeros((n, *features.shape[1:]), "float32")
        filled[: len(features)] = features
        return self._probabilities(filled)[: len(features)]

    def predict(self, X):
        """The most probable class of each example, (examples,); X as for :meth:`predict_proba`."""
        positions = self.predict_proba(X).argmax(axis=1)
        return positions if self.classes is None else self.classes[positions]

    def evaluate(self, data_type="test"):
        """The error on the data set that it was trained on.

        Parameters
        ----------
        data_type : {'test', 'valid', 'train'}
            'train' normalises each batch with its own statistics.

        Returns
        -------
        dict
            ``error_percent``, ``n_wrong``, ``n``, ``error_percent_by_class``
            and ``confusion`` (rows are the true classes).
        """
        if data_type not in ("test", "valid", "train"):
            raise ArgumentError(f"data_type is {data_type!r}, but must be 'test', 'valid' or 'train'.")
        with naming_arguments():
            ready()
            report, _ = classification_report(self._run, data_type)
        return report

    def save(self, save_to):
        """Write it into a new folder, as ``run.py train`` does; returns the folder's path.

        Parameters
        ----------
        save_to : str
            A name (``results/NAME0``, or the first free number) or a path (``PATH0``).
        """
        run = self._run
        with naming_arguments():
            folder = RunFolder.begin(save_to, run.p, run.in_dim)
            folder.save_data(run.data)
            folder.save_fitted(run.training.fitted if preprocesses(run.p) else None)
            folder.save_environment(environment())
            folder.save_rows(self.log)
            if run.keeps_best():
                run.load_best().save_best(folder, best_epoch(self.log))
            # Last: where there are final statistics, everything else is written.
            run.load_last().save(folder)
        return folder.path

    def _as_examples(self, X):
        values = np.asarray(X)
        n_values = int(np.prod(self.in_dim))
        if values.ndim < 2 or len(values) == 0 or values[0].size != n_values or values.dtype.kind not in "buif":
            raise UserError(
                f"X is an array of {values.dtype} of shape {values.shape}, but an example of this network is "
                f"{n_values} numbers ({' x '.join(map(str, self.in_dim))}): give one such example per row."
            )
        return values.reshape((len(values), *self.in_dim))


def ready():
    """What was configured, or else the C backend."""
    if _configured is None:
        configure()
    return backends.configure(_configured)


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


__all__ = ["ArgumentError", "Model", "TrainingStopped", "UserError", "configure", "load", "train"]
