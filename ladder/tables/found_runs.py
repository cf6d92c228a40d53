"""The runs in a folder of results: their settings, and the errors they reached."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from ladder.errors import UserError
from ladder.options import Options
from ladder.runs.evaluations import load_evaluations
from ladder.runs.folder import OPTIONS_FILE, RunFolder, environments
from ladder.runs.log_rows import BEST_ERROR, FINAL_ERROR
from ladder.tables.attacked import errors_under_attack
from ladder.tables.ordering import numbers_in_order
from ladder.tables.settings import settings_of
from ladder.training.stopping import all_epochs_done

#: The most earlier environments that are named of a run that was resumed elsewhere.
MOST_EARLIER = 10


@dataclass(frozen=True)
class FoundRun:
    """One run.

    Attributes
    ----------
    folder : RunFolder
    p : Options
    settings : dict
        See :func:`ladder.tables.settings.settings_of`.
    epochs : int
        How many epochs it has done.
    test_error, valid_error : float or None
        Per cent; None where it was not evaluated or has
        no validation set.
    made_with : str
        Version, commit, BLAS, threads, vectors and, for JAX, device and precision of products, in words.
    finished : bool
        Whether it reached its last epoch and saved everything, or is the record of such a run.
    attacked : dict of attack -> float
        Test errors under attack, per cent, see :func:`ladder.tables.attacked.errors_under_attack`.
    parameters : str
        Which parameters the errors are of: the 'last', or the 'best' that were kept.
    ended_early : bool
        Whether it ended and saved everything before its last epoch, because an extension asked for that.
    problems : list of str
        A line for each report of an attack that does not count, and why.
    is_record : bool
        Whether its folder has only the results, not the parameters.
    splits : dict of split -> fingerprint of its data
        See :func:`ladder.data.record.fingerprint`; empty for an older run.
    """

    folder: RunFolder
    p: Options
    settings: dict
    epochs: int
    test_error: Optional[float]
    valid_error: Optional[float]
    made_with: str
    finished: bool
    attacked: dict = field(default_factory=dict)
    parameters: str = "last"
    ended_early: bool = False
    problems: list = field(default_factory=list)
    is_record: bool = False
    splits: dict = field(default_factory=dict)

    @property
    def seed(self):
        return self.p.seed

    @property
    def has_parameters(self):
        """Whether it kept the parameters in question."""
        return self.parameters == "last" or self.p.keep == "best"


def find_runs(path, parameters="last", unsupervised=False):
    """All runs below a folder that were trained with labels, and on request those without.

    Parameters
    ----------
    path : Path
    parameters : str
        Which parameters' errors are wanted: those of the 'last' or the 'best'.
    unsupervised : bool
        Also find runs without labels, which no table has.

    Returns
    -------
    runs : list of FoundRun, sorted by folder name, numbers in order
    problems : list of str
        A line for each run that cannot be read, and for each folder that cannot be listed.
    """
    refused, runs = [], []
    folders = sorted(_folders_with_options(path, refused.append), key=lambda folder: numbers_in_order(str(folder)))
    problems = [
        f"{error.filename} is left out, and what is below it: it cannot be listed ({error.strerror})"
        for error in refused
        if not isinstance(error, FileNotFoundError)  # removed meanwhile, or never there
    ]
    for folder in map(RunFolder, folders):
        try:
            p = Options(**folder.load_options())
            if unsupervised or not p.unsupervised:
                runs.append(_read(folder, p, parameters))
        # One bad run must not end the table, whatever is wrong with it.
        except (UserError, OSError, ValueError, TypeError, MemoryError) as error:
            problems.append(f"{folder} is left out: {error}")
    return runs, problems


def _folders_with_options(path, refuse):
    """The folders (Path) of runs at and below a folder, each once, by its own name here, if any, rather than a link's.

    Links are followed, as results may lie on another disk, but not upwards.  ``refuse`` is called with the OSError of a
    folder that cannot be listed.
    """
    top, seen, starts = os.path.realpath(path), set(), [path]
    while starts:
        links = []
        for start in starts:
            for folder, below, files in os.walk(start, onerror=refuse):
                if (real := os.path.realpath(folder)) in seen:
                    below.clear()
                    continue
                seen.add(real)
                links += [link for name in sorted(below) if os.path.islink(link := os.path.join(folder, name))]
                if OPTIONS_FILE in files:
                    yield Path(folder)
        starts = [link for link in links if not _is_above(os.path.realpath(link), top)]


def _is_above(folder, other):
    return os.path.join(other, "").startswith(os.path.join(folder, ""))


def _read(folder, p, parameters):
    if p.rival:  # a rival keeps no parameters
        parameters = "last"
    row = folder.last_row()
    epochs = row.get("epoch", 0)
    test = load_evaluations(folder, parameters).get("test")
    # An error found before the run was resumed is out of date.
    test_error = test["error_percent"] if test and test["epochs"] == epochs else None
    done = all_epochs_done(p, epochs, folder.rows() if p.patience else ())
    ended, is_record = folder.is_finished(), folder.is_record()
    finished, ended_early = done and (ended or is_record), ended and not done
    valid_error = row.get(BEST_ERROR if parameters == "best" else FINAL_ERROR)
    attacked, problems = errors_under_attack(folder, p.dataset, epochs, test, parameters)
    return FoundRun(
        folder,
        p,
        settings_of(p),
        epochs,
        test_error=test_error,
        valid_error=valid_error,
        made_with=_made_with(folder.load_environment()),
        finished=finished,
        attacked=attacked,
        parameters=parameters,
        ended_early=ended_early,
        problems=problems,
        is_record=is_record,
        splits=(folder.load_data() or {}).get("splits", {}),
    )


def _made_with(environment):
    """What may make a run round differently, in words; for a run resumed elsewhere, one environment after the other."""
    if environment is None:
        return "no environment.json"
    *earlier, last = environments(environment)
    return ", then ".join(dict.fromkeys(map(_in_words, [*earlier[:MOST_EARLIER], last])))


def _in_words(found):
    ladder, commit, blas, threads = (str(found.get(name))[:100] for name in ("ladder", "commit", "blas", "threads"))
    commit = "unknown" if commit == "None" else commit
    blas = "unknown BLAS" if blas in ("None", "") else blas
    bits = found.get("vector_bits")
    vectors = f", vectors of {bits} bits" if isinstance(bits, int) else ""
    device = f", JAX on {str(found['device'])[:40]}" if "device" in found else ""
    precision = f", products in {str(found['matmul_precision'])[:20]}" if "matmul_precision" in found else ""
    return f"version {ladder}, commit {commit[:10]}, {blas}, threads {threads}{vectors}{device}{precision}"
