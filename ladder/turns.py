"""Threads take turns, also in a process that was forked while one of them had its turn."""

import os
import threading


class Turns:
    """A lock that a forked process finds open, for ``with turns.lock``; for the whole life of a process.

    Parameters
    ----------
    kind : callable
        ``threading.Lock``, or ``threading.RLock`` where a thread may take its turn within its turn.

    Attributes
    ----------
    lock : lock
        Another one in a forked process, where nobody would let go of what another thread held.
    """

    def __init__(self, kind=threading.Lock):
        self._kind, self.lock = kind, kind()
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self):
        self.lock = self._kind()
