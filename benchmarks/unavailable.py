"""Why a contestant cannot take part."""


class Unavailable(Exception):
    """Reported in one line; the others go on without it."""
