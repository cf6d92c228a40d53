"""``run.py train --resume``: go on with a run that was interrupted or killed."""

import logging
from pathlib import Path
from typing import Optional

from ladder import plain_json
from ladder.backends import BACKENDS
from ladder.cli.options import THREADS, configure_backend, given_options, hyper_parameters
from ladder.cli.train import check_compiler, print_interrupted, train_into, with_examples
from ladder.data.preprocessing import Preprocessor
from ladder.data.record import check_unchanged, load_training_set
from ladder.errors import UserError
from ladder.training import checkpoints, lock, results
from ladder.training.evaluation import is_record

logger = logging.getLogger("main")


def resume(args):
    """Train the run in ``args.resume`` to its end; returns the exit status."""
    _check_alone(args)
    folder = Path(args.resume)
    options = _options(folder)
    if results.is_finished(folder):
        checkpoints.remove(folder)  # where it was killed before it came to that
        logger.info("%s is finished: nothing is left to train. Test error: run.py evaluate %s", folder, folder)
        return 0
    if is_record(folder):
        raise UserError(
            f"--resume: {folder} is the record of a finished run, without its parameters: nothing can go on there."
        )
    with lock.held(folder):
        return _go_on(folder, options, args)


def _go_on(folder, options, args):
    # As the run had it: other threads, and another backend, round differently.
    environment = _environment(folder)
    args.threads = args.threads or environment.get("threads")
    args.backend = args.backend or environment.get("backend", "c")
    if args.backend == environment.get("backend") == "jax":
        args.matmul_precision = args.matmul_precision or environment["matmul_precision"]
        args.device = args.device or environment["device"]
    backend = configure_backend(args)
    record, without_data = results.load_data(folder), hyper_parameters(options, in_dim=())
    check_unchanged(without_data, record, folder, splits=("train",))
    p, examples, split = with_examples(options, load_training_set(without_data, record))
    check_compiler(backend, p)
    examples = Preprocessor()(p, examples, split, results.load_fitted(folder, p))
    (loop,), errors = train_into([folder], [(p, examples, split)], args.checkpoint_minutes)
    if errors:
        raise errors[0]
    if not loop.finished:
        print_interrupted(folder)
        return 130
    logger.info("Test error: run.py evaluate %s", folder)
    return 0


def _check_alone(args):
    given = ["--" + name.replace("_", "-") for name in given_options(args)]
    given += ["--" + name for name in ("preset", "rows", "missing") if getattr(args, name)] + [
        "--dry-run"
    ] * args.dry_run
    given += ["--vmap-seeds"] * args.vmap_seeds + [f"'{args.save_to}'"] * (args.save_to is not None)
    if given:
        raise UserError(
            f"--resume goes on with the options of its run, in its folder: leave out {', '.join(given)} (--backend, "
            "--device, --threads, --matmul-precision and --checkpoint-minutes may be given)."
        )


def _options(folder):
    if not folder.is_dir():
        raise UserError(f"--resume: there is no folder {folder}: give the folder of a run, e.g. results/noname0.")
    options = results.load_options(folder)
    if options is None:
        raise UserError(f"--resume: {folder} has no {results.OPTIONS}, so no run was begun there: start it anew.")
    return options


def _environment(folder):
    """The options of the backend that the run had, where they are known."""
    try:
        environment = plain_json.read(folder / results.ENVIRONMENT)
        found = plain_json.check(environment, {"backend": Optional[str], "threads": int}, "the whole")
        found["backend"] = found["backend"] or "c"
        if found["backend"] == "jax":
            found.update(plain_json.check(environment, {"device": str, "matmul_precision": str}, "the whole"))
            found["device"] = "cpu" if found["device"].startswith("cpu") else "gpu"
    except (UserError, plain_json.NotJSON):
        return {}
    return found if found["backend"] in BACKENDS and found["threads"] in THREADS else {}
