"""A ladder network as a picture, drawn from its options: both encoders, decoder, noise and costs.

Like figure 2 of Rasmus et al. (2015), and figures 14, 15 and 19 of
"Adversarial Learning with Ladder Networks" (2016), but of any network, and
with the names of the code: see docs/symbols.md.
"""

from dataclasses import dataclass

from ladder.adversarial_layers import resolve_adversarial, resolve_vat_cost
from ladder.layers import resolve_layers
from ladder.report.palette import LIGHT

#: Inches: the margin, and the gap between columns, which arrows and their labels need.
MARGIN, GAP = 0.2, 0.42

#: Inches: heights of a box, of a row, of a row where there are many, and of the headings above the columns.
BOX, ROW, LOW_ROW, HEADING = 0.48, 1.0, 0.84, 0.75

#: With more rows than this, rows are low.
MANY_ROWS = 9

#: Width of the output boxes relative to those of z.
OUTPUT = 0.7

MONOSPACE = "DejaVu Sans Mono"


def network_figure(p, in_dim, title=None):
    """Draw the network of some options.

    From left to right: the layers; the noise that is added; the corrupted
    encoder; the decoder and its costs, where there are any; the clean encoder,
    which has the same weights.

    Parameters
    ----------
    p : Options
    in_dim : tuple of int
        Shape of one example; () if it is not known.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        Transparent, in the colours of :data:`ladder.report.palette.LIGHT`.

    Raises
    ------
    UserError
        The options do not describe a network.

    Examples
    --------
    >>> from ladder.options import Options
    >>> p = Options.of(encoder_layers="500-10", denoising_cost_x=(1000, 10, 0.1), decoder_spec="gauss")
    >>> figure = network_figure(p, (784,))
    >>> {"f_1_W", "u: g_0_W", "gauss", "1000 × denois[0]"} <= {text.get_text() for text in figure.axes[0].texts}
    True
    """
    layers = resolve_layers(p, in_dim)
    adversarial, vat_costs = resolve_adversarial(p, layers), resolve_vat_cost(p, layers)
    columns = _columns(layers, bool(vat_costs) or any(taus for _, taus in adversarial.values()))
    drawing = _Drawing(len(layers) + 1, columns, title)
    _headings(drawing)
    for layer in layers:
        _label(drawing, layer)
        _noise(drawing, layer, adversarial, vat_costs)
        _encoders(drawing, layer)
        _decoder(drawing, layer, layers)
    _top(drawing, layers[-1], p.unsupervised)
    return drawing.figure


@dataclass(frozen=True)
class _Column:
    """A column of boxes: its middle and its width, in inches."""

    x: float
    width: float

    @property
    def left(self):
        return self.x - self.width / 2

    @property
    def right(self):
        return self.x + self.width / 2


def _columns(layers, has_adversarial):
    """Columns by name, from left to right."""
    widths = {"layers": 2.0, "noise": 1.75 if has_adversarial else 1.05, "corr": 0.85}
    if any(layer.decoder for layer in layers):
        longest = max(len(layer.decoder) for layer in layers)
        widths |= {"est": max(0.95, 0.3 + 0.082 * longest), "costs": 1.5}
    widths["clean"] = 0.85
    columns, left = {}, MARGIN
    for name, width in widths.items():
        columns[name] = _Column(left + width / 2, width)
        left += width + GAP
    return columns


class _Drawing:
    """A figure whose coordinates are inches, with rows of boxes in columns.

    Parameters
    ----------
    n_rows : int
    columns : dict of str -> _Column
    title : str or None
    """

    def __init__(self, n_rows, columns, title):
        from matplotlib.figure import Figure

        self.columns = columns
        self.row_height = ROW if n_rows <= MANY_ROWS else LOW_ROW
        self.n_rows = n_rows
        width = columns["clean"].right + MARGIN
        self.top = self.y(n_rows - 1) + BOX / 2 + 0.15
        height = self.top + HEADING + (0.35 if title else 0)
        self.figure = Figure(figsize=(width, height), facecolor="none")
        self.axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
        self.axes.set_axis_off()
        if title:
            self.text(width / 2, height - 0.22, title, size=12, weight="bold")

    def y(self, row):
        """The middle of a row, row 0 being the input."""
        return 0.62 + row * self.row_height

    def text(self, x, y, text, color="ink", size=9, **others):
        alignment = {"ha": "center", "va": "center", **others}
        self.axes.text(x, y, text, color=LIGHT[color], fontsize=size, **alignment)

    def box(self, column, row, text, color, below=None, fraction=1.0, lift=0.0, height=BOX):
        """A box with a line of text and, optionally, one ``below`` it in monospace."""
        from matplotlib.patches import FancyBboxPatch

        place, y = self.columns[column], self.y(row) + lift
        width = place.width * fraction
        self.axes.add_patch(
            FancyBboxPatch(
                (place.x - width / 2, y - height / 2),
                width,
                height,
                boxstyle="round,pad=0,rounding_size=0.08",
                facecolor=LIGHT[f"{color}-fill"],
                edgecolor=LIGHT[color],
                linewidth=1.1,
            )
        )
        size = 8 if "$" not in text else 9.5 if height > 0.3 else 8.5
        self.text(place.x, y + (0.085 if below else 0), text, color, size)
        if below:
            self.text(place.x, y - 0.125, below, color, size=8, family=MONOSPACE)

    def arrow(self, start, end, color, bend=None):
        """An arrow between two points in inches; ``bend`` is a connection style of Matplotlib's."""
        from matplotlib.patches import FancyArrowPatch

        style = {"connectionstyle": bend} if bend else {}
        self.axes.add_patch(
            FancyArrowPatch(
                start,
                end,
                arrowstyle="-|>",
                mutation_scale=9,
                shrinkA=0,
                shrinkB=0,
                linewidth=1.1,
                color=LIGHT[color],
                **style,
            )
        )


def _headings(drawing):
    """What each column is, and where its signals are in a LadderAE."""
    y = drawing.top + 0.18
    names = {
        "noise": ("noise", "noise", ""),
        "corr": ("corrupted\nencoder", "noise", "act.corr"),
        "est": ("decoder", "decoder", "act.est"),
        "costs": ("denoising costs", "cost", "weight × costs"),
        "clean": ("clean\nencoder", "clean", "act.clean"),
    }
    for name, (what, color, where) in names.items():
        if name in drawing.columns:
            x = drawing.columns[name].x
            drawing.text(x, y + 0.1, what, color, weight="bold", va="bottom", linespacing=1.1)
            drawing.text(x, y - 0.04, where, color, size=7.5, family=MONOSPACE)


def _label(drawing, layer):
    """The layer's number and kind, and below that its shape and activation."""
    x, y = drawing.columns["layers"].left, drawing.y(layer.number)
    drawing.text(x, y + 0.1, f"{layer.number}: {in_words(layer)}", weight="bold", ha="left")
    shape = layer.shape_in_words(" × ")
    act = layer.encoder_act if layer.number else ""
    drawing.text(x, y - 0.1, ", ".join(filter(None, (shape, act))), "quiet", ha="left")


def in_words(layer):
    """The kind of a layer, with its filters or windows, e.g. 'convv 3 × 3, stride 2'."""
    if not layer.filter_size:
        return {"input": "input", "fc": "fully connected", "globalmeanpool": "global mean pool"}[layer.kind]
    usual = layer.filter_size if layer.is_pooling else 1
    stride = "" if layer.stride == usual else f", stride {layer.stride}"
    return f"{layer.kind} {layer.filter_size} × {layer.filter_size}{stride}"


def _noise(drawing, layer, adversarial, vat_costs):
    """The noise added to the corrupted encoder's z, Gaussian and adversarial, and the virtual adversarial cost."""
    i, added = layer.number, []
    if layer.noise_std:
        added.append((rf"$\mathcal{{N}}(0,\ {layer.noise_std:g}^2)$", "noise"))
    for half, (kind, taus) in adversarial.items():
        if i in taus:
            added.append((f"{half}: {kind}, τ {taus[i]:.3g}", "adversarial"))
    if i in vat_costs:
        weight, radius = vat_costs[i]
        added.append((f"{weight:g} × vat[{i}], radius {radius:g}", "cost"))
    column, step = drawing.columns["noise"], 0.26
    for j, (text, color) in enumerate(added):
        lift = step * ((len(added) - 1) / 2 - j)
        drawing.box("noise", i, text, color, lift=lift, height=0.22 if len(added) > 1 else 0.32)
        # A cost is computed from z, so its arrow points the other way.
        y, left = drawing.y(i) + lift, drawing.columns["corr"].left
        ends = (column.right, y), (left, drawing.y(i) + 0.35 * lift)
        drawing.arrow(*(ends[::-1] if color == "cost" else ends), color)


def _encoders(drawing, layer):
    """z of both encoders, and the arrow to it from the layer below."""
    i, y = layer.number, drawing.y(layer.number)
    signals = {"corr": (r"\tilde{z}\,", "noise"), "clean": ("z", "clean")}
    for name, (z, color) in signals.items():
        x = drawing.columns[name].x
        drawing.box(name, i, f"${z}^{{({i})}}$", color)
        below = drawing.y(i - 1) + BOX / 2 if i else 0.24
        drawing.arrow((x, below), (x, y - BOX / 2), color)
        if i:
            drawing.text(
                x + 0.07, (below + y - BOX / 2) / 2 + 0.02, _up(layer), color, size=7, ha="left", family=MONOSPACE
            )
        else:
            drawing.text(x, 0.14, "$x$", color, size=10)


def _up(layer):
    """The name of what maps h of the layer below to this one."""
    return {"maxpool": "maxpool", "meanpool": "meanpool", "globalmeanpool": "mean"}.get(
        layer.kind, f"f_{layer.number}_W"
    )


def _decoder(drawing, layer, layers):
    """The estimate of z, its inputs, and its cost."""
    if not layer.decoder:
        return
    i, y = layer.number, drawing.y(layer.number)
    corr, est, costs, clean = (drawing.columns[name] for name in ("corr", "est", "costs", "clean"))
    drawing.box("est", i, rf"$\hat{{z}}\,^{{({i})}}$", "decoder", below=layer.decoder)
    drawing.arrow((corr.right, y), (est.left, y), "decoder")
    if layer.gets_u:
        _signal_from_above(drawing, layer, layers)
    color = "cost" if layer.denoising_cost else "line"
    drawing.arrow((est.right, y), (costs.left, y), color)
    drawing.arrow((clean.left, y), (costs.right, y), color)
    if layer.denoising_cost:
        drawing.box("costs", i, f"{layer.denoising_cost:g} × denois[{i}]", "cost", height=0.32)
    else:
        drawing.text(costs.x, y, f"denois[{i}], weight 0", "quiet", size=7.5)


def _signal_from_above(drawing, layer, layers):
    """u, the decoder's vertical input: at the top the corrupted encoder's output, else the estimate above."""
    i, est = layer.number, drawing.columns["est"]
    below, above = drawing.y(i) + BOX / 2, drawing.y(i + 1) - BOX / 2
    if i == len(layers) - 1:
        y, corr = drawing.y(i + 1), drawing.columns["corr"]
        drawing.arrow(
            (corr.x + OUTPUT * corr.width / 2, y), (est.x, below), "decoder", "angle,angleA=0,angleB=90,rad=6"
        )
        label = "u"
    else:
        drawing.arrow((est.x, above), (est.x, below), "decoder")
        label = f"u: {_down(layers[i + 1], i)}" if _down(layers[i + 1], i) else "u"
    drawing.text(est.x + 0.07, (below + above) / 2, label, "decoder", size=7, ha="left", family=MONOSPACE)


def _down(above, i):
    """The name of what maps the estimate of the layer above to layer i."""
    return {"maxpool": "unpool", "meanpool": "unpool", "globalmeanpool": "copied"}.get(above.kind, f"g_{i}_W")


def _top(drawing, top, unsupervised):
    """The outputs of both encoders above the top layer, and the supervised cost."""
    row, y = top.number + 1, drawing.y(top.number + 1)
    signals = {"corr": (r"$\tilde{y}$", "noise"), "clean": ("$y$", "clean")}
    for name, (text, color) in signals.items():
        x = drawing.columns[name].x
        drawing.box(name, row, text, color, fraction=OUTPUT)
        below = drawing.y(top.number) + BOX / 2
        drawing.arrow((x, below), (x, y - BOX / 2), color)
        drawing.text(x + 0.07, (below + y - BOX / 2) / 2 + 0.02, "softmax", color, size=7, ha="left", family=MONOSPACE)
    drawing.text(drawing.columns["layers"].left, y + 0.1, "output", weight="bold", ha="left")
    drawing.text(drawing.columns["layers"].left, y - 0.1, "probabilities of the classes", "quiet", ha="left")
    if not unsupervised:
        noise, corr = drawing.columns["noise"], drawing.columns["corr"]
        drawing.box("noise", row, "class_corr", "cost", height=0.32)
        drawing.arrow((corr.x - OUTPUT * corr.width / 2, y), (noise.right, y), "cost")
