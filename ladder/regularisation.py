"""Resolve the options of the regularisers: penalties, max-norm, dropout, drop-connect.  Nothing here imports Aesara."""

from dataclasses import dataclass

from ladder.errors import UserError
from ladder.per_layer import per_layer


@dataclass(frozen=True)
class Regularisation:
    """The settings of the regularisers, resolved.

    Attributes
    ----------
    penalties : dict of 'l1', 'l2' -> weight above 0
    max_norm : float or None
        The largest norm that a unit's incoming weights may have.
    dropout : dict of layer number -> probability above 0
        Probability that a unit of the layer's h is dropped on its way to the layer above.
    drop_connect : dict of layer number -> probability above 0
        Probability that a weight from the layer below is dropped.
    """

    penalties: dict
    max_norm: float
    dropout: dict
    drop_connect: dict


def resolve_regularisation(p, layers):
    """The Regularisation that the options ask for, checked.

    Parameters
    ----------
    p : Options
    layers : tuple of ladder.layers.Layer

    Returns
    -------
    Regularisation
    """
    penalties = {name: getattr(p, name) for name in ("l1", "l2") if getattr(p, name) > 0}
    return Regularisation(penalties, p.max_norm or None, _dropout(p, layers), _drop_connect(p, layers))


def _dropout(p, layers):
    top = len(layers) - 1
    if len(p.dropout) == 1:
        return _above_0(p.dropout * top)
    values = per_layer(p.dropout, len(layers), "--dropout")
    if values[top] > 0:
        raise UserError(
            f"--dropout: no layer takes what layer {top} gives, so nothing of it can be dropped: give 0 for the top layer."
        )
    return _above_0(values)


def _drop_connect(p, layers):
    above = layers[1:]
    values = per_layer(p.drop_connect, len(above), "--drop-connect", "above the input", first="layer 1")
    if len(p.drop_connect) == 1:
        values = tuple(0.0 if layer.is_pooling else value for layer, value in zip(above, values))
    for layer, value in zip(above, values):
        if value > 0 and layer.is_pooling:
            raise UserError(
                f"--drop-connect: layer {layer.number} ({layer.kind}) has no weights to drop: give 0 for it."
            )
    return {i + 1: value for i, value in _above_0(values).items()}


def _above_0(values):
    return {i: value for i, value in enumerate(values) if value > 0}
