"""One self-contained HTML page about one or several runs."""

import logging
from pathlib import Path

from ladder import __version__
from ladder.errors import UserError
from ladder.report import charts, findings, interactive_charts, overview
from ladder.report.palette import DARK, LIGHT, N_SERIES, css_variables
from ladder.report.published import published_tables
from ladder.report.reported import group_by_settings, read_runs
from ladder.report.requirements import check_installed
from ladder.report.static_charts import static_chart
from ladder.training.evaluation import TrainedRun

logger = logging.getLogger("main")

TEMPLATES = Path(__file__).with_name("templates")

#: Maximum size of a page.
MOST_BYTES = 5_000_000

#: Maximum number of networks that a page looks into; each takes minutes to compile.
MOST_LOOKS = 4

#: Dash patterns in a legend, for lines beyond the number of colours.
DASHES = ("", "5 3", "2 2")

NO_PARAMETERS = (
    "This is the record of a run, without its parameters: what the network itself would show cannot be shown."
)
NO_DATA = "Its data set or its network could not be used when this page was made, so this part is left out."
FILES_ONLY = "This page was made from the files of the run alone, without its network and data set."


def make_page(paths, backend=None, static=False, title=None, parameters="last"):
    """Make the page about some runs.

    Parameters
    ----------
    paths : list of str or Path
        Folders of runs, finished or not.
    backend : dict or None
        Arguments for :func:`ladder.backends.configure`, to look into the
        networks; None: the page is made from the files of the runs alone.
    static : bool
        Draw charts as pictures instead of with Bokeh, whose script takes 1.3 MB.
    title : str, optional
        Default: ``Report of NAME``, or of the number of runs.
    parameters : {'last', 'best'}
        Which parameters' errors and pictures it shows: those of the last epoch, or those that ``--keep best`` kept.

    Returns
    -------
    str
        HTML that loads no other file, at most ``MOST_BYTES`` of UTF-8.

    Raises
    ------
    UserError
        A folder is not a run, a library is missing, or the page would be larger than ``MOST_BYTES``.

    Examples
    --------
    >>> page = make_page(["results/mnist_100_full0"], static=True)  # doctest: +SKIP
    """
    check_installed(interactive=not static)
    runs = read_runs(paths, parameters)
    looks, missing = _looks(runs, backend)
    drawing = _Charts(static)
    title = title or "Report of " + (runs[0].name if len(runs) == 1 else f"{len(runs)} runs")
    page = _render(_content(runs, looks, missing, drawing, title))
    size = len(page.encode("utf-8", "replace"))
    if size > MOST_BYTES:
        raise UserError(
            f"the page of these {len(runs)} runs would have {size / 1e6:.1f} MB, and no more than {MOST_BYTES / 1e6:g} "
            "is good to open: give fewer runs, or --static."
        )
    return page


def _content(runs, looks, missing, drawing, title):
    """Everything the template needs, by name."""
    groups = group_by_settings(runs)
    content = {
        "title": title,
        "version": __version__,
        "summary": overview.summary(runs, groups, looks),
        "difference": overview.option_difference(runs),
        "networks": [overview.network(group, looks) for group in groups],
        "learning": drawing.all(charts.learning_curves(groups)),
        "denoising": drawing.all(charts.cost_curves(groups, "train_denois", "Denoising cost")),
        "vat": drawing.all(charts.cost_curves(groups, "train_vat", "Virtual adversarial cost")),
        "spread": _spread(groups),
        "curves_in_words": charts.curves_in_words(groups),
        "looks": [findings.look_in_words(run, looks[run.name], missing[run.name]) for run in runs if run.name in looks],
        "not_looked": _not_looked(runs, looks),
        "filters": [found for run in runs if (found := findings.filters(run, looks.get(run.name)))],
        "attacks": [found for run in runs for found in findings.attacks(run, drawing.one)],
        "published": published_tables(runs),
        "no_published": "No preset has the settings of these runs, so there is no published number to compare with.",
        "commands": overview.commands(runs),
        "environment": overview.environment_table(runs),
        "problems": [f"{run.name}: {problem}" for run in runs for problem in run.problems],
    }
    content["sections"] = _sections(content)
    content["interactive"] = drawing.interactive()
    return content


def _sections(content):
    """Identifiers and titles of the sections that the page has."""
    titles = {
        "result": ("Result", True),
        "difference": ("Options that differ", content["difference"]),
        "network": ("What was trained", True),
        "curves": ("Learning curves", True),
        "mistakes": ("Right and wrong", True),
        "reconstructions": ("Reconstructions", True),
        "filters": ("Filters", content["filters"]),
        "attacks": ("Under attack", content["attacks"]),
        "published": ("Published numbers", True),
        "repeat": ("How to repeat it", True),
        "problems": ("What was left out", content["problems"]),
    }
    return [{"id": name, "title": title} for name, (title, there) in titles.items() if there]


def _spread(groups):
    if any(len(group.in_curves) > 1 for group in groups):
        return (
            "; of runs that differ in the seed alone, the mean as a line, and the range from lowest to highest as a "
            "band"
        )
    return ""


def _looks(runs, backend):
    """Look into the networks, and say why where that is not possible.

    Returns
    -------
    looks : dict of run name -> Look or None, of the runs that are looked into
    missing : dict of run name -> str
        What the page says where there is no Look.
    """
    looks, missing = {}, {}
    chosen = {run.name for group in group_by_settings(runs) for run in group.runs[:1]}
    chosen = sorted(runs, key=lambda run: run.name not in chosen)[:MOST_LOOKS]
    for run in chosen:
        looks[run.name], missing[run.name] = _look(run, backend)
    return looks, missing


def _look(run, backend):
    """A run's Look and '', or None and the sentence to show instead."""
    if not run.has_parameters:
        return None, NO_PARAMETERS if run.folder.is_record() else "The run has saved no parameters yet."
    if backend is None:
        return None, FILES_ONLY
    from ladder.report.look import look_into

    logger.info("Looking into %s", run.name)
    try:
        return look_into(TrainedRun.load(run.folder.path, parameters=run.parameters), backend), ""
    except UserError as error:
        logger.warning("%s: %s", run.name, error)
        return None, NO_DATA


def _not_looked(runs, looks):
    left = [run.name for run in runs if run.name not in looks]
    if not left:
        return []
    return [f"Not looked into, as a page looks into {MOST_LOOKS} networks at most: {', '.join(left)}."]


class _Charts:
    """Draws charts, and keeps what the page's script needs for them.

    Parameters
    ----------
    static : bool
    """

    def __init__(self, static):
        self._static, self._items = static, []

    def all(self, found):
        return [self.one(chart) for chart in found]

    def one(self, chart):
        """What the template shows of a chart: ``title``, ``legend``, ``description``, and ``svg`` or ``element``."""
        shown = {
            "title": chart.title,
            "legend": list(map(_in_legend, chart.series)),
            "description": chart.description(),
        }
        if self._static:
            return {**shown, "svg": static_chart(chart)}
        element = f"chart-{len(self._items)}"
        self._items.append(interactive_charts.as_json(chart, element))
        return {**shown, "svg": None, "element": element}

    def interactive(self):
        """The scripts of the page, marked as not to be escaped; None without interactive charts."""
        from markupsafe import Markup

        if not self._items:
            return None
        paint = (TEMPLATES / "paint.js").read_text(encoding="utf-8")
        return {
            "script": Markup(interactive_charts.script()),
            "paint": Markup(paint),
            "items": list(map(Markup, self._items)),
        }


def _in_legend(series):
    dashes = DASHES[series.number // N_SERIES % len(DASHES)]
    return {"label": series.label, "color": f"series-{series.number % N_SERIES}", "dashes": dashes}


def _render(content):
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))
    colors = {"light": Markup(css_variables(LIGHT)), "dark": Markup(css_variables(DARK))}
    return environment.get_template("report.html").render(**content, **colors, style=style)
