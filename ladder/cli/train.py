"""``run.py train``: train one or several configurations."""

import logging
import sys
from contextlib import contextmanager
from pathlib import Path

from tqdm.contrib.logging import logging_redirect_tqdm

from ladder.backends import c
from ladder.cli.missing import without_trained
from ladder.cli.options import (
    add_checkpoint_options,
    add_threads_option,
    add_training_options,
    combinations,
    given_options,
    hyper_parameters,
)
from ladder.cli.preset_options import add_preset_options, preset_combinations
from ladder.data.experiment import check_classes, choose_examples, load_examples
from ladder.data.preprocessing import Preprocessor
from ladder.errors import TrainingStopped, UserError
from ladder.experiments.preset import load_preset
from ladder.hyper import resolve_adversarial, resolve_layers
from ladder.training import lock, results
from ladder.training.extensions.checkpointing import MINUTES

logger = logging.getLogger("main")


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "train", help="train a ladder network", allow_abbrev=False,
        description="Train a ladder network, and save it with its log in results/SAVE_TO0 "
        "(or the first free number). Options with several values train all combinations, in the order given. "
        "A run that was interrupted or killed goes on with: run.py train --resume FOLDER",
    )  # fmt: skip
    parser.add_argument("save_to", nargs="?",
                        help="name of the run, or a path; a number is added (default: the preset's name, or noname)")  # fmt: skip
    add_preset_options(parser)
    add_training_options(parser)
    add_threads_option(parser)
    add_checkpoint_options(parser)
    parser.add_argument("--dry-run", action="store_true",
                        help="check the options and the data, print the network, and stop")  # fmt: skip
    parser.set_defaults(run=run)
    return parser


def run(args):
    """Check every configuration, then train one after the other."""
    if args.resume is not None:
        from ladder.cli.resume import resume

        return resume(args)
    all_options, save_to = _what_to_train(args)
    experiments = prepare(all_options)
    if args.dry_run:
        from ladder.cli.dry_run import print_network

        for p, examples, split in experiments:
            print_network(p, examples, split)
        return 0
    status = 0
    c.configure(args.threads)  # whitening is matrix products, too
    preprocess = Preprocessor()
    for i, (options, (p, examples, split)) in enumerate(zip(all_options, experiments)):
        # Another process may have begun it meanwhile.
        if i > 0 and args.missing and not without_trained([options], save_to):
            continue
        if len(experiments) > 1:
            logger.info("Training configuration %d / %d", i + 1, len(experiments))
        try:
            examples = preprocess(p, examples, split)
            folder, finished = train_one(p, examples, split, save_to, args.threads, args.checkpoint_minutes)
        except TrainingStopped as error:
            # The other configurations may do better.
            print(f"run.py train: {error}", file=sys.stderr)
            status = 1
            continue
        if not finished:
            print_interrupted(folder)
            return 130
        logger.info("Test error: run.py evaluate %s", folder)
    return status


def _what_to_train(args):
    """Options of every configuration, and the name of their folders."""
    if args.preset is None:
        for option in ("rows", "missing"):
            if getattr(args, option):
                raise UserError(f"--{option} is about a preset: give --preset, too.")
        return combinations(given_options(args)), args.save_to or "noname"
    preset = load_preset(args.preset)
    save_to = args.save_to or preset.save_to
    all_options = preset_combinations(preset, args.rows, given_options(args))
    return (without_trained(all_options, save_to) if args.missing else all_options), save_to


def prepare(all_options):
    """Check options and data of every configuration before any is trained.

    Parameters
    ----------
    all_options : list of dict of option name -> value

    Returns
    -------
    list of (HyperParameters, Examples, Split)
        The examples as they were read, shared by all that train on them.
    """
    loaded, experiments = {}, []
    for options in all_options:
        # What can be wrong without data comes first.
        without_data = hyper_parameters(options, in_dim=())
        resolve_adversarial(without_data, resolve_layers(without_data))
        dataset = without_data.dataset
        if dataset not in loaded:
            loaded[dataset] = load_examples(dataset, "train")
        examples = loaded[dataset]
        p = hyper_parameters(options, examples.in_dim)
        check_classes(p, examples.name, examples.n_classes)
        experiments.append((p, examples, choose_examples(p, examples)))
    return experiments


def train_one(p, examples, split, save_to, threads, minutes=MINUTES):
    """Train one configuration into a new folder.

    Parameters
    ----------
    p : HyperParameters
    examples : Examples, as the network takes them
    split : Split
    save_to : str
    threads : int or None
    minutes : float
        Between checkpoints.

    Returns
    -------
    folder : Path
    finished : bool, False after an interrupt
    """
    check_compiler(c.configure(threads), p)
    folder = results.make_folder(save_to)
    with lock.held(folder):
        return folder, train_into(folder, p, examples, split, minutes)


def check_compiler(backend, p):
    """Refuse what the C backend, as configured, cannot compile."""
    if not backend.cxx and not p.plain_graph:
        raise UserError("Aesara's flag cxx is empty, and fused operations need a compiler: give --plain-graph.")


def train_into(folder, p, examples, split, minutes):
    """Train, or go on training, into a folder that this process holds.

    Returns
    -------
    bool
        Whether training came to its end; False after an interrupt.
    """
    backend = c.configure()
    from ladder.training.experiment import train

    with _logging_to(folder / lock.LOG), logging_redirect_tqdm([logger]):
        logger.info("Logging into %s", folder / lock.LOG)
        logger.info("Command line: %s", " ".join(sys.argv))
        logger.info("BLAS: %s %s, %d threads", backend.blas.name, backend.blas.version, backend.threads)
        for name, value in p.as_dict().items():
            logger.info("  %-20s: %s", name, value)
        try:
            loop = train(p, examples, split, folder, minutes)
        except OSError as error:
            if error.filename is None or Path(error.filename).parent != folder:
                raise
            raise UserError(
                f"cannot write {error.filename} ({error.strerror}): mend that, and go on with "
                f"run.py train --resume {folder}"
            ) from None
        if "valid_final_error_rate_clean" in loop.row:
            logger.info("valid_final_error_rate_clean %g", loop.row["valid_final_error_rate_clean"])
    return loop.finished


def print_interrupted(folder):
    """Say what an interrupted run left, and how it goes on."""
    logger.info("Interrupted; parameters so far are in %s; go on with: run.py train --resume %s", folder, folder)


@contextmanager
def _logging_to(path):
    handler = _LogFile(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


class _LogFile(logging.FileHandler):
    """A full disk costs lines of the log, not the run; one warning tells of it."""

    _failed = False

    def handleError(self, record):
        if not self._failed:
            self._failed = True
            print(f"Warning: cannot write {self.baseFilename} ({sys.exc_info()[1]})", file=sys.stderr)

    def close(self):
        try:
            super().close()
        except OSError:
            pass  # of lines that could not be written before either
