"""What the program knows about a data set that has a name."""

from dataclasses import dataclass, field
from typing import Callable, Optional


@dataclass(frozen=True)
class KnownDataSet:
    """A data set that is known by its name.

    Attributes
    ----------
    name : str
    what : str
        Its line in ``run.py convert --help``.
    convert : function ``(output_path, **options)`` -> Path
        Writes it as one HDF5 file.
    how_to_make : str
        The command that makes the file, and what it needs.
    options : dict of option -> arguments of ``add_argument``
        The converter's options.
    n_training : int or None
        How many examples train where ``--unlabeled-samples`` is not given; None: all.
    has_pixels : bool or None
        Whether integers in its file are 8-bit pixels, to be divided by 255 as they are read; None: the values decide.
    unit_interval : bool
        Whether features must lie between 0 and 1 once they are read.
    needs_nothing : bool
        Whether it can be made without any input file; if so, it is made when first used.
    downloads : tuple of RemoteFile
        The files that ``run.py download`` fetches, and that ``convert`` finds in their folder.
    """

    name: str
    what: str
    convert: Callable
    how_to_make: str = ""
    options: dict = field(default_factory=dict)
    n_training: Optional[int] = None
    has_pixels: Optional[bool] = None
    unit_interval: bool = False
    needs_nothing: bool = False
    downloads: tuple = ()
