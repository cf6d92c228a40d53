"""What nvidia-smi says about the card: its name, its driver, how busy it is."""

import os
import statistics
import subprocess
import threading

#: Seconds between two queries.
EVERY = 0.2


def visible_device():
    """The card that the rows compute on, from CUDA_VISIBLE_DEVICES; the first by default."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()


def ask(*fields):
    """The values of some fields: list of str; None if nvidia-smi is missing or does not answer."""
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    command.append(f"--id={visible_device() or 0}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    values = [value.strip() for value in done.stdout.split("\n")[0].split(",")]
    return values if done.returncode == 0 and len(values) == len(fields) else None


class Sampler:
    """Queries the card in a separate thread, within a ``with``.

    Attributes
    ----------
    utilization : float or None
        Median over all queries, in %; None if there was no number.
    memory_mb : float or None
        The most in use, by any process.
    """

    def __init__(self):
        self._looks, self._end = [], threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def _look(self):
        while not self._end.is_set():
            values = ask("utilization.gpu", "memory.used")
            if values is None:
                return
            self._looks.append(values)
            self._end.wait(EVERY)

    @property
    def utilization(self):
        found = self._numbers(0)
        return statistics.median(found) if found else None

    @property
    def memory_mb(self):
        return max(self._numbers(1), default=None)

    def _numbers(self, column):
        """The numbers in a column; parts of a card (MIG) answer with words instead."""
        texts = [values[column] for values in self._looks]
        return [float(text) for text in texts if text.replace(".", "", 1).isdigit()]
