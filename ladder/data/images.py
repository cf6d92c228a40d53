"""Which examples are pictures."""


def as_images(features):
    """Features as pictures: one channel is grey, three are red, green and blue.

    Parameters
    ----------
    features : (examples, …)

    Returns
    -------
    (examples, height, width) or (examples, height, width, 3); None for anything else
    """
    if features.ndim == 3:
        return features
    if features.ndim == 4 and features.shape[1] == 1:
        return features[:, 0]
    if features.ndim == 4 and features.shape[1] == 3:
        return features.transpose(0, 2, 3, 1)
    return None
