import pytest

from ladder.errors import UserError
from ladder.per_layer import count, per_layer


def test_one_value_is_that_of_every_layer():
    assert per_layer([0.5], 3, "--dropout") == (0.5, 0.5, 0.5)
    assert per_layer((0.1, 0.2, 0.3), 3, "--dropout") == (0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            dict(values="ab", n=3, option="--act", separator="-"),
            "--act has 2 entries for 3 layers: give one, or 3 split by '-', layer 0 (the input) first.",
        ),
        (
            dict(values=(1, 2), n=1, option="--adv-tau", which="of --adv-layers", first=""),
            "--adv-tau has 2 entries for 1 layer of --adv-layers: give one, or 1 split by ','.",
        ),
        (
            dict(values=(), n=2, option="--drop-connect", which="above the input", first="layer 1"),
            "--drop-connect has 0 entries for 2 layers above the input: give one, or 2 split by ',', layer 1 first.",
        ),
    ],
)
def test_other_numbers_of_values_are_refused(arguments, message):
    with pytest.raises(UserError) as error:
        per_layer(**arguments)
    assert str(error.value) == message


def test_nouns_are_counted():
    assert [count(n, "entry") for n in (0, 1, 2)] == ["0 entries", "1 entry", "2 entries"]
