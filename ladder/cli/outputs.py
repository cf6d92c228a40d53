"""Files that commands write for the user: none of them takes the place of what a command reads."""

import os
from pathlib import Path

from ladder import output_files
from ladder.errors import UserError
from ladder.runs.folder import is_of_a_run


def check_output(path, option, inputs=(), suffix=None):
    """Refuse a path that cannot become a file, or where something lies that must not be lost; None is fine.

    Parameters
    ----------
    path : str or None
    option : str, the option it was given with
    inputs : sequence of str
        What the command reads.
    suffix : str, optional
        Which the name has to end in, e.g. '.png'.
    """
    output_files.check_output(path, option)
    if path is None:
        return
    if suffix and not path.lower().endswith(suffix):
        raise UserError(f"{option} {path} must end in {suffix}.")
    if any(os.path.exists(path) and os.path.exists(given) and os.path.samefile(path, given) for given in inputs):
        raise UserError(f"{option} {path} is what the command reads: give another file.")
    if is_of_a_run(Path(path)):
        raise UserError(f"{option} {path} is a file of a run, which would be lost: give another one.")
