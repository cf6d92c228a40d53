"""The figures of ``run.py figures``: those of the thesis, made by this package's own functions, and those of runs.

``catalogue`` has their names and what they show; each of the other modules draws one figure or one family.
"""
