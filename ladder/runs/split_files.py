"""The split of a run as text files in its folder, for ``--labeled-indices`` and for other programs."""

from ladder.files import write_ours
from ladder.positions_file import as_text

LABELED, TRAIN, VALID = "labeled.txt", "train.txt", "valid.txt"

#: Which positions a file has, and what its first line calls them.
FILES = {
    LABELED: ("labeled", "labelled examples"),
    TRAIN: ("train", "examples that train, with labels and without"),
    VALID: ("valid", "examples that validate"),
}


def save_split(folder, split, p, names=tuple(FILES)):
    """Write ``labeled.txt``, ``train.txt`` and ``valid.txt``, or some of them, into the folder of a run.

    Parameters
    ----------
    folder : RunFolder
    split : Split
    p : Options
        Without labels there is no ``labeled.txt``.
    names : sequence of str, the files

    Raises
    ------
    OSError
        Its ``filename`` is the file's.
    """
    for name in names:
        part, what = FILES[name]
        if name == LABELED and p.unsupervised:
            continue
        comment = f"{what}: positions, from 0, in the training split of {p.dataset!r}; --dseed {p.dseed}"
        text = as_text(getattr(split, part), comment)
        write_ours(folder / name, lambda f, text=text: f.write(text.encode("utf-8", "replace")))
