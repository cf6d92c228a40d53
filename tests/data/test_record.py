"""What a run records about its data set."""

import pytest

from ladder.data.record import load_training_set
from ladder.options import Options


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)


def test_a_run_that_goes_on_keeps_what_it_knew_of_its_test_examples():
    p = Options(encoder_layers=("10",), dataset="digits")
    record = load_training_set(p).record
    assert record["splits"].keys() == {"train", "test"}
    record["splits"]["test"]["features"] = 64 * "0"
    assert load_training_set(p, record).record == record
