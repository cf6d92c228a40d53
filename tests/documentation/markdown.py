"""What the tests of the documentation read: pages, their blocks of code, and the commands in them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?P<language>[\w{}-]*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
#: What stands for "the rest of it" in a command or its output.
REST = "…"


def pages():
    """Every page of Markdown of the documentation."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / "datasets" / "README.md"]


@dataclass
class Block:
    """A block of code: its language ('' for none) and lines."""

    language: str
    lines: list


def blocks(page):
    """The blocks of code of a page, in order."""
    found = FENCE.finditer(page.read_text())
    return [Block(match["language"], match["text"].splitlines()) for match in found]


@dataclass
class Session:
    """A command of a ``console`` block, and the lines that it is said to print."""

    command: str
    output: list


def sessions(block):
    """The commands of a ``console`` block, each after '$ '."""
    found = []
    for line in joined(block.lines):
        if line.startswith("$ "):
            found.append(Session(without_comment(line[2:]), []))
        else:
            found[-1].output.append(line)
    return found


def commands(page):
    """Every command in the blocks of a page that may be typed, without what it prints."""
    for block in blocks(page):
        if block.language == "console":
            yield from (session.command for session in sessions(block))
        elif block.language in ("", "sh", "bash"):
            yield from filter(None, map(without_comment, joined(block.lines)))


def joined(lines):
    """Lines, those that end with a backslash together with the next one."""
    whole = ""
    for line in lines:
        if line.endswith("\\"):
            whole += line[:-1]
        else:
            yield whole + line
            whole = ""


def without_comment(command):
    return re.sub(r"(^|\s)#.*", "", command).strip()
