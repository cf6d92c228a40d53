"""What happens around the updates of the main loop."""


class Extension:
    """Called by the main loop; override the methods that matter.

    ``loop.row`` is the current row of the log: extensions add to it, and later
    ones see what earlier ones wrote.

    Examples
    --------
    >>> class Halve(Extension):
    ...     def after_epoch(self, loop):
    ...         loop.row["half_the_cost"] = loop.row["train_cost_total"] / 2
    >>> import ladder
    >>> options = dict(dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0), num_epochs=1)
    >>> ladder.train(**options, callbacks=[Halve()]).log[0]["half_the_cost"] > 0
    True
    """

    def before_training(self, loop):
        """Before the first update."""

    def before_epoch(self, loop):
        """Before the first batch of an epoch, but not when a run is resumed within one."""

    def after_batch(self, loop, values):
        """After an update; ``values`` is name -> float.

        Several updates may be made at once: the parameters may already be
        those after the last of them.
        """

    def after_updates(self, loop):
        """After one or several updates, when parameters and everything else agree with the loop's counters."""

    def after_epoch(self, loop):
        """After the last batch of an epoch."""

    def after_training(self, loop):
        """After the last epoch, also if training ended early."""

    def on_interrupt(self, loop):
        """In place of :meth:`after_training`, if the loop was interrupted."""
