"""The parts of a page that need only the files of the runs: plain texts and numbers for its template."""

import re

from scipy import stats

from ladder.data.preprocessing import steps_in_words
from ladder.data.registry import n_training_examples, name_of
from ladder.layers import resolve_layers
from ladder.option_names import as_typed
from ladder.options import OPTIONS
from ladder.report.command import name_of_run, train_command, value_in_words
from ladder.report.network import in_words, network_figure
from ladder.report.svg import inline_svg
from ladder.runs.arrays import TrainedArrays
from ladder.runs.folder import EARLIER, environments
from ladder.tables.comparable import one_of_each_seed
from ladder.tables.statistics import summarize

#: Of the environment: flags, most of which are paths of one machine, and what earlier parts of the run recorded.
LEFT_OUT = ("blas_ldflags", "aesara_flags", EARLIER)

NOT_EVALUATED = "not evaluated"

#: No evaluation has this many examples, and SciPy mistakes larger numbers for something else.
MOST_EXAMPLES = 10**15


def error_in_words(n_wrong, n):
    """An error with its 95 % interval, e.g. '4.17 % (15 of 360) [2.54 to 6.76]'.

    The interval is Wilson's for a binomial proportion.

    Examples
    --------
    >>> error_in_words(15, 360)
    '4.17 % (15 of 360) [2.54 to 6.76]'
    """
    low, high = stats.binomtest(n_wrong, n).proportion_ci(0.95, method="wilson")
    return f"{100 * n_wrong / n:.2f} % ({n_wrong:,} of {n:,}) [{100 * low:.2f} to {100 * high:.2f}]"


def summary(runs, groups, looks):
    """A row for each run, and a sentence for each group of several seeds.

    Parameters
    ----------
    runs : list of ReportedRun
    groups : list of RunGroup
    looks : dict of run name -> Look or None
    """
    errors = {run.name: _test_error(run, looks.get(run.name)) for run in runs}
    rows = [
        (
            run.name,
            error_in_words(*errors[run.name]) if errors[run.name] else NOT_EVALUATED,
            _state(run),
            run.p.seed,
            _last(run.p.dataset),
        )
        for run in runs
    ]
    sentences = [_best_in_words(run) for run in runs if run.parameters == "best"]
    sentences += filter(None, (_over_seeds(group, errors) for group in groups))
    return {"headings": ("run", "test error", "epochs", "seed", "data set"), "rows": rows, "sentences": sentences}


def _best_in_words(run):
    epoch = run.folder.best_epoch()
    which = f"epoch {epoch}" if epoch else "the epoch"
    return f"{run.name}: errors and pictures are those of {which}, whose validation error was the lowest."


def _test_error(run, look):
    """(wrong, of how many): as evaluated, or else as found while looking into the network; None without either."""
    entry = run.evaluations.get("test")
    if (
        entry
        and type(entry.get("n_wrong")) is int
        and 0 <= entry["n_wrong"] <= entry["n"]
        and 0 < entry["n"] < MOST_EXAMPLES
    ):
        return entry["n_wrong"], entry["n"]
    if look and look.guesses:
        return look.guesses.report["n_wrong"], look.guesses.report["n"]
    return None


def _state(run):
    state = "" if run.finished else ", not finished"
    return f"{run.epochs} of {run.p.num_epochs}{state}"


def _over_seeds(group, errors):
    """The mean over a group's finished runs, one per seed, in words; None if there are fewer than two."""
    chosen, _ = one_of_each_seed(run for run in group.runs if run.finished and errors[run.name])
    if len(chosen) < 2:
        return None
    counted = [run.name for run in chosen.values()]
    found = summarize([100 * n_wrong / n for n_wrong, n in map(errors.get, counted)])
    others = [run.name for run in group.runs if run.name not in counted]
    why = "not finished, not evaluated, of a seed that counts already, or of other data"
    left_out = f" Left out, as {why}: {', '.join(others)}." if others else ""
    low, high = found.interval
    few = " With so few seeds that interval is too narrow." if found.n < 6 else ""
    return (
        f"{group.label}: mean test error {found.mean:.3f} % over {found.n} seeds, standard deviation {found.std:.3f}, "
        f"95 % bootstrap interval of the mean {low:.3f} to {high:.3f}.{few}{left_out}"
    )


def option_difference(runs):
    """The options in which runs differ, a column for each run; None for one run, or if they differ in none."""
    if len(runs) < 2:
        return None
    rows = []
    for name in OPTIONS:
        values = [value_in_words(name, getattr(run.p, name)) for run in runs]
        follows_the_seed = name == "dseed" and all(run.p.dseed == run.p.seed for run in runs)
        if len(set(values)) > 1 and not follows_the_seed:
            rows.append((as_typed(name), *values))
    shapes = [" x ".join(map(str, run.in_dim)) for run in runs]
    if len(set(shapes)) > 1:
        rows.append(("shape of an example", *shapes))
    return {"headings": ("option", *(run.name for run in runs)), "rows": rows} if rows else None


def network(group, looks):
    """The drawing, the layers and the data of a group of runs."""
    run = group.runs[0]
    layers = resolve_layers(run.p, run.in_dim)
    with_decoder = [layer.number for layer in layers if layer.decoder]
    where = f"with a decoder at layers {', '.join(map(str, with_decoder))}" if with_decoder else "without a decoder"
    label = f"Drawing of a ladder network of {len(layers)} layers, {where}; the table below has its layers."
    return {
        "label": group.label,
        "drawing": inline_svg(network_figure(run.p, run.in_dim), label, text_as_paths=True),
        "has_decoder": bool(with_decoder),
        "layers": _layers_table(run, layers),
        "data": _data_in_words(run, looks.get(run.name)),
    }


def _layers_table(run, layers):
    counts = _parameters_by_layer(run)
    headings = ["layer", "kind", "shape", "activation", "noise", "decoder", "cost weight"]
    rows = []
    for layer in layers:
        row = [
            layer.number,
            in_words(layer),
            layer.shape_in_words(" × "),
            layer.encoder_act if layer.number else "",
            f"{layer.noise_std:g}",
            layer.decoder_in_words,
            f"{layer.denoising_cost:g}",
        ]
        if counts:
            row += [f"{counts.get((path, layer.number), 0):,}" for path in "fg"]
        rows.append(row)
    return {"headings": headings + ["in encoder", "in decoder"] * bool(counts), "rows": rows, "counted": bool(counts)}


def _parameters_by_layer(run):
    """(f or g, layer number) -> number of parameters there; empty if they were not kept."""
    counts = {}
    if run.has_parameters:
        for name, array in TrainedArrays.load(run.folder).parameters.items():
            path, number, *_ = [*name.split("_", 2), ""]
            if re.fullmatch("[0-9]{1,4}", number):
                counts[path, int(number)] = counts.get((path, int(number)), 0) + array.size
    return counts


def _data_in_words(run, look):
    """The data set, and its numbers of training, labelled, validation and test examples."""
    p, shape = run.p, " × ".join(map(str, run.in_dim))
    example = f", whose examples are {shape}" if shape else ""
    said = [f"Data set {_last(p.dataset)}{example}."]
    if look:
        labelled = "no labels are used" if p.unsupervised else f"{len(look.split.labeled):,} of them with their label"
        said.append(
            f"{len(look.split.train):,} examples train, {labelled}; {len(look.split.valid):,} validate, "
            f"{look.n_test:,} test."
        )
    else:
        n_labeled = len(p.labeled_indices) or p.labeled_samples
        asked = f"{n_labeled:,}" if n_labeled else "all"
        said.append("No labels are used." if p.unsupervised else f"Labels used: {asked}.")
        said += _recorded_sizes(run)
    said += [f"Features are {done}." for done in steps_in_words(p)]
    return " ".join(said)


def _recorded_sizes(run):
    """Sentences about the sizes of the splits, as far as they are recorded."""
    for split, was in run.splits.items():
        n = was["examples"]
        if split == "train":
            asked = run.p.unlabeled_samples or n_training_examples(name_of(run.p.dataset)) or n
            yield f"{min(asked, n):,} examples train, of {n:,} in the training split."
        else:
            yield f"{n:,} {split} examples."


def _last(dataset):
    """The name of a data set, without the folders of its file."""
    return dataset.replace("\\", "/").rsplit("/", 1)[-1]


def commands(runs):
    """The command that trains each run again."""
    found = []
    for run in runs:
        environment = run.folder.load_environment() or {}
        commit = environment.get("commit")
        at = f" (commit {commit[:10]})" if isinstance(commit, str) and commit else ""
        found.append(
            {
                "name": run.name,
                "command": train_command(run.p, name_of_run(run.name), run.folder.backend_options(), run.folder.path),
                "sentence": f"With the version{at}, the libraries and the processor below, {_repeats(run)}.",
            }
        )
    return found


def _repeats(run):
    environment = run.folder.load_environment() or {}
    called = next(filter(None, (part.get("callbacks") for part in environments(environment))), None)
    if called:
        return f"the result is another where it depends on the callbacks that Python gave this run, {str(called)[:200]}"
    if environment.get(EARLIER):
        return "the result is the same up to rounding: this run was interrupted, and went on with other ones"
    if run.folder.backend_options().get("backend") == "jax":
        return "the result is the same up to rounding"
    return "the result is the same bit for bit"


def environment_table(runs):
    """What the runs were made with, a column for each."""
    found = [run.folder.load_environment() or {} for run in runs]
    names = [name for name in dict.fromkeys(name for one in found for name in one) if name not in LEFT_OUT]
    rows = [(str(name)[:60], *(str(one.get(name, ""))[:200] for one in found)) for name in names]
    return {"headings": ("what", *(run.name for run in runs)), "rows": rows or [("not recorded", *([""] * len(runs)))]}
