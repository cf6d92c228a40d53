"""Learning-rate schedules: functions from the log so far to the rate of the next epoch.

A schedule looks at nothing but the rows of the log, so a resumed run goes on
with the same rates, and a reader can check them.
"""

import math

from ladder.runs.log_rows import ERROR


def rate_after(schedule, rows):
    """The learning rate of the epoch that follows these rows.

    Parameters
    ----------
    schedule : ladder.optimisation.Schedule
    rows : list of dict
        A row of the log for each epoch done, without the row written when training ends.

    Returns
    -------
    float

    Examples
    --------
    >>> from ladder.optimisation import Schedule
    >>> halved = Schedule("exponential", 0.002, 150, {"lr_factor": 0.5}, warmup_epochs=2)
    >>> [rate_after(halved, [{}] * epochs) for epochs in range(4)]
    [0.001, 0.002, 0.002, 0.001]
    """
    warm = schedule.warmup_epochs
    if len(rows) < warm:
        return schedule.lr * (len(rows) + 1) / warm
    return SCHEDULES[schedule.name](schedule.lr, rows[warm:], last=schedule.num_epochs - warm, **schedule.constants)


def linear(lr, rows, last, lrate_decay):
    """The original's schedule: constant at first, then falling linearly to 0 at the last epoch.

    After epoch k, counted from 1, with k > first = last * lrate_decay, the rate
    becomes ``lr * max(0, (last - k) / (last - first))``.
    """
    epoch, first = len(rows), last * lrate_decay
    return lr if epoch <= first else lr * max(0.0, (last - epoch) / (last - first))


def constant(lr, rows, last):
    """The same rate throughout."""
    return lr


def step(lr, rows, last, lr_factor, lr_every):
    """Multiplied by ``lr_factor`` after every ``lr_every`` epochs."""
    return lr * lr_factor ** (len(rows) // lr_every)


def exponential(lr, rows, last, lr_factor):
    """Multiplied by ``lr_factor`` after every epoch."""
    return lr * lr_factor ** len(rows)


def cosine(lr, rows, last):
    """Half a cosine from ``lr`` down to 0 at the last epoch (Loshchilov and Hutter 2017, equation 5, no restarts)."""
    return lr * (1 + math.cos(math.pi * len(rows) / last)) / 2


#: Schedule -> the number in the log that it follows, which every row has.
FOLLOWED = {"plateau": ERROR, "bold-driver": "train_cost_total"}


def plateau(lr, rows, last, lr_factor, lr_every):
    """Multiplied by ``lr_factor`` when the validation error has had no new minimum for ``lr_every`` epochs."""
    best, since = math.inf, 0
    for row in rows:
        error, since = row[FOLLOWED["plateau"]], since + 1
        if error < best:
            best, since = error, 0
        elif since >= lr_every:
            lr, since = lr * lr_factor, 0
    return lr


def bold_driver(lr, rows, last, lr_factor, lr_growth):
    """Multiplied by ``lr_growth`` when the training cost fell, by ``lr_factor`` when it rose (Battiti 1989).

    Battiti undoes the step that made the cost rise; here the cost is a mean
    over an epoch's noisy updates, and what they learnt is kept.
    """
    costs = [row[FOLLOWED["bold-driver"]] for row in rows]
    for before, now in zip(costs, costs[1:]):
        lr *= lr_growth if now <= before else lr_factor
    return lr


#: Name, as given to ``--lr-schedule`` -> function.
SCHEDULES = {
    function.__name__.replace("_", "-"): function
    for function in (linear, constant, step, exponential, cosine, plateau, bold_driver)
}
