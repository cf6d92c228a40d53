"""Files that a command writes for the user, checked before any work is done, and written whole."""

import os
import tempfile
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
    folder = Path(os.path.realpath(path)).parent  # Path.resolve raises if a link leads to itself
    if not folder.is_dir():
        raise UserError(f"{option} {path}: there is no folder {folder}: make it first.")
    if Path(path).exists():
        if not os.access(path, os.W_OK):
            raise UserError(f"{option} {path} cannot be written: make it writable, or give another file.")
        if not Path(path).is_file():  # such as /dev/stdout, which no other file replaces
            return
    check_writable(folder, option)


def check_writable(folder, option):
    """Refuse a folder in which no file can be made.

    Parameters
    ----------
    folder : Path, of a folder that is there
    option : str, the option that takes another one
    """
    try:
        # Only creating a file tells: permissions do not reveal a read-only file system.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f"{option}: cannot write into {folder} ({error.strerror}): give another one with {option}."
        ) from None


def check_folder(path, option):
    """Refuse a folder (Path) that cannot be made, or in which no file can be made; nothing is made yet."""
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    if not nearest.is_dir():
        raise UserError(f"{option}: {nearest} is not a folder: give another one.")
    check_writable(nearest, option)


def made_folder(path, option):
    """The folder at ``path`` (Path), made where it is missing; ``UserError`` where no file can be made there."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{option}: cannot make the folder {path} ({error.strerror}): give another one.") from None
    check_writable(Path(path), option)
    return Path(path)


def write_text(path, text, option, write=write_whole):
    """Write a file whole, or raise ``UserError`` and leave an existing file as it was.

    Parameters
    ----------
    path : str or Path
    text : str
    option : str, the option that takes another path
    write : function, :func:`ladder.files.write_ours` where the file's name is the program's
    """
    try:
        content = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate, which JSON from others may hold
        content = text.encode("utf-8", "replace")
    try:
        write(path, lambda f: f.write(content))
    except OSError as error:
        raise UserError(f"{option} {path} cannot be written ({error.strerror}): give another file.") from None
