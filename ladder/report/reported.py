"""A run as a report sees it: everything that its folder says without the network or the data set."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from ladder.attacks.report import load_report
from ladder.errors import UserError
from ladder.options import Options
from ladder.runs.arrays import PARAMETERS
from ladder.runs.evaluations import FILES, load_evaluations
from ladder.runs.folder import ATTACK, OPTIONS_FILE, RunFolder
from ladder.runs.log_rows import by_epoch
from ladder.tables.attacked import of_another_network
from ladder.tables.comparable import one_of_each_seed
from ladder.tables.settings import as_text, settings_of_all
from ladder.training.stopping import all_epochs_done


@dataclass(frozen=True)
class ReportedRun:
    """What the files of a run say.

    Attributes
    ----------
    folder : RunFolder
    name : str
        The end of its path, long enough to tell it from the others.
    p : Options
    in_dim : tuple of int
        Shape of one example; () if it was not recorded.
    data : dict
        The record of its data, empty if there is none.
    rows : list of dict, of ``log.jsonl``
    epochs : int
        Number of epochs done.
    evaluations : dict of data type -> entry
        Evaluations that are not out of date.
    attacks : list of (str, dict)
        Where each report of attacks was found, and its content.
    problems : list of str
        Sentences about what cannot be used.
    parameters : str
        Which parameters the evaluations and attacks are of: the 'last' or the 'best'.
    """

    folder: RunFolder
    name: str
    p: Options
    in_dim: tuple
    data: dict
    rows: list
    epochs: int
    evaluations: dict
    attacks: list
    problems: list = field(default_factory=list)
    parameters: str = "last"

    @property
    def has_parameters(self):
        return (self.folder / PARAMETERS).exists()

    @property
    def seed(self):
        return self.p.seed

    @property
    def is_record(self):
        return self.folder.is_record()

    @property
    def splits(self):
        """The fingerprints of its data by split, empty where there are none."""
        return self.data.get("splits", {})

    @property
    def finished(self):
        done = self.folder.is_finished() or self.is_record
        return all_epochs_done(self.p, self.epochs, self.rows) and done

    def values(self, name):
        """A logged value by epoch, where it is a finite number: dict of int -> float."""
        return by_epoch(self.rows, name)

    def logged(self, prefix):
        """The names in the log with this prefix, in the log's order."""
        return [name for name in dict.fromkeys(name for row in self.rows for name in row) if name.startswith(prefix)]


def read_runs(paths, parameters="last"):
    """The runs in some folders, each once.

    Parameters
    ----------
    paths : list of str or Path
    parameters : str, 'last' or 'best'

    Returns
    -------
    list of ReportedRun

    Raises
    ------
    UserError
        A folder is missing, is not one of our runs, or is damaged.
    """
    # By real path, as one folder can be given in several ways.
    folders = {Path(os.path.realpath(path)): RunFolder.existing(path) for path in paths}
    names = _names(list(folders))
    return [_read(folder, name, parameters) for folder, name in zip(folders.values(), names)]


def _names(paths):
    """The shortest endings that tell the paths apart."""
    n = 1
    while len({path.parts[-n:] for path in paths}) < len(paths):
        n += 1
    return ["/".join(path.parts[-n:]) for path in paths]


def _read(folder, name, parameters):
    folder.check_kept(parameters)
    options = folder.load_options()
    if options is None:
        raise UserError(
            f"{folder} has no {OPTIONS_FILE}, so it is no run of this program: give the folder of one, e.g. results/noname0."
        )
    p, data, epochs, problems = Options(**options), folder.load_data() or {}, folder.epochs_done(), []
    evaluations = {}
    for data_type, entry in load_evaluations(folder, parameters).items():
        if entry["epochs"] == epochs:
            evaluations[data_type] = entry
        else:
            problems.append(
                f"The {data_type} error in {FILES[parameters]} is from epoch {entry['epochs']}, and the run has done "
                f"{epochs}: it is left out."
            )
    attacks = list(_attacks(folder, epochs, evaluations.get("test"), parameters, problems))
    in_dim, rows = tuple(data.get("in_dim", ())), folder.rows()
    return ReportedRun(folder, name, p, in_dim, data, rows, epochs, evaluations, attacks, problems, parameters)


def _attacks(folder, epochs, test, parameters, problems):
    """Reports of attacks on these parameters after these epochs; what is wrong with others goes into ``problems``."""
    for path in [folder / ATTACK, *sorted(folder.path.glob(f"*/{ATTACK}"))]:
        if not path.exists():
            continue
        where = str(path.relative_to(folder.path))
        try:
            report = load_report(path)
        except UserError:
            problems.append(f"{where} is damaged, and left out.")
            continue
        if (report["parameters"] or "last") != parameters:
            continue
        if report["epochs"] is None:
            problems.append(f"{where} is of a run that was not finished, or of an older version: it is left out.")
            continue
        if report["epochs"] != epochs:
            problems.append(f"{where} is from epoch {report['epochs']}, and the run has done {epochs}: it is left out.")
            continue
        own_test_set = report["data_type"] == "test" and not report["overridden"]
        other = of_another_network(report, test) if own_test_set else None
        if other:
            problems.append(f"{where} is left out: {other}.")
            continue
        yield where, report


@dataclass(frozen=True)
class RunGroup:
    """Runs with the same settings, which differ only in their seeds.

    Attributes
    ----------
    label : str
        What tells the group from the others.
    runs : list of ReportedRun
    """

    label: str
    runs: list

    @property
    def in_curves(self):
        """The runs (list) that curves average: one per seed, of the finished ones if there are any."""
        logged = [run for run in self.runs if run.logged("train_")]
        chosen, _ = one_of_each_seed([run for run in logged if run.finished] or logged)
        return list(chosen.values())


def group_by_settings(runs):
    """Group the runs whose options mean the same, in the order of each group's first run.

    Parameters
    ----------
    runs : list of ReportedRun

    Returns
    -------
    list of RunGroup
    """
    groups = {}
    for run, settings in zip(runs, settings_of_all([run.p for run in runs])):
        groups.setdefault((as_text(settings), run.in_dim), []).append(run)
    return [RunGroup(_label(members), members) for members in groups.values()]


def _label(members):
    if len(members) == 1:
        return members[0].name
    seeds = sorted({run.p.seed for run in members})
    return f"{members[0].name} and {len(members) - 1} more (seeds {', '.join(map(str, seeds))})"
