"""The corruption of a path through the encoder: Gaussian noise, and the masks of dropout and drop-connect.

A path's corruption is a dict: a layer's number maps to the noise added to its z,
as (noise, scale); ``'h2'`` to the mask that multiplies h of layer 2 on its way to
layer 3; and ``'W2'`` to the mask of the weights from layer 1 to layer 2.  A clean
path's is empty.
"""

from ladder.bricks.dropout import drop_mask


def draw_corruption(ladder, inputs):
    """Draw the noise of every layer for both halves together, then the masks.

    Masks are drawn after all of the noise, which is therefore the same in a run without them, and are made from
    normals, too, so that a source of random numbers need not provide anything else.

    Parameters
    ----------
    ladder : LadderAE
    inputs : dict of half -> (examples, …)

    Returns
    -------
    dict of half -> corruption
        No entry for layers without noise or mask.
    """
    sizes = {half: x.shape[0] for half, x in inputs.items()}
    drawn = draw_noise(ladder, sizes)
    drawn |= draw_masks(ladder, sizes)
    return {half: {name: of_half[half] for name, of_half in drawn.items()} for half in sizes}


def draw_noise(ladder, sizes):
    """Dict of layer number -> half -> (standard normals, standard deviation), for layers that have noise."""
    noise = {}
    for layer in ladder.layers:
        if layer.noise_std > 0:
            draws = _by_half(_normals(ladder, layer.dim, sizes), sizes)
            noise[layer.number] = {half: (draw, layer.noise_std) for half, draw in draws.items()}
    return noise


def draw_masks(ladder, sizes):
    """Dict of 'h2', 'W2' … -> half -> mask, those of dropout first."""
    masks = {f"h{i}": _by_half(_unit_mask(ladder, i, sizes), sizes) for i in ladder.regularisation.dropout}
    return masks | {f"W{i}": _weight_mask(ladder, i, sizes) for i in ladder.regularisation.drop_connect}


def through_masks(project, paths, W, layer):
    """A layer's z before normalisation, for each path through its own masks.

    Parameters
    ----------
    project : function of (list of h of the layer below, W, layer) -> list of z_pre
    paths : list of (act, corruption)
    W : weights, None for pooling
    layer : Layer

    Returns
    -------
    list of z_pre, one for each path
        Paths with the same weights (all paths, without drop-connect) share a product.
    """
    i, together, z_pres = layer.number, {}, [None] * len(paths)
    for k, (_, corruption) in enumerate(paths):
        together.setdefault(corruption.get(f"W{i}"), []).append(k)
    for mask, ks in together.items():
        hs = [_masked(paths[k][0].h[i - 1], paths[k][1].get(f"h{i - 1}")) for k in ks]
        for k, z_pre in zip(ks, project(hs, _masked(W, mask), layer)):
            z_pres[k] = z_pre
    return z_pres


def _masked(x, mask):
    return x if mask is None else x * mask


def _normals(ladder, dim, sizes):
    return ladder.noise.normal((sum(sizes.values()), *dim))


def _unit_mask(ladder, i, sizes):
    layer = ladder.layers[i]
    dim = (layer.h_size,) if layer.act == "softmax" else layer.h_dim  # a softmax takes maps as one row
    return drop_mask(_normals(ladder, dim, sizes), ladder.regularisation.dropout[i])


def _weight_mask(ladder, i, sizes):
    """One mask for all examples of both halves, so that their paths share a product."""
    normals = ladder.noise.normal(ladder.shareds[f"f_{i}_W"].type.shape)
    return dict.fromkeys(sizes, drop_mask(normals, ladder.regularisation.drop_connect[i]))


def _by_half(joined, sizes):
    parts, start = {}, 0
    for half, size in sizes.items():
        parts[half] = joined[start : start + size]
        start = start + size
    return parts
