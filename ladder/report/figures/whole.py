"""The whole ladder (thesis, figure 14), drawn from options by :mod:`ladder.report.network`."""

#: A network small enough for one picture, with both kinds of noise.
NETWORK = {
    "encoder_layers": "500-250-10",
    "decoder_spec": "gauss",
    "denoising_cost_x": (1000, 10, 0.1, 0.1),
    "adv_kind": "sgn",
    "adv_tau": 0.045,
}

#: Font size relative to that on a report's page: pages of text show the picture 800 pixels wide.
LARGER = 1.18


def draw():
    """A ladder of three layers."""
    from matplotlib.text import Text

    from ladder.options import Options
    from ladder.report.network import network_figure

    figure = network_figure(Options.of(**NETWORK), (784,), "A ladder network, with the names of the code")
    for text in figure.findobj(Text):
        text.set_fontsize(LARGER * text.get_fontsize())
    return figure
