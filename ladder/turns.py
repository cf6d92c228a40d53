"""Threads take turns, also in a process that was forked while one of them had its turn."""

import os
import threading


class Turns:
    """A lock for ``with``, of which there may be one for each module: it is never given back.

    Parameters
    ----------
    kind : callable
        ``threading.Lock``, or ``threading.RLock`` where a thread may take its turn within its turn.
    """

    def __init__(self, kind=threading.Lock):
        self._kind = kind
        self._renew()
        # In the new process nobody would let go of what another thread held.
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self):
        self._lock = self._kind()

    def __enter__(self):
        self._lock.acquire()

    def __exit__(self, *error):
        self._lock.release()
