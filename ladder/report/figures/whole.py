"""The whole ladder (thesis, figure 14), drawn from options by :mod:`ladder.report.network`."""

#: A network small enough for one picture, with noise of both sorts.
NETWORK = {
    "encoder_layers": "500-250-10",
    "decoder_spec": "gauss",
    "denoising_cost_x": (1000, 10, 0.1, 0.1),
    "adv_kind": "sgn",
    "adv_tau": 0.045,
}


def draw():
    """A ladder of three layers."""
    from ladder.options import Options
    from ladder.report.network import network_figure

    return network_figure(Options.of(**NETWORK), (784,), "A ladder network, with the names of the code")
