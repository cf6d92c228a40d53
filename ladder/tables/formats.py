"""A table as CSV, Markdown, LaTeX, and text cells for the screen."""

import csv
import io

HEADINGS = ("row", "whose", "seeds", "mean", "std", "95 % interval", "difference", "Wilcoxon p", "permutation p")

COLUMNS = (
    "row",
    "whose",
    "baseline",
    "tuned_on_test",
    "without_seed",
    "n",
    "seeds",
    "errors",
    "mean",
    "std",
    "interval_low",
    "interval_high",
    "printed_mean",
    "printed_std",
    "shared_seeds",
    "mean_difference",
    "wilcoxon_p",
    "permutation_p",
    "folders",
)


def attacks(table):
    """The names of all attacks in a table, in the order of its lines."""
    return list(dict.fromkeys(name for line in table.lines for name in line.attacked))


def headings(table):
    """The column headings of a table."""
    return [*HEADINGS, *attacks(table)]


def cells(line, attacks=()):
    """A line as text cells, one for each of ``HEADINGS`` and of some attacks.

    Parameters
    ----------
    line : Line
    attacks : sequence of str
    """
    summary, test = line.summary, _tested(line)
    return (
        line.label,
        line.whose,
        in_ranges(line.errors),
        _mean(line),
        _std(line),
        f"{summary.interval[0]:.3f} to {summary.interval[1]:.3f}" if summary and summary.interval else "",
        _difference(line.test) if line.test else "",
        f"{test.wilcoxon:.3g}" if test else "",
        f"{test.permutation:.3g}" if test else "",
        *(_attacked(line, name) for name in attacks),
    )


def _tested(line):
    """The line's test if it has more than one seed; one seed allows no test."""
    return line.test if line.test and len(line.test.seeds) > 1 else None


def _mean(line):
    if line.summary is None:
        return "" if line.printed_mean is None else f"{line.printed_mean:g}"
    printed = "" if line.printed_mean is None else f" (printed: {line.printed_mean:.3f})"
    return f"{line.summary.mean:.3f}{printed}"


def _std(line):
    std = line.printed_std if line.summary is None else line.summary.std
    return "" if std is None else f"{std:g}" if line.summary is None else f"{std:.4f}"


def _difference(test):
    """The mean difference, with its number of seeds if the means beside it are over other seeds."""
    n = len(test.seeds)
    return f"{test.difference:+.3f}" + ("" if test.of_all else f" ({n} seed{'s' * (n != 1)})")


def _attacked(line, name):
    """Mean and standard deviation under an attack, with the number of seeds if it is not all."""
    summary = line.attacked.get(name)
    if summary is None:
        return ""
    some = f" ({summary.n} seed{'s' * (summary.n != 1)})" if summary.n != len(line.errors) else ""
    digits = ".2f" if line.folders else "g"  # published numbers as printed
    return f"{summary.mean:{digits}}" + ("" if summary.std is None else f" ± {summary.std:{digits}}") + some


def in_ranges(seeds):
    """1, 2, 3, 5 -> '1-3, 5'."""
    ranges = []
    for seed in sorted(seeds):
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


def remarks(table):
    """All remarks below a table."""
    return [*table.findings, *table.notes, *table.problems]


def as_csv(table):
    """All numbers, unrounded; lists within a cell are separated by spaces, folders by '|'; three columns per attack."""
    text, names = io.StringIO(), attacks(table)
    columns = [f"{name}, {what}" for name in names for what in ("n", "mean", "std")]
    writer = csv.DictWriter(text, [*COLUMNS, *columns], lineterminator="\n")
    writer.writeheader()
    for line in table.lines:
        summaries = [line.attacked.get(name) for name in names]
        numbers = [value for s in summaries for value in ((s.n or None, s.mean, s.std) if s else (None, None, None))]
        writer.writerow({**_record(line), **dict(zip(columns, numbers))})
    return text.getvalue()


def _record(line):
    summary, test, tested = line.summary, line.test, _tested(line)
    low, high = summary.interval if summary and summary.interval else (None, None)
    return {
        "row": line.name,
        "whose": line.whose,
        "baseline": int(line.is_baseline),
        "tuned_on_test": int(line.tuned),
        "without_seed": line.without_seed,
        "n": len(line.errors) or None,
        "seeds": " ".join(map(str, line.errors)),
        "errors": " ".join(f"{error:.15g}" for error in line.errors.values()),
        "mean": summary and summary.mean,
        "std": summary and summary.std,
        "interval_low": low,
        "interval_high": high,
        "printed_mean": line.printed_mean,
        "printed_std": line.printed_std,
        "shared_seeds": " ".join(map(str, test.seeds)) if test else None,
        "mean_difference": test and test.difference,
        "wilcoxon_p": tested and tested.wilcoxon,
        "permutation_p": tested and tested.permutation,
        "folders": "|".join(line.folders),
    }


def as_markdown(table):
    above, names = headings(table), attacks(table)
    rows = [above, ["---"] * len(above), *(cells(line, names) for line in table.lines)]
    body = "\n".join("| " + " | ".join(_markdown(cell) for cell in row) + " |" for row in rows)
    below = "".join(f"- {_markdown(remark)}\n" for remark in remarks(table))
    return f"# {_markdown(table.title)}\n\n{_markdown(_caption(table))}\n\n{body}\n\n{below}"


def _caption(table):
    under = " Under attack (kind and tau): mean ± standard deviation." if attacks(table) else ""
    return f"Test error, per cent.{under}" + (f" {table.source}." if table.source else "")


def _markdown(text):
    for sign in "\\|*_<":
        text = text.replace(sign, "\\" + sign)
    return text


def as_latex(table):
    """A ``table`` that needs no package."""
    above, names = headings(table), attacks(table)
    rows = " \\\\\n".join(" & ".join(map(_latex, cells(line, names))) for line in table.lines)
    below = "".join(f"\\par\\footnotesize {_latex(remark)}.\n" for remark in remarks(table))
    return (
        "\\begin{table}\n"
        f"\\caption{{{_latex(table.title)}. {_latex(_caption(table))}}}\n"
        f"\\begin{{tabular}}{{lll{'r' * (len(above) - 3)}}}\n"
        f"\\hline\n{' & '.join(map(_latex, above))} \\\\\n\\hline\n{rows} \\\\\n\\hline\n"
        f"\\end{{tabular}}\n{below}\\end{{table}}\n"
    )


_LATEX = {
    "\\": "\\textbackslash{}",
    "_": "\\_",
    "%": "\\%",
    "&": "\\&",
    "#": "\\#",
    "$": "\\$",
    "{": "\\{",
    "}": "\\}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "±": "\\ensuremath{\\pm}",
}


def _latex(text):
    return "".join(_LATEX.get(letter, letter) for letter in text)
