"""Resolve the options of the optimiser and the learning rate.  Nothing here imports Aesara."""

from dataclasses import dataclass

from ladder.errors import UserError
from ladder.option_names import as_typed

#: Optimiser -> its constants and their defaults: those of the papers, under PyTorch's names or the papers' own.
OPTIMISERS = {
    "sgd": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9},
    "adagrad": {"epsilon": 1e-10},
    "adadelta": {"rho": 0.95, "epsilon": 1e-6},
    "rmsprop": {"rho": 0.9, "epsilon": 1e-8},
    "adam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "amsgrad": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
}

#: Options that are constants of some optimiser.
CONSTANTS = tuple(dict.fromkeys(name for own in OPTIMISERS.values() for name in own))

#: Schedule -> its constants and their defaults.
SCHEDULES = {
    "linear": {"lrate_decay": 0.67},
    "constant": {},
    "step": {"lr_factor": 0.1, "lr_every": 50},
    "exponential": {"lr_factor": 0.95},
    "cosine": {},
    "plateau": {"lr_factor": 0.5, "lr_every": 10},
    "bold-driver": {"lr_factor": 0.5, "lr_growth": 1.05},
}

#: Options that are constants of some schedule, without --lrate-decay, the original's, which always has a value.
OF_SCHEDULES = tuple(dict.fromkeys(name for own in SCHEDULES.values() for name in own if name != "lrate_decay"))


@dataclass(frozen=True)
class Optimisation:
    """The optimiser and its settings.

    Attributes
    ----------
    optimizer : str
    constants : dict of name -> float
        Constants of the optimiser.
    clip_norm : float or None
        The largest norm that all gradients together may have.
    """

    optimizer: str
    constants: dict
    clip_norm: float


@dataclass(frozen=True)
class Schedule:
    """The learning-rate schedule and its settings.

    Attributes
    ----------
    name : str
    lr : float
        The rate that ``name`` starts from.
    num_epochs : int
    constants : dict of name -> number
        Constants of the schedule.
    warmup_epochs : int
    """

    name: str
    lr: float
    num_epochs: int
    constants: dict
    warmup_epochs: int


def resolve_optimisation(p):
    """The Optimisation that the options ask for; UserError if a constant is given that the optimiser does not have."""
    constants = _chosen(p, "--optimizer", p.optimizer, CONSTANTS, OPTIMISERS)
    return Optimisation(p.optimizer, constants, p.clip_norm or None)


def resolve_schedule(p):
    """The Schedule that the options ask for; UserError if a constant is given that the schedule does not have."""
    constants = _chosen(p, "--lr-schedule", p.lr_schedule, OF_SCHEDULES, SCHEDULES)
    if p.warmup_epochs >= p.num_epochs:
        raise UserError(
            f"--warmup-epochs {p.warmup_epochs} leaves none of --num-epochs {p.num_epochs}: give fewer, or more epochs."
        )
    return Schedule(p.lr_schedule, p.lr, p.num_epochs, constants, p.warmup_epochs)


def _chosen(p, option, name, all_constants, known):
    """The constants of a choice: the values given, else its defaults."""
    own = known[name]
    for constant in all_constants:
        if getattr(p, constant) is not None and constant not in own:
            users = ", ".join(other for other, constants in known.items() if constant in constants)
            raise UserError(
                f"{as_typed(constant)} is of no use to {option} {name}: leave it out, or choose from {users}."
            )
    return {key: default if getattr(p, key) is None else getattr(p, key) for key, default in own.items()}
