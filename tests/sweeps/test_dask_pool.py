"""Where files sent by workers are written, without a cluster."""

import pytest

from ladder.runs.folder import LOG, RunFolder
from ladder.sweeps.dask_pool import _write


@pytest.mark.parametrize("name", ["x", "../../x", "a/../../../x", "{}/x", "/{}/x"])
def test_files_that_a_worker_sends_go_nowhere_but_into_the_runs_folder(tmp_path, name):
    folder = RunFolder(tmp_path / "sweep" / "run0")
    folder.path.mkdir(parents=True)
    _write(folder, {LOG: b"", name.format(tmp_path): b"weights"})
    (path,) = tmp_path.rglob("x")
    assert path.is_relative_to(folder.path) and path.read_bytes() == b"weights"
