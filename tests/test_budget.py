"""The budget of memory: a part of what there is, or what the user says."""

import resource

import pytest

from ladder import budget
from ladder.errors import UserError
from ladder.network_size import check_memory
from ladder.options import Options


def test_what_is_too_large_is_refused_by_name(monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "1.5")
    budget.ask(1.5e9, "this")
    with pytest.raises(UserError) as caught:
        budget.ask(4e12, "the array in it", "save less")
    assert str(caught.value) == (
        "the array in it would need 4,000 GB of memory, and no more than 1.5 GB may be taken at once: save less, or set "
        "another limit, in GB, with the environment variable LADDER_MEMORY."
    )


def test_it_is_half_of_what_this_process_may_have(monkeypatch):
    monkeypatch.delenv(budget.VARIABLE, raising=False)
    free = budget.limit()
    monkeypatch.setattr(resource, "getrlimit", lambda which: (10**6, 10**6))
    assert budget.limit() == 500_000 < free


@pytest.mark.parametrize("value", ["0", "-1", "nan", "much", "1e400"])
def test_nonsense_is_refused(value, monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, value)
    with pytest.raises(UserError, match="LADDER_MEMORY is"):
        budget.limit()


def test_sizes_in_words():
    assert [budget.in_words(size) for size in (999, 1500, 2.5e6, 12345678901)] == [
        "999 bytes",
        "1.5 kB",
        "2.5 MB",
        "12.3 GB",
    ]


def test_a_whitening_of_many_inputs_is_refused(monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "0.1")
    options = {"encoder_layers": ("3", "2"), "denoising_cost_x": (0.0,) * 3}
    check_memory(Options(**options), (10_000,), 10)
    with pytest.raises(UserError, match="--whiten-zca of 10,000 inputs would need 3.2 GB of memory"):
        check_memory(Options(**options, whiten_zca=10_000), (10_000,), 10)
