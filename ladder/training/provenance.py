"""What a checkpoint belongs to: options, data and environment, compared when a run is resumed."""

import json
import logging
import subprocess
from pathlib import Path

from ladder import __version__, backends, plain_json
from ladder.data.record import sha256
from ladder.errors import UserError
from ladder.options import DEFAULTS
from ladder.runs import checkpoints, log_lines
from ladder.runs.folder import OPTIONS_FILE, as_saved
from ladder.training.run_state import check_values

logger = logging.getLogger("main")

#: Entries of the environment that are lines of flags, most of them paths.
LONG = ("aesara_flags", "blas_ldflags")

TYPES = {"options": dict, "examples": str, "features": str, "environment": dict}


def provenance(experiment, callbacks=()):
    """Plain values, as in JSON: ``options``, ``examples`` and ``features`` (SHA-256), ``environment``."""
    examples = experiment.examples
    values = {
        "options": as_saved(experiment.p, experiment.in_dim),
        "examples": sha256({"targets": examples.targets, **vars(experiment.split)}),
        # Separate, as whitening that is fitted again may differ in the last bits.
        "features": sha256({"features": examples.features}),
        "environment": environment(callbacks),
    }
    return json.loads(json.dumps(values))


def check_types(values, arrays):
    """Raise a ValueError if plain values of a checkpoint have types that a session does not write."""
    check_values(values)
    try:
        plain_json.check(values, TYPES, "the whole")
    except plain_json.NotJSON as error:
        raise ValueError(f"damaged ({error})") from None


def go_on(path, state, loop, now, folder):
    """Restore the newest checkpoint, if there is one; if it does not fit, the one before takes its place.

    Parameters
    ----------
    path : Path, the folder with the checkpoints
    state : RunState
    loop : MainLoop
    now, folder
        As for :func:`check_same`.
    """

    def check(values, arrays):
        check_types(values, arrays)
        state.check(loop, values, arrays)

    checkpoint = checkpoints.newest(path, check)
    if checkpoint is not None:
        check_same(now, checkpoint[0], folder)
        state.set(loop, *checkpoint)
        logger.info(log_lines.GOES_ON, loop.updates_done, loop.epochs_done)


def check_same(now, stored, folder):
    """Refuse a checkpoint of other options or data; warn if rounding may differ.

    Parameters
    ----------
    now : dict, from :func:`provenance`
    stored : dict, the checkpoint's
    folder : RunFolder
    """
    # An option newer than the checkpoint has its default, which stands for what was done then.
    then = {**json.loads(json.dumps(DEFAULTS)), **stored["options"]}
    different = [name for name, value in now["options"].items() if value != then.get(name)]
    if different:
        raise UserError(
            f"{folder / OPTIONS_FILE} and the checkpoint differ in {', '.join(different)}: put back what the run "
            "was started with, or start another one."
        )
    dataset = now["options"]["dataset"]
    if now["examples"] != stored["examples"]:
        raise UserError(
            f"{dataset} has other labels or another number of examples than when {folder} was "
            "begun: put the data set back, or start another run."
        )
    changed = _changed(
        {"callbacks": [], **now["environment"]}, {"backend": "c", "callbacks": [], **stored["environment"]}
    )
    if now["features"] != stored["features"]:
        if not now["options"]["whiten_zca"]:
            raise UserError(
                f"{dataset} has other values than when {folder} was begun: put the data set back, or start another run."
            )
        changed.append("the whitened examples have other values")
    if changed:
        logger.warning(
            "Warning: the result may not be bit for bit that of an uninterrupted run: %s", "; ".join(changed)
        )


def _changed(now, then):
    """A phrase for each difference."""
    names = [name for name, value in now.items() if value != then.get(name)]
    return [f"{name} differ" if name in LONG else f"{name} was {then.get(name)} and is {now[name]}" for name in names]


def environment(callbacks=()):
    """Versions, BLAS, compiler, threads, and the commit if there is one.

    If there are callbacks, also the names of their classes: the command line can resume the run, but not call them.
    """
    called = {"callbacks": [type(callback).__name__ for callback in callbacks]} if callbacks else {}
    return {"ladder": __version__, "commit": commit(), **backends.describe(), **called}


def commit():
    """The commit of this checkout, or None for an installed package."""
    root = Path(__file__).resolve().parent.parent.parent
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
