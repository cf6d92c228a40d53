"""A page for every command of ``run.py``, from the parser itself: a new option appears by itself."""

import argparse
import re
from pathlib import Path

from ladder.cli import make_parser

FOLDER = "reference/commands"


def pages():
    """Dict of command -> its page, as reStructuredText."""
    parser = make_parser()
    (commands,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: _page(name, command) for name, command in commands.choices.items()}


def _page(name, parser):
    title = f"run.py {name}"
    lines = [title, "=" * len(title), "", _prose(parser.description), ""]
    lines += [".. code-block:: none", "", *(f"   {line}" for line in _usage(name, parser)), ""]
    lines += [f".. program:: run.py {name}", ""]
    for group in sorted(parser._action_groups, key=_is_the_rest):
        actions = [action for action in group._group_actions if not isinstance(action, argparse._HelpAction)]
        nested = [action for action in actions if isinstance(action, argparse._SubParsersAction)]
        if nested:
            lines += _nested(nested[0])
        elif actions:
            heading = _heading(group.title)
            lines += [heading, "-" * len(heading), ""]
            for action in actions:
                lines += _option(action)
    return "\n".join(lines)


def _usage(name, parser):
    """The arguments in short: pages of brackets with every option help nobody."""
    words = [f"python run.py {name}"]
    if any(action.option_strings for action in parser._actions if not isinstance(action, argparse._HelpAction)):
        words.append("[OPTIONS]")
    words += [_name(action) for action in parser._actions if not action.option_strings]
    return [" ".join(words)]


def _is_the_rest(group):
    """Options without a heading of their own come last: the others lead up to them."""
    return group.title == "options"


def _heading(title):
    return {"positional arguments": "Arguments", "options": "Options"}.get(title, title[0].upper() + title[1:])


def _name(action):
    if isinstance(action, argparse._SubParsersAction):
        return action.metavar or "{" + ",".join(action.choices) + "}"
    name = action.metavar or action.dest
    return f"[{name}]" if action.nargs in ("?", "*") else f"{name} …" if action.nargs == "+" else name


def _option(action):
    if not action.option_strings:
        return [f".. option:: {action.metavar or action.dest}", "", f"   {_prose(_help(action))}", ""]
    value = "" if action.nargs == 0 else " " + (action.metavar or _choices(action) or action.dest.upper())
    several = " …" if action.nargs in ("+", "*") else ""
    names = ", ".join(f"{name}{value}{several}" for name in action.option_strings)
    return [f".. option:: {names}", "", f"   {_prose(_help(action))}", ""]


def _choices(action):
    return "{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""


def _help(action):
    """The help as ``--help`` prints it: with defaults filled in."""
    return (action.help or "") % {**vars(action), "prog": "run.py"}


def _prose(text):
    """Text of the parser as reStructuredText: nothing in it is markup, and options stay what was typed."""
    escaped = re.sub(r"([\\*`|_])", r"\\\1", text or "")
    return re.sub(r"(?<![\w-])(--[a-z][\w-]*)", r"``\1``", escaped)


def _nested(action):
    lines, helps = [], {choice.dest: choice.help for choice in action._choices_actions}
    for name, parser in action.choices.items():
        what = (helps[name] or "").rstrip(".")
        lines += [name, "-" * len(name), "", f"{_prose(what[:1].upper() + what[1:])}.", ""]
        lines += [f".. program:: {parser.prog}", ""]
        for inner in parser._actions:
            if not isinstance(inner, argparse._HelpAction):
                lines += _option(inner)
    return lines


def write_pages(app):
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    written = pages()
    for old in folder.glob("*.rst"):
        if old.stem not in written:
            old.unlink()
    for name, text in written.items():
        path = folder / f"{name}.rst"
        if not path.is_file() or path.read_text() != text:  # what is unchanged is not built again
            path.write_text(text)


def setup(app):
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}
