"""What happens around the updates of the main loop."""


class Extension:
    """Called by the main loop; override the moments that matter.

    ``loop.row`` is the log's row of the moment: extensions add to it, and
    later ones see what earlier ones wrote.
    """

    def before_training(self, loop):
        """Before the first update."""

    def before_epoch(self, loop):
        """Before the first batch of an epoch; not where a resumed run goes on within one."""

    def after_batch(self, loop, values):
        """After an update; ``values`` is name -> float.

        Updates may be made some at a time: parameters may be those after the
        last of them already.
        """

    def after_updates(self, loop):
        """After an update, or some, when parameters and all else are as the loop's counters say."""

    def after_epoch(self, loop):
        """After the last batch of an epoch."""

    def after_training(self, loop):
        """After the last epoch."""

    def on_interrupt(self, loop):
        """After the update during which a signal came."""
