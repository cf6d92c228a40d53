from ladder.option_names import as_typed, dashed


def test_names_as_typed():
    assert (dashed("batch_size"), as_typed("batch_size")) == ("batch-size", "--batch-size")
    assert (dashed("from_"), as_typed("from_")) == ("from", "--from")
