"""What must be the same in runs that are averaged: everything but the seed.

Options are compared by what they mean: ``--decoder-spec gauss`` and the same
name for each layer are one setting, and so are all kinds of adversarial noise
of strength 0.
"""

from ladder.data.splits import TRAINING_SET_SIZE
from ladder.hyper import HyperParameters, resolve_adversarial, resolve_layers, resolve_vat_cost

#: Settings in which a run may differ from a row of a table and still be shown below it, as a row of its own.
VARIATIONS = ("num-epochs", "noise", "plain-graph", "unlabeled-samples", "valid-set-size", "dseed")

#: Of no consequence for the trained network and its errors, or part of what the layers say.
LEFT_OUT = {
    "seed",
    "dseed",
    "valid_batch_size",
    "encoder_layers",
    "denoising_cost_x",
    "decoder_spec",
    "act",
    "f_local_noise_std",
    "super_noise_std",
    "adv_kind",
    "adv_tau",
    "adv_kind_unlabeled",
    "adv_tau_unlabeled",
    "adv_layers",
    "adv_scale",
    "adv_path",
    "vat_iterations",
    "vat_xi",
    "vat_noise_std",
    "vat_cost",
    "vat_radius",
}


def settings_of(options):
    """What the options of one run mean, but for its seed.

    Parameters
    ----------
    options : dict of option name -> value

    Returns
    -------
    dict of str -> comparable value
    """
    layers = ((),) + tuple(options["encoder_layers"])
    p = HyperParameters(**{**options, "encoder_layers": layers})
    resolved = resolve_layers(p)
    adversarial, vat_cost = resolve_adversarial(p, resolved), resolve_vat_cost(p, resolved)
    settings = {name.replace("_", "-"): value for name, value in p.as_dict().items() if name not in LEFT_OUT}
    settings.update(layers=resolved, dseed="as the seed" if p.dseed == p.seed else p.dseed)
    vat = p.vat_iterations, p.vat_xi, p.vat_noise_std
    for half, (kind, taus) in adversarial.items():
        settings[f"adversarial {half}"] = (kind, taus, p.adv_path, vat if kind == "vat" else None) if taus else None
    settings["virtual adversarial cost"] = (vat_cost, vat) if vat_cost else None
    settings["labeled-samples"] = p.labeled_samples or "all"
    if p.unlabeled_samples is None:
        settings["unlabeled-samples"] = TRAINING_SET_SIZE.get(p.dataset)
    return settings


def differences(settings, row):
    """Names of the settings in which a run differs from a row of a table."""
    return [name for name in settings if settings[name] != row[name]]


def as_options(settings, names):
    """These settings as a reader would type them: 'num-epochs 30, noise philox'; '' for none."""
    return ", ".join(f"{name} {settings[name]}" for name in names)
