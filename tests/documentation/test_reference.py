"""The reference has every option of every command and every public name, because it is generated from them."""

import argparse
import re
import runpy

import pytest
from documentation.markdown import ROOT

import ladder
from ladder.cli import make_parser
from ladder.option_names import as_typed
from ladder.options import GROUPS, OPTIONS

EXTENSIONS = ROOT / "docs" / "_extensions"


@pytest.fixture(scope="module")
def commands():
    return runpy.run_path(str(EXTENSIONS / "command_reference.py"))


@pytest.fixture(scope="module")
def package():
    pytest.importorskip("sphinx", reason="Sphinx needs Python 3.11")
    return runpy.run_path(str(EXTENSIONS / "package_reference.py"))


def options_of(page):
    return set(re.findall(r"--[a-z][\w-]*", "\n".join(re.findall(r"^\.\. option:: (.+)$", page, re.MULTILINE))))


def test_every_command_has_a_page_with_its_options(commands):
    pages = commands["pages"]()
    (choices,) = [a.choices for a in make_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    assert set(pages) == set(choices)
    for name, parser in choices.items():
        typed = {option for action in parser._actions for option in action.option_strings if option.startswith("--")}
        assert typed - {"--help"} <= options_of(pages[name])
    assert {as_typed(name) for name, o in OPTIONS.items() if o.group in GROUPS} <= options_of(pages["train"])
    assert {"--input", "--renumber-labels"} <= options_of(pages["convert"])  # of data sets' subcommands


def test_a_new_option_appears_by_itself(commands):
    parser = argparse.ArgumentParser(description="Do *something* with a_file.")
    parser.add_argument("what", help="100%% of it")
    parser.add_argument(
        "--new", type=int, default=3, metavar="N", nargs="+", help="how many; see --old (default: %(default)s)"
    )
    page = commands["_page"]("something", parser)
    assert ".. option:: --new N …\n\n   how many; see ``--old`` (default: 3)" in page
    assert "Do \\*something\\* with a\\_file." in page and "100% of it" in page
    assert "python run.py something [OPTIONS] what" in page


def test_every_public_name_is_there(package):
    page = package["public_page"]()
    assert re.findall(r"^\.\. .+:: ladder\.(\w+)$", page, re.MULTILINE) == ladder.__all__


def test_every_module_is_in_a_room(package):
    rooms = package["rooms"]()
    assert {"bricks", "training", "attacks", "cli", "ladder"} <= set(rooms)
    assert "ladder.model" in rooms["ladder"] and "ladder.bricks.decoder" in rooms["bricks"]
    assert "ladder.bricks" in rooms["bricks"] and "ladder.options" in rooms["ladder"]
    modules = {module for room in rooms.values() for module in room}
    files = {path for path in (ROOT / "ladder").rglob("*.py") if path.name != "__init__.py"}
    assert {str(path.relative_to(ROOT).with_suffix("")).replace("/", ".") for path in files} - modules == set()
