"""``run.py watch``: once, on a terminal, and until all runs have ended."""

import codecs
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from ladder.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder below the current one, with a run that was interrupted after 3 of 10 epochs."""
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "results" / "x0"
    run.mkdir(parents=True)
    (run / "params.json").write_text(json.dumps({"num_epochs": 10}))
    (run / "log.txt").write_text("")
    rows = [{"epoch": i, "train_cost_total": 8 / 2**i, "my_number": i} for i in range(1, 4)]
    (run / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return run.parent


def test_where_there_is_no_terminal_it_prints_once(results, capsys):
    assert main(["watch"]) == 0
    heading, _, line, hint = capsys.readouterr().out.splitlines()
    assert heading.split() == ["run", "epoch", "cost", "course", "state"]
    assert line.split() == ["x0", "3/10", "1", "█▅▁", "interrupted"]
    assert hint == "Go on with: run.py train --resume results/x0"
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*")}
    assert main(["watch", "results/x0", "--once", "--course", "my_number"]) == 0
    assert "▁▆█" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in results.rglob("*")} == before


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["nowhere"], "there is no folder nowhere: give that of a run"),
        (["."], None),
        (["empty"], "there is no run in empty: give the folder of a run"),
        (["--course", "cost"], "--course: no log has 'cost', but epoch, train_cost_total, my_number."),
    ],
)
def test_mistakes(results, capsys, words, sentence):
    Path("empty").mkdir()
    assert main(["watch", *words]) == (2 if sentence else 0)
    assert (sentence or "") in capsys.readouterr().err


def test_seconds_are_a_number(capsys):
    for seconds in ("0", "often", "inf"):
        with pytest.raises(SystemExit):
            main(["watch", "--every", seconds])
        assert "must be a number of seconds" in capsys.readouterr().err


class Terminal:
    """``run.py watch`` in a terminal of 80 columns and 12 lines."""

    def __init__(self, *words):
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 80, 0, 0))
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "12"}
        command = [sys.executable, str(REPOSITORY / "run.py"), "watch", "--every", "0.1", *words]
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            # Processes that a shell starts in the background ignore Ctrl-C, and so would their children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(slave)
        self.text, self._decoder = "", codecs.getincrementaldecoder("utf-8")()  # a character may come in two parts

    def read_until(self, pattern, seconds=30):
        """Read until a pattern is found in what was shown since the last call."""
        start, end = len(self.text), time.monotonic() + seconds
        while not re.search(pattern, self.text[start:]):
            assert time.monotonic() < end, self.text[start:]
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    self.text += self._decoder.decode(os.read(self._master, 2**16))
                except OSError:  # the other side is closed
                    assert re.search(pattern, self.text[start:]), self.text[start:]

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._master)


def test_on_a_terminal_until_the_run_has_ended(results):
    run = results / "x0"
    with (run / "log.txt").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        terminal = Terminal()
        terminal.read_until(r"x0 +3/10 .*training")
        with (run / "log.jsonl").open("a") as f:
            f.write('{"epoch": 4, "train_cost_total": 0.5}\n{"epoch": 5, "tr')
        terminal.read_until(r"x0 +4/10 +0\.5 .*training")
        (results / "y0").mkdir()
        (results / "y0" / "params.json").write_text('{"num_epochs": 7}')
        terminal.read_until(r"y0 +0/7 .*starting")
        (results / "y0" / "params.json").unlink()
        (results / "y0").rmdir()
    terminal.read_until("interrupted")
    assert "\x1b[?25l" in terminal.text  # the cursor is hidden,
    terminal.read_until(r"\x1b\[\?25h")  # and shown again at the end
    assert terminal.process.wait(timeout=10) == 0
    assert "y0" not in terminal.text.rpartition("\x1b[1mrun")[2]
    terminal.close()


def test_ctrl_c_ends_it(results):
    with (results / "x0" / "log.txt").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        terminal = Terminal()
        terminal.read_until("training")
        terminal.process.send_signal(signal.SIGINT)
        terminal.read_until(r"\x1b\[\?25h")
        assert terminal.process.wait(timeout=10) == 0 and "Traceback" not in terminal.text
        terminal.close()
