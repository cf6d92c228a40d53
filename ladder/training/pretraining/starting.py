"""What training on the labels starts from: a pre-training of its own, or one in another folder."""

from contextlib import suppress
from dataclasses import replace

from ladder.batches import resolve_batches
from ladder.errors import UserError
from ladder.layers import resolve_layers
from ladder.optimisation import resolve_optimisation
from ladder.option_names import as_typed
from ladder.options import DEFAULTS, Options
from ladder.pretraining import DECLARED, resolve_pretraining
from ladder.runs import checkpoints, lock
from ladder.training.pretraining.folder import OF_A_RUN, PretrainingFolder
from ladder.training.provenance import environment
from ladder.training.upkeep import Upkeep

#: Options of the network and of the data that pre-training reads as well.
SHARED = ("first_weights", "dataset", "sources", "divide_by", "standardize", "rescale", "contrast_norm", "whiten_zca")


def with_source(p, given=()):
    """Options with those of the pre-training that ``--from`` names, checked; without ``--from``, they stay as they are.

    Parameters
    ----------
    p : Options
    given : collection of str
        The names of those that were asked for, even if with their default values.

    Returns
    -------
    Options

    Raises
    ------
    UserError
        There is nothing to start from, or it does not fit.
    """
    if not p.from_:
        return p
    folder = PretrainingFolder.existing(p.from_, "--from")
    saved = folder.load_options()
    if saved is None:
        own = folder / OF_A_RUN
        hint = f"give {own}" if own.is_dir() else "give one that 'run.py pretrain' made"
        raise UserError(f"--from: {folder} is not the folder of a pre-training: {hint}.")
    then = Options(**saved)
    if not folder.is_finished():
        raise UserError(
            f"--from: the pre-training in {folder} is not finished: go on with run.py pretrain --resume {folder.typed}."
        )
    _check_same_network(p, then, folder)
    taken = {name: getattr(then, name) for name in DECLARED if name != "from_"}
    taken["pretrain_seed"] = then.pretrain_seed or then.seed
    if then.pretrain_corruption == "gaussian" and not then.pretrain_strength and then.pretrain != "rbm":
        # The strength was that of the encoder's own noise at the time.
        taken["pretrain_strength"] = tuple(layer.noise_std for layer in resolve_layers(then)[:-2])
    for name, value in taken.items():
        asked = getattr(p, name)
        is_asked = asked != DEFAULTS[name] or (name in given and asked is not None)
        if is_asked and asked != value and _means(replace(then, **{name: asked})) != _means(then):
            raise UserError(
                f"--from: {folder} was pre-trained with another {as_typed(name)}: leave that out, or pre-train with it."
            )
    return replace(p, **taken)


def _means(then):
    """The Pretraining that options ask for; None if they do not go together."""
    with suppress(UserError):
        return resolve_pretraining(then, resolve_layers(then))


def _check_same_network(p, then, folder):
    layers, layers_then = resolve_layers(p), resolve_layers(then)
    below, below_then = (
        [(layer.kind, spec) for layer, spec in zip(ls[1:-1], q.encoder_layers)]
        for ls, q in ((layers, p), (layers_then, then))
    )
    if below != below_then:
        raise UserError(
            f"--from: {folder} has the layers {'-'.join(then.encoder_layers[:-1])} below the top one, and --encoder-layers "
            f"{'-'.join(p.encoder_layers[:-1])}: give the same."
        )
    if [layer.act for layer in layers[:-1]] != [layer.act for layer in layers_then[:-1]]:
        raise UserError(f"--from: {folder} was pre-trained with --act {'-'.join(then.act)}: give that.")
    now = {**{name: getattr(p, name) for name in SHARED}, **_optimisation(p)}
    for name, value in {**{name: getattr(then, name) for name in SHARED}, **_optimisation(then)}.items():
        if now.get(name) != value:
            raise UserError(f"--from: {folder} was pre-trained {_and_mend(name, value)}.")
    unlabeled, unlabeled_then = resolve_batches(p)[1], resolve_batches(then)[1]
    if unlabeled != unlabeled_then:
        raise UserError(
            f"--from: {folder} was pre-trained with {unlabeled_then or 'all'} examples an update: give "
            f"--unlabeled-batch-size {unlabeled_then}."
        )


def _optimisation(p):
    """How updates are made, by option name: everything that counts, including options that were left out."""
    found = resolve_optimisation(p)
    return {"optimizer": found.optimizer, **found.constants, "clip_norm": found.clip_norm or 0.0}


def _and_mend(name, value):
    """The end of a sentence: with which value of an option something was pre-trained, and how to give the same."""
    if value is None or value is False or value == ():
        return f"without {as_typed(name)}: leave it out"
    if value is True:
        return f"with {as_typed(name)}: give it"
    return f"with {as_typed(name)} {','.join(map(str, value)) if isinstance(value, tuple) else value}: give the same"


def check_source(experiment):
    """Refuse to start from a pre-training on other examples, see ``PretrainingFolder.load_encoder``."""
    if experiment.p.from_:
        PretrainingFolder(experiment.p.from_).load_encoder(experiment)


def first_values(experiment, folder=None, upkeep=Upkeep(), callbacks=()):
    """The initial values of the encoder's parameters, pre-trained now if they are not yet.

    Parameters
    ----------
    experiment : Experiment, its examples as the network takes them
    folder : RunFolder or None
        Of the run, locked by this process; None: nothing is kept.
    upkeep, callbacks : Upkeep, list of Extension
        Of the run.

    Returns
    -------
    dict of parameter name -> float32 array
        Empty if nothing is pre-trained, or a checkpoint holds all parameters; None after an interrupt.
    """
    from ladder.training.pretraining.stacks import pretrain

    p = experiment.p
    if p.pretrain == "none":
        return {}
    if folder is None:
        if p.from_:
            return PretrainingFolder(p.from_).load_encoder(experiment)
        return pretrain(experiment, None, upkeep.of_pretraining)
    if checkpoints.newest(folder.path) is not None:
        return {}
    own = PretrainingFolder(folder / OF_A_RUN)
    own.path.mkdir(exist_ok=True)
    # Before the run saves its own, so that an interrupted pre-training resumes with the same backend and threads.
    folder.save_environment(environment(callbacks), goes_on=True)
    with lock.held(own):
        if own.is_finished():
            return own.load_encoder(experiment)
        if p.from_:  # kept, so that the run can be resumed whatever becomes of the other folder
            encoder = PretrainingFolder(p.from_).load_encoder(experiment)
            own.save_encoder(encoder, experiment)
            return encoder
        return pretrain(experiment, own, upkeep.of_pretraining)
