"""The libraries that a report needs, checked for before any work is done."""

from importlib.util import find_spec

from ladder.errors import UserError

INSTALL = "pip install -e '.[report]'"


def check_installed(interactive):
    """Refuse if a library is missing, and name the command that installs it.

    Parameters
    ----------
    interactive : bool
        Whether charts are interactive, which needs Bokeh.
    """
    if find_spec("jinja2") is None:
        raise UserError(f"a report needs Jinja2, which is not installed: {INSTALL}")
    if interactive and find_spec("bokeh") is None:
        raise UserError(
            f"charts that answer to the mouse need Bokeh, which is not installed: {INSTALL}, or give --static."
        )
