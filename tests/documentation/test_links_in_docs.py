"""Links between pages, to files and to lines of code lead where they say.  (Sphinx also checks those inside docs/.)"""

import re
import runpy

import pytest
from documentation.markdown import FENCE, ROOT, pages

import ladder

LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^)\s]+)\)")
#: Generated when the documentation is built.
MADE = ("docs/reference/commands/", "docs/reference/package/", "docs/reference/public.rst")
CODE_LINKS = runpy.run_path(str(ROOT / "docs" / "code_links.py"))


def slug(heading):
    """The anchor of a heading, as GitHub and MyST generate it."""
    words = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def anchors(page):
    text = FENCE.sub("", page.read_text())
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def targets(page):
    text = FENCE.sub("", page.read_text())
    return [match["target"] for match in LINK.finditer(text) if not re.match(r"[a-z]+:", match["target"])]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page):
    for target in targets(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if str(file.relative_to(ROOT)).startswith(MADE):
            continue
        assert file.exists(), f"{target} leads nowhere"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{target}: there is no such heading"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_lines_point_at_what_they_name(page):
    text, lost = CODE_LINKS["mended"](page)
    assert lost == []
    assert text == page.read_text(), "python docs/code_links.py puts the numbers right"


def test_a_link_to_a_line_is_put_right_or_lost(tmp_path):
    (tmp_path / "code.py").write_text("X = 1\n\n\nclass Y:\n    z: int = 2\n")
    page = tmp_path / "page.md"
    page.write_text("[`X`](code.py#L9) [`Y`](code.py#L1) [`z`](code.py#L5) [`lost`](code.py#L1)")
    text, lost = CODE_LINKS["mended"](page)
    assert text == "[`X`](code.py#L1) [`Y`](code.py#L4) [`z`](code.py#L5) [`lost`](code.py#L1)"
    assert lost == ["[`lost`](code.py#L1)"]


def test_every_page_is_reached_from_the_readme():
    seen, left = set(), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        left += [(page.parent / target.partition("#")[0]).resolve() for target in targets(page)]
    made_for_the_site = {ROOT / "docs" / "index.md", ROOT / "docs" / "reference" / "index.md"}
    assert set(pages()) - seen - made_for_the_site == set()


def test_the_version_is_the_same_everywhere():
    assert f"\nversion: {ladder.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## [{ladder.__version__}]" in (ROOT / "CHANGELOG.md").read_text()
