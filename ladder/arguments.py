"""Errors in the arguments of the Python functions, in the command line's words."""

import re
from contextlib import contextmanager

from ladder.errors import TrainingStopped, UserError

#: An option, or a whole command, which stays as it is (as do paths, where dashes follow a letter).
OPTION = re.compile(r"`run\.py [^`]*`|run\.py [^`;,()]*|(?<![\w./-])--([a-z][a-z0-9-]*[a-z0-9])")


class ArgumentError(UserError, ValueError):
    """An invalid argument: the command line's message, with the argument's name in place of the option's."""


@contextmanager
def naming_arguments(names=None):
    """Make error messages raised inside name arguments instead of command-line options.

    Parameters
    ----------
    names : dict of option name -> what it is called here, where that differs, e.g. {'encoder_layers': 'hidden'}
    """

    def argument(option):
        if option[1] is None:
            return option[0]
        name = "from_" if option[1] == "from" else option[1].replace("-", "_")
        return (names or {}).get(name, name)

    try:
        yield
    except (UserError, TrainingStopped) as error:
        kind = ArgumentError if isinstance(error, UserError) else TrainingStopped
        raise kind(OPTION.sub(argument, str(error))) from None
