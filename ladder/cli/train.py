"""``run.py train``: train one or several configurations."""

import logging
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tqdm.contrib.logging import logging_redirect_tqdm

from ladder import backends
from ladder.cli.missing import claim, without_trained
from ladder.cli.options import (
    add_backend_options,
    add_checkpoint_options,
    add_training_options,
    check_backend,
    combinations,
    configure_backend,
    given_options,
    hyper_parameters,
)
from ladder.cli.preset_options import add_preset_options, preset_combinations
from ladder.data import unscaled
from ladder.data.experiment import check_classes, choose_examples
from ladder.data.preprocessing import Preprocessor, preprocesses
from ladder.data.record import load_training_set
from ladder.errors import TrainingStopped, UserError
from ladder.experiments.preset import load_preset
from ladder.hyper import check_memory, resolve_adversarial, resolve_layers
from ladder.training import lock, results
from ladder.training.extensions.checkpointing import MINUTES

logger = logging.getLogger("main")


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "train",
        help="train a ladder network",
        allow_abbrev=False,
        description="Train a ladder network, and save it with its log in results/SAVE_TO0 "
        "(or the first free number). Options with several values train all combinations, in the order given. "
        "A run that was interrupted or killed goes on with: run.py train --resume FOLDER",
    )
    parser.add_argument(
        "save_to",
        nargs="?",
        help="name of the run, or a path; a number is added (default: the preset's name, or noname)",
    )
    add_preset_options(parser)
    add_training_options(parser)
    add_backend_options(parser, default=None)
    parser.add_argument(
        "--vmap-seeds",
        action="store_true",
        help="with --backend jax, train all values of --seed side by side, in one program",
    )
    add_checkpoint_options(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="check the options and the data, print the network, and stop"
    )
    parser.set_defaults(run=run)
    return parser


def run(args):
    """Check every configuration, then train one after the other."""
    if args.resume is not None:
        from ladder.cli.resume import resume

        return resume(args)
    args.backend = args.backend or "c"
    all_options, save_to = _what_to_train(args)
    _check_side_by_side(args, all_options)
    check_backend(args)
    backend = None if args.dry_run else configure_backend(args)  # whitening is matrix products, too
    experiments = prepare(all_options)
    if args.dry_run:
        from ladder.cli.dry_run import print_network

        for p, examples, split in experiments:
            print_network(p, examples, split)
        return 0
    for p, _, _ in experiments:
        check_compiler(backend, p)
    groups = side_by_side(all_options, experiments) if args.vmap_seeds else [[i] for i in range(len(experiments))]
    status = 0
    preprocess = Preprocessor()
    for group in groups:
        # Another process may have begun it meanwhile.
        if args.missing:
            folders = claim(group, all_options, experiments, save_to)
        else:
            folders = {i: results.begin(save_to, experiments[i][0]) for i in group}
        if not folders:
            continue
        if len(experiments) > 1:
            logger.info("Training configuration %s / %d", ", ".join(str(i + 1) for i in folders), len(experiments))
        chosen = [experiments[i] for i in folders]
        try:
            chosen = [(p, preprocess(p, examples, split), split) for p, examples, split in chosen]
        except UserError:  # going on with these would fail again
            for folder in folders.values():
                results.abandon(folder)
            raise
        folders, errors, finished = train_together(chosen, list(folders.values()), args.checkpoint_minutes)
        for error in errors:
            # The other configurations may do better.
            print(f"run.py train: {error}", file=sys.stderr)
            status = max(status, 2 if isinstance(error, UserError) else 1)
        for folder, loop_finished in zip(folders, finished):
            if loop_finished:
                logger.info("Test error: run.py evaluate %s", folder)
            else:
                print_interrupted(folder)
        if not all(finished):
            return 130
    return status


def _check_side_by_side(args, all_options):
    """Refuse ``--vmap-seeds`` where there is nothing to train side by side, or no backend that does."""
    if not args.vmap_seeds:
        return
    if args.backend != "jax":
        raise UserError("--vmap-seeds is for --backend jax: give that, too, or leave it out.")
    # What --missing leaves may be one seed, or none.
    if not args.missing and len({(options.get("seed"), options.get("dseed")) for options in all_options}) < 2:
        raise UserError(
            "--vmap-seeds trains several seeds in one program: give some, e.g. --seed 1 2 3, or leave it out."
        )


def side_by_side(all_options, experiments):
    """Positions of configurations that differ in their seeds alone, together.

    Parameters
    ----------
    all_options : list of dict of option name -> value
    experiments : list of (HyperParameters, Examples, Split)
        Where examples lack labels, the number of labelled ones may depend on
        the seed; then batches differ in size, and such runs are kept apart.

    Returns
    -------
    list of lists of int, by the first of each
    """
    groups = {}
    for i, (options, (_, _, split)) in enumerate(zip(all_options, experiments)):
        alike = sorted((name, value) for name, value in options.items() if name not in ("seed", "dseed"))
        sizes = [len(part) for part in (split.train, split.labeled, split.valid)]
        groups.setdefault(repr((alike, sizes)), []).append(i)
    return list(groups.values())


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
    loaded, warned, experiments = {}, set(), []
    # What can be wrong without data comes first.
    all_without_data = [hyper_parameters(options, in_dim=()) for options in all_options]
    for without_data in all_without_data:
        resolve_adversarial(without_data, resolve_layers(without_data))
    for options, without_data in zip(all_options, all_without_data):
        data = without_data.dataset, without_data.sources, without_data.divide_by
        if data not in loaded:
            loaded[data] = load_training_set(without_data)
        examples = loaded[data]
        if data not in warned and not preprocesses(without_data):
            warned.add(data)
            _warn(unscaled.warning(examples.features))
        experiments.append(with_examples(options, examples))
    return experiments


def with_examples(options, examples):
    """One configuration with the examples that it trains on, checked: (HyperParameters, Examples, Split)."""
    p = hyper_parameters(options, examples.in_dim)
    split = choose_examples(p, examples)
    check_classes(p, examples.name, examples.n_classes)
    check_memory(p, min(p.batch_size, len(examples.targets)))
    return p, examples, split


def _warn(sentence):
    if sentence is not None:
        print(sentence, file=sys.stderr)


def train_one(p, examples, split, save_to, backend, minutes=MINUTES):
    """Train one configuration into a new folder.

    Parameters
    ----------
    p : HyperParameters
    examples : Examples, as the network takes them
    split : Split
    save_to : str
    backend : what ``configure_backend`` returned
    minutes : float
        Between checkpoints.

    Returns
    -------
    folder : Path
    finished : bool, False after an interrupt

    Raises
    ------
    TrainingStopped
        A cost was not finite.
    """
    check_compiler(backend, p)
    folders, errors, finished = train_together([(p, examples, split)], [results.begin(save_to, p)], minutes)
    if errors:
        raise errors[0]
    return folders[0], finished[0]


def train_together(experiments, folders, minutes):
    """Train one configuration, or several that differ in their seeds, into new folders.

    Parameters
    ----------
    experiments : list of (HyperParameters, Examples, Split)
    folders : list of Path, from :func:`ladder.training.results.begin`
    minutes : float
        Between checkpoints.

    Returns
    -------
    folders : list of Path, of those that ended as they should or were interrupted
    errors : list of TrainingStopped or UserError, of the others
    finished : list of bool, one a folder; False after an interrupt
    """
    with ExitStack() as locks:
        for folder in folders:
            locks.enter_context(lock.held(folder))
        loops, errors = train_into(folders, experiments, minutes)
    good = [i for i in range(len(folders)) if i not in errors]
    return [folders[i] for i in good], list(errors.values()), [loops[i].finished for i in good]


def check_compiler(backend, p):
    """Refuse what the C backend, as configured, cannot compile."""
    if getattr(backend, "cxx", None) != "":
        return
    if any(layer.is_convolution for layer in resolve_layers(p)):
        raise UserError("Aesara's flag cxx is empty, and convolutions need a compiler: take that flag away.")
    if p.noise == "philox":
        raise UserError(
            "Aesara's flag cxx is empty, and --noise philox needs a compiler: give --noise mrg and --plain-graph."
        )
    if not p.plain_graph:
        raise UserError("Aesara's flag cxx is empty, and fused operations need a compiler: give --plain-graph.")


def train_into(folders, experiments, minutes):
    """Train, or go on training, into folders that this process holds.

    Returns
    -------
    loops : list of MainLoop
    errors : dict of index -> TrainingStopped or UserError
    """
    from ladder.training.experiment import train_side_by_side

    prefixes = [f"seed {p.seed}: " for p, _, _ in experiments] if len(experiments) > 1 else [""]
    speaker = _Speaker()
    with ExitStack() as stack:
        stack.enter_context(speaker.heard())
        for i, folder in enumerate(folders):
            stack.enter_context(_logging_to(folder / lock.LOG, speaker, i))
        stack.enter_context(logging_redirect_tqdm([logger]))
        for i, (folder, (p, _, _)) in enumerate(zip(folders, experiments)):
            with speaker.says(i, prefixes[i]):
                logger.info("Logging into %s", folder / lock.LOG)
                logger.info("Command line: %s", " ".join(sys.argv))
                logger.info(backends.summary())
                for name, value in p.as_dict().items():
                    logger.info("  %-20s: %s", name, value)
        try:
            loops, errors = train_side_by_side(experiments, folders, minutes, lambda i: speaker.says(i, prefixes[i]))
        except OSError as error:  # before the first update
            written = [folder for folder in folders if error.filename and Path(error.filename).parent == folder]
            raise _with_mend(error, *written, "") if written else error
        errors = {i: _with_mend(error, folders[i], prefixes[i]) for i, error in errors.items()}
        for i, loop in enumerate(loops):
            if "valid_final_error_rate_clean" in loop.row:
                with speaker.says(i, prefixes[i]):
                    logger.info("valid_final_error_rate_clean %g", loop.row["valid_final_error_rate_clean"])
    return loops, errors


def _with_mend(error, folder, prefix):
    """What ended one run, in a sentence; an OSError that is not about its folder is raised."""
    if isinstance(error, TrainingStopped):
        return TrainingStopped(f"{prefix}{error}")
    if error.filename is None or Path(error.filename).parent != folder:
        raise error
    return UserError(
        f"{prefix}cannot write {error.filename} ({error.strerror}): mend that, and go on with "
        f"run.py train --resume {folder}"
    )


def print_interrupted(folder):
    """Say what an interrupted run left, and how it goes on."""
    logger.info("Interrupted; parameters so far are in %s; go on with: run.py train --resume %s", folder, folder)


class _Speaker:
    """Which of several runs is speaking; what it says goes into its own log alone."""

    def __init__(self):
        self._now, self._prefix = None, ""

    @contextmanager
    def says(self, i, prefix):
        """What is logged inside is run i's, and printed with a prefix."""
        before = self._now, self._prefix
        self._now, self._prefix = i, prefix
        try:
            yield
        finally:
            self._now, self._prefix = before

    @contextmanager
    def heard(self):
        def mark(record):
            record.prefix = self._prefix
            return True

        logger.addFilter(mark)
        try:
            yield
        finally:
            logger.removeFilter(mark)

    def is_heard_by(self, i):
        """A filter for the log of run i."""
        return lambda record: self._now in (None, i)


@contextmanager
def _logging_to(path, speaker, i):
    handler = _LogFile(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    handler.addFilter(speaker.is_heard_by(i))
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
