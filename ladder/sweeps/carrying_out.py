"""Carrying out a sweep: give the agenda's runs to the pool that trains them."""

import logging
import time
from dataclasses import asdict, dataclass

from ladder.errors import UserError
from ladder.sweeps.agenda import ELSEWHERE, FAILED, FINISHED
from ladder.sweeps.configurations import in_words, varied
from ladder.training.extensions.checkpointing import MINUTES
from ladder.training.main_loop import signals_noted
from ladder.training.records import Records

logger = logging.getLogger("main")

#: The sweep stops if this many runs fail before any has trained.
MOST_FAILURES = 5

#: Seconds to wait for news before looking at anything else.
TIMEOUT = 0.5


@dataclass
class Wish:
    """What the user wants of the sweep besides its runs; a signal sets ``interrupted``.

    Attributes
    ----------
    backend : dict
        Options of the backend, with 'threads'.
    checkpoint_minutes : float
    records : Records
    until : float
        When the sweep stops as if it were interrupted (seconds, as of ``time.monotonic()``).
    """

    backend: dict
    checkpoint_minutes: float = MINUTES
    records: Records = Records()
    until: float = float("inf")
    interrupted: bool = False


def carry_out(agenda, pool, wish):
    """Train until nothing is left to do, or until a signal.

    Parameters
    ----------
    agenda : Agenda
    pool : LocalPool, or a DaskPool
    wish : Wish

    Returns
    -------
    bool
        Whether nothing is left to do; False after an interrupt.
    """
    teller = _Teller(agenda)
    try:
        with signals_noted([wish]):
            while not agenda.is_done and not wish.interrupted:
                _start(agenda, pool, wish, teller)
                _hear(agenda, pool, teller)
                agenda.look_elsewhere()
                teller.say_elsewhere()
                wish.interrupted |= time.monotonic() >= wish.until
            if wish.interrupted:
                logger.info("Stopping: %d runs under way write checkpoints", len(agenda.active))
                pool.stop()
                while agenda.active:
                    _hear(agenda, pool, teller)
    finally:
        pool.close()
    return agenda.is_done


def _start(agenda, pool, wish, teller):
    for _ in range(pool.room):
        item = agenda.next()
        if item is None:
            return teller.say_compiling()
        task = {
            "folder": str(item.run.folder.path.resolve()),
            "until": agenda.until,
            "minutes": wish.checkpoint_minutes,
            "backend": wish.backend,
            "records": asdict(wish.records),
        }
        pool.start(item.run, task)


def _hear(agenda, pool, teller):
    for run, answer in pool.events(TIMEOUT):
        if answer["state"] == "compiled":
            agenda.compiled(run)
        elif answer["state"] == "unfit":
            raise UserError(answer["error"])
        else:
            until = agenda.until
            again = agenda.ended(run, answer["state"], answer.get("error"))
            teller.say(run, answer, until, again)
            _check_that_some_train(agenda)


def _check_that_some_train(agenda):
    """Stop before a fault common to all runs, such as a broken compiler, has made thousands of them fail."""
    failed = [item for item in agenda.items if item.error]
    if len(failed) >= MOST_FAILURES and not agenda.some_trained:
        raise UserError(
            f"the first {MOST_FAILURES} runs failed, {failed[-1].run.folder} as {failed[-1].error}: fix that, and give the "
            "command again."
        )


class _Teller:
    """Log what happens, one line per run."""

    def __init__(self, agenda):
        self._agenda, self._elsewhere, self._compiling = agenda, set(), False
        self._varied = [*varied(item.run.p for item in agenda.items), "seed"]
        if agenda.settled:
            logger.info("%d of %d runs have nothing left to train", len(agenda.settled), len(agenda.items))

    def say(self, run, answer, until, again):
        """Log how a run ended."""
        state, item = answer["state"], self._agenda.item(run)
        if state == "held":
            return
        level = logging.INFO
        if state in ("failed", "diverged"):
            level = logging.INFO if again else logging.WARNING
            how = f"failed: {answer['error']}" + " It is tried once more." * again
        elif state == "interrupted":
            how = f"interrupted after {item.look.epochs} epochs"
        elif state == "paused":
            how = f"{until} epochs, validation error {item.look.error_after(until):.2f} %"
        else:
            error = item.look.final_error
            how = "finished" + (f", validation error {error:.2f} %" if error is not None else "")
        logger.log(level, "%s (%s): %s; %s", run.folder.path.name, in_words(run.p, self._varied), how, self._count())
        if "traceback" in answer:
            logger.log(level, "%s", answer["traceback"])

    def say_compiling(self):
        """Log, once, why some processes have no work."""
        if self._agenda.compiling and not self._compiling:
            self._compiling = True
            logger.info("One process compiles what the others then find compiled; they wait for it")

    def say_elsewhere(self):
        """Log, once for each run, that another process trains it, when nothing else is left."""
        if self._agenda.active:
            return
        new = {item.run.folder.path.name for item in self._agenda.items if item.place == ELSEWHERE} - self._elsewhere
        if new:
            self._elsewhere |= new
            logger.info("Waiting for another process that trains %s", ", ".join(sorted(new)))

    def _count(self):
        places = [item.place for item in self._agenda.items]
        failed = f", {places.count(FAILED)} failed" * (FAILED in places)
        return f"{places.count(FINISHED)} of {len(places)} finished{failed}"
