"""The results of rivals, as they are printed, exported, and returned to Python."""

from dataclasses import asdict, dataclass
from typing import Optional

from ladder import plain_json
from ladder.errors import UserError
from ladder.rival_methods import METHODS
from ladder.rivals.folders import RIVAL
from ladder.runs.evaluations import load_evaluations
from ladder.tables.statistics import summarize

TYPES = {"parameters": dict, "how": str, "seconds": dict, "warnings": list}


@dataclass(frozen=True)
class RivalResult:
    """One method with one seed.

    Attributes
    ----------
    method : str
    seed : int
    error_percent : float, on the test set
    n_wrong, n : int
    parameters : dict of name -> value
        Those that were chosen.
    how : str
        By what, in words.
    seconds : dict of str -> float
        Processor time, see :class:`ladder.rivals.fitting.Outcome`.
    warnings : list of str
    folder : str or None
    """

    method: str
    seed: int
    error_percent: float
    n_wrong: int
    n: int
    parameters: dict
    how: str
    seconds: dict
    warnings: list
    folder: Optional[str] = None


def of_outcome(p, outcome):
    """The result of a rival (its Options) in memory."""
    choice, test = outcome.choice, {name: outcome.test[name] for name in ("error_percent", "n_wrong", "n")}
    how = choice.parameters, choice.how, outcome.seconds, list(outcome.warnings)
    return RivalResult(p.rival, p.seed, *test.values(), *how)


def of_folder(p, folder):
    """The result of a finished rival (its Options) in its folder (RunFolder)."""
    path, test = folder / RIVAL, load_evaluations(folder)["test"]
    try:
        found = plain_json.check(plain_json.read(path), TYPES, "the whole")
        n_wrong = plain_json.check(test.get("n_wrong"), int, "'n_wrong'")
        for name, seconds in found["seconds"].items():
            plain_json.check(seconds, float, f"'{name[:20]}'")
    except (plain_json.NotJSON, KeyError) as error:
        raise UserError(f"{path} is damaged ({error}): remove its folder, and fit it again.") from None
    return RivalResult(p.rival, p.seed, test["error_percent"], n_wrong, test["n"], *found.values(), str(folder))


def by_method(results):
    """Method -> its results, in the order of tables."""
    return {method: found for method in METHODS if (found := [result for result in results if result.method == method])}


def as_plain(results):
    """Plain values for JSON: every result, and the mean and sample standard deviation of each method over seeds."""
    summaries = {
        method: asdict(summarize([result.error_percent for result in found]))
        for method, found in by_method(results).items()
    }
    return {"results": [asdict(result) for result in results], "methods": summaries}
