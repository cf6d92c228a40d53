"""Figures as SVG: the same bits each time, with a title and a description for those who cannot see them."""

import io
import re
from xml.sax.saxutils import escape

#: What matplotlib would write of the day and of itself.
NO_DATE = {"Date": None, "Creator": None, "Format": None, "Type": None}


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
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=NO_DATE)
    named = f'<title id="title">{escape(title)}</title>\n <desc id="desc">{escape(description)}</desc>\n'
    opening = re.compile(r"<svg ([^>]*)>\n")
    text = opening.sub(lambda tag: f'<svg role="img" aria-labelledby="title desc" {tag[1]}>\n {named}', file.getvalue())
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
