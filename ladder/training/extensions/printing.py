"""Progress for people: a bar on a terminal, and one line per epoch everywhere."""

import logging
import re
import sys

from tqdm.auto import tqdm

from ladder.runs import log_lines
from ladder.runs.log_rows import BEGINNINGS
from ladder.training.extensions import Extension

logger = logging.getLogger("main")


class ShortPrinting(Extension):
    """One line per epoch: training and validation costs, and the error.

    Short names are the original's: T_C_class (corrupted cross-entropy of
    training), T_C_de (denoising costs, layer 0 first), V_C_class, V_E and
    V_C_de (validation, running averages), ``VF_…`` (validation, final statistics);
    ours are T_C_vat (virtual adversarial costs), T_L1 and T_L2 (penalties without their weights), and
    ``VB_…`` (as VF, of the best epoch).
    """

    def after_epoch(self, loop):
        items = [
            item
            for prefix, short in zip(BEGINNINGS, ("T", "V", "VF", "VB"))
            for item in self._items(loop.row, prefix, short)
        ]
        if items:
            logger.info(log_lines.EPOCH, loop.epochs_done, loop.updates_done, ", ".join(items))

    after_training = after_epoch

    @staticmethod
    def _items(row, prefix, short):
        for name, label in (("cost_class_corr", "C_class"), ("cost_class_clean", "C_class"), ("error_rate_clean", "E")):
            if prefix + name in row:
                yield f"{short}_{label} {row[prefix + name]:.3g}"
        for name, label in (("denois", "C_de"), ("vat", "C_vat")):
            found = (re.fullmatch(re.escape(prefix + name) + r"(\d+)", entry) for entry in row)  # callbacks add others
            numbers = sorted(int(match[1]) for match in found if match)
            if numbers:
                yield f"{short}_{label} " + " ".join(f"{row[f'{prefix}{name}{i}']:.3g}" for i in numbers)
        for name in ("l1", "l2"):
            if prefix + name in row:
                yield f"{short}_{name.upper()} {row[prefix + name]:.3g}"


class ProgressBar(Extension):
    """Epoch, time left and cost, on a terminal or in a notebook.

    Parameters
    ----------
    n_batches : int, updates of one epoch
    """

    def __init__(self, n_batches):
        self._n_batches = n_batches

    def before_training(self, loop):
        self._bar = tqdm(
            total=self._n_batches * loop.num_epochs,
            initial=loop.updates_done,
            unit="update",
            disable=not (sys.stderr.isatty() or "ipykernel" in sys.modules),
            mininterval=0.5,
            leave=False,
        )

    def before_epoch(self, loop):
        self._bar.set_description(f"epoch {loop.epochs_done + 1}/{loop.num_epochs}", refresh=False)

    def after_batch(self, loop, values):
        # Formatting a postfix costs more than the rest of the loop, so it is done only now and then.
        if loop.updates_done % 10 == 0 and not self._bar.disable:
            self._bar.set_postfix(cost=f"{values['cost_total']:.4g}", refresh=False)
        self._bar.update()

    def after_training(self, loop):
        self._bar.close()

    on_interrupt = after_training
