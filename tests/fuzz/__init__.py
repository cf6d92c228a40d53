"""Damaged and hostile input, made at random from good input, and what the program does with it.

``python -m tests.fuzz --minutes 20`` is the long run; ``test_fuzz.py`` is the short one in the test suite.
Everything follows from a seed: repeat a failed trial with ``--only KIND --seed N --trials 1``.
"""
