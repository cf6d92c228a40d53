"""The exceptions that reach the user as one sentence."""


class UserError(Exception):
    """A mistake in the user's input: an option, a file, an environment.

    The message is one sentence, with a full stop, that names the culprit and
    how to fix it.  The command line prints it without a traceback and exits
    with status 2.
    """


class TrainingStopped(Exception):
    """Training cannot go on; the message says where it stopped and what is saved.

    The command line prints it without a traceback and exits with status 1.
    """
