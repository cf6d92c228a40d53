"""Reading ``.npz`` files that a user hands in; pickled objects are refused."""

import zipfile
import zlib

import numpy

from ladder.errors import UserError


def load_arrays(path):
    """The arrays of an ``.npz`` file.

    Parameters
    ----------
    path : path of the file

    Returns
    -------
    dict of name -> array

    Raises
    ------
    UserError
        Where there is no such file, it is damaged, holds a name twice, or
        anything but arrays of numbers.
    """
    try:
        archive = numpy.load(path, allow_pickle=False)
        if not isinstance(archive, numpy.lib.npyio.NpzFile):
            raise UserError(f"{path} holds a single array: save named arrays with numpy.savez.")
        with archive:
            repeated = sorted({name for name in archive.files if archive.files.count(name) > 1})
            if repeated:
                raise UserError(f"{path} holds {', '.join(repeated)} more than once: write it again with numpy.savez.")
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise UserError(f"there is no file {path}.") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"cannot read {path} as a .npz file of numbers: it is damaged or of another kind.") from error
