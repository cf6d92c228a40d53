"""Files that commands write for the user; none of them may replace a file that its command reads."""

import os
from contextlib import suppress
from pathlib import Path

from ladder import output_files
from ladder.data.hdf5 import existing_file
from ladder.errors import UserError
from ladder.runs.folder import RunFolder, is_of_a_run


def check_output(path, option, inputs=(), suffix=None, datasets=()):
    """Refuse a path that cannot become a file or that holds something that must not be lost; None is fine.

    Parameters
    ----------
    path : str or None
    option : str, the option it was given with
    inputs : sequence of str or Path
        The files that the command reads.
    suffix : str, optional
        The ending that the name must have, e.g. '.png'.
    datasets : sequence of str, optional
        The data sets that the command reads, by name or path.
    """
    output_files.check_output(path, option)
    if path is None:
        return
    if suffix and not path.lower().endswith(suffix):
        raise UserError(f"{option} {path} must end in {suffix}.")
    if _is_one_of(path, [*inputs, *filter(None, map(existing_file, datasets))]):
        raise UserError(f"{option} {path} is what the command reads: give another file.")
    if is_of_a_run(Path(path)):
        raise UserError(f"{option} {path} is a file of a run, which would be lost: give another one.")


def datasets_of(folders):
    """The data sets (list of str) of the runs in these folders (str) whose options can be read."""
    found = []
    for folder in folders:
        with suppress(UserError):  # the command reports what is wrong when it reads the run
            found.append((RunFolder(folder).load_options() or {}).get("dataset"))
    return list(filter(None, found))


def _is_one_of(path, others):
    """Whether an existing file is one of others, whatever links lead to it."""
    if not os.path.exists(path):
        return False
    own = os.stat(path)
    return any(os.path.exists(other) and os.path.samestat(own, os.stat(other)) for other in others)
