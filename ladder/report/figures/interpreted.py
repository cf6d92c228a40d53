"""Small graphs, run by Aesara's interpreter: for a few numbers a compiler would take longer than the work."""


def interpreted(inputs, outputs, updates=None):
    """As :func:`ladder.backends.function`, without a compiler; inputs are converted to the type of their variables."""
    import aesara
    from aesara.compile.io import In

    return aesara.function(
        [In(x, allow_downcast=True) for x in inputs], outputs, updates=updates, mode="FAST_COMPILE"
    )
