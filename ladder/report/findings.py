"""The parts of a page that show a look into the trained network, as texts and pictures for its template."""

import numpy as np

from ladder.data.description import class_name
from ladder.files import open_regular, read_at_most
from ladder.report.charts import robustness_curves
from ladder.report.overview import error_in_words
from ladder.report.pictures import (
    HEAT_RANGE,
    PNG_SIGNATURE,
    as_data_uri,
    confusion_picture,
    grid_of_filters,
    heat_map,
    picture,
)

#: Confusion matrices of more classes are not drawn.
MOST_CLASSES = 100

#: Maximum numbers of rows and columns of a heat map.
HEAT_EXAMPLES, HEAT_UNITS = 24, 100

#: Maximum size in bytes of a picture file that is put into the page.
MOST_BYTES = 700_000

#: Width of a filter on the page, in pixels.
FILTER_PIXELS = 50


def look_in_words(run, look, missing):
    """What the template shows of a Look.

    Parameters
    ----------
    run : ReportedRun
    look : Look or None
    missing : str
        What to say if there is none.
    """
    if look is None:
        return {"name": run.name, "missing": missing, "guesses": None, "inputs": None, "signals": None}
    return {
        "name": run.name,
        "missing": "",
        "guesses": look.guesses and _guesses(run, look.guesses),
        "inputs": look.inputs and _inputs(look),
        "signals": _signals_table(look.signals),
        "heat": [_heat(signals) for signals in look.signals],
    }


def _guesses(run, guesses):
    report = guesses.report
    confusion = report["confusion"]
    label = f"Confusion matrix of {run.name}: {report['n'] - report['n_wrong']} of {report['n']} right"
    names = [class_name(run.data, i) or i for i in range(len(confusion))]
    return {
        "confusion": confusion_picture(confusion, label, names) if len(confusion) <= MOST_CLASSES else None,
        "sentence": error_in_words(report["n_wrong"], report["n"]),
        "by_class": [_class_row(i, report, names) for i in range(min(len(confusion), MOST_CLASSES))],
        "mistakes": [
            {
                "number": one.number,
                "true": names[one.true],
                "guess": names[one.guess],
                "probability": f"{100 * one.probability:.2f} %",
                "image": None if one.image is None else picture(one.image, guesses.value_range),
            }
            for one in guesses.mistakes
        ],
    }


def _class_row(i, report, names):
    counts = np.array(report["confusion"][i])
    error, wrong = report["error_percent_by_class"][i], counts.copy()
    wrong[i] = 0
    others = [f"{names[j]} ({wrong[j]})" for j in np.argsort(-wrong, kind="stable")[:2] if wrong[j]]
    return names[i], "" if error is None else f"{error:.2f}", f"{counts.sum():,}", ", ".join(others)


def _inputs(look):
    return [
        {"name": name, "images": [picture(image, look.input_range) for image in images]} for name, images in look.inputs
    ]


def _signals_table(signals):
    rows = []
    for one in signals:
        cells = [_number(one.r2(one.noisy)), _number(one.correlation(one.noisy))]
        if one.denoised is None:
            cells += ["no decoder", "", ""]
        else:
            cells += [_number(one.r2(one.denoised)), _number(one.correlation(one.denoised)), f"{one.cost():.4g}"]
        rows.append((one.layer.number, *cells))
    headings = ("layer", "R² of z̃", "r of z̃", "R² of ẑ", "r of ẑ", "denoising cost")
    return {"headings": headings, "rows": rows, "n": len(signals[0].clean)}


def _number(value):
    return "" if value is None else f"{value:.3f}"


def _heat(signals):
    """Heat maps of a layer: its units that vary, or evenly spaced ones of these if there are too many to show."""
    scale = 1.0 if signals.layer.number else float(signals.clean.std()) or 1.0
    middle = 0.0 if signals.layer.number else float(signals.clean.mean())
    chosen = _shown_units(signals.clean)
    maps = []
    names = (("clean z", signals.clean), ("noisy z", signals.noisy), ("denoised z", signals.denoised))
    for name, values in names:
        alt = f"Layer {signals.layer.number}, {name}: a row per example, a column per unit"
        shown = None if values is None else heat_map((values[:HEAT_EXAMPLES, chosen] - middle) / scale)
        maps.append({"image": shown, "alt": alt})
    return {"number": signals.layer.number, "maps": maps, "range": HEAT_RANGE}


def _shown_units(values):
    """Positions of the units to show: of those that are not constant, all or evenly spaced ones."""
    alive = np.flatnonzero(np.ptp(values, axis=0) > 0)
    alive = alive if len(alive) else np.arange(values.shape[1])
    return alive[np.linspace(0, len(alive) - 1, min(HEAT_UNITS, len(alive))).astype(int)]


def filters(run, look):
    """The filters of the first layer; None if they are not images."""
    if look is None or look.filters is None:
        return None
    shown = look.filters
    columns = next((c for c in range(12, 5, -1) if len(shown) % c == 0), min(12, len(shown)))
    return {
        "name": run.name,
        "image": grid_of_filters(shown, columns),
        "n": len(shown),
        "total": look.n_filters,
        "width": FILTER_PIXELS * columns,
        "grey": shown.ndim == 3,
    }


def attacks(run, draw):
    """What ``run.py attack`` found, for each of its reports.

    Parameters
    ----------
    run : ReportedRun
    draw : function of a Chart -> what the template shows of it
    """
    return [_attack(run, where, report, draw) for where, report in run.attacks if report["attacks"]]


def _attack(run, where, report, draw):
    found = {(attack["tau"], attack["kind"]): f"{attack['error_percent']:.2f}" for attack in report["attacks"]}
    kinds = list(dict.fromkeys(attack["kind"] for attack in report["attacks"]))
    settings = report["settings"]
    overridden = report["overridden"]
    sentence = (
        f"{report['n']:,} {report['data_type']} examples of {report['dataset']}, "
        f"{'kept between 0 and 1' if settings['clip'] else 'not clipped'}. tau = 0 is no attack."
    )
    if any(kind.startswith("pgd") for kind in kinds):
        start = " from a random start" if settings["random_start"] else ""
        size = f" of {settings['step_size']:g}" if settings["step_size"] else ""
        sentence += f" Projected gradient descent takes {settings['steps']} steps{size}{start}."
    if report["batch_size"]:
        sentence += (
            f" Gradients were taken through the statistics of each batch of {report['batch_size']:,}, as in training: a "
            "much weaker attack than with fixed ones."
        )
    if overridden:
        sentence += f" Options were not the run's own: {', '.join(overridden)}."
    return {
        "name": f"{run.name}: {where}",
        "sentence": sentence,
        "chart": draw(robustness_curves(report)),
        "headings": ("tau", *kinds),
        "rows": [
            (f"{tau:g}", *(found.get((tau, kind), "") for kind in kinds)) for tau in sorted({tau for tau, _ in found})
        ],
        "image": _drawn_image(run.folder / where),
    }


def _drawn_image(report_path):
    """The picture beside a report, as a data URI; None if there is none that fits into a page."""
    from ladder.attacks.figures import IMAGES

    path = report_path.with_name(IMAGES)
    if not path.is_file():
        return None
    with open_regular(path) as file:
        png = read_at_most(file, MOST_BYTES)
    return as_data_uri(png) if png.startswith(PNG_SIGNATURE) and len(png) <= MOST_BYTES else None
