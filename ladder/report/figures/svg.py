"""Figures as SVG: bit for bit the same each time, with a title and a description for those who cannot see them."""

import io
import re
from xml.sax.saxutils import escape

#: What matplotlib would write about the date and itself.
NO_DATE = {"Date": None, "Creator": None, "Format": None, "Type": None}

#: A hundredth of a point is enough; matplotlib writes a millionth.
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")


def as_svg(figure, title, description):
    """A figure as the text of an SVG file.

    Parameters
    ----------
    figure : matplotlib Figure, drawn under :func:`ladder.report.figures.style.styled`
    title, description : str
        They become ``<title>`` and ``<desc>``, which screen readers read.

    Returns
    -------
    str

    Examples
    --------
    >>> from ladder.report.figures.style import new_figure, styled
    >>> with styled():
    ...     text = as_svg(new_figure(2, 1, "A"), "A & B", "Nothing.")
    >>> '<title id="title">A &amp; B</title>' in text, '<desc id="desc">Nothing.</desc>' in text
    (True, True)
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.text import Text

    FigureCanvasSVG(figure)
    file = io.StringIO()
    # Text stays text, which is searchable and small, unless there are formulas: browsers lack some of their letters.
    has_formulas = any("$" in text.get_text() for text in figure.findobj(Text))
    with matplotlib.rc_context({"svg.fonttype": "path" if has_formulas else "none"}):
        figure.savefig(file, format="svg", metadata=NO_DATE, facecolor="white")
    paths = re.compile(r' (d|x|y)="[^"]*"')
    named = f'<title id="title">{escape(title)}</title>\n <desc id="desc">{escape(description)}</desc>\n'
    opening = re.compile(r"<svg ([^>]*)>\n")
    text = opening.sub(lambda tag: f'<svg role="img" aria-labelledby="title desc" {tag[1]}>\n {named}', file.getvalue())
    text = paths.sub(lambda found: LONG_NUMBER.sub(lambda number: f"{float(number[0]):.2f}", found[0]), text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
