"""Run folders made without training, and a parser of the pages about them."""

import json
from html.parser import HTMLParser

from ladder.options import Options
from ladder.runs.folder import RunFolder

NETWORK = {
    "dataset": "digits",
    "encoder_layers": "20-10",
    "decoder_spec": "gauss",
    "denoising_cost_x": (10, 1, 0.1),
    "labeled_samples": 100,
    "num_epochs": 3,
}

#: Attributes whose value an element fetches.
FETCHING = {"src", "srcset", "data", "poster", "action", "background"}


def write_run(folder, n_wrong=9, **options):
    """Write the record of a run: options, log, environment and test error; returns its path."""
    p = Options.of(**{**NETWORK, **options})
    folder.mkdir(parents=True)
    run = RunFolder(folder)
    run.save_options(p, (1, 8, 8))
    costs = {f"train_denois{i}": 1.0 for i in range(3)}
    run.save_rows(
        [
            {"epoch": i, "update": 15 * i, "train_cost_total": 9 / i, "train_cost_class_corr": p.seed / i, **costs}
            for i in range(1, p.num_epochs + 1)
        ]
    )
    run.save_environment(
        {"ladder": "0.1.0", "commit": "c" * 40, "backend": "c", "threads": 2, "blas_ldflags": "-L/a/b"}
    )
    entry = {"error_percent": 100 * n_wrong / 360, "n_wrong": n_wrong, "n": 360, "statistics": "saved"}
    (folder / "evaluation.json").write_text(json.dumps({"test": {**entry, "epochs": p.num_epochs}}))
    return folder


class Page(HTMLParser):
    """What a page is made of.

    Attributes
    ----------
    tags : list of (tag, dict of attributes)
    text : str, without scripts and styles, each run of spaces as one
    levels : list of int, of its headings
    """

    def __init__(self, html):
        super().__init__()
        self.tags, self.levels, self._parts, self._silent = [], [], [], None
        self.feed(html)
        self.text = " ".join(" ".join(self._parts).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag in ("script", "style"):
            self._silent = tag
        if tag in ("h1", "h2", "h3", "h4"):
            self.levels.append(int(tag[1]))

    def handle_endtag(self, tag):
        if tag == self._silent:
            self._silent = None

    def handle_data(self, data):
        if not self._silent:
            self._parts.append(data)

    def count(self, tag):
        return sum(name == tag for name, _ in self.tags)

    def fetched(self):
        """Every address that a browser would load for the page."""
        links = [a.get("href") for tag, a in self.tags if tag not in ("a", "use")]
        return [v for _, a in self.tags for name, v in a.items() if name in FETCHING] + [v for v in links if v]
