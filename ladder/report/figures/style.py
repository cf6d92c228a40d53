"""How figures look: colours that the colour-blind can tell apart, on an opaque light ground."""

from contextlib import contextmanager

from ladder.files import printable

#: Okabe and Ito's colours; as thin lines on white they have a contrast above 3.
BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#007A59"
INK, GREY, FAINT = "#222222", "#666666", "#DDDDDD"

#: Fill of boxes and areas behind lines of the same hue.
PALE_BLUE, PALE_ORANGE = "#DCEBF5", "#FBE6D4"

#: Colour map, from low to high cost.
COSTS = "cividis"

SETTINGS = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "figure.titlesize": 13,
    "font.size": 10,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    # Makes the identifiers inside the file the same each time.
    "svg.hashsalt": "ladder",
    "path.simplify": True,
    "path.simplify_threshold": 0.2,
}


@contextmanager
def styled():
    """Draw and save figures in this style; the user's own matplotlib settings are ignored."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


def new_figure(width, height, title):
    """An empty figure with a title, laid out so that nothing overlaps; sizes in inches of 72 pixels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(printable(title), parse_math=False)  # it may contain names with $ in them
    return figure
