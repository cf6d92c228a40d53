"""The README's commands on the real MNIST; training, which would take hours, is only checked with ``--dry-run``."""

import shlex

from documentation.markdown import ROOT, commands

from ladder.cli import main


def test_convert_and_train(shared_dir, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    done = []
    for command in commands(ROOT / "README.md"):
        words = shlex.split(command.replace("--directory D", f"--directory {shared_dir / 'data' / 'mnist'}"))
        if words[:3] == ["python", "run.py", "convert"]:
            assert main(words[2:]) == 0
        elif words[:3] == ["python", "run.py", "train"] and "--resume" not in words:
            assert main(["train", "--dry-run", *words[3:]]) == 0
            assert "60000 training examples, 100 of them labelled, 0 for validation" in capsys.readouterr().out
        else:
            continue
        done.append(words[2])
    assert done == ["convert", "train", "train"]
    assert (tmp_path / "datasets" / "mnist.hdf5").exists() and not (tmp_path / "results").exists()
