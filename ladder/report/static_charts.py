"""Charts as SVG, which needs no script."""

from ladder.report.palette import LIGHT, N_SERIES
from ladder.report.svg import inline_svg

DASHES = ("-", "--", ":")


def static_chart(chart):
    """A chart (:class:`ladder.report.charts.Chart`) as an ``<svg>`` element, without its legend and title."""
    import matplotlib

    # Names of runs are not formulas, even with dollar signs.
    with matplotlib.rc_context({"text.parse_math": False, "font.size": 9}):
        return inline_svg(_figure(chart), chart.description())


def _figure(chart):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.2, 3.0), layout="constrained", facecolor="none")
    axes = figure.add_subplot(facecolor="none")
    for series in chart.series:
        color, dashes = LIGHT[f"series-{series.number % N_SERIES}"], DASHES[series.number // N_SERIES % len(DASHES)]
        marker = "o" if chart.markers or len(series.x) <= 2 else None
        axes.plot(series.x, series.y, color=color, linestyle=dashes, linewidth=1.6, marker=marker, markersize=3.5)
        if series.low is not None:
            axes.fill_between(series.x, series.low, series.high, color=color, alpha=0.18, linewidth=0)
    if chart.is_log:
        _make_logarithmic(axes)
    if chart.from_zero:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(chart.x_label, color=LIGHT["quiet"])
    axes.set_ylabel(chart.y_label, color=LIGHT["quiet"])
    axes.tick_params(which="both", color=LIGHT["line"], labelcolor=LIGHT["quiet"])
    axes.grid(color=LIGHT["grid"], linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LIGHT["line"])
    return figure


def _make_logarithmic(axes):
    """Make the y axis logarithmic, with plain numbers; within two decades, 2 and 5 are labelled as well."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if high / low < 100:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_formatter(NullFormatter())
