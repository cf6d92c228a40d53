"""Small graphs, run by Aesara's interpreter: for a few numbers, compiling would take longer than the work."""


def interpreted(inputs, outputs, updates=None):
    """As :func:`ladder.backends.function`, without a compiler; inputs are converted to the type of their variables."""
    import aesara
    from aesara.compile.io import In

    inputs = [In(x, allow_downcast=True) for x in inputs]
    # Without a C++ compiler, even constant folding runs no compiled code.
    with aesara.config.change_flags(cxx=""):
        return aesara.function(inputs, outputs, updates=updates, mode="FAST_COMPILE")
