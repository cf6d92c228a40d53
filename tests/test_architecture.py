"""The structure drawn in docs/architecture.md: imports point down its list, and are never circular."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "ladder"


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def listed():
    """The entries of ``ladder/`` in the page's tree, from top to bottom."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    tree = page.split("ladder/\n", 1)[1].split("benchmarks/", 1)[0]
    return [re.sub(r"(/|\.py)$", "", entry) for entry in re.findall(r"^  (\S+)", tree, re.MULTILINE)]


def imported(nodes):
    """Modules of the package that these nodes import."""
    for node in nodes:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # An imported name may be a module, or something in one.
            names = [
                name if (name := f"{node.module}.{alias.name}") in MODULES else node.module for alias in node.names
            ]
        yield from (name for name in names if name in MODULES)


def entry(module):
    return module.split(".")[1]


def test_the_page_lists_every_part_of_the_package():
    assert {entry(module) for module in MODULES if module != "ladder"} <= set(listed())


def test_imports_point_down_the_list():
    place = {name: i for i, name in enumerate(listed())}
    upwards = [
        f"{module} imports {other}"
        for module, tree in MODULES.items()
        for other in imported(ast.walk(tree))
        if "ladder" not in (module, other) and place[entry(module)] > place[entry(other)]
    ]
    assert upwards == []


def test_no_circle_of_modules():
    """Only imports inside functions may be circular, because they run later."""
    graph = {module: set(imported(tree.body)) - {"ladder", module} for module, tree in MODULES.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError
