"""The colours of figures: each has a name, so that a page can exchange them for those of a dark one.

Lines, markers and areas are told apart without colour too, and the hues are
those of Okabe and Ito, which the colour-blind can tell apart; darker, where
text has them, so that it stands out 4.5 times from its ground (WCAG 2).
"""

#: Name -> colour on a light page.  Each colour stands here once, so that it can be found again in a figure.
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

#: Colours of lines in charts, by number; more lines than this are told apart by dashes.
N_SERIES = 6

LIGHT |= dict(zip(map("series-{}".format, range(N_SERIES)), "#0072b2 #c04a00 #007a5c #8b468b #7d6000 #4d5b66".split()))
DARK |= dict(zip(map("series-{}".format, range(N_SERIES)), "#5ab4f0 #ff9b5e #4fd0a6 #e3a3e3 #e6c34b #b4c0cb".split()))


def css_variables(palette):
    """A palette as declarations of CSS, e.g. '--ink: #1f2328;'."""
    return " ".join(f"--{name}: {color};" for name, color in palette.items())
