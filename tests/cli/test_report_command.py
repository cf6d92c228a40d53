"""``run.py report``: what it writes and says, and what it refuses."""

import pytest
from report.pages import write_run

from ladder.cli import main
from ladder.report import requirements


def test_it_writes_a_page(tmp_path, capsys):
    run, page = write_run(tmp_path / "one"), tmp_path / "page.html"
    assert main(["report", str(run), "--output", str(page), "--static", "--files-only", "--title", "Mine"]) == 0
    html = page.read_text(encoding="utf-8")
    assert "<title>Mine</title>" in html and html.rstrip().endswith("</html>")
    assert f"Written: {page} ({len(html.encode()) / 1e6:.2f} MB)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, said",
    [
        (["nowhere", "--output", "page.html"], "there is no folder nowhere: give the folder of a run"),
        ([".", "--output", "page.html"], "has no params.json"),
        (["one", "--output", "one"], "--output one is a folder: give a file."),
        (["one", "--output", "no/page.html"], "make it first"),
        (["one", "--output", "page.html", "--device", "gpu"], "--device is for --backend jax"),
    ],
)
def test_refusals(tmp_path, capsys, monkeypatch, words, said):
    write_run(tmp_path / "one")
    monkeypatch.chdir(tmp_path)
    assert main(["report", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("missing, mend", [("jinja2", "pip install -e '.[report]'"), ("bokeh", "or give --static")])
def test_a_missing_library(tmp_path, capsys, monkeypatch, missing, mend):
    monkeypatch.setattr(requirements, "find_spec", lambda name: None if name == missing else object())
    run = write_run(tmp_path / "one")
    assert main(["report", str(run), "--output", str(tmp_path / "page.html"), "--files-only"]) == 2
    assert mend in capsys.readouterr().err


def test_damaged_options(tmp_path, capsys):
    run = write_run(tmp_path / "one")
    (run / "params.json").write_text("{")
    assert main(["report", str(run), "--output", str(tmp_path / "page.html"), "--static"]) == 2
    assert "params.json is damaged" in capsys.readouterr().err
