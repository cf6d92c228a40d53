"""Links from Markdown to lines of the code: ``[`name`](file.py#L12)`` must point at the definition of name.

``python docs/code_links.py`` puts the numbers right.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[`(?P<name>\w+)`\]\((?P<path>[^)#\s]+\.py)#L(?P<line>\d+)\)")


def pages():
    """Every page of Markdown that is part of the repository's documentation."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def line_of(name, path):
    """The line of a file of Python, from 1, that defines a name; None if there is none."""
    definition = re.compile(rf"\s*(?:(?:def|class) {name}\b|{name}(?:: [^=]+)? = )")
    lines = path.read_text().splitlines()
    return next((number for number, line in enumerate(lines, start=1) if definition.match(line)), None)


def mended(page):
    """The text of a page with the right numbers, and the links that have no definition to point at."""
    lost = []

    def mend(link):
        path = page.parent / link["path"]
        line = line_of(link["name"], path) if path.is_file() else None
        if line is None:
            lost.append(link[0])
            return link[0]
        return f"[`{link['name']}`]({link['path']}#L{line})"

    return LINK.sub(mend, page.read_text()), lost


def main():
    for page in pages():
        text, lost = mended(page)
        for link in lost:
            print(f"{page.relative_to(ROOT)}: {link} points at no definition")
        if text != page.read_text():
            page.write_text(text)
            print(f"{page.relative_to(ROOT)}: line numbers put right")


if __name__ == "__main__":
    main()
