"""A run's errors under attack, from the reports that ``run.py attack`` left in its folder or in one below it."""

from ladder.attacks.report import load_report
from ladder.data.registry import name_of
from ladder.errors import UserError
from ladder.runs.folder import ATTACK

#: The most images that one network may classify differently on two machines, which round differently.
MOST_BY_ROUNDING = 2


def errors_under_attack(folder, dataset, epochs, test, parameters="last"):
    """Test errors under attack of a run's network.

    Parameters
    ----------
    folder : RunFolder
    dataset : str
        Attacks on other data do not count.
    epochs : int
        How many the run has done; attacks made after another number are out of date.
    test : dict or None
        The evaluation of the test set, if there is one: 'n' and 'error_percent'.
    parameters : str
        The network that the run ended with ('last'), or the 'best' one that it kept.

    Returns
    -------
    errors : dict of str -> float
        Per cent, by kind and tau, e.g. 'sgn 0.25', and whatever else distinguishes the attack; of several, the first.
    problems : list of str
        A line for each unreadable report, and each on the test set that does not count, and why.
    """
    errors, problems, n_test = {}, [], test and test["n"]
    for path in [folder / ATTACK, *sorted(folder.path.glob(f"*/{ATTACK}"))]:
        if not path.exists():
            continue
        try:
            report = load_report(path)
        except UserError as error:
            problems.append(str(error))
            continue
        if report["data_type"] != "test" or _is_of_other_data(report, dataset):
            continue
        if (report["parameters"] or "last") != parameters:
            continue
        why = _why_not(report, epochs, test)
        if why:
            problems.append(f"{path} does not count: {why}; {_again(folder, path.parent, parameters)} makes another")
            continue
        for attack in report["attacks"]:
            if attack["tau"] > 0:
                errors.setdefault(_name(attack, report, n_test), attack["error_percent"])
    return errors, problems


def _is_of_other_data(report, dataset):
    """Whether a report is on other data than the run's; a copy of these under another name is not other data."""
    if report["overridden"] is None:
        return report["dataset"] != name_of(dataset)
    return "dataset" in report["overridden"]


def _why_not(report, epochs, test):
    """Why a report does not concern the run's own network as it is now, or None."""
    if report["overridden"]:
        return f"it was made with another {', '.join(report['overridden'])} than the run"
    if report["epochs"] is None:
        return "the run was not finished"
    if report["epochs"] != epochs:
        return f"the run had done {report['epochs']} epochs, and has done {epochs}"
    return of_another_network(report, test)


def of_another_network(report, test):
    """Why a report on the run's own test set concerns another network than its evaluation does, or None."""
    before = report["n_wrong_before"]
    if before is not None and test and report["n"] == test["n"]:
        of_run = round(test["error_percent"] * test["n"] / 100)
        if abs(before - of_run) > MOST_BY_ROUNDING:
            return f"the network that was attacked made {before} errors before, and the run's makes {of_run}"
    return None


def _again(folder, where, parameters):
    """The command that attacks a run again, and leaves its report in the same place."""
    own = where == folder.path / ("best" if parameters == "best" else "")
    words = [
        "run.py attack",
        str(folder),
        "--parameters best" * (parameters == "best"),
        f"--output {where}" * (not own),
    ]
    return " ".join(filter(None, words))


def _name(attack, report, n_test):
    """The name of an attack in a table."""
    settings, how = report["settings"], []
    if attack["kind"].startswith("pgd"):
        size = f" of {settings['step_size']:g}" if settings["step_size"] else ""
        how.append(f"{settings['steps']} steps{size}")
        how += ["random start"] * settings["random_start"]
    how += [f"batches of {report['batch_size']}"] * bool(report["batch_size"])
    how += ["clipped"] * settings["clip"]
    how += ["pixels"] * (report["units"] == "pixels")
    how += [f"{report['n']} examples"] * (n_test not in (None, report["n"]))
    return f"{attack['kind']} {attack['tau']:g}" + (f" ({', '.join(how)})" if how else "")
