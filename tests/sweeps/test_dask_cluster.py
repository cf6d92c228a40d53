"""A real Dask cluster of worker processes, with training that computes nothing."""

import os
import signal
import threading
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from sweeps.stand_in import PATH, beginnings, begun, grid

from ladder.errors import UserError
from ladder.runs import lock
from ladder.sweeps import dask_pool, on_dask
from ladder.sweeps.agenda import Agenda
from ladder.sweeps.carrying_out import Wish, carry_out
from ladder.sweeps.dask_pool import DaskPool
from ladder.sweeps.halving import Halving
from ladder.sweeps.swept import look
from ladder.training.records import Records

distributed = pytest.importorskip("distributed")


def cluster(**others):
    return distributed.LocalCluster(threads_per_worker=1, dashboard_address=":0", **others)


def pool(on, seconds=0.02):
    return DaskPool(on.scheduler_address, (str(PATH), str(seconds)))


def test_runs_of_a_lost_worker_go_on_elsewhere(tmp_path):
    runs, seen = begun(tmp_path, grid(4)), []
    with cluster(n_workers=2) as on:
        workers = [nanny.process.pid for nanny in on.workers.values()]

        def kill_one():
            until = time.monotonic() + 60
            while not seen and time.monotonic() < until:
                seen.extend(run for run in runs if look(run).held and look(run).epochs > 3)
                time.sleep(0.01)
            os.kill(workers[0], signal.SIGKILL)

        killer = threading.Thread(target=kill_one, daemon=True)
        killer.start()
        assert carry_out(Agenda(runs), pool(on, 0.1), Wish({}))
        killer.join()
    assert seen
    assert all(look(run).finished for run in runs)
    # 27 epochs and the final row: none was lost, none trained twice.
    assert [len(run.folder.rows()) for run in runs] == [28] * 4
    assert sum(map(beginnings, runs)) in (4, 5)


def test_a_scheduler_that_ended_is_named(tmp_path, monkeypatch):
    runs = begun(tmp_path, grid(2))
    with cluster(n_workers=0, processes=False) as on:
        one = pool(on)

        def ended(*args, **others):
            raise OSError("Timed out trying to connect")

        for name in ("nthreads", "run"):
            monkeypatch.setattr(one._client, name, ended)
        with pytest.raises(
            UserError, match="the Dask scheduler has ended .*: start it again, and give the command again"
        ):
            carry_out(Agenda(runs), one, Wish({}))
        assert one._client.status == "closed"
        one._stopping = True  # also while waiting for runs to stop
        with pytest.raises(UserError, match="the Dask scheduler has ended"):
            one.events(timeout=0.01)


def test_workers_that_do_not_see_the_folder_send_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(on_dask, "_sees", lambda task: False)  # the cluster is in threads of this process
    train = on_dask._trained

    def also_pretrain(task, say, stop):
        (Path(task["folder"]) / "pretraining" / "layer1").mkdir(parents=True)
        (Path(task["folder"]) / "pretraining" / "layer1" / "learnt.npz").write_bytes(b"weights")
        return train(task, say, stop)

    monkeypatch.setattr(on_dask, "_trained", also_pretrain)
    runs, halving = begun(tmp_path, grid(2)), Halving(2)
    with cluster(n_workers=1, processes=False) as on:
        assert carry_out(Agenda(runs), pool(on), Wish({}))
        halved = begun(tmp_path / "halved", grid(2), halving)
        with pytest.raises(UserError, match="halving goes on from checkpoints, and a worker does not see"):
            carry_out(Agenda(halved, halving), pool(on), Wish({}))
    assert all(look(run).finished and not look(run).held for run in runs)
    assert all((run.folder / "pretraining/layer1/learnt.npz").read_bytes() == b"weights" for run in runs)
    assert [len(run.folder.rows()) for run in runs] == [28] * 2 and list(map(beginnings, runs)) == [1, 1]


def test_a_run_that_another_process_holds_by_then(tmp_path, monkeypatch):
    monkeypatch.setattr(on_dask, "_sees", lambda task: False)
    (run,) = begun(tmp_path, grid(1))
    task = {"folder": str(run.folder), "until": None, "minutes": 5, "backend": {}, "records": asdict(Records())}
    with cluster(n_workers=1, processes=False) as on:
        dask, heard = pool(on, 3.0), []
        try:
            dask.start(run, task)
            with lock.held(run.folder):
                while not heard:
                    heard = dask.events(10)
            assert heard == [(run, {"state": "held"})] and dask.room == 1
            until = time.monotonic() + 30  # an epoch takes three seconds, and there are 27
            while any(worker.processing for worker in on.scheduler.workers.values()):
                assert time.monotonic() < until
                time.sleep(0.1)
        finally:
            dask.close()


def test_no_scheduler_there(monkeypatch):
    monkeypatch.setattr(dask_pool, "TIMEOUT", 0.5)
    with pytest.raises(UserError, match="no Dask scheduler answers there"):
        DaskPool("tcp://127.0.0.1:9")


@pytest.mark.parametrize("address", ["", "here", "nothing://127.0.0.1:1", "tcp://127.0.0.1:port"])
def test_what_is_no_address_is_refused_at_once(address):
    with pytest.raises(UserError, match=f"--scheduler '{address}' is no address"):
        dask_pool.check_address(address)
