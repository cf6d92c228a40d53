"""The options that a golden file was made with."""

from ladder.layer_specs import POOLINGS, parse_layer
from ladder.options import Options

PER_LAYER = ("denoising_cost_x", "decoder_spec", "act", "f_local_noise_std")
PLAIN = ("super_noise_std", "zestbn", "top_c", "seed", "lr")


def options_of(meta, plain_graph=False):
    """The configuration in a golden file's .json.

    Parameters
    ----------
    meta : dict
        ``p_effective`` holds all options; one that it lacks is taken from
        ``config`` (the options that differ from the defaults).
    plain_graph : bool

    Returns
    -------
    p : Options
    in_dim : tuple of int, shape of one example

    Raises
    ------
    UserError
        If the network cannot be built from these options.
    """
    options = _options(meta)
    in_dim, *layers = options["encoder_layers"]
    values = {name: _tuple(options[name]) for name in PER_LAYER if name in options}
    values.update({name: options[name] for name in PLAIN if name in options})
    return Options(encoder_layers=tuple(map(str, layers)), plain_graph=plain_graph, **values), _tuple(in_dim)


def is_model(meta):
    """Whether a golden file describes a network."""
    return "encoder_layers" in _options(meta)


def is_pooling(meta, i):
    """Whether layer i of a golden file's network is a pooling layer, which is linear."""
    return i > 0 and parse_layer(_options(meta)["encoder_layers"][i]).kind in POOLINGS


def _options(meta):
    config = dict(meta.get("config", {}))
    if "encoder_layers" in config:
        config["encoder_layers"] = [config.get("in_dim"), *config["encoder_layers"]]
    return {**config, **meta.get("p_effective", {})}


def _tuple(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)
