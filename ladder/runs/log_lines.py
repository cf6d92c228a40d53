"""The lines of ``log.txt`` that training writes and ``run.py watch`` reads back."""

import re

#: A process begins a run, compiles its functions, and goes on where another one ended.
BEGUN = "Logging into %s"
COMPILING = "Compiling (the first time on a machine this takes minutes, later a part of one)"
COMPILED = "Compiled in %.0f s"
GOES_ON = "Going on after update %d (%d epochs done)"

#: An epoch has ended: its number, the updates so far, what was monitored.
EPOCH = "e %d, i %d: %s"
EPOCH_NUMBER = re.compile(r"e (\d{1,9}), i \d+: ")

#: The same for a stage of pre-training, which has a title.
STAGE_COMPILING = "Pre-training of %s: compiling"
STAGE_EPOCH = "%s, " + EPOCH
STAGE_EPOCH_NUMBER = re.compile(r".+, e (\d{1,9}), i \d+: ")


def is_one(text, form):
    """Whether a text was written in this form, one of those above."""
    beginning, _, rest = form.partition("%s")
    if rest:  # a title in the middle
        return text.startswith(beginning) and text.endswith(rest)
    return text.startswith(form.partition("%")[0])
