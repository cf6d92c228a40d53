"""The colours of figures, by name, so that a dark page can exchange them for its own.

Lines, markers and areas can be told apart without colour as well.  The hues are
those of Okabe and Ito, which the colour-blind can tell apart; where they colour
text they are darker, for a contrast of 4.5 with the background (WCAG 2).
"""

#: Name -> colour on a light page.  No colour appears twice, so that one in a figure identifies its name.
LIGHT = {
    "ink": "#1f2328",
    "quiet": "#59636e",
    "line": "#8a939c",
    "grid": "#dfe3e7",
    "ground": "#ffffff",
    "clean": "#0a5c9e",
    "clean-fill": "#e3effa",
    "noise": "#9a4a00",
    "noise-fill": "#fbeedd",
    "decoder": "#00664b",
    "decoder-fill": "#dff3ec",
    "cost": "#5b4b8a",
    "cost-fill": "#ece8f6",
    "adversarial": "#b3261e",
    "adversarial-fill": "#fbe6e4",
}

#: The same names on a dark page.
DARK = {
    "ink": "#e6e9ec",
    "quiet": "#a5afb9",
    "line": "#7d8791",
    "grid": "#353b42",
    "ground": "#15181c",
    "clean": "#7cc0f8",
    "clean-fill": "#16324a",
    "noise": "#f2b368",
    "noise-fill": "#3f2c14",
    "decoder": "#6fd3b2",
    "decoder-fill": "#133a2f",
    "cost": "#c3b4f0",
    "cost-fill": "#2f2847",
    "adversarial": "#ff9a92",
    "adversarial-fill": "#48201d",
}

#: Number of line colours in charts; more lines than this are told apart by dashes.
N_SERIES = 6

LIGHT |= dict(zip(map("series-{}".format, range(N_SERIES)), "#0072b2 #c04a00 #007a5c #8b468b #7d6000 #4d5b66".split()))
DARK |= dict(zip(map("series-{}".format, range(N_SERIES)), "#5ab4f0 #ff9b5e #4fd0a6 #e3a3e3 #e6c34b #b4c0cb".split()))


def css_variables(palette):
    """A palette as CSS declarations, e.g. '--ink: #1f2328;'."""
    return " ".join(f"--{name}: {color};" for name, color in palette.items())
