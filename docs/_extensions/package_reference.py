"""Pages of the package's docstrings: the public names, then every module, a page a room.

Also turns links from Markdown pages to the code into links of the checkout, because the site holds no code.
"""

import ast
from pathlib import Path

from sphinx.addnodes import pending_xref

import ladder

FOLDER = "reference/package"
PUBLIC = "reference/public.rst"
PACKAGE = Path(ladder.__file__).parent


def public_page():
    """Everything in ``ladder.__all__``, in that order."""
    lines = ["Public names", "============", "", "What ``from ladder import …`` gives.", ""]
    for name in ladder.__all__:
        thing = getattr(ladder, name)
        if isinstance(thing, type):
            lines += [f".. autoclass:: ladder.{name}", "   :members:", ""]
        elif callable(thing):
            lines += [f".. autofunction:: ladder.{name}", ""]
        else:
            lines += [f".. py:data:: ladder.{name}", f"   :value: {thing!r}", ""]
    return "\n".join(lines)


def rooms():
    """Dict of room -> its modules by name: a room is a folder of ladder/; what lies beside them is 'ladder'."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("ladder", *path.relative_to(PACKAGE).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts = parts[:-1]
        name = ".".join(parts)
        in_a_room = len(parts) > 2 or path.name == "__init__.py"
        if name != "ladder" and ast.get_docstring(ast.parse(path.read_text())):
            found.setdefault(parts[1] if in_a_room else "ladder", []).append(name)
    return found


def room_page(room, modules):
    title = "Modules of their own" if room == "ladder" else f"ladder.{room}"
    lines = [title, "=" * len(title), ""]
    for module in modules:
        if module != f"ladder.{room}":
            lines += [module, "-" * len(module), ""]
        lines += [f".. automodule:: {module}", "   :members:", "   :ignore-module-all:"]
        elsewhere = [name for name, where in ladder._WHERE.items() if where == module]
        lines += [f"   :exclude-members: {', '.join(elsewhere)}", ""] if elsewhere else [""]
        lines += [f"See :obj:`ladder.{name}`.\n" for name in elsewhere]
    return "\n".join(lines)


def write_pages(app):
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    written = {folder / f"{room}.rst": room_page(room, modules) for room, modules in rooms().items()}
    for old in set(folder.glob("*.rst")) - set(written):
        old.unlink()
    written[Path(app.srcdir) / PUBLIC] = public_page()
    for path, text in written.items():
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)


def keep_comments(app, what, name, obj, options, lines):
    """Before napoleon, which would take the words before a colon in a ``#:`` comment for a type."""
    if what == "data":
        app.env.temp_data["comment", name] = list(lines)


def restore_comments(app, what, name, obj, options, lines):
    if what == "data":
        lines[:] = app.env.temp_data.pop(("comment", name), lines)


def is_of_a_type(node):
    """Whether this is a word of a type, and no role in a text, which must lead somewhere."""
    return node.get("refdomain") == "py" and "refwarn" not in node


def leave_words_alone(app, doctree):
    """numpydoc's types are words ("the mean, or None"): classes among them are links, other words are not."""
    for node in list(doctree.findall(pending_xref)):
        if is_of_a_type(node) and not node["reftarget"].split(".")[-1][:1].isupper():
            node.replace_self(node.children)


def class_of_another_library(app, domain, node):
    return is_of_a_type(node) or None


def skip_members_of_others(app, what, name, obj, skip, options):
    """scikit-learn gives its estimators methods whose docstrings refer to its own pages."""
    return True if (getattr(obj, "__module__", None) or "").startswith("sklearn.") else None


def setup(app):
    # Before anything imports Aesara: it fixes its settings then.
    ladder.configure(threads=1)
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", keep_comments, priority=100)
    app.connect("autodoc-process-docstring", restore_comments, priority=900)
    app.connect("autodoc-skip-member", skip_members_of_others)
    app.connect("doctree-read", leave_words_alone)
    app.connect("warn-missing-reference", class_of_another_library)
    return {"parallel_read_safe": True}
