"""Errors of a run under attack, as ``run.py attack`` left them in its folder, or in one below."""

from typing import Optional

from ladder import plain_json
from ladder.errors import UserError

REPORT = "attack.json"

#: Of a report, what is used here; older ones do not say after how many epochs the network was attacked.
TYPES = {
    "dataset": str,
    "data_type": str,
    "epochs": Optional[int],
    "units": str,
    "n": int,
    "batch_size": Optional[int],
    "settings": dict,
    "attacks": list,
}

SETTING_TYPES = {"clip": bool, "random_start": bool, "steps": int, "step_size": Optional[float]}

ATTACK_TYPES = {"kind": str, "tau": float, "error_percent": float}


def load_attacks(folder, dataset, epochs, n_test):
    """Test errors under attack of the network that a run ended with.

    Parameters
    ----------
    folder : Path
    dataset : str
        Attacks on other data are not counted.
    epochs : int
        How many the run has done; attacks after fewer are out of date.
    n_test : int or None
        Examples of the test set, where that is known.

    Returns
    -------
    dict of str -> float
        By kind and tau, e.g. 'sgn 0.25', and whatever else makes an attack another one; per cent.

    Raises
    ------
    UserError
        A report is damaged.
    """
    found = {}
    for path in [folder / REPORT, *sorted(folder.glob(f"*/{REPORT}"))]:
        if not path.exists():
            continue
        report = _read(path)
        if (report["dataset"], report["data_type"], report["epochs"]) == (dataset, "test", epochs):
            for attack in report["attacks"]:
                if attack["tau"] > 0:
                    found.setdefault(_name(attack, report, n_test), attack["error_percent"])
    return found


def _read(path):
    try:
        report = plain_json.check(plain_json.read(path), TYPES, "the whole")
        report["settings"] = plain_json.check(report["settings"], SETTING_TYPES, "'settings'")
        report["attacks"] = [plain_json.check(attack, ATTACK_TYPES, "an attack") for attack in report["attacks"]]
        return report
    except plain_json.NotJSON as error:
        raise UserError(f"{path} is damaged ({error}): delete it, and attack the run again.") from None


def _name(attack, report, n_test):
    settings, how = report["settings"], []
    if attack["kind"].startswith("pgd"):
        how.append(f"{settings['steps']} steps" + (f" of {settings['step_size']:g}" if settings["step_size"] else ""))
        how += ["random start"] if settings["random_start"] else []
    how += [f"batches of {report['batch_size']}"] if report["batch_size"] else []
    how += ["clipped"] if settings["clip"] else []
    how += ["pixels"] if report["units"] == "pixels" else []
    how += [f"{report['n']} examples"] if n_test is not None and report["n"] != n_test else []
    return f"{attack['kind']} {attack['tau']:g}" + (f" ({', '.join(how)})" if how else "")
