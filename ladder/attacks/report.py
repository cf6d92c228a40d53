"""``attack.json``: the results of ``run.py attack``, in the folder of a run or wherever it was told to write."""

import logging
from typing import Optional, Tuple

from ladder import plain_json
from ladder.attacks.methods import MOST_ATTACKS
from ladder.errors import UserError
from ladder.files import save_json
from ladder.runs.folder import ATTACK

logger = logging.getLogger("main")

#: The entries of a report that others may use.  Older reports lack 'epochs' (how many the attacked run had done; None:
#: it was not finished), 'batch_size' (None with fixed statistics), 'parameters' (None: the last), 'overridden' (options
#: that were not the run's) and 'n_wrong_before' (errors of the network before the attack).
TYPES = {
    "dataset": str,
    "data_type": str,
    "epochs": Optional[int],
    "parameters": Optional[str],
    "units": str,
    "batch_size": Optional[int],
    "overridden": Optional[Tuple[str, ...]],
    "settings": {"clip": bool, "random_start": bool, "steps": int, "step_size": Optional[float]},
    "n": int,
    "n_wrong_before": Optional[int],
    "attacks": list,
}

ATTACK_TYPES = {"kind": str, "tau": float, "error_percent": float}


def save_report(folder, report):
    """Write a report (dict) into a folder."""
    written(folder / ATTACK, lambda path: save_json(path, report))


def load_report(path):
    """Read and check a report: dict with the entries of ``TYPES``.

    Raises
    ------
    UserError
        It is damaged.
    """
    try:
        report = plain_json.check(plain_json.read(path), TYPES, "the whole")
        if len(report["attacks"]) > MOST_ATTACKS:
            raise plain_json.NotJSON(f"more than {MOST_ATTACKS:,} 'attacks'")
        report["attacks"] = [plain_json.check(attack, ATTACK_TYPES, "an attack") for attack in report["attacks"]]
        if not all(0 <= attack["error_percent"] <= 100 for attack in report["attacks"]):
            raise plain_json.NotJSON("an attack's 'error_percent' is not between 0 and 100")
    except plain_json.NotJSON as error:
        raise UserError(f"{path} is damaged ({error}): delete it, and attack the run again.") from None
    return report


def written(path, write):
    """Let ``write(path)`` write a file, and log that; ``UserError`` if it cannot."""
    try:
        write(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): give another folder with --output.") from None
    logger.info("Wrote %s", path)
