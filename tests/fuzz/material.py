"""Good input to make bad input from: a data set, a run, presets, a checkpoint, pickles, archives."""

import gzip
import io
import json
import pickle
import tarfile

import h5py
import numpy as np

from ladder.backends import c
from ladder.data.convert import cifar10, mnist
from ladder.data.examples import describe, load_examples
from ladder.data.fuel_file import write_fuel_file
from ladder.optimisation import SCHEDULES, Schedule
from ladder.options import Options
from ladder.runs import checkpoints
from ladder.runs.arrays import TrainedArrays
from ladder.runs.evaluations import save_evaluation
from ladder.runs.folder import RunFolder

NETWORK = [
    "--encoder-layers",
    "6-3",
    "--decoder-spec",
    "gauss",
    "--denoising-cost-x",
    "10,1,0.1",
    "--labeled-samples",
    "12",
    "--batch-size",
    "10",
]
PRESET = {
    "title": "a preset",
    "source": "here",
    "options": {"encoder-layers": "6-3", "denoising-cost-x": "1,1,1", "seed": [1, 2], "dataset": "digits"},
    "rows": {"a": {"lr": 0.001}, "b": {"lr": [0.1, 0.2], "unsupervised": False}},
    "published": {"table": "thesis_table_22"},
    "baseline": {"preset": "mine.json", "row": "a"},
    "tuned_on_test": {"seed": 1},
    "also_called": ["other"],
    "notes": ["a note"],
}


class Material:
    """All the good input, in a folder.

    Attributes
    ----------
    folder : Path
    dataset, arrays_file, run, preset : Path
    state : tests.training.test_run_state.Run, of a small network that is there
    schedule : Schedule, which follows a number in its log
    """

    def __init__(self, folder):
        c.configure(threads=1)
        self.folder = folder
        rng = np.random.RandomState(0)
        examples = {
            "features": rng.rand(60, 8).astype("f4"),
            "targets": (np.arange(60) % 3).astype("u1").reshape(-1, 1),
        }
        self.arrays = {"features": examples["features"], "targets": examples["targets"].astype("int64")}
        self.arrays_file = folder / "arrays.npz"
        np.savez(self.arrays_file, **self.arrays)
        self.dataset = write_fuel_file(
            folder / "data.hdf5",
            {"train": examples, "test": examples},
            {"features": ("batch", "feature"), "targets": ("batch", "index")},
        )
        self._make_run(folder / "results" / "run0")
        self.preset = folder / "mine.json"
        self.preset.write_text(json.dumps(PRESET))
        self._make_state()

    def _make_run(self, folder):
        from ladder.training.functions import build_training_graph

        self.run = folder
        folder.mkdir(parents=True)
        p = Options(
            encoder_layers=("6", "3"),
            decoder_spec=("gauss",),
            denoising_cost_x=(10.0, 1.0, 0.1),
            dataset=str(self.dataset),
            labeled_samples=12,
            batch_size=10,
            num_epochs=2,
        )
        ladder, _ = build_training_graph(p, (8,))
        run = RunFolder(folder)
        run.save_options(p, (8,))
        run.save_data(describe(load_examples(self.dataset, "train")))
        run.save_environment({"ladder": "0.1.0", "commit": None, "blas": "x", "threads": 1})
        rows = [{"epoch": epoch, "update": 6 * epoch, "train_cost_total": 0.5} for epoch in (1, 2)]
        (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        TrainedArrays.of(list(ladder.learnt), ladder.shareds, True).save(run)
        save_evaluation(run, "test", {"error_percent": 1.0, "n_wrong": 1, "n": 100}, "saved")

    def _make_state(self):
        from ladder.training.run_state import RunState
        from ladder.training.schedules import FOLLOWED
        from tests.training.test_run_state import Run

        self.state = run = Run()
        self.schedule = Schedule("bold-driver", 0.1, 5, dict(SCHEDULES["bold-driver"]), 0)
        followed = FOLLOWED[self.schedule.name]
        run.state = RunState(run.ladder, run.step, {"train": run.stream}, run.monitor, run.log, followed=followed)
        run.log.text = "".join(json.dumps({"epoch": epoch, followed: 1.0 / epoch}) + "\n" for epoch in (1, 2))
        run.loop.epochs_done, run.loop.updates_done = 2, 2 * run.stream.num_batches
        run.state.begin_epoch()
        values, arrays = run.get()
        self.checkpoint = self.folder / "checkpoint-0000000000.npz"
        self.values, self.state_arrays = values, arrays
        checkpoints.write(self.folder, 0, values, arrays)

    def batch(self, protocol=2):
        """A small batch in CIFAR-10's form, pickled."""
        return pickle.dumps(
            {b"data": np.zeros((4, 3072), "u1"), b"labels": [1, 2, 3, 4], b"batch_label": b"one"}, protocol
        )

    def archive(self):
        """Such batches as a .tar.gz file."""
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as archive:
            for name in cifar10.MD5:
                batch = self.batch()
                member = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
                member.size = len(batch)
                archive.addfile(member, io.BytesIO(batch))
        return content.getvalue()

    @staticmethod
    def mnist_file():
        """The name of one of MNIST's files, and content that resembles it."""
        return next(iter(mnist.SHA256)) + ".gz", gzip.compress(b"\0\0\x08\x03" + bytes(3000))

    def packed_dataset(self, path):
        """Write the data set again, chunked and compressed, with its rows listed one by one."""
        with h5py.File(path, "w") as h5file:
            for name, array in self.arrays.items():
                h5file.create_dataset(name, data=array, chunks=(7, array.shape[1]), compression="gzip", shuffle=True)
            h5file["rows"] = np.arange(50)
            dtype = np.dtype(
                [
                    ("split", "S5"),
                    ("source", "S8"),
                    ("start", "i8"),
                    ("stop", "i8"),
                    ("indices", h5py.ref_dtype),
                    ("available", "?"),
                    ("comment", "S1"),
                ]
            )
            rows = [
                (split, source, 0, 50, h5file["rows"].ref, True, b".")
                for split in (b"test", b"train")
                for source in (b"features", b"targets")
            ]
            h5file.attrs["split"] = np.array(rows, dtype)
        return path
