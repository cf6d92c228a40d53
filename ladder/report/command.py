"""The command that trains a run again, from the options of the run."""

import re
import shlex

from ladder.options import DEFAULTS, OPTIONS, as_typed
from ladder.runs.split_files import LABELED

#: Options whose entries are names, which '-' separates; ',' separates all others.
SPLIT_BY_DASHES = ("encoder_layers", "act", "decoder_spec")


def value_as_typed(name, value):
    """An option's value as the command line takes it, e.g. '1000,10,0.1'."""
    if name == "labeled_indices" and value:
        return LABELED  # the run's folder has this file
    if isinstance(value, (tuple, list)):
        return ("-" if name in SPLIT_BY_DASHES else ",").join(value_as_typed(name, entry) for entry in value)
    if value is None:
        return "default"
    # repr has all digits that the number needs.
    return f"{int(value)}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e6 else str(value)


def train_command(p, save_to, backend):
    """The line that trains a run again.

    Parameters
    ----------
    p : Options
    save_to : str, the name of the run
    backend : dict of option name -> value
        What :meth:`ladder.runs.folder.RunFolder.backend_options` found.

    Returns
    -------
    str, quoted for a shell

    Examples
    --------
    >>> from ladder.options import Options
    >>> train_command(Options.of(encoder_layers="30-10", denoising_cost_x=(0, 0, 0), seed=3), "my run", {"threads": 2})
    "python run.py train --encoder-layers 30-10 --denoising-cost-x 0,0,0 --seed 3 --threads 2 -- 'my run'"
    """
    words = ["python", "run.py", "train"]
    for name, option in OPTIONS.items():
        value = getattr(p, name)
        if value == DEFAULTS[name] or (name == "dseed" and value == p.seed):
            continue
        words += [as_typed(name)] if option.is_flag else [as_typed(name), value_as_typed(name, value)]
    for name, value in backend.items():
        if (name, value) != ("backend", "c"):
            words += [as_typed(name), str(value)]
    return shlex.join([*words, "--", save_to])


def name_of_run(folder_name):
    """What a run was called, before a number was appended: 'results/mnist0' -> 'mnist'."""
    return re.sub(r"\d+$", "", folder_name.rsplit("/", 1)[-1]) or "noname"
