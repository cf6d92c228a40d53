"""Why a contestant cannot take part."""


class Unavailable(Exception):
    """Said in one line; the others go on without it."""
