"""Golden files spread over processes."""

import multiprocessing
import os
import signal
import time

import pytest

from ladder.errors import UserError
from ladder.parity import pool


def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)


def echo(threads, backend, directory, name, full, plain_graph):
    return name


def test_results_come_in_the_order_of_their_names(monkeypatch):
    monkeypatch.setattr(pool, "_check", echo)
    names = ["b", pool.LONGEST, "a"]
    assert list(pool.check_all("folder", names, 2, 1)) == names


def slow_or_wrong(threads, backend, directory, name, full, plain_graph):
    if name == "wrong":
        raise UserError("it is wrong")
    time.sleep(60)


def test_a_mistake_in_one_ends_all(monkeypatch):
    monkeypatch.setattr(pool, "_check", slow_or_wrong)
    start = time.monotonic()
    with pytest.raises(UserError, match="it is wrong"):
        list(pool.check_all("folder", ["wrong", "b", "c", "d"], 2, 1))
    # Asked until it is so: the pool's own thread waits for them, too, and until it has noted that one has ended, this
    # thread cannot see it.
    while multiprocessing.active_children():
        assert time.monotonic() - start < 50, "they sleep for 60 seconds if nobody ends them"
        time.sleep(0.01)


def test_a_process_that_is_killed_is_told(monkeypatch):
    monkeypatch.setattr(pool, "_check", die)
    with pytest.raises(
        UserError, match="a process that checks was killed, perhaps as memory ran out: give fewer --jobs"
    ):
        list(pool.check_all("folder", ["a", "b", "c"], 2, 1))
