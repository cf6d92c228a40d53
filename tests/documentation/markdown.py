"""What the tests of the documentation read: its pages, their code blocks, and the commands in these."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?P<language>[\w{}-]*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
#: Marks what is left out of a command or its output.
REST = "…"


def pages():
    """Every Markdown page of the documentation."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / "datasets" / "README.md"]


@dataclass
class Block:
    """A code block: its language ('' for none) and lines."""

    language: str
    lines: list


def blocks(page):
    """The code blocks of a page, in order."""
    found = FENCE.finditer(page.read_text())
    return [Block(match["language"], match["text"].splitlines()) for match in found]


@dataclass
class Session:
    """A command in a ``console`` block, and the lines of output shown for it."""

    command: str
    output: list


def sessions(block):
    """The commands in a ``console`` block, each after '$ ', with their output."""
    found = []
    for line in joined(block.lines):
        if line.startswith("$ "):
            found.append(Session(without_comment(line[2:]), []))
        else:
            found[-1].output.append(line)
    return found


def commands(page):
    """Every command that can be typed from a page's code blocks, without its output."""
    for block in blocks(page):
        if block.language == "console":
            yield from (session.command for session in sessions(block))
        elif block.language in ("", "sh", "bash"):
            yield from filter(None, map(without_comment, joined(block.lines)))


def joined(lines):
    """Lines, with each that ends in a backslash joined to the next one."""
    whole = ""
    for line in lines:
        if line.endswith("\\"):
            whole += line[:-1]
        else:
            yield whole + line
            whole = ""


def without_comment(command):
    return re.sub(r"(^|\s)#.*", "", command).strip()
