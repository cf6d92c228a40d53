"""The main loop: batches through the training function, extensions around it."""

import signal
from contextlib import contextmanager
from itertools import islice


class MainLoop:
    """Train until the last epoch, an interrupt, or an extension's exception.

    Everything but the update itself is an extension: monitoring, saving,
    printing, the learning rate.  They are called in the order given.

    Parameters
    ----------
    process_batch : function of a batch (dict of arrays)
        Makes one update; returns monitored values (dict of name -> float).
    stream : SemiDataStream
    num_epochs : int
    extensions : list of Extension

    Attributes
    ----------
    epochs_done, updates_done : int
    batches_done : int
        Of the epoch that is under way; a checkpoint sets all three.
    interrupted : bool
        Whether a signal asked to stop.
    finished : bool
        Whether all epochs were trained before any signal came.
    row : dict
        What extensions have to say about the epoch that just ended.
    """

    def __init__(self, process_batch, stream, num_epochs, extensions):
        self.process_batch = process_batch
        self.stream = stream
        self.num_epochs = num_epochs
        self.extensions = extensions
        self.epochs_done = 0
        self.updates_done = 0
        self.batches_done = 0
        self.interrupted = False
        self.finished = False
        self.row = {}

    def run(self):
        with self._signals_noted():
            self._call("before_training")
            while self.epochs_done < self.num_epochs and not self.interrupted:
                self._run_epoch()
            self.finished = not self.interrupted
            # A signal that comes now finds training done: what remains is seen to its end.
            self._call("after_training" if self.finished else "on_interrupt")

    def _run_epoch(self):
        if self.batches_done == 0:
            self._call("before_epoch")
        for batch in islice(self.stream.get_epoch_iterator(), self.batches_done, None):
            values = self.process_batch(batch)
            self.updates_done += 1
            self.batches_done += 1
            for extension in self.extensions:
                extension.after_batch(self, values)
            if self.interrupted:
                return
        self.epochs_done += 1
        self.batches_done = 0
        self._call("after_epoch")

    def _call(self, moment):
        """Tell every extension; what they write to ``row`` is kept until the next moment."""
        self.row = {"epoch": self.epochs_done, "update": self.updates_done}
        for extension in self.extensions:
            getattr(extension, moment)(self)

    @contextmanager
    def _signals_noted(self):
        """SIGINT and SIGTERM end training after the batch in hand."""

        def note(number, frame):
            self.interrupted = True
            # A second signal does what it always did.
            signal.signal(number, previous[number])

        previous = {s: signal.signal(s, note) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
