"""Threads take turns; a forked process does not wait for a thread that it does not have."""

import os
import signal
import sys
import threading

import pytest

from ladder.turns import Turns

#: Python warns of forking beside libraries with threads, but the child does next to nothing.
pytestmark = pytest.mark.filterwarnings("ignore:os.fork")


def taken_by_a_thread(turns):
    """Whether another thread gets its turn at once."""
    taken = []
    thread = threading.Thread(target=lambda: taken.append(turns.lock.acquire(blocking=False)))
    thread.start()
    thread.join()
    return taken[0]


@pytest.mark.parametrize("kind", [threading.Lock, threading.RLock])
def test_one_thread_at_a_time(kind):
    turns = Turns(kind)
    with turns.lock:
        assert not taken_by_a_thread(turns)
    assert taken_by_a_thread(turns)


def test_a_turn_within_a_turn():
    turns = Turns(threading.RLock)
    with turns.lock, turns.lock:
        pass


def test_it_is_given_up_where_an_error_ends_it():
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.lock:
        1 / 0
    assert taken_by_a_thread(turns)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_takes_its_turn():
    turns, forked = Turns(), threading.Event()
    begun = threading.Event()

    def holds():
        with turns.lock:
            begun.set()
            forked.wait()

    thread = threading.Thread(target=holds)
    thread.start()
    begun.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # ends the child if it waits
        with turns.lock:
            os._exit(0)
    forked.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kind", [threading.Lock, threading.RLock])
def test_a_process_that_is_forked_within_a_turn_may_end_it(kind):
    turns = Turns(kind)
    child = None
    try:
        with turns.lock:
            child = os.fork()
        signal.alarm(60 if child == 0 else 0)  # ends the child if it waits
        with turns.lock:
            pass
    finally:
        if child == 0:
            os._exit(sys.exc_info()[0] is not None)
    assert os.waitpid(child, 0)[1] == 0
