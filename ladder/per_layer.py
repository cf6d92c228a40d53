"""Values that are given once for all layers, or one per layer."""

from ladder.errors import UserError


def per_layer(values, n, option, which="", first="layer 0 (the input)", separator=","):
    """Expand values given once for all layers, or one per layer, to one per layer.

    Parameters
    ----------
    values : sequence, as given
    n : int
        The number of layers that have one.
    option, which, first, separator : str
        For the error message: whose values they are, which layers have one if not all do, whose comes first, and what
        they are split by.

    Returns
    -------
    tuple, of n values

    Raises
    ------
    UserError
        The number of values is neither one nor n.

    Examples
    --------
    >>> per_layer((0.3,), 3, "--dropout")
    (0.3, 0.3, 0.3)
    """
    values = tuple(values)
    if len(values) not in (1, n):
        raise UserError(
            f"{option} has {count(len(values), 'entry')} for {count(n, 'layer')}{which and ' ' + which}: give one, or {n} "
            f"split by '{separator}'{first and f', {first} first'}."
        )
    return values * n if len(values) == 1 else values


def count(n, noun):
    """'1 layer', '2 layers', '2 entries'."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{n} {noun if n == 1 else plural}"
