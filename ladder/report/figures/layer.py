"""One layer in detail (thesis, figures 15 and 19): the encoder's step and the decoder's, with the names of the code."""

from ladder.report.palette import LIGHT

MONOSPACE = "DejaVu Sans Mono"


class _Diagram:
    """Boxes and arrows, with coordinates in inches.

    Parameters
    ----------
    width, height : float
    title : str
    """

    def __init__(self, width, height, title):
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(width, height))
        self.axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
        self.axes.set_axis_off()
        self.text(width / 2, height - 0.25, title, size=13)

    def text(self, x, y, text, colour="ink", size=9, code=False, **others):
        family = {"family": MONOSPACE} if code else {}
        alignment = {"ha": "center", "va": "center", "linespacing": 1.35, **family, **others}
        self.axes.text(x, y, text, color=LIGHT[colour], fontsize=size, **alignment)

    def box(self, x, y, width, height, lines, colour):
        """A box around a point; the first line says what it does, the others are code."""
        from matplotlib.patches import FancyBboxPatch

        self.axes.add_patch(
            FancyBboxPatch(
                (x - width / 2, y - height / 2),
                width,
                height,
                boxstyle="round,pad=0,rounding_size=0.06",
                facecolor=LIGHT[f"{colour}-fill"],
                edgecolor=LIGHT[colour],
                linewidth=1.1,
            )
        )
        what, *code = lines
        step = 0.19
        first = y + step * len(code) / 2
        self.text(x, first, what, colour, weight="bold")
        for i, line in enumerate(code, 1):
            self.text(x, first - step * i, line, colour, size=8.2, code=True)

    def arrow(self, *points, colour="line", label=None, side="left"):
        """An arrow through these points; a label stands beside the middle of its last segment."""
        xs, ys = zip(*points)
        self.axes.plot(xs[:-1], ys[:-1], color=LIGHT[colour], linewidth=1.3, solid_capstyle="butt")
        self.axes.annotate(
            "",
            points[-1],
            points[-2],
            arrowprops=dict(arrowstyle="-|>", color=LIGHT[colour], linewidth=1.3, shrinkA=0, shrinkB=0),
        )
        if label:
            x, y = (xs[-2] + xs[-1]) / 2, (ys[-2] + ys[-1]) / 2
            if side == "above":
                self.text(x, y + 0.12, label, colour, size=8.2, code=True)
            else:
                shift, ha = (0.08, "left") if side == "left" else (-0.08, "right")
                self.text(x + shift, y, label, colour, size=8.2, code=True, ha=ha)


def draw_encoder():
    """The step of an encoder layer on both paths, and where noise enters."""
    d = _Diagram(10.4, 6.9, "Layer i of the encoder: the corrupted path and the clean path share its parameters")
    corr, clean = 4.4, 8.2
    d.text(corr, 6.33, "corrupted path: act.corr", "noise", weight="bold", size=10)
    d.text(clean, 6.33, "clean path: act.clean", "clean", weight="bold", size=10)

    d.box(6.3, 1.05, 6.4, 0.5, ["multiply (or convolve): project_up", "z_pre[i] = h[i - 1] f_i_W"], "decoder")
    for x, colour in ((corr, "noise"), (clean, "clean")):
        d.arrow((x, 0.4), (x, 0.8), colour=colour, label="h[i - 1]")
        d.arrow((x, 1.3), (x, 1.75), colour=colour, label="z_pre[i]")
        d.box(
            x, 2.1, 2.9, 0.7, ["normalise: normalize", "(z_pre - m) / √(s + 1e-10)", "m, s: of this batch half"], colour
        )
        d.box(x, 5.0, 2.9, 0.7, ["activate", "h = act(f_i_c (z + f_i_b))", "top: softmax; keeps logits"], colour)
        d.arrow((x, 5.35), (x, 5.85), colour=colour, label="h[i]")
        d.text(x, 5.98, "to layer i + 1", "quiet", size=8.2)

    d.arrow((corr, 2.45), (corr, 3.0), colour="noise")
    d.box(corr, 3.3, 2.9, 0.6, ["add noise", "z = … + noise × std + tau u"], "noise")
    d.arrow((corr, 3.6), (corr, 4.65), colour="noise")
    d.arrow((clean, 2.45), (clean, 4.65), colour="clean")
    d.text(corr - 0.08, 4.42, "z[i]", "noise", size=8.2, code=True, ha="right")
    d.text(clean - 0.08, 4.42, "z[i]", "clean", size=8.2, code=True, ha="right")

    d.box(1.3, 2.75, 2.1, 0.75, ["Gaussian: draw_noise", "--super-noise-std (i = 0)", "--f-local-noise-std"], "noise")
    d.arrow((2.35, 2.85), (2.95, 3.2), colour="noise")
    d.box(
        1.3,
        4.0,
        2.1,
        0.95,
        ["adversarial: direction", "u from U = dC/dz[i]", "--adv-kind, --adv-tau", "--adv-layers (0)"],
        "adversarial",
    )
    d.arrow((2.35, 3.85), (2.95, 3.4), colour="adversarial")
    d.text(2.75, 3.85, "tau u", "adversarial", size=8.2, code=True)
    d.arrow((corr, 4.1), (5.95, 4.1), colour="noise", label="to the decoder", side="above")
    d.arrow((clean, 4.1), (6.75, 4.1), colour="clean", label="to denois[i]", side="above")
    d.arrow((9.2, 2.45), (9.2, 2.95), colour="clean")
    d.text(
        9.2,
        3.25,
        "m[i], s[i]: to the decoder;\nof the labelled half also\nto shared_f_i_bn_…",
        "clean",
        size=7.6,
        code=True,
    )
    return d.figure


def draw_decoder():
    """The step of a decoder layer and its cost."""
    d = _Diagram(10.4, 6.9, "Layer i of the decoder, and its denoising cost")
    est = 5.0
    d.arrow((est, 6.45), (est, 6.1), colour="decoder", label="est.z[i + 1] (top: act.corr.unlabeled.h)")
    d.box(est, 5.8, 3.6, 0.6, ["multiply (or deconvolve): project_down", "est.z[i + 1] g_i_W"], "decoder")
    d.arrow((est, 5.5), (est, 5.1), colour="decoder")
    d.box(est, 4.8, 3.6, 0.6, ["normalise: normalize_by_itself", "u: mean 0, variance 1 in this batch"], "decoder")
    d.arrow((est, 4.5), (est, 4.1), colour="decoder", label="u")
    d.box(
        est,
        3.35,
        3.6,
        1.5,
        [
            "denoise: the decoder function, here gauss",
            "mu(u) = a1 s(a2 u + a3) + a4 u + a5",
            "v(u)  = a6 s(a7 u + a8) + a9 u + a10",
            "z_est = (z - mu) v + mu",
            "g_i_a1 … g_i_a10: one each per unit",
        ],
        "decoder",
    )
    d.box(1.25, 3.35, 1.9, 0.7, ["corrupted encoder", "act.corr.unlabeled", "z[i]"], "noise")
    d.arrow((2.2, 3.35), (3.2, 3.35), colour="noise", label="z", side="above")
    d.arrow((est, 2.6), (est, 1.95), colour="decoder", label="est.z[i]")
    d.arrow((est, 2.1), (2.2, 2.1), (2.2, 1.2), colour="decoder")
    d.text(2.2, 1.05, "to layer i - 1", "quiet", size=8.2)
    d.box(
        est,
        1.6,
        3.6,
        0.7,
        ["normalise as the clean path: normalize", "(z_est - m[i]) / √(s[i] + 1e-10)", "i > 0, --zestbn bugfix"],
        "cost",
    )
    d.box(9.0, 3.35, 2.1, 0.9, ["clean encoder", "act.clean.unlabeled", "z[i], m[i], s[i]"], "clean")
    d.arrow((8.3, 2.9), (8.3, 1.7), (6.8, 1.7), colour="clean", label="m[i], s[i]", side="above")
    d.box(7.6, 0.6, 4.2, 0.6, ["squared error: squared_error", "denois[i] = mean of (z_est - z[i])²"], "cost")
    d.arrow((est, 1.25), (est, 0.6), (5.5, 0.6), colour="cost")
    d.arrow((9.3, 2.9), (9.3, 0.9), colour="clean", label="z[i]")
    d.arrow((7.6, 0.3), (7.6, 0.05), colour="cost", label="× --denoising-cost-x, into costs.total")
    return d.figure
