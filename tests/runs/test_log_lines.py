"""Lines of a log are told apart by their text."""

from ladder.runs.log_lines import (
    BEGUN,
    COMPILED,
    COMPILING,
    EPOCH,
    EPOCH_NUMBER,
    GOES_ON,
    STAGE_COMPILING,
    STAGE_EPOCH,
    STAGE_EPOCH_NUMBER,
    is_one,
)

WRITTEN = {
    BEGUN: "Logging into results/x0/log.txt",
    COMPILING: "Compiling (the first time on a machine this takes minutes, later a part of one)",
    STAGE_COMPILING: "Pre-training of all layers: compiling",
    COMPILED: "Compiled in 39 s",
    GOES_ON: "Going on after update 1800 (3 epochs done)",
    EPOCH: "e 3, i 1800: T_C_class 0.1",
}


def test_forms_as_they_are_filled_in():
    values = {BEGUN: "results/x0/log.txt", COMPILED: 39.2, GOES_ON: (1800, 3), EPOCH: (3, 1800, "T_C_class 0.1")}
    values |= {COMPILING: (), STAGE_COMPILING: "all layers"}
    assert {form: form % values[form] for form in WRITTEN} == WRITTEN


def test_a_line_has_one_form():
    for form, text in WRITTEN.items():
        assert [other for other in WRITTEN if is_one(text, other)] == [form]


def test_what_is_none():
    assert not any(is_one("Pre-training of layer 1 is done already", form) for form in WRITTEN)


def test_the_number_of_an_epoch():
    assert EPOCH_NUMBER.match(WRITTEN[EPOCH])[1] == "3"
    of_stage = STAGE_EPOCH % ("all layers", 12, 600, "reconstruction 20.1")
    assert of_stage == "all layers, e 12, i 600: reconstruction 20.1"
    assert STAGE_EPOCH_NUMBER.match(of_stage)[1] == "12" and not EPOCH_NUMBER.match(of_stage)
    assert not any(STAGE_EPOCH_NUMBER.match(text) for text in WRITTEN.values())
    assert not any(EPOCH_NUMBER.match(text) for form, text in WRITTEN.items() if form != EPOCH)
