"""Figures as SVG inside a page, in the page's colours."""

import io
import itertools
import re

from ladder.report.palette import LIGHT

#: An inch in points, as in matplotlib's SVG, and in pixels, as in CSS.
POINTS, PIXELS = 72, 96

_NAMES = {color: name for name, color in LIGHT.items()}
_numbers = itertools.count()


def inline_svg(figure, label, text_as_paths=False):
    """A figure as an ``<svg>`` element.

    Colours of :data:`ladder.report.palette.LIGHT` become CSS variables of the
    same names, so that a dark page can exchange them.  Identifiers are unique
    in a page.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    label : str
        What it shows, for those who cannot see it.
    text_as_paths : bool
        Draw text as paths, as matplotlib places it, which formulas need;
        leaving it to the browser takes less space.

    Returns
    -------
    markupsafe.Markup
    """
    import matplotlib
    from markupsafe import Markup, escape

    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "path" if text_as_paths else "none", "svg.hashsalt": "ladder"}):
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    body = file.getvalue().split("<svg", 1)[1].split(">", 1)[1]
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"\n\s*", "\n", _colored(_made_unique(body, f"s{next(_numbers)}-")))
    width, height = (POINTS * inches for inches in figure.get_size_inches())
    return Markup(
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {width:g} {height:g}" '
        f'style="width:{width * PIXELS / POINTS:.0f}px" xmlns:xlink="http://www.w3.org/1999/xlink">{body}'
    )


def _made_unique(body, prefix):
    """Add a prefix to all identifiers, and to whatever refers to them."""
    body = re.sub(r'(\sid=")', rf"\g<1>{prefix}", body)
    return re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{prefix}", body)


def _colored(body):
    """Turn colours into variables, and attributes, which cannot hold them, into styles."""
    body = re.sub(r'(fill|stroke)="(#[0-9a-f]{6})"', r'style="\1: \2"', body)
    return re.sub(
        r"#[0-9a-f]{6}\b", lambda found: f"var(--{_NAMES[found[0]]})" if found[0] in _NAMES else found[0], body
    )
