"""Resolve the options of batch sizes.  Nothing here imports Aesara."""

from ladder.errors import UserError


def resolve_batches(p):
    """The batch sizes that the options ask for: (labelled, unlabelled) examples per update, 0 for all of a half.

    Raises
    ------
    UserError
        An option has no effect in combination with the others.

    Examples
    --------
    >>> from ladder.options import Options
    >>> resolve_batches(Options.of(batch_size=50)), resolve_batches(Options.of(unlabeled_batch_size=250))
    ((50, 50), (100, 250))
    """
    if p.unsupervised and p.unlabeled_batch_size is not None:
        raise UserError(
            "--unlabeled-batch-size is of no use to --unsupervised, where all examples are unlabelled: give their "
            "number as --batch-size."
        )
    return p.batch_size, p.batch_size if p.unlabeled_batch_size is None else p.unlabeled_batch_size


def labeled_batch_size(p, n):
    """How many of n labelled examples an update takes at most."""
    return _or_all(resolve_batches(p)[0], n)


def unlabeled_batch_size(p, n):
    """How many of n unlabelled examples an update takes at most."""
    return _or_all(resolve_batches(p)[1], n)


def without_a_batch_of_one(size, n):
    """The batch size or, as a last batch of one has no variance, the next smaller one that leaves none of n; else n."""
    return size if n % size != 1 else next((smaller for smaller in range(size - 1, 1, -1) if n % smaller != 1), n)


def largest_batch(p, split):
    """The number of examples in the larger half of an update.

    Parameters
    ----------
    p : Options
    split : ladder.data.splits.Split
    """
    n_labeled, n_unlabeled = len(split.labeled), len(split.train)
    unlabeled = min(unlabeled_batch_size(p, n_unlabeled), n_unlabeled)
    return unlabeled if p.unsupervised else max(unlabeled, min(labeled_batch_size(p, n_labeled), n_labeled))


def smaller_batches(p):
    """How to make the larger half of an update smaller, in words."""
    labeled, unlabeled = resolve_batches(p)
    larger, option = labeled, "--batch-size"
    if p.unlabeled_batch_size is not None and labeled and (unlabeled == 0 or unlabeled > labeled):
        larger, option = unlabeled, "--unlabeled-batch-size"
    return f"a smaller {option}" if larger else f"another {option} than 0, which takes all examples at once"


def unlabeled_option(p):
    """The option that decides the unlabelled half's size."""
    return "--batch-size" if p.unlabeled_batch_size is None else "--unlabeled-batch-size"


def _or_all(size, n):
    # A single example gets a batch of two, so that the check for a last batch of one finds it, as with any other size.
    return size or max(2, n)
