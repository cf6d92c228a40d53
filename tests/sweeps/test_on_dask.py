"""Whether a worker of a cluster sees the sweep's own folder, without a cluster."""

import pytest

from ladder.runs.folder import SWEEP
from ladder.sweeps.on_dask import _sees


@pytest.mark.parametrize(
    "content, sees",
    [('{"token": "this"}', True), ('{"token": "another"}', False), ("{}", False), ('["this"]', False), ("{", False)],
)
def test_a_folder_is_the_same_one_where_it_has_the_sweeps_token(tmp_path, content, sees):
    (tmp_path / SWEEP).write_text(content)
    assert _sees({"folder": str(tmp_path / "run0"), "token": "this"}) is sees


def test_a_folder_that_is_not_there_is_not_seen(tmp_path):
    assert _sees({"folder": str(tmp_path / "sweep" / "run0"), "token": "this"}) is False
