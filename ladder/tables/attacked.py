"""The errors of a run under attack, from the reports that ``run.py attack`` left in its folder, or in one below."""

from ladder.attacks.report import REPORT, load_report
from ladder.data.registry import name_of


def errors_under_attack(folder, dataset, epochs, n_test, parameters="last"):
    """Test errors under attack of a run's network.

    Parameters
    ----------
    folder : RunFolder
    dataset : str
        Attacks on other data do not count.
    epochs : int
        How many the run has done; attacks after fewer are out of date.
    n_test : int or None
        Examples in the test set, if that is known.
    parameters : str
        The network that the run ended with ('last'), or the 'best' one that it kept.

    Returns
    -------
    dict of str -> float
        Per cent, by kind and tau, e.g. 'sgn 0.25', and whatever else makes it a different attack; the first of several.
    """
    found = {}
    for path in [folder / REPORT, *sorted(folder.path.glob(f"*/{REPORT}"))]:
        if not path.exists():
            continue
        report = load_report(path)
        if (report["dataset"], report["data_type"], report["epochs"]) != (name_of(dataset), "test", epochs):
            continue
        if report["overridden"] or (report["parameters"] or "last") != parameters:
            continue  # it is not the run's own network
        for attack in report["attacks"]:
            if attack["tau"] > 0:
                found.setdefault(_name(attack, report, n_test), attack["error_percent"])
    return found


def _name(attack, report, n_test):
    """What an attack is called in a table."""
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
