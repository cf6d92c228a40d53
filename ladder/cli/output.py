"""Files that a command writes for the user, checked before any work is done, and written whole."""

import os
from pathlib import Path

from ladder.errors import UserError
from ladder.files import write_whole


def check_output(path, option):
    """Refuse a path that cannot become a file; None is fine.

    Parameters
    ----------
    path : str or None
    option : str, the option it was given with
    """
    if path is None:
        return
    if Path(path).is_dir():
        raise UserError(f"{option} {path} is a folder: give a file.")
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise UserError(f"{option} {path}: there is no folder {folder}: make it first.")


def write_text(path, text, option):
    """Write a file whole, or say in one sentence why not; a file that was there is then as it was."""
    try:
        write_whole(path, lambda f: f.write(text.encode("utf-8", "surrogateescape")))
    except OSError as error:
        raise UserError(f"{option} {path} cannot be written ({error.strerror}): give another file.") from None
