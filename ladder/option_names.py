"""How the name of an option is typed."""


def dashed(name):
    """'batch_size' -> 'batch-size', as presets and tables write it; ``from_``, as Python must write it, -> 'from'."""
    return name.rstrip("_").replace("_", "-")


def as_typed(name):
    """'batch_size' -> '--batch-size'."""
    return "--" + dashed(name)
