"""The code in README and tutorial, run in order in an empty folder, prints what they show, up to numbers."""

import contextlib
import io
import os
import re
import shlex

import pytest
from documentation.markdown import REST, ROOT, blocks, sessions

from ladder.cli import main

#: Typed once per machine, outside the program.
SET_UP = ("git clone", "cd ", "make venv", "source ")


def printed(function, *arguments):
    """What a function prints."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        result = function(*arguments)
    assert result in (0, None), output.getvalue()
    return output.getvalue()


def type_command(command):
    python, script, *words = shlex.split(command)
    assert (python, script) == ("python", "run.py")
    return printed(main, words)


def plain(line):
    """A line without what differs between machines: numbers, and hence the widths of columns."""
    line = re.sub(r"[━─]+", "─", re.sub(r"\d+(\.\d+)?(e-?\d+)?", "0", line))
    return re.sub(r"\s+", " ", line).strip()


def check_output(shown, printed):
    """Check that the lines shown were printed in this order, and consecutively where no ellipsis separates them."""
    printed = [plain(line) for line in printed.splitlines()]
    start = 0
    for part in "\n".join(map(plain, shown)).split(REST):
        lines = [line for line in part.strip("\n").split("\n") if line]
        places = [i for i in range(start, len(printed) + 1) if printed[i : i + len(lines)] == lines]
        assert places, f"not printed: {lines}\namong: {printed[start:]}"
        start = places[0] + len(lines)


def run_page(page, folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    names, done = {}, 0
    for block in blocks(page):
        if block.language == "console":
            for session in sessions(block):
                if not session.command.startswith(SET_UP):
                    check_output(session.output, type_command(session.command))
                    done += 1
        elif block.language == "python":
            said = printed(exec, "\n".join(block.lines), names)
            done += 1
        elif block.language == "text":  # what the Python above it prints
            check_output(block.lines, said)
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which the tutorial has been followed to its end."""
    folder = tmp_path_factory.mktemp("tutorial")
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert run_page(ROOT / "docs" / "tutorial.md", folder, monkeypatch) >= 8
    return folder


def test_the_tutorial_ends_with_a_picture(folder):
    picture = folder / "results" / "digits_ladder0" / "attack_images.png"
    assert picture.read_bytes()[:4] == b"\x89PNG" and picture.stat().st_size > 10_000


def test_what_the_tutorial_leaves_behind(folder):
    assert sorted(os.listdir(folder / "results")) == ["digits_labels_alone0", "digits_ladder0", "mine0"]


def test_python_of_the_readme(tmp_path, monkeypatch):
    """The README's first command is the tutorial's, and test_commands_in_docs.py parses the others."""
    monkeypatch.chdir(tmp_path)
    (example,) = [block for block in blocks(ROOT / "README.md") if block.language == "python"]
    said = printed(exec, "\n".join(example.lines), {})
    assert float(re.match(r"(0\.\d+) right", said)[1]) > 0.8


def test_the_first_command_of_the_readme_is_the_tutorials():
    makefile = (ROOT / "Makefile").read_text()
    first = next(block for block in blocks(ROOT / "README.md") if block.language == "console")
    assert [session.command for session in sessions(first)] == ["make train"]
    assert "TRAIN := $(RUN) run.py demo" in makefile
    typed = [s.command for b in blocks(ROOT / "docs" / "tutorial.md") if b.language == "console" for s in sessions(b)]
    assert "python run.py demo" in typed


def test_output_that_differs_is_noticed():
    check_output(["e 1, i 15: 0.21", REST, "Wrote a.png"], "x\ne 1, i 15: 0.3\nmore\nWrote a.png\n")
    for shown in (["e 1, j 15"], ["Wrote a.png", REST, "e 1"], ["x", "more"]):
        with pytest.raises(AssertionError, match="not printed"):
            check_output(shown, "x\ne 1, i 15: 0.3\nmore\nWrote a.png\n")
