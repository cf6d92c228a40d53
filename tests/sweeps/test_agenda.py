"""What a sweep trains next, with training that computes nothing (``benchmarks/stand_in_training.py``)."""

import json
import shutil
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from sweeps.stand_in import PATH, Threads, beginnings, begun, grid, training

from ladder import plain_json
from ladder.errors import UserError
from ladder.runs import lock
from ladder.sweeps import agenda as agendas
from ladder.sweeps import swept
from ladder.sweeps.agenda import DROPPED, FAILED, FINISHED, REACHED, WAITING, Agenda
from ladder.sweeps.carrying_out import Wish, carry_out
from ladder.sweeps.halving import Halving
from ladder.sweeps.local import LocalPool
from ladder.sweeps.standing import standing
from ladder.sweeps.swept import SweepFolder, look


def places(agenda):
    return [item.place for item in agenda.items]


def trained_twice(runs):
    """The names of runs whose training was begun more than once."""
    return [run.folder.path.name for run in runs if beginnings(run) > 1]


def halved_by_hand(configurations, rungs, factor):
    """Epochs of each configuration under successive halving by the mean over seeds, as in the paper."""
    rates = sorted({p.lr for p in configurations}, reverse=True)
    epochs, alive = {}, rates
    for rung in rungs:
        epochs.update({lr: rung for lr in alive})
        error = {lr: np.mean([training.error_after(p, rung) for p in configurations if p.lr == lr]) for lr in alive}
        alive = sorted(sorted(alive, key=error.get)[: max(1, len(alive) // factor)], reverse=True)
    return [epochs[p.lr] for p in configurations]


def test_a_run_whose_log_cannot_be_read_has_failed(tmp_path, monkeypatch):
    runs = begun(tmp_path, grid(2))
    monkeypatch.setattr(plain_json, "MOST_BYTES", 2000)
    (runs[0].folder / "log.jsonl").write_text(200 * '{"epoch": 1}\n')
    assert "log.jsonl cannot be read" in look(runs[0]).failure["error"] and look(runs[1]).failure is None


def test_a_grid_is_trained_once_and_by_two_at_once_none_twice(tmp_path):
    runs, pools, ends = begun(tmp_path, grid()), [Threads(2), Threads(2)], []

    def one_process(pool):
        # Its own object for the folder, as another process would have.
        own = SweepFolder(tmp_path / "sweep").begin(grid(), [(1, 8, 8)] * 9)
        ends.append(carry_out(Agenda(own), pool, Wish({})))

    threads = [threading.Thread(target=one_process, args=(pool,)) for pool in pools]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == [True, True]
    assert all(look(run).finished for run in runs) and len(runs) == 9
    assert trained_twice(runs) == []
    again = Threads(2)
    assert carry_out(Agenda(runs), again, Wish({})) and again.tasks == []


@pytest.mark.parametrize("halving, rungs", [(Halving(3), [3, 9, 27]), (Halving(2, first=5), [5, 10, 20, 27])])
def test_halving_does_what_the_paper_does(tmp_path, halving, rungs):
    configurations = grid(seeds=(1, 2))
    runs = begun(tmp_path, configurations, halving)
    agenda = Agenda(runs, halving)
    assert carry_out(agenda, Threads(4), Wish({}))
    assert [look(run).epochs for run in runs] == halved_by_hand(configurations, rungs, halving.factor)
    assert set(places(agenda)) == {FINISHED, DROPPED}
    found = standing(SweepFolder(tmp_path / "sweep"))
    assert found.best.p.lr == pytest.approx(0.01, rel=0.5) and len(found.best.errors) == 2
    # The folders alone lead to the same decisions.
    assert places(Agenda(runs, halving)) == places(agenda)
    with pytest.raises(UserError, match="a sweep of other configurations, .* its rungs would be decided anew"):
        begun(tmp_path, configurations[:-1], halving)
    shutil.rmtree(runs[0].folder.path)
    with pytest.raises(UserError, match="lacks 1 of these 18 runs, .* restore their folders if they were removed"):
        begun(tmp_path, configurations, halving)


def test_in_whatever_order_configurations_are_named_the_first_of_equals_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "error_after", lambda p, epochs: 5.0)
    halving, configurations = Halving(3), grid(seeds=(1, 2))
    runs = begun(tmp_path, configurations, halving)
    assert carry_out(Agenda(runs, halving), Threads(1), Wish({}))
    again = begun(tmp_path, configurations[::-1], halving)
    assert [str(run.folder) for run in again] == [str(run.folder) for run in runs]
    assert places(Agenda(again, halving)) == places(Agenda(runs, halving)) and Agenda(again, halving).is_done


def test_halving_that_stops_anywhere_goes_on_to_the_same_end(tmp_path):
    halving, configurations = Halving(3), grid()
    runs = begun(tmp_path, configurations, halving)
    for _ in range(30):
        agenda, wish = Agenda(runs, halving), Wish({})
        if agenda.is_done:
            break

        def one_then_stop(task, say):
            wish.interrupted = True
            return training.go_on(task, say)

        pool = Threads(1, one_then_stop)
        pool.stop = lambda: None
        carry_out(agenda, pool, wish)
    assert [look(run).epochs for run in runs] == halved_by_hand(configurations, [3, 9, 27], 3)


def test_what_has_reached_a_rung_is_not_settled(tmp_path):
    halving = Halving(3)
    runs = begun(tmp_path, grid(), halving)
    agenda = Agenda(runs, halving)
    for run in runs[:5]:
        training.go_on({"folder": str(run.folder.path), "until": agenda.until}, lambda answer: None)
    again = Agenda(runs, halving)
    assert places(again).count(REACHED) == 5 and again.settled == []
    carry_out(again, Threads(1), Wish({}))
    assert len(again.settled) == 9


def test_a_rung_that_another_process_completes_is_decided_here_too(tmp_path):
    halving, configurations = Halving(2), grid(4)
    runs, others = begun(tmp_path, configurations, halving), []

    def do(task, say):
        if not others:  # while this process trains its first run, all others reach the rung
            others.extend(run for run in runs if str(run.folder.path.resolve()) != task["folder"])
            for run in others:
                training.go_on({**task, "folder": str(run.folder.path)}, lambda answer: None)
        return training.go_on(task, say)

    agenda = Agenda(runs, halving)
    assert carry_out(agenda, Threads(1, do), Wish({}))
    assert [look(run).epochs for run in runs] == halved_by_hand(configurations, halving.rungs(4, 27), 2)
    assert set(places(agenda)) == {FINISHED, DROPPED}


def test_who_comes_late_to_a_rung_goes_on_with_the_others(tmp_path):
    halving, configurations = Halving(2), grid(6)
    runs = begun(tmp_path, configurations, halving)
    for run in runs:
        training.go_on({"folder": str(run.folder.path), "until": 7}, lambda answer: None)
    survivors = [i for i, epochs in enumerate(halved_by_hand(configurations, [7, 14], 2)) if epochs == 14]
    with lock.held(runs[survivors[0]].folder), lock.held(runs[survivors[2]].folder):
        late = Agenda(runs, halving)
        assert late.until == 14 and late.next().run is runs[survivors[1]]
        found = standing(SweepFolder(tmp_path / "sweep"))
        assert len(found.of("running")) == 2 and len(found.of("dropped")) == 3


def test_a_failure_that_another_process_cures_counts_no_more(tmp_path):
    """Also if its own attempt failed because the other process had finished the run."""
    halving, runs = Halving(2), begun(tmp_path, grid(4), Halving(2))
    here = Agenda(runs, halving)
    for run in runs:
        item = here.next()
        here.compiled(item.run)
        if run is runs[1]:
            here.ended(run, "diverged", "not finite")
            assert places(here)[1] == FAILED
            training.go_on({"folder": str(run.folder.path), "until": here.until}, lambda answer: None)
            swept.forget_failure(run)
        elif run is not runs[3]:
            training.go_on({"folder": str(run.folder.path), "until": here.until}, lambda answer: None)
            here.ended(run, "paused")
    training.go_on({"folder": str(runs[3].folder.path), "until": here.until}, lambda answer: None)
    here.ended(runs[3], "paused")
    assert here.until == 14 and places(here) == ["waiting", "waiting", DROPPED, DROPPED]
    item = here.next()
    training.go_on({"folder": str(item.run.folder.path), "until": None}, lambda answer: None)
    here.ended(item.run, "diverged", "another process has it")
    assert item.place == FINISHED and here.not_noted == []


def test_a_run_that_fails_at_the_rung_takes_nobodys_place(tmp_path):
    halving, runs = Halving(2), begun(tmp_path, grid(4), Halving(2))

    def do(task, say):
        answer = training.go_on(task, say)  # its log has the rung's epoch, and its checkpoint could not be written
        return {"state": "failed", "error": "no space"} if Path(task["folder"]).name == "run1" else answer

    agenda = Agenda(runs, halving)
    assert carry_out(agenda, Threads(1, do), Wish({}))
    assert places(agenda)[1] == FAILED and [look(run).epochs for run in runs].count(27) == 1
    assert sorted(look(run).epochs for run in runs) == [7, 7, 14, 27]


def test_a_configuration_of_which_one_seed_failed_does_not_go_on(tmp_path):
    halving, configurations = Halving(2), grid(4, seeds=(1, 2))
    runs = begun(tmp_path, configurations, halving)
    assert configurations[3].lr == pytest.approx(0.01)  # the best rate

    def do(task, say):
        answer = training.go_on(task, say)  # its log has the rung's epoch, so a mean could be taken
        return {"state": "diverged", "error": "not finite"} if Path(task["folder"]).name == "run3" else answer

    agenda = Agenda(runs, halving)
    assert carry_out(agenda, Threads(1, do), Wish({}))
    assert places(agenda)[2:4] == [DROPPED, FAILED]
    epochs = [look(run).epochs for run in runs]
    assert epochs[2:4] == [7, 7] and sorted(epochs) == [7, 7, 7, 7, 14, 14, 27, 27]


def test_another_process_takes_a_failure_for_final_only_once_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(agendas, "ATTEMPTS", 2)
    runs = begun(tmp_path, grid(2))
    here, there = Agenda(runs), Agenda(runs)
    assert here.next().run is runs[0] and here.ended(runs[0], "failed", "its process was killed")
    assert there.next().run is runs[0]  # the other process would try it, too
    there.ended(runs[0], "held")
    assert here.next().run is runs[0] and not here.ended(runs[0], "failed", "its process was killed again")
    monkeypatch.setattr(agendas, "BETWEEN_LOOKS", 0.0)
    there.look_elsewhere()
    assert places(here)[0] == places(there)[0] == FAILED
    assert there.items[0].look.failure["error"] == "its process was killed again"


def test_a_failure_of_the_future_is_none_of_another_process(tmp_path, monkeypatch):
    """Clocks differ, and a file may say anything."""
    (run,) = begun(tmp_path, grid(1))
    monkeypatch.setattr(agendas, "BETWEEN_LOOKS", 0.0)
    for at, place in ((1e12, WAITING), (time.time() + 30, FAILED)):
        (run.folder / "failure.json").write_text(json.dumps({"error": "it broke", "attempts": 2, "time": at}))
        agenda = Agenda([run])
        agenda.items[0].place = agendas.ELSEWHERE
        agenda.look_elsewhere()
        assert places(agenda) == [place]


def test_a_mistake_in_every_run_ends_the_sweep_even_if_nothing_can_be_written(tmp_path, monkeypatch):
    def no_space(*args):
        raise OSError(28, "No space left on device")

    runs = begun(tmp_path, grid(20))
    monkeypatch.setattr(swept, "save_json", no_space)
    pool = Threads(1, lambda task, say: {"state": "failed", "error": "no space"})
    with pytest.raises(UserError, match="the first 5 runs failed, .* as no space: fix that"):
        carry_out(Agenda(runs), pool, Wish({}))


def test_what_fails_is_tried_once_more_and_what_diverges_is_not(tmp_path):
    runs, tries = begun(tmp_path, grid(4)), []
    bad = {"run1": "failed", "run2": "diverged"}

    def do(task, say):
        name = Path(task["folder"]).name
        tries.append(name)
        if name in bad:
            return {"state": bad[name], "error": "it broke"}
        return training.go_on(task, say)

    agenda = Agenda(runs)
    assert carry_out(agenda, Threads(1, do), Wish({}))
    assert [tries.count(f"run{i}") for i in range(4)] == [1, 2, 1, 1]
    assert places(agenda) == [FINISHED, FAILED, FAILED, FINISHED]
    found = standing(SweepFolder(tmp_path / "sweep"))
    assert [item.look.failure["error"] for item in found.of("failed")] == ["it broke"] * 2
    # Another command tries again, and forgets the failure.
    assert carry_out(Agenda(runs), Threads(1), Wish({}))
    assert standing(SweepFolder(tmp_path / "sweep")).of("failed") == []


def test_one_data_seed_for_all_seeds_leaves_a_configuration_whole(tmp_path):
    halving, configurations = Halving(3), grid(seeds=(1, 2), dseed=1)
    runs = begun(tmp_path, configurations, halving)
    assert carry_out(Agenda(runs, halving), Threads(4), Wish({}))
    assert [look(run).epochs for run in runs] == halved_by_hand(configurations, [3, 9, 27], 3)
    assert [len(each.folders) for each in standing(SweepFolder(tmp_path / "sweep")).configurations] == [2] * 9


def test_a_run_that_failed_does_not_hide_which_were_dropped(tmp_path):
    def do(task, say):
        failed = Path(task["folder"]).name == "run0"
        return {"state": "diverged", "error": "not finite"} if failed else training.go_on(task, say)

    halving = Halving(2)
    agenda = Agenda(begun(tmp_path, grid(4), halving), halving)
    assert carry_out(agenda, Threads(1, do), Wish({}))
    found = standing(SweepFolder(tmp_path / "sweep"))
    assert places(agenda) == [item.place for item in found.items] and FAILED in places(agenda)
    assert len(found.of("dropped")) == places(agenda).count(DROPPED) > 0


def test_a_halved_sweep_that_was_killed_while_it_was_begun_is_begun_to_the_end(tmp_path):
    halving = Halving(3)
    runs = begun(tmp_path, grid(), halving)
    (tmp_path / "sweep" / "sweep.json").unlink()  # which is written last
    for run in runs[4:]:
        (run.folder / "params.json").unlink()
    again = begun(tmp_path, grid(), halving)
    assert [str(run.folder) for run in again[:4]] == [str(run.folder) for run in runs[:4]]
    assert len(SweepFolder(tmp_path / "sweep").runs()) == 9


def test_a_mistake_in_every_run_ends_the_sweep(tmp_path):
    pool = Threads(1, lambda task, say: {"state": "failed", "error": "there is no compiler"})
    with pytest.raises(UserError, match="the first 5 runs failed, .* as there is no compiler: fix that"):
        carry_out(Agenda(begun(tmp_path, grid(20))), pool, Wish({}))


def test_many_failures_end_no_sweep_in_which_a_run_has_trained(tmp_path):
    bad = {f"run{i}" for i in range(1, 7)}

    def do(task, say):
        failed = Path(task["folder"]).name in bad
        return {"state": "diverged", "error": "not finite"} if failed else training.go_on(task, say)

    agenda = Agenda(begun(tmp_path, grid(8)))
    assert carry_out(agenda, Threads(1, do), Wish({}))
    assert places(agenda) == [FINISHED, *[FAILED] * 6, FINISHED]


def test_when_its_time_is_over_a_sweep_stops_as_if_interrupted(tmp_path):
    agenda, pool, stops = Agenda(begun(tmp_path, grid(2))), Threads(1), []
    pool.stop = lambda: stops.append(True)
    assert carry_out(agenda, pool, Wish({}, until=time.monotonic())) is False
    assert stops == [True] and places(agenda) == [FINISHED, WAITING]


def test_one_run_of_each_graph_compiles_before_the_others_begin(tmp_path):
    # Rates and taus are numbers in the same code; a tau of 0, or another activation, makes different code.
    taus = [dict(denoising_cost_x=(1.0, 1.0), decoder_spec=("gauss",), adv_tau=(tau,)) for tau in (0.0, 0.1, 0.2)]
    configurations = [p for others in (*taus, {"act": ("tanh",)}) for p in grid(2, **others)]
    agenda = Agenda(begun(tmp_path, configurations))
    first = [agenda.next() for _ in range(4)]
    assert [agenda.items.index(item) for item in first if item] == [0, 2, 6] and first[-1] is None
    agenda.compiled(first[1].run)
    assert agenda.items.index(agenda.next()) == 3
    # One that fails to compile lets another try.
    agenda.ended(first[0].run, "diverged", "no")
    assert agenda.items.index(agenda.next()) == 1


def test_a_run_that_another_process_trains_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(agendas, "BETWEEN_LOOKS", 0.0)
    runs = begun(tmp_path, grid(2))
    with lock.held(runs[0].folder):
        agenda = Agenda(runs)
        assert agenda.next().run is runs[1] and not agenda.is_done
        agenda.compiled(runs[1])
        agenda.look_elsewhere()
        assert agenda.next() is None
    agenda.look_elsewhere()
    assert agenda.next().run is runs[0]


def test_processes_that_wait_instead_of_training(tmp_path):
    """What ``benchmarks/sweep.py`` does with a thousand runs (docs/sweeps.md), with a few."""
    runs = begun(tmp_path, grid(12, num_epochs=2))
    pool = LocalPool(2, {}, (sys.executable, str(PATH), "0.01"))
    assert carry_out(Agenda(runs), pool, Wish({}))
    assert all(look(run).finished for run in runs) and trained_twice(runs) == []
