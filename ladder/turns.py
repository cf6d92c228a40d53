"""Locks for threads that also work in a process forked while a thread held one."""

import os
import threading


class Turns:
    """A lock that a forked process finds open, to use as ``with turns.lock`` and keep for the whole life of a process.

    Parameters
    ----------
    kind : callable
        ``threading.Lock``, or ``threading.RLock`` if a thread may acquire it again while holding it.

    Attributes
    ----------
    lock : lock
        Replaced in a forked process, where nobody would release it if another thread held it.
    """

    def __init__(self, kind=threading.Lock):
        self._kind, self.lock = kind, kind()
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self):
        self.lock = self._kind()
