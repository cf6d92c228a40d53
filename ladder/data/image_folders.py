"""Folders of images: one per class and ``unlabeled`` for the rest, optionally inside ``train`` and ``test``.

These three names may have capitals: ``Train`` is ``train``.
"""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from ladder.data import NO_LABEL
from ladder.data.image_files import SUFFIXES
from ladder.errors import UserError
from ladder.files import shown

logger = logging.getLogger("main.data")

#: The folder of images without a label.
UNLABELED = ("unlabeled", "unlabelled")

#: Files that operating systems leave in folders, which need no message.
LEFTOVERS = ("thumbs.db", "desktop.ini")

#: The most files that are looked at; a folder with more is hardly the intended one.
MOST_FILES = 5_000_000

#: A message lists at most this many names.
MOST_LISTED = 5


@dataclass(frozen=True)
class LabelledFiles:
    """Image files and their classes.

    Attributes
    ----------
    paths : list of Path
        Class after class, each sorted by name, then those without a label.
    targets : list of int
        Positions in the list of classes; -1 for no label.
    """

    paths: list
    targets: list


def find_images(directory):
    """The images of a folder by class.

    Parameters
    ----------
    directory : Path

    Returns
    -------
    classes : list of str
        The names of the class folders, sorted: their order numbers the classes.
    splits : dict of str -> LabelledFiles
        'train', and 'test' where there is a folder of that name.

    Raises
    ------
    UserError
        There is no such folder, it is laid out differently, or a class has no image.
    """
    if not directory.is_dir():
        raise UserError(f"--directory: there is no folder {shown(directory)}: give the one with your images.")
    train, test = _split_folders(directory)
    classes, splits = _class_names(train), {}
    splits["train"] = _labelled_files(train, classes)
    if test:
        tested = _class_names(test, least=1)
        unknown = [name for name in tested if name not in classes]
        if unknown or any(map(_is_unlabeled, _folders(test))):
            raise UserError(
                f"{shown(test)} has the folder {_listed(unknown or UNLABELED[:1])}, which is no class of "
                f"{shown(train)}: move it away."
            )
        splits["test"] = _labelled_files(test, classes)
    return classes, splits


def _split_folders(directory):
    """The folders of training and test images (Paths): without ``train`` the folder itself, without ``test`` None."""
    folders = _folders(directory)
    train, test = (next((name for name in folders if name.lower() == split), None) for split in ("train", "test"))
    if train:
        others = [name for name in folders if name not in (train, test)]
        if others:
            raise UserError(
                f"{shown(directory)} has the folder {train}, and beside it {_listed(others)}: move it into {train}, or "
                f"away (unlabeled belongs into {train}; a class needs another name than {train})."
            )
    elif test:
        raise UserError(f"{shown(directory)} has the folder {test}, but no train beside it: make that, too.")
    return directory / (train or ""), directory / test if test else None


def _is_unlabeled(name):
    return name.lower() in UNLABELED


def _class_names(folder, least=2):
    """The sorted names of the class folders; none if no image has a label."""
    folders = _folders(folder)
    loose = [name for name in os.listdir(folder) if _is_image(name) and not (folder / name).is_dir()]
    if loose:
        raise UserError(
            f"{shown(folder)} has images beside its folders ({_listed(sorted(loose))}): move each into the folder of its "
            f"class, or into {UNLABELED[0]}."
        )
    names = [name for name in folders if not _is_unlabeled(name)]
    for name in names:
        _check_name(name, folder)
    if not folders or (names and len(names) < least):
        found = f"one folder of images, {names[0]}" if names else "no folders"
        raise UserError(
            f"{shown(folder)} has {found}: make one folder of images for each class, two or more, and put images "
            f"without a label into {UNLABELED[0]}."
        )
    return names


def _folders(directory):
    """The sorted names of the folders in a folder, except hidden ones."""
    try:
        return sorted(
            name for name in os.listdir(directory) if not name.startswith(".") and (directory / name).is_dir()
        )
    except OSError as error:
        raise UserError(f"{shown(directory)} cannot be read ({error.strerror}): make it readable.") from None


def _check_name(name, folder):
    try:
        name.encode()
    except UnicodeEncodeError:
        shows = name.encode(errors="surrogateescape")
        raise UserError(f"{shown(folder)} has the folder {shows}, whose name is not UTF-8: rename it.") from None
    if not name.isprintable() or len(name) > 200:
        raise UserError(f"{shown(folder)} has the folder {name[:50]!r}, whose name is no class's: rename it.")


def _labelled_files(folder, classes):
    paths, targets = [], []
    without = [name for name in _folders(folder) if _is_unlabeled(name)]
    for name in [*classes, *without]:
        if not (folder / name).is_dir():  # a class without test images
            continue
        if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(folder / name)):
            raise UserError(f"{shown(folder / name)} is a link to a folder that holds it: remove it.")
        found = images_below(folder / name)
        if not found:
            raise UserError(
                f"{shown(folder / name)} holds no image ({', '.join(SUFFIXES[:4])} …): put some there, or remove it."
            )
        paths += found
        targets += [NO_LABEL if _is_unlabeled(name) else classes.index(name)] * len(found)
    return LabelledFiles(paths, targets)


def images_below(folder):
    """The image files in a folder and its subfolders, sorted; links to folders are not followed.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path

    Raises
    ------
    UserError
        A folder cannot be read, or there are more than 5 million files.
    """
    paths, others, looked_at = [], [], 0
    for place, folders, names in os.walk(folder, onerror=_refuse):
        others += [name for name in folders if os.path.islink(os.path.join(place, name))]
        folders[:] = [name for name in folders if not name.startswith(".")]
        looked_at += len(names)
        if looked_at > MOST_FILES:
            raise UserError(f"{shown(folder)} has more than {MOST_FILES:,} files: is it the folder that you meant?")
        for name in names:
            if _is_image(name):
                paths.append(Path(place, name))
            elif not name.startswith(".") and name.lower() not in LEFTOVERS:
                others.append(name)
    if others:
        logger.info("%s: left out what has no image's name: %s", shown(folder), _listed(sorted(others)))
    return sorted(paths)


def _refuse(error):
    raise UserError(f"{shown(error.filename)} cannot be read ({error.strerror}): make it readable, or move it away.")


def _is_image(name):
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)


def _listed(names):
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(map(shown, names[:MOST_LISTED])) + more
