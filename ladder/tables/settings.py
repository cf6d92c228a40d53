"""What must be the same in runs that are averaged: everything but the seed.

Options are compared by meaning: ``--decoder-spec gauss`` and the same name for
each layer are one setting, and so are all kinds of adversarial noise of
strength 0.
"""

from dataclasses import replace

from ladder.augmentation_specs import resolve_augmentation
from ladder.batches import resolve_batches
from ladder.data.registry import n_training_examples
from ladder.layers import resolve_adversarial, resolve_layers, resolve_vat_cost
from ladder.optimisation import resolve_optimisation, resolve_schedule
from ladder.option_declarations import SEPARATES, VARIES
from ladder.options import OPTIONS
from ladder.pretraining import resolve_pretraining
from ladder.regularisation import resolve_regularisation
from ladder.rival_methods import OF_DATA, settings_of_rival

#: Settings in which a run may differ from a table's row and still be shown below it, as a row of its own.
VARIATIONS = (*(name.replace("_", "-") for name, option in OPTIONS.items() if option.separates == VARIES), "dseed")


def settings_of(p):
    """The meaning of one run's options, without the seed.

    Parameters
    ----------
    p : Options

    Returns
    -------
    dict of str -> comparable value
        Of a rival, what means something to it.
    """
    if p.rival:
        return {**_of_data(p), **settings_of_rival(p)}
    layers = resolve_layers(p)
    settings = {
        name.replace("_", "-"): getattr(p, name)
        for name, option in OPTIONS.items()
        if option.separates in (SEPARATES, VARIES)
    }
    settings.update(_of_data(p), layers=layers)
    vat = p.vat_iterations, p.vat_xi, p.vat_noise_std
    for half, (kind, taus) in resolve_adversarial(p, layers).items():
        settings[f"adversarial {half}"] = (kind, taus, p.adv_path, vat if kind == "vat" else None) if taus else None
    vat_cost = resolve_vat_cost(p, layers)
    settings["virtual adversarial cost"] = (vat_cost, vat) if vat_cost else None
    how, schedule = resolve_optimisation(p), resolve_schedule(p)
    settings["optimizer"] = (how.optimizer, tuple(how.constants.items()))
    settings["lr-schedule"] = (schedule.name, tuple(schedule.constants.items()))
    settings["unlabeled-batch-size"] = resolve_batches(p)[1]
    regularisation = resolve_regularisation(p, layers)
    settings["dropout"], settings["drop-connect"] = regularisation.dropout, regularisation.drop_connect
    pretraining = resolve_pretraining(p, layers)
    # Of the same seed as the rest, it is averaged over seeds like the rest.
    as_the_seed = pretraining is not None and pretraining.seed == p.seed
    settings["pretraining"] = replace(pretraining, seed="as the seed") if as_the_seed else pretraining
    settings["augment"] = resolve_augmentation(p)
    return settings


def _of_data(p):
    """The settings that networks and rivals have in common."""
    settings = {name.replace("_", "-"): getattr(p, name) for name in OF_DATA}
    settings["dseed"] = "as the seed" if p.dseed == p.seed else p.dseed
    settings["labeled-samples"] = p.labeled_samples or "all"
    # As a set: their order only changes that of batches, as a seed does.
    settings["labeled-indices"] = tuple(sorted(p.labeled_indices))
    if p.unlabeled_samples is None:
        settings["unlabeled-samples"] = n_training_examples(p.dataset)
    return settings


def differences(settings, row):
    """The names of the settings in which a run differs from a table's row."""
    return [name for name in {**settings, **row} if settings.get(name) != row.get(name)]


def as_options(settings, names):
    """These settings as a reader would type them: 'num-epochs 30, noise philox'; '' for none."""
    return ", ".join(f"{name} {settings[name]}" for name in names)
