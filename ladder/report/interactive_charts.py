"""Interactive charts, drawn by Bokeh, whose script goes into the page."""

import json

from ladder.report.palette import LIGHT, N_SERIES

DASHES = ("solid", "dashed", "dotted")


def script():
    """BokehJS, as text: 1.3 MB."""
    from bokeh.resources import Resources

    text = Resources(mode="inline", components=["bokeh"], log_level="error").js_raw[0]
    return text.replace("</script", "<\\/script")


def as_json(chart, element):
    """A chart as the JSON that ``Bokeh.embed.embed_item`` draws into an element.

    Colours follow the page: a model's tags 'property:name' say which of its
    properties has which colour, and the page's script sets them.

    Parameters
    ----------
    chart : ladder.report.charts.Chart
    element : str, its identifier

    Returns
    -------
    str
        Safe within ``<script>``.
    """
    from bokeh.embed import json_item

    return json.dumps(json_item(_figure(chart), element)).replace("<", "\\u003c")


def _figure(chart):
    from bokeh.models import HoverTool
    from bokeh.plotting import figure

    y_axis = {"y_axis_type": "log"} if chart.is_log else {}
    plot = figure(
        height=300, sizing_mode="stretch_width", tools="pan,box_zoom,reset,save", toolbar_location="above", **y_axis
    )
    plot.toolbar.logo = None
    for series in chart.series:
        _add(plot, series, chart.markers or len(series.x) <= 2)
    if chart.from_zero:
        plot.y_range.start = 0
    tips = [("", "@label"), (chart.x_label, "@x"), (chart.y_label, "@y{0.0000 a}")]
    plot.add_tools(HoverTool(tooltips=tips, mode="mouse"))
    plot.xaxis.axis_label, plot.yaxis.axis_label = chart.x_label, chart.y_label
    _follow_the_page(plot)
    return plot


def _add(plot, series, marked):
    from bokeh.models import ColumnDataSource

    name, dash = f"series-{series.number % N_SERIES}", DASHES[series.number // N_SERIES % len(DASHES)]
    columns = {"x": series.x, "y": series.y, "label": [series.label] * len(series.x)}
    if series.low is not None:
        columns |= {"low": series.low, "high": series.high}
    source = ColumnDataSource({key: list(values) for key, values in columns.items()})
    if series.low is not None:
        band = plot.varea("x", "low", "high", source=source, fill_color=LIGHT[name], fill_alpha=0.18)
        band.glyph.tags = [f"fill_color:{name}"]
    line = plot.line("x", "y", source=source, line_color=LIGHT[name], line_width=2, line_dash=dash)
    line.glyph.tags = [f"line_color:{name}"]
    if marked:
        points = plot.scatter("x", "y", source=source, size=6, fill_color=LIGHT[name], line_color=LIGHT[name])
        points.glyph.tags = [f"fill_color:{name}", f"line_color:{name}"]


def _follow_the_page(plot):
    """Give everything around the lines the page's colours."""
    plot.background_fill_alpha = plot.border_fill_alpha = 0
    plot.outline_line_color = None
    for axis in plot.axis:
        axis.tags = [
            "axis_label_text_color:quiet", "major_label_text_color:quiet", "axis_line_color:line",
            "major_tick_line_color:line", "minor_tick_line_color:line",
        ]  # fmt: skip
        axis.axis_label_text_font_style = "normal"
    for grid in plot.grid:
        grid.tags = ["grid_line_color:grid"]
