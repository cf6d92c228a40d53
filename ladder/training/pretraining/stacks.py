"""The models: autoencoders or machines layer by layer, or one autoencoder of all layers."""

import numpy as np
from scipy.special import expit

from ladder.batches import unlabeled_batch_size
from ladder.layers import resolve_layers
from ladder.pretraining import resolve_pretraining
from ladder.training.pretraining import codes
from ladder.training.pretraining.autoencoder import autoencoder
from ladder.training.pretraining.machine import machine, pseudo_likelihood
from ladder.training.pretraining.stages import Setting, Stage
from ladder.training.provenance import provenance
from ladder.training.upkeep import Upkeep


def pretrain(experiment, folder=None, upkeep=Upkeep()):
    """Pre-train the encoder of an experiment, or resume its pre-training.

    Parameters
    ----------
    experiment : Experiment, its examples as the network takes them
    folder : PretrainingFolder or None
        Where it is kept, locked by this process; None: nowhere.
    upkeep : Upkeep
        With what interrupts pre-training as its deadline.

    Returns
    -------
    dict of parameter name -> float32 array
        ``f_1_W``, ``f_1_b`` … of all layers but the top one; None after an interrupt.

    Raises
    ------
    TrainingStopped
        A cost is not a finite number.
    """
    p = experiment.p
    pretraining = resolve_pretraining(p, resolve_layers(p, experiment.in_dim))
    about = provenance(experiment) if folder else {}
    if folder:
        folder.begin_stages(experiment, about["environment"])
    setting = Setting(experiment, pretraining, folder, about, upkeep)
    encoder = _MODELS[pretraining.model](setting)
    if encoder is not None and folder:
        folder.save_encoder(encoder, experiment)
    return encoder


def stacked_autoencoders(setting):
    """Autoencoders layer by layer, each on the clean code of the one below (Vincent et al. 2010, section 3.4)."""
    pretraining = setting.pretraining
    features, positions = setting.experiment.examples.features, setting.experiment.split.train
    encoder = {}
    for i in range(1, pretraining.top + 1):
        stage = Stage.kth(i, pretraining, f"layer{i}", f"layer {i}", pretraining.epochs)

        def make():
            ladder = setting.ladder(stage, encoder)
            return autoencoder(ladder, pretraining, i - 1, i, np.random.RandomState(stage.seed)), None

        shapes = {name: shape for name, shape in setting.encoder_shapes().items() if name.startswith(f"f_{i}_")}
        learnt = setting.train(stage, make, features, positions, shapes)
        if learnt is None:
            return None
        encoder.update(_of_encoder(learnt))
        if i < pretraining.top:
            z = codes.z_pre(setting.ladder(stage, encoder), i, features, positions)
            positions = np.arange(len(z))
            features = codes.normalise(z, *codes.mean_and_variance(z, positions))
    return encoder


def joint_autoencoder(setting):
    """One autoencoder of all layers, all corrupted at once."""
    pretraining = setting.pretraining
    stage = Stage.kth(1, pretraining, "all", "all layers", pretraining.epochs)
    return _all_layers(setting, stage, {})


def stacked_machines(setting):
    """Boltzmann machines layer by layer (Hinton, Osindero and Teh 2006), then unrolled if asked to.

    The mean activations of one are the data of the next (Hinton and Salakhutdinov 2006).
    """
    pretraining, examples = setting.pretraining, setting.experiment.examples
    v, positions = examples.features.reshape(len(examples.features), -1), setting.experiment.split.train
    encoder, back = {}, {}
    for i in range(1, pretraining.top + 1):
        stage = Stage.kth(i, pretraining, f"layer{i}", f"layer {i}", pretraining.epochs)
        visible, hidden = setting.encoder_shapes()[f"f_{i}_W"]
        shapes = {"W": (visible, hidden), "a": (visible,), "b": (hidden,)}
        learnt = setting.train(stage, lambda: _machine(setting, stage, i, v, positions), v, positions, shapes)
        if learnt is None:
            return None
        ladder = setting.ladder(stage, {**encoder, f"f_{i}_W": learnt["W"]})
        x = codes.products(learnt["W"], ladder.bricks, v, positions)
        encoder.update(as_layer(ladder, i, learnt, *codes.mean_and_variance(x, np.arange(len(x)))))
        back.update({f"r_{i - 1}_W": learnt["W"].T, f"r_{i - 1}_b": learnt["a"]})
        v, positions = expit(x + learnt["b"]), np.arange(len(x))
    if not pretraining.unrolled_epochs:
        return encoder
    stage = Stage.kth(pretraining.top + 1, pretraining, "unrolled", "the unrolled stack", pretraining.unrolled_epochs)
    return _all_layers(setting, stage, {**encoder, **back})


def as_layer(ladder, i, learnt, mean, variance):
    """A machine as a layer of the encoder, which normalises first.

    The layer computes act(c (z + b)) of z = (x - mean) / root, where x is the product with W.  With c = root and
    b = (mean + b') / root this is exactly act(x + b'), the machine's probabilities if act is the sigmoid.  Activations
    without c, such as the rectifier, get this up to a scale for each unit.

    Parameters
    ----------
    ladder : LadderAE
    i : int, number of the layer
    learnt : dict of 'W', 'b' -> array
    mean, variance : (units,) float64
        Of x over the training examples.

    Returns
    -------
    dict of parameter name -> float32 array
    """
    root = codes.root(variance)
    values = {"W": learnt["W"], "b": (mean + learnt["b"]) / root, "c": root}
    parameters = zip("Wbc", ladder.encoder_parameters()[i])
    return {variable.name: np.asarray(values[kind], "float32") for kind, variable in parameters if variable is not None}


def _all_layers(setting, stage, values):
    """The encoder after one autoencoder of all layers, which starts from these values (name -> array)."""

    def make():
        ladder, rng = setting.ladder(stage, values), np.random.RandomState(stage.seed)
        return autoencoder(ladder, setting.pretraining, 0, setting.pretraining.top, rng), None

    features, positions = setting.experiment.examples.features, setting.experiment.split.train
    learnt = setting.train(stage, make, features, positions, setting.encoder_shapes())
    return learnt and _of_encoder(learnt)


def _machine(setting, stage, i, v, positions):
    """The graph of the i-th machine, and its evaluation after an epoch."""
    p, pretraining, rng = setting.experiment.p, setting.pretraining, np.random.RandomState(stage.seed)
    ladder = setting.ladder(stage, {})
    gaussian = pretraining.gaussian and i == 1
    means, _ = codes.mean_and_variance(v, positions)
    n_chains = min(unlabeled_batch_size(p, len(positions)), len(positions))
    graph = machine(p, pretraining, ladder.layers[i].size, means, gaussian, n_chains, ladder.noise, ladder.bricks, rng)
    return graph, None if gaussian else pseudo_likelihood(graph, v, positions)


def _of_encoder(learnt):
    return {name: value for name, value in learnt.items() if name.startswith("f_")}


#: Model -> its function of a Setting.
_MODELS = {"dae": stacked_autoencoders, "dae-joint": joint_autoencoder, "rbm": stacked_machines}
