"""Small graphs, run by Aesara's interpreter: for a few numbers a compiler would take longer than the work."""


def interpreted(inputs, outputs, updates=None, givens=None):
    """As :func:`ladder.backends.function`, without a compiler; inputs are converted to the type of their variables."""
    import aesara
    from aesara.compile.io import In
    from aesara.compile.mode import Mode
    from aesara.link.vm import VMLinker

    # Rewritten, as the gradient's fills would be slow; not fused, which is for compilers.
    mode = Mode(VMLinker(use_cloop=False, c_thunks=False), "fast_run").excluding("fusion")
    with aesara.config.change_flags(cxx=""):
        inputs = [In(x, allow_downcast=True) for x in inputs]
        return aesara.function(inputs, outputs, updates=updates, givens=givens, mode=mode)
