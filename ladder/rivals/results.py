"""The results of rivals, as they are printed, exported, and returned to Python."""

from dataclasses import asdict, dataclass
from typing import Optional

from ladder import plain_json
from ladder.errors import UserError
from ladder.rival_methods import METHODS
from ladder.runs.evaluations import load_evaluations
from ladder.runs.folder import RIVAL
from ladder.tables.settings import as_options, settings_of_all
from ladder.tables.statistics import summarize

TYPES = {"parameters": dict, "how": str, "seconds": dict, "warnings": list}


@dataclass(frozen=True)
class RivalResult:
    """The result of one method with one seed.

    Attributes
    ----------
    method : str
    seed : int
    error_percent : float, on the test set
    n_wrong, n : int
    parameters : dict of name -> value
        The chosen ones.
    how : str
        How they were chosen, in words.
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
    """The result of a finished rival (its Options) from its folder (RunFolder)."""
    path, mend = folder / RIVAL, f"remove {folder}, and fit it again"
    test = load_evaluations(folder, mend=mend).get("test")
    if test is None:
        raise UserError(f"{folder} has no test error: {mend}.")
    try:
        found = plain_json.check(plain_json.read(path, mend), TYPES, "the whole")
        n_wrong = plain_json.check(test.get("n_wrong"), int, "'n_wrong'")
        for name, seconds in found["seconds"].items():
            plain_json.check(seconds, float, f"'{name[:20]}'")
    except (plain_json.NotJSON, KeyError) as error:
        raise UserError(f"{path} is damaged ({error}): {mend}.") from None
    return RivalResult(p.rival, p.seed, test["error_percent"], n_wrong, test["n"], *found.values(), str(folder))


def over_seeds(ps, results):
    """Group the results that differ only in their seeds, in the order of tables.

    Parameters
    ----------
    ps : list of Options
    results : list of RivalResult, of each of them

    Returns
    -------
    dict of (method, settings in words) -> list of RivalResult
        The words, '' for none, are what else a method's results differ in.
    """
    settings, found = settings_of_all(ps), {}
    for method in METHODS:
        own = [(one, result) for one, result in zip(settings, results) if result.method == method]
        names = [name for name in (own[0][0] if own else ()) if len({repr(one[name]) for one, _ in own}) > 1]
        for one, result in own:
            found.setdefault((method, as_options(one, names)), []).append(result)
    return found


def as_plain(ps, results):
    """Plain values for JSON: every result, and the mean and sample standard deviation of each method over seeds."""
    summaries = {
        ", ".join(filter(None, line)): asdict(summarize([result.error_percent for result in found]))
        for line, found in over_seeds(ps, results).items()
    }
    return {"results": [asdict(result) for result in results], "methods": summaries}
