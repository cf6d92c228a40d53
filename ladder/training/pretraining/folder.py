"""The folder of a pre-training: like that of a run, with a folder for each stage and the resulting encoder.

``pretraining.json``
    The options, in place of a run's ``params.json``: this is not a run, and tables do not look for its error.
``data.json``, ``environment.json``, ``preprocessing.npz``, ``log.txt``
    As in a run's folder.
``layer1/``, ``layer2/`` …, ``all/``, ``unrolled/``
    One stage each: ``epochs.jsonl``, checkpoints while it trains, then ``learnt.npz``.
``pretrained_params.npz``
    The encoder's parameters, once all stages are done, and ``examples``: the SHA-256 of the positions of the training
    examples.
"""

import numpy as np

from ladder.data.examples import describe
from ladder.data.npz import load_arrays
from ladder.data.record import change_between, sha256
from ladder.errors import UserError
from ladder.files import remove_partials, save_arrays
from ladder.layers import resolve_layers
from ladder.runs.folder import CHECKPOINTS, RunFolder

#: Where a run keeps the pre-training that it starts from.
OF_A_RUN = "pretraining"

ENCODER, LEARNT, EXAMPLES = "pretrained_params.npz", "learnt.npz", "examples"


class PretrainingFolder(RunFolder):
    """The folder of one pre-training."""

    options_file = "pretraining.json"

    def is_finished(self):
        """Whether all stages are done."""
        return (self / ENCODER).exists()

    def begin_stages(self, experiment, environment):
        """Write what is known before training; call it only while holding the folder's lock."""
        self.remove_leftovers()
        remove_partials(self.path, ENCODER)
        remove_partials(self.path, f"*/{LEARNT}")
        self.save_options(experiment.p, experiment.in_dim)
        self.save_data(describe(experiment.examples))
        self.save_fitted(experiment.examples.fitted)
        begun = any(found for name in (LEARNT, CHECKPOINTS) for found in self.path.glob(f"*/{name}"))
        self.save_environment(environment, goes_on=begun)

    def save_stage(self, name, learnt):
        """Keep what a stage learnt: dict of name -> array."""
        save_arrays(self / name / LEARNT, learnt)

    def load_stage(self, name, shapes):
        """What a stage learnt, which must have arrays of these names and shapes (dict); None if it is not done."""
        path = self / name / LEARNT
        if not path.exists():
            return None
        learnt = load_arrays(path)
        found = {name: learnt[name].shape for name in shapes if name in learnt}
        if found != shapes or not all(map(_is_finite, learnt.values())):
            raise UserError(f"{path} does not hold what a stage of pre-training learnt: restore it, or remove it.")
        return learnt

    def save_encoder(self, encoder, experiment):
        """Keep the encoder (name -> array), which marks all stages as done."""
        digest = np.frombuffer(bytes.fromhex(examples_that_train(experiment)), "uint8")
        save_arrays(self / ENCODER, {**encoder, EXAMPLES: digest})

    def load_encoder(self, experiment):
        """The encoder: dict of name -> array; UserError if it is not the experiment's, or other examples trained it."""
        self._check_same_data(experiment)
        arrays = load_arrays(self / ENCODER)
        digest = arrays.pop(EXAMPLES, np.zeros(0, "uint8"))
        if digest.tobytes().hex() != examples_that_train(experiment):
            raise UserError(
                f"{self} was pre-trained on other examples than those that are to train: give the --dataset, --dseed (or "
                "--seed), --unlabeled-samples and --labeled-indices that it had."
            )
        expected = encoder_shapes(resolve_layers(experiment.p, experiment.in_dim))
        if {name: x.shape for name, x in arrays.items()} != expected or not all(map(_is_finite, arrays.values())):
            raise UserError(
                f"{self / ENCODER} does not hold the finite parameters of the layers below the top one: restore it, or "
                "pre-train again."
            )
        return arrays

    def _check_same_data(self, experiment):
        """Refuse a data set whose training examples have changed since, even if they have the same positions."""
        then, now = (
            (data or {}).get("splits", {}).get("train") for data in (self.load_data(), experiment.examples.record)
        )
        if not then or not now:  # an older folder; or an encoder from elsewhere, which was compared when it was taken
            return
        # Labels play no part in pre-training.
        if change := change_between({**then, "targets": now["targets"]}, now, experiment.p.dataset, "train"):
            raise UserError(
                f"{change} when {self} was pre-trained: put back the one that it was pre-trained on, or pre-train again."
            )


def encoder_shapes(layers):
    """The shapes of the parameters that are pre-trained, of all layers but the top one: dict of name -> shape.

    Parameters
    ----------
    layers : sequence of ladder.layers.Layer, fully connected
    """
    shapes = {}
    for below, layer in zip(layers, layers[1:-1]):
        shapes[f"f_{layer.number}_W"] = below.h_size, layer.size
        shapes.update({f"f_{layer.number}_b": layer.dim} if layer.has_bias else {})
        shapes.update({f"f_{layer.number}_c": layer.dim} if layer.is_scaled else {})
    return shapes


def _is_finite(x):
    return x.dtype == np.float32 and np.isfinite(x).all()


def examples_that_train(experiment):
    """SHA-256 of the positions of an experiment's training examples, in ascending order."""
    return sha256({"train": np.sort(experiment.split.train)})
