"""Which runs may share a mean: one of each seed, and all on the same data."""


def one_of_each_seed(runs):
    """Choose the runs that a mean is taken over: of each seed the first, where its data are those of the first run.

    Records of others' runs come after runs that have their parameters.

    Parameters
    ----------
    runs : iterable
        Each with ``seed``, ``is_record`` and ``splits``, as a :class:`ladder.tables.found_runs.FoundRun` has them.

    Returns
    -------
    chosen : dict of seed -> run, in order of the seeds
    left_out : list of (run, other)
        The others, each with the chosen run that counts in its place, or whose data differ from its own.
    """
    chosen, left_out = {}, []
    for run in sorted(runs, key=lambda run: run.is_record):
        other = chosen.get(run.seed) or next(
            (other for other in chosen.values() if not have_same_data(run, other)), None
        )
        if other is None:
            chosen[run.seed] = run
        else:
            left_out.append((run, other))
    return dict(sorted(chosen.items())), left_out


def have_same_data(one, other):
    """Whether two runs had the same examples and labels, by the fingerprints of their splits, as far as both have them."""
    return all(one.splits[split] == other.splits[split] for split in one.splits.keys() & other.splits.keys())
