"""The command that trains a run again, from the options of the run."""

import hashlib
import re
import shlex
from pathlib import Path

from ladder.option_names import as_typed
from ladder.options import DEFAULTS, OPTIONS
from ladder.runs.split_files import LABELED

#: Options whose entries are names and are separated by '-'; those of all others are separated by ','.
SPLIT_BY_DASHES = ("encoder_layers", "act", "decoder_spec")


def value_as_typed(name, value):
    """An option's value as the command line takes it, e.g. '1000,10,0.1'; it takes positions from a file instead."""
    if isinstance(value, (tuple, list)):
        return ("-" if name in SPLIT_BY_DASHES else ",").join(value_as_typed(name, entry) for entry in value)
    if value is None:
        return "default"
    # str has all digits that the number needs.
    return f"{int(value)}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e6 else str(value)


def value_in_words(name, value):
    """The same for a reader; positions of labelled examples, which are thousands, become their number and a digest."""
    if name == "labeled_indices" and value:
        digest = hashlib.sha256(",".join(map(str, value)).encode()).hexdigest()
        return f"of {len(value):,} examples ({digest[:6]})"
    return value_as_typed(name, value)


def words_typed(p, names, folder):
    """The command-line words for those of these options that differ from their defaults.

    Parameters
    ----------
    p : Options
    names : iterable of str
    folder : Path or str, which has the file of labelled examples
    """
    words = []
    for name in names:
        value = getattr(p, name)
        if value == DEFAULTS[name] or (name == "dseed" and value == p.seed):
            continue
        typed = str(Path(folder, LABELED)) if name == "labeled_indices" else value_as_typed(name, value)
        words += [as_typed(name)] if OPTIONS[name].is_flag else [as_typed(name), typed]
    return words


def train_command(p, save_to, backend, folder=""):
    """The command line that trains a run again.

    Parameters
    ----------
    p : Options
    save_to : str, the name of the run
    backend : dict of option name -> value
        What :meth:`ladder.runs.folder.RunFolder.backend_options` found.
    folder : Path or str
        The run's folder.

    Returns
    -------
    str, quoted for a shell

    Examples
    --------
    >>> from ladder.options import Options
    >>> train_command(Options.of(encoder_layers="30-10", denoising_cost_x=(0, 0, 0), seed=3), "my run", {"threads": 2})
    "python run.py train --encoder-layers 30-10 --denoising-cost-x 0,0,0 --seed 3 --threads 2 -- 'my run'"
    """
    words = ["python", "run.py", "train", *words_typed(p, OPTIONS, folder)]
    for name, value in backend.items():
        if (name, value) != ("backend", "c"):
            words += [as_typed(name), str(value)]
    return shlex.join([*words, "--", save_to])


def name_of_run(folder_name):
    """A run's name before a number was appended: 'results/mnist0' -> 'mnist'."""
    return re.sub(r"\d+$", "", folder_name.rsplit("/", 1)[-1]) or "noname"
