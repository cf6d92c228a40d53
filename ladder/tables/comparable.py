"""Which runs may share a mean: one per seed, all on the same data."""


def one_of_each_seed(runs):
    """Choose the runs to average: of each seed, the first whose data agree with those of the runs chosen before it.

    Runs that have their parameters come before records of other people's runs.

    Parameters
    ----------
    runs : iterable
        Each with ``seed``, ``is_record`` and ``splits``, as in :class:`ladder.tables.found_runs.FoundRun`.

    Returns
    -------
    chosen : dict of seed -> run, in order of the seeds
    left_out : list of (run, other)
        The other runs, each with the chosen run that counts in its place or whose data differ from its own.
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
    """Whether two runs had the same examples and labels, judged by the split fingerprints that both have."""
    return all(one.splits[split] == other.splits[split] for split in one.splits.keys() & other.splits.keys())
