"""The settings that averaged runs must have in common: everything but the seed.

Options are compared by meaning: ``--decoder-spec gauss`` and the same name for
each layer are one setting, and so are all kinds of adversarial noise of
strength 0.
"""

from collections import defaultdict
from dataclasses import replace

from ladder.adversarial_layers import resolve_adversarial, resolve_vat_cost
from ladder.augmentation_specs import resolve_augmentation
from ladder.batches import resolve_batches
from ladder.data.registry import KNOWN, n_training_examples, name_of
from ladder.layer_specs import parse_layer
from ladder.layers import resolve_layers
from ladder.optimisation import resolve_optimisation, resolve_schedule
from ladder.option_declarations import SEPARATES, VARIES
from ladder.option_names import dashed
from ladder.options import OPTIONS, SEEDS
from ladder.pretraining import resolve_pretraining
from ladder.regularisation import resolve_regularisation
from ladder.rival_methods import OF_DATA, settings_of_rival

#: Other seeds, which equal the run's seed unless given: where they do, they are averaged over and are no setting.
OTHER_SEEDS = tuple(dashed(name) for name in SEEDS if name != "seed")

#: The value of such a seed where it is the run's.
AS_THE_SEED = "as the seed"

#: Settings in which a run may differ from a table's row and still be shown below it, as a row of its own.
VARIATIONS = (*(dashed(name) for name, option in OPTIONS.items() if option.separates == VARIES), *OTHER_SEEDS)


def settings_of(p):
    """The meaning of one run's options, without the seed.

    Parameters
    ----------
    p : Options

    Returns
    -------
    dict of str -> comparable value
        For a rival, only those that mean something to it.
    """
    (settings,) = settings_of_all([p])
    return settings


def settings_of_all(ps):
    """The meaning of each run's options, given those of the other runs.

    A single run does not tell whether its data have seed 1 because the run has, or because all have.  The latter is
    assumed if otherwise equal runs of other seeds also have data of seed 1, unless more have data of their own seed.

    Parameters
    ----------
    ps : list of Options

    Returns
    -------
    list of dict, as :func:`settings_of` returns
    """
    found = [_as_they_are(p) for p in ps]
    rest = [as_text(one, without=OTHER_SEEDS) for one in found]
    for name in OTHER_SEEDS:
        sharing, following = defaultdict(set), defaultdict(set)
        for p, one, alike in zip(ps, found, rest):
            sharing[alike, one[name]].add(p.seed)
            if one[name] == p.seed:
                following[alike].add(p.seed)
        for p, one, alike in zip(ps, found, rest):
            n = len(sharing[alike, one[name]])
            if one[name] == p.seed and (n == 1 or n < len(following[alike])):
                one[name] = AS_THE_SEED
    return found


def as_text(settings, without=()):
    """Settings as text, which is equal for equal settings; some can be left out."""
    return repr(sorted((name, value) for name, value in settings.items() if name not in without))


def _as_they_are(p):
    """One run's settings, including its other seeds as numbers; a seed that it does not use is that of the run."""
    if p.rival:
        return {**_of_data(p), **settings_of_rival(p), "pretrain-seed": p.seed}
    layers = resolve_layers(p)
    settings = {
        dashed(name): getattr(p, name) for name, option in OPTIONS.items() if option.separates in (SEPARATES, VARIES)
    }
    # The shapes of layers are not known here, so the numbers of maps and units are taken from the options.
    specs = tuple(replace(parse_layer(text), text="") for text in p.encoder_layers)
    settings.update(_of_data(p), layers=(layers, specs))
    vat = p.vat_iterations, p.vat_xi, p.vat_noise_std
    for half, (kind, taus) in resolve_adversarial(p, layers).items():
        scale = p.adv_scale if set(taus) - {0} else None
        settings[f"adversarial {half}"] = (
            (kind, taus, scale, p.adv_path, vat if kind == "vat" else None) if taus else None
        )
    vat_cost = resolve_vat_cost(p, layers)
    settings["virtual adversarial cost"] = (vat_cost, vat) if vat_cost else None
    how, schedule = resolve_optimisation(p), resolve_schedule(p)
    settings["optimizer"] = (how.optimizer, tuple(how.constants.items()))
    settings["lr-schedule"] = (schedule.name, tuple(schedule.constants.items()))
    settings["unlabeled-batch-size"] = resolve_batches(p)[1]
    regularisation = resolve_regularisation(p, layers)
    settings["dropout"], settings["drop-connect"] = regularisation.dropout, regularisation.drop_connect
    pretraining = resolve_pretraining(p, layers)
    settings["pretraining"] = pretraining and replace(pretraining, seed=None)
    settings["pretrain-seed"] = pretraining.seed if pretraining else p.seed
    settings["augment"] = resolve_augmentation(p)
    return settings


def _of_data(p):
    """The settings that networks and rivals have in common."""
    settings = {dashed(name): getattr(p, name) for name in OF_DATA}
    name = name_of(p.dataset)
    if name in KNOWN:
        settings["dataset"] = name
    settings["dseed"] = p.dseed
    settings["labeled-samples"] = p.labeled_samples or "all"
    # Compared as a set: their order only changes that of batches, as a seed does.
    settings["labeled-indices"] = tuple(sorted(p.labeled_indices))
    if p.unlabeled_samples is None:
        settings["unlabeled-samples"] = n_training_examples(name)
    return settings


def differences(settings, row):
    """The names of the settings in which a run differs from a table's row."""
    return [name for name in {**settings, **row} if settings.get(name) != row.get(name)]


def as_options(settings, names):
    """These settings as a reader would type them: 'num-epochs 30, noise philox'; '' for none."""
    return ", ".join(f"{name} {settings[name]}" for name in names)
