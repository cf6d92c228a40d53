"""When training ends before its last epoch, and which epoch was the best: functions of the log.

They look at nothing but the rows of the log, so a resumed run ends where it
would have ended uninterrupted, and a reader can check that.  Nothing here
imports Aesara.
"""

from ladder.errors import UserError
from ladder.runs.log_rows import ERROR, by_epoch


def best_epoch(rows):
    """The epoch with the lowest validation error (the first, if several tie); None if no row has one.

    Parameters
    ----------
    rows : list of dict
        Rows of the log, the oldest first.

    Examples
    --------
    >>> best_epoch([{"epoch": i, ERROR: error} for i, error in enumerate([9.0, 7.0, 8.0, 7.0], start=1)])
    2
    """
    errors = by_epoch(rows, ERROR)
    return min(errors, key=errors.get, default=None)


def patience_is_over(patience, rows):
    """Whether the last ``patience`` epochs brought no lower validation error (Goodfellow et al. 2016, algorithm 7.1).

    Parameters
    ----------
    patience : int
        0: it never is.
    rows : list of dict
        Those of the last epochs are enough, if there are more of them than ``patience``.

    Examples
    --------
    >>> rows = [{"epoch": i, ERROR: error} for i, error in enumerate([9.0, 7.0, 8.0, 7.0], start=1)]
    >>> patience_is_over(2, rows), patience_is_over(3, rows)
    (True, False)
    """
    errors = by_epoch(rows, ERROR)
    return bool(patience and errors) and max(errors) - best_epoch(rows) >= patience


def all_epochs_done(p, epochs, rows):
    """Whether a run with these options, this many epochs done and these rows in its log has trained to its end."""
    return epochs >= p.num_epochs or patience_is_over(p.patience, rows)


def check_patience(p):
    """Refuse a ``--patience`` that is too long to save any epochs."""
    if p.patience >= p.num_epochs:
        raise UserError(
            f"--patience {p.patience} cannot end a training of --num-epochs {p.num_epochs} any earlier: give fewer, or "
            "more epochs."
        )


def check_validation(p, split=None):
    """Refuse options that follow the validation error if there is none.

    Parameters
    ----------
    p : Options
    split : ladder.data.splits.Split, optional
        Not known before data are read.
    """
    for option, mend in _follow_validation(p):
        if p.unsupervised:
            raise UserError(f"{option} follows the validation error, and --unsupervised knows none: {mend}.")
        if split is not None and not len(split.valid):
            raise UserError(
                f"{option} follows the validation error, and no examples are left over for validation: "
                f"{more_validation(p, split)}, or {mend}."
            )


def more_validation(p, split):
    """How to give a run a validation set, as the end of a sentence."""
    if p.valid_set_size == 0:
        return "give another --valid-set-size"
    return f"give an --unlabeled-samples below {len(split.train)}"


def _follow_validation(p):
    """(option, what to do instead) for each option that needs a validation error."""
    if p.lr_schedule == "plateau":
        yield "--lr-schedule plateau", "choose another schedule"
    if p.patience:
        yield f"--patience {p.patience}", "leave it out"
    if p.keep == "best":
        yield "--keep best", "leave it out"
