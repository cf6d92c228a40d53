"""Code that pages tell people to write does what the pages say."""

import aesara
import numpy as np
from documentation.markdown import ROOT, blocks

import ladder
from ladder import backends
from ladder.data.hdf5 import HDF5Dataset


def test_the_symbolic_graph(monkeypatch):
    """Everything but compilation, which other tests cover."""
    (block,) = [block for block in blocks(ROOT / "docs" / "python.md") if "network.apply(x, y, x_only)" in block.lines]
    asked = []
    monkeypatch.setattr(ladder, "configure", lambda: None)
    monkeypatch.setattr(backends, "function", lambda inputs, outputs: asked.append((inputs, outputs)))
    names = {}
    exec("\n".join(block.lines), names)
    step, ((inputs, (total, *gradients)),) = names["step"], asked
    assert [v.name for v in inputs] == ["x", "y", "x_only"] and total is names["network"].costs.total
    assert len(gradients) == len(step.parameters) and set(step.parameters) <= set(step.updates)
    assert set(aesara.graph.basic.graph_inputs([total])) >= set(inputs)


def test_a_data_set_is_added_as_the_page_says(tmp_path):
    diffs = [block.lines for block in blocks(ROOT / "docs" / "architecture.md") if block.language == "diff"]
    (lines,) = [lines for lines in diffs if lines[0] == "--- ladder/data/convert/letters.py"]
    added = [line[1:] for line in lines[: lines.index("--- ladder/data/registry.py")] if line.startswith("+")]
    names = {}
    exec("\n".join(added), names)
    letters = np.random.RandomState(0).randint(0, 256, (6, 1, 4, 5)).astype("uint8")
    for split in ("train", "test"):
        np.savez(tmp_path / f"letters_{split}.npz", features=letters, targets=np.arange(6))
    path = names["LETTERS"].convert(directory=tmp_path, output_path=tmp_path / "letters.hdf5")
    found = HDF5Dataset(path, "test")
    assert (found.features == letters).all() and found.targets.tolist() == [0, 1, 2, 3, 4, 5]
