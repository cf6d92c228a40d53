"""The main loop: updates batch by batch, with extensions around them; several loops side by side."""

import signal
import threading
from contextlib import contextmanager, nullcontext
from itertools import islice

from ladder.errors import TrainingStopped


class MainLoop:
    """Train until the last epoch, an interrupt, or an extension's exception.

    Everything but the updates themselves is done by extensions: monitoring, saving,
    printing, the learning rate.  They are called in the order given.

    Parameters
    ----------
    stream : SemiDataStream
    num_epochs : int
    extensions : list of Extension
    augmentation : Augmentation, optional
        Replaces positions by features, see :mod:`ladder.data.augmentation`.

    Attributes
    ----------
    epochs_done, updates_done : int
    batches_done : int
        In the current epoch.  A checkpoint restores all three counters.
    interrupted : bool
        Whether a signal or an extension (a deadline, a pause) asked the loop to stop here, to be resumed later.
    ended : bool
        Whether an extension made the epoch that just ended the last one.
    finished : bool
        Whether training reached its end, be it an early one set by an extension, without being interrupted.
    row : dict
        What extensions report about the epoch that just ended.
    """

    def __init__(self, stream, num_epochs, extensions, augmentation=None):
        self.stream = stream
        self.num_epochs = num_epochs
        self.extensions = extensions
        self._augmentation = augmentation
        self.epochs_done = 0
        self.updates_done = 0
        self.batches_done = 0
        self.interrupted = False
        self.ended = False
        self.finished = False
        self.row = {}

    def run(self, updates):
        """Train.

        Parameters
        ----------
        updates : ``ladder.backends.c.Updates``, or anything with its ``make`` and ``at_once``
        """
        errors = run_side_by_side([self], lambda requests: {0: updates.make(requests[0])}, updates.at_once)
        if errors:
            raise errors[0]

    def train(self, at_once):
        """Train, as a generator that yields requests for updates and is sent the monitored values.

        Parameters
        ----------
        at_once : int
            The number of requests yielded together, fewer at the end of an
            epoch.  They are counted from the epoch's start, even when a run
            is resumed within one.

        Yields
        ------
        list of dict of input name -> positions, or features
            Answered by a list of dict of name -> float, one per request; if it
            is shorter, the other updates were not made.
        """
        self._call("before_training")
        while self.epochs_done < self.num_epochs and not (self.ended or self.interrupted):
            yield from self._train_epoch(at_once)
        self.finished = not self.interrupted
        # A signal from here on finds training done, so the rest is completed.
        self._call("after_training" if self.finished else "on_interrupt")

    def _train_epoch(self, at_once):
        if self.batches_done == 0:
            self._call("before_epoch")
        requests = islice(self.stream.get_request_iterator(), self.batches_done, None)
        while burst := list(islice(requests, at_once - self.batches_done % at_once)):
            for values in (yield self._augmented(burst)):
                self.updates_done += 1
                self.batches_done += 1
                for extension in self.extensions:
                    extension.after_batch(self, values)
            for extension in self.extensions:
                extension.after_updates(self)
            if self.interrupted:
                return
        self.epochs_done += 1
        self.batches_done = 0
        self._call("after_epoch")

    def _augmented(self, requests):
        """The requests, with features in place of positions for the halves that are augmented."""
        if self._augmentation is None:
            return requests
        return [self._augmentation(each, self.epochs_done, i) for i, each in enumerate(requests, self.batches_done)]

    def _call(self, moment):
        """Call every extension; what they write to ``row`` lasts until the next moment."""
        self.row = {"epoch": self.epochs_done, "update": self.updates_done}
        for extension in self.extensions:
            getattr(extension, moment)(self)


def run_side_by_side(loops, make, at_once, current=lambda i: nullcontext()):
    """Train several runs in lockstep, making each update of all of them together.

    Parameters
    ----------
    loops : list of MainLoop, with equally many updates per epoch
    make : function of a dict of loop's index -> requests
        Makes the updates of these loops; returns a dict of index -> monitored values.
    at_once : int
    current : function of an index -> context manager
        Entered around everything that a loop does.

    Returns
    -------
    dict of index -> exception, for the loops that ended with one
    (``TrainingStopped``, or an ``OSError``, e.g. for a full disk); the others
    went on
    """
    trainings, answers, errors = {i: loop.train(at_once) for i, loop in enumerate(loops)}, {}, {}
    with signals_noted(loops):
        while trainings:
            requests = {}
            for i, training in list(trainings.items()):
                try:
                    with current(i):
                        requests[i] = training.send(answers.get(i))
                except StopIteration:
                    del trainings[i]
                except (TrainingStopped, OSError) as error:
                    errors[i] = error
                    del trainings[i]
            answers = make(requests) if requests else {}
    return errors


@contextmanager
def signals_noted(loops):
    """While inside, SIGINT and SIGTERM end training after the current updates; outside the main thread nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(number, frame):
        for loop in loops:
            loop.interrupted = True
        # A second signal has its usual effect.
        signal.signal(number, previous[number])

    previous = {s: signal.signal(s, note) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
