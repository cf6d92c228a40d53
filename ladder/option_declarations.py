"""The declaration of an option."""

import dataclasses
from dataclasses import dataclass
from typing import Callable, Optional

from ladder.option_types import one_of

#: Whether runs with different values may be averaged: never; no, but a table may show them as a row of their own below
#: the published one; always; or as :func:`ladder.tables.settings.settings_of` decides from what several options mean.
SEPARATES, VARIES, SAME_RUN, BY_MEANING = "separates", "varies", "same run", "by meaning"


@dataclass(frozen=True)
class Option:
    """The description of an option, besides its name, type and default.

    Attributes
    ----------
    group : str
        Its heading in ``--help``.
    text : str
        Its help text.
    metavar : str
        '' for a flag, which takes no value.
    read : function of a text -> value
    check : function of a value, or of an entry of a tuple -> None, or what is wrong
    many : bool
        Whether several values may be given, to train all combinations.
    shown_default : str
        The default in words, where the value does not say it; None: it does; '': none is shown.
    separates : str
        One of the constants above.
    """

    group: str
    text: str
    metavar: str = ""
    read: Optional[Callable] = None
    check: Callable = lambda value: None
    many: bool = True
    shown_default: Optional[str] = None
    separates: str = SEPARATES

    @property
    def is_flag(self):
        return not self.metavar


def declare(default, group, text, metavar="", read=None, **others):
    """A field of :class:`ladder.options.Options`, described by an :class:`Option`."""
    return dataclasses.field(default=default, metadata={"option": Option(group, text, metavar, read, **others)})


def declare_choice(default, group, text, names, **others):
    """A field whose value is one of some names."""
    return declare(default, group, text, "|".join(names), str, check=one_of(names), **others)


def own_defaults(choices, constant):
    """The defaults of a constant in words: '0.5 (plateau, bold-driver), 0.1 (step)', or '0.9' where all have the same."""
    users = {}
    for name, constants in choices.items():
        if constant in constants:
            users.setdefault(f"{constants[constant]:g}", []).append(name)
    if len(users) == 1:
        return next(iter(users))
    return ", ".join(f"{default} ({', '.join(names)})" for default, names in users.items())
