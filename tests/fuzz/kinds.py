"""The kinds of input: for each, a function that makes one bad input and returns what to do with it.

Each takes the :class:`~tests.fuzz.material.Material`, a ``random.Random`` and an
empty folder, and returns a function without arguments for
:func:`tests.fuzz.trial.run`.
"""

import io
import os
import pickle
import shutil
import zipfile
from contextlib import suppress

import h5py
import numpy as np

from ladder.cli import main
from ladder.runs import checkpoints
from tests.fuzz.material import NETWORK
from tests.fuzz.mutations import changed, changed_json, damaged


def npz(material, rng, folder):
    """A user's own arrays, and those of a run."""
    if rng.random() < 0.15:
        run = _copy_of_run(material, folder)
        path = run / rng.choice(("trained_params.npz", "running_statistics.npz"))
        path.write_bytes(damaged(path.read_bytes(), rng))
        return lambda: main(["evaluate", str(run), "--threads", "1"])
    content = io.BytesIO()
    if rng.random() < 0.5:
        rng.choice((np.savez, np.savez_compressed))(content, **material.arrays)
        content = damaged(content.getvalue(), rng)
    else:
        with zipfile.ZipFile(
            content, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2))
        ) as archive:
            for name in rng.choice(
                (
                    ["features", "targets"],
                    ["features"] * 2,
                    [""],
                    [f"a{i}" for i in range(rng.choice((1,) * 99 + (70_000,)))],
                )
            ):
                archive.writestr(f"{name}{rng.choice(('.npy', '.npy', '.npy', '.txt'))}", _odd_array(rng))
        content = content.getvalue()
    (folder / "x.npz").write_bytes(content)
    return lambda: main(["convert", "arrays", "--input", "x.npz", "--output-directory", "out", "--force"])


def _odd_array(rng):
    """A .npy file with an odd header."""
    shape = rng.choice(((60, 8), (10**12,), (60, 0), (0,), (2**40, 0), (True,), (-1,), (1,) * 40, (2**62, 4), ()))
    header = {
        "descr": rng.choice(
            ("<f4", "<i8", "|O", "|V1000000", "<U4", ">f8", "x", [("a", "<f4")], "<c16", "<M8[s]", "|S0", 5)
        ),
        "fortran_order": rng.choice((True, False, False, 1)),
        "shape": shape,
    }
    text = rng.choice(
        (repr(header), repr(header), "(" * 3000, "{'descr':", repr(header).replace("'", '"""'), "9" * 5000)
    )
    text = text.encode() + b"\n"
    version = rng.choice(
        (
            b"\x01\x00" + (len(text) % 2**16).to_bytes(2, "little"),
            b"\x02\x00" + len(text).to_bytes(4, "little"),
            b"\x09\x00ab",
        )
    )
    return b"\x93NUMPY" + version + text + bytes(rng.choice((0, 60 * 8 * 4, 10)))


def hdf5(material, rng, folder):
    """Data sets with damaged bytes or odd structures."""
    path = folder / "data.hdf5"
    if rng.random() < 0.5:
        material.packed_dataset(path)
    else:
        shutil.copy(material.dataset, path)
    if rng.random() < 0.75:
        content = path.read_bytes()
        # Most of the structure is at the beginning.
        end = rng.choice((600, 3000, len(content)))
        path.write_bytes(damaged(content[:end], rng) + content[end:])
    else:
        with h5py.File(path, "r+") as h5file:
            for _ in range(rng.choice((1, 2))):
                with suppress(
                    LookupError, OSError, ValueError, TypeError, RuntimeError
                ):  # h5py refuses to make some of them
                    _make_odd(h5file, rng)
    if rng.random() < 0.15:
        return lambda: main(["evaluate", str(material.run), "--dataset", str(path), "--threads", "1"])
    return lambda: main(["train", "--dataset", str(path), *NETWORK, "--dry-run"])


def _make_odd(h5file, rng):
    name = rng.choice(("features", "targets"))
    kind = rng.randrange(12)
    if kind == 0:
        h5file[name].attrs["DIMENSION_LABELS"] = rng.choice(
            (np.array([b"a", b"b"]), [1, 2], "x", np.zeros((2, 2)), ["a"] * 70)
        )
        return
    if kind == 1:
        table = h5file.attrs["split"]
        field = rng.choice(("start", "stop", "split", "source", "available"))
        table[field] = rng.choice((0, 1, 59)) if field != "available" else False
        if field in ("start", "stop") and rng.random() < 0.5:
            table[field] = rng.choice((-1, 2**62, 61))
        h5file.attrs["split"] = table
        return
    if kind == 2:
        h5file.attrs["split"] = rng.choice(
            (5, "x", np.zeros(3), np.zeros((2, 2), [("split", "S2")]), np.array([(np.nan,)], [("start", "f8")]))
        )
        return
    if name in h5file:
        del h5file[name]
    if kind == 3:
        h5file[name] = h5py.SoftLink(rng.choice((f"/{name}", "/", "/nowhere", "/rows")))
    elif kind == 4:
        os.mkfifo(f"{h5file.filename}.pipe")
        h5file[name] = h5py.ExternalLink(
            rng.choice(("/etc/passwd", f"{h5file.filename}.pipe", h5file.filename)), "/features"
        )
    elif kind == 5:
        layout = h5py.VirtualLayout((60, 8), "f4")
        layout[:] = h5py.VirtualSource(rng.choice((".", "nowhere.hdf5", "/etc/passwd")), name, (60, 8))
        h5file.create_virtual_dataset(name, layout)
    elif kind == 6:
        h5file.create_dataset(
            name, (60, 8), "u1", external=[(rng.choice(("/etc/passwd", "/dev/zero", "nowhere")), 0, 480)]
        )
    elif kind == 7:
        h5file.create_group(name)
    elif kind == 8:
        h5file.create_dataset(
            name, rng.choice(((10**9, 8), (60, 10**8), (2**62, 1))), "f4", chunks=rng.choice((None, (1, 8)))
        )
    elif kind == 9:
        h5file[name] = rng.choice(
            (
                np.zeros(60),
                np.zeros((60, 0)),
                np.zeros(()),
                np.full((60, 8), np.nan),
                np.zeros((0, 8)),
                np.zeros((60, 2, 2, 2, 2)),
            )
        )
    elif kind == 10:
        h5file[name] = rng.choice(
            (np.full((60, 1), 30_000), np.full((60, 1), -7), np.full((60, 1), 2**62), np.arange(60).reshape(-1, 1))
        )
    else:
        h5file[name] = rng.choice(
            (
                [b"x"] * 60,
                np.zeros(60, [("a", "f4")]),
                np.zeros((60, 8), "f2"),
                np.zeros((60, 8), "c8"),
                np.zeros((60, 8), "?"),
            )
        )


def json_files(material, rng, folder):
    """The JSON files of a run, and presets."""
    if rng.random() < 0.4:
        (folder / "mine.json").write_bytes(changed_json(material.preset.read_text(), rng))
        command = rng.choice(
            (["presets", "--show"], ["table", "--results", str(material.folder / "results"), "--output", "out"])
        )
        return lambda: main([*command, "mine.json"])
    run = _copy_of_run(material, folder)
    path = run / rng.choice(
        ("params.json", "params.json", "data.json", "environment.json", "log.jsonl", "evaluation.json")
    )
    path.write_bytes(changed_json(path.read_text(), rng))
    commands = [["table", "mnist_100_full", "--results", "results", "--output", "out"]] * 6
    commands += [["evaluate", str(run), "--threads", "1"], ["train", "--resume", str(run)]]
    commands += [["predict", str(run), "--input", str(run / "trained_params.npz"), "--threads", "1"]]
    command = rng.choice(commands)
    return lambda: main(command)


def _copy_of_run(material, folder):
    return shutil.copytree(material.run, folder / "results" / "run0")


def checkpoint(material, rng, folder):
    """Checkpoints with altered content but a correct SHA-256, and damaged ones."""
    values, arrays = material.values, dict(material.state_arrays)
    kind = rng.randrange(5)
    if kind == 4:
        log = changed_json(values["log"], rng).decode(errors="surrogateescape")
        values = {**values, "log": log}
    elif kind <= 1:
        values = changed(values, rng)
        if not isinstance(values, dict):
            values = {"streams": values}
    elif kind == 2:
        name = rng.choice(list(arrays))
        array = np.array(arrays[name])
        arrays[name] = rng.choice(
            (
                np.full_like(array, rng.choice((0, 7, 100))),
                np.zeros(3),
                array.astype("f8"),
                array.reshape(-1),
                array[..., None],
                np.full(array.shape, np.nan, "f4"),
                np.full(array.shape, np.inf, "f4"),
                np.array("x"),
                np.zeros((0, 3), "f4"),
            )
        )
        if rng.random() < 0.2:
            del arrays[name]
    checkpoints.write(folder, 0, values, arrays)
    if kind == 3:
        path = folder / material.checkpoint.name
        path.write_bytes(damaged(path.read_bytes(), rng))

    def resume():
        from ladder.errors import UserError
        from ladder.training.schedules import rate_after

        run = material.state
        try:
            found = checkpoints.newest(folder, lambda *found: run.state.check(run.loop, *found))
        except UserError as error:
            print(error)
            return 2
        run.state.set(run.loop, *found)
        rate_after(material.schedule, run.log.rows[: run.loop.epochs_done])
        for batch in run.stream.get_epoch_iterator():
            run.monitor.after_batch(run.loop, {"cost_total": float(batch["features_labeled"].sum())})
        run.get()

    return resume


def pickles(material, rng, folder):
    """Batches of CIFAR-10: damaged pickles, and random instructions."""
    if rng.random() < 0.6:
        content = material.batch(rng.randrange(6))
        head = content[:300]
        content = damaged(head, rng) + content[300:] if rng.random() < 0.7 else damaged(content, rng)
    else:
        content = _instructions(rng)
    (folder / "data_batch_1").write_bytes(content)
    return lambda: main(["convert", "cifar10", "--directory", ".", "--output-directory", "out", "--force"])


def _instructions(rng):
    pieces = [
        b"}",
        b"]",
        b")",
        b"(",
        b"0",
        b"2",
        b"t",
        b"l",
        b"d",
        b"a",
        b"e",
        b"s",
        b"u",
        b"\x85",
        b"\x86",
        b"\x87",
        b"R",
        b"b",
        b"\x94",
        b"q\x00",
        b"h\x00",
        b"q\x01",
        b"h\x01",
        b"r\xff\xff\xff\x0f",
        b"K\x01",
        b"J\xff\xff\xff\x7f",
        b"U\x01a",
        b"X\x01\x00\x00\x00b",
        b"T\xff\xff\xff\x7f",
        b"\x8b\xff\xff\xff\x7f",
        b"cnumpy\nndarray\n",
        b"cnumpy\ndtype\n",
        b"c_codecs\nencode\n",
        b"cos\nsystem\n",
        b"cnumpy.core.multiarray\n_reconstruct\n",
        b"c__builtin__\nbytes\n",
        b"N",
        b"\x88",
        b"F1e999\n",
        b"I999\n",
        b"L" + b"9" * 5000 + b"L\n",
        b"\x81",
        b"\x92",
        b"P1\n",
        b"i__main__\nx\n",
        b"\x95\xff\xff\xff\xff\xff\xff\xff\x7f",
    ]
    start = rng.choice(
        (b"\x80\x02}", b"\x80\x02}U\x06labels", b"]q\x00", b"(" * 10, pickle.dumps({b"data": np.zeros(3)}, 2)[:-1])
    )
    body = b"".join(rng.choices(pieces, k=rng.randrange(1, 20)))
    repeated = min(rng.choice((1, 1, 1, 1000, 100_000)), 3 * 10**6 // len(body))
    return start + body * repeated + rng.choice((b"", b"s", b"u")) + b"."


def archives(material, rng, folder):
    """Archives: damaged, and of what is no batch."""
    if rng.random() < 0.25:
        name, content = material.mnist_file()
        (folder / name).write_bytes(damaged(content, rng))
        for other in ("train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
            (folder / other).write_bytes(b"x")
        return lambda: main(["convert", "mnist", "--directory", ".", "--output-directory", "out", "--force"])
    import gzip

    content = material.archive()
    if rng.random() < 0.5:
        unpacked = gzip.decompress(content)
        content = gzip.compress(damaged(unpacked[:2000], rng) + unpacked[2000:], 1)
    else:
        content = damaged(content, rng)
    (folder / "x.tar.gz").write_bytes(content)
    return lambda: main(["convert", "cifar10", "--directory", "x.tar.gz", "--output-directory", "out", "--force"])


#: Texts given on command lines for any value.
_TEXTS = [
    "",
    "x",
    "x" * 300,
    "~nosuchuser/x.hdf5",
    "/dev/null",
    "/dev/full",
    "/proc/self/mem",
    ".",
    "..",
    "/",
    "-1",
    "0",
    "1",
    "3",
    "1e308",
    "1e999",
    "nan",
    "9" * 5000,
    "1,2,3",
    "1-2-3",
    "0.5",
    ",",
    "-",
    ":",
    "convv:3:3:1:1",
    "maxpool:2:2",
    "fc:10",
    "1000000-1000000",
    "6-3",
    "10,1,0.1",
    "gauss",
    "sgn",
    "é",
    "\udc80",
    "a b",
    "*",
    "%s",
    "{}",
    "[red]x",
    "١",
    "True",
    "2147462579",
    "4294967296",
    str(10**30),
    "loop",
    "pipe",
    "first",
    "features=features,targets=none",
    "features=targets,targets=features",
    "train=test",
]

_NUMBERS = [
    "0",
    "1",
    "2",
    "3",
    "10",
    "100",
    "0.5",
    "-1",
    "0.1",
    "1e308",
    "1e39",
    "1e-300",
    "999999999999",
    "nan",
    "1,1,1",
    "0,1",
]

_OPTIONS = {
    "train": [
        "--num-epochs",
        "--seed",
        "--dseed",
        "--lr",
        "--lrate-decay",
        "--batch-size",
        "--dataset",
        "--labeled-samples",
        "--unlabeled-samples",
        "--valid-set-size",
        "--valid-batch-size",
        "--contrast-norm",
        "--whiten-zca",
        "--encoder-layers",
        "--act",
        "--super-noise-std",
        "--f-local-noise-std",
        "--top-c",
        "--denoising-cost-x",
        "--decoder-spec",
        "--zestbn",
        "--unsupervised",
        "--adv-kind",
        "--adv-tau",
        "--adv-kind-unlabeled",
        "--adv-tau-unlabeled",
        "--adv-layers",
        "--adv-scale",
        "--adv-path",
        "--vat-iterations",
        "--vat-xi",
        "--vat-noise-std",
        "--vat-cost",
        "--vat-radius",
        "--first-weights",
        "--noise",
        "--plain-graph",
        "--preset",
        "--rows",
        "--missing",
        "--vmap-seeds",
        "--resume",
        "--checkpoint-minutes",
        "--threads",
        "--device",
    ],
    "evaluate": [
        "--data-type",
        "--json",
        "--dataset",
        "--encoder-layers",
        "--batch-size",
        "--recompute-statistics",
        "--seed",
    ],
    "predict": ["--input", "--output", "--device"],
    "attack": [
        "--kinds",
        "--tau",
        "--steps",
        "--step-size",
        "--attack-seed",
        "--examples",
        "--figure-tau",
        "--output",
        "--clip",
        "--units",
        "--statistics",
        "--preset",
    ],
    "table": ["--results", "--output", "--select-on", "--evaluate"],
    "presets": ["--show"],
    "convert arrays": [
        "--input",
        "--sources",
        "--splits",
        "--no-label",
        "--renumber-labels",
        "--channels",
        "--name",
        "--test-fraction",
        "--seed",
        "--output-directory",
    ],
    "convert mnist": ["--directory", "--dtype", "--output-directory"],
    "convert cifar10": ["--directory", "--output-directory"],
    "convert digits": ["--output-directory"],
    "parity": ["--only", "--jobs", "--threads", "--json", "--graph"],
    "--help": [],
    "--version": [],
    "nonsense": [],
}

#: Commands that compile are tried less often than those that do not.
_WEIGHTS = {"train": 10, "evaluate": 2, "attack": 1, "predict": 2}


def commands(material, rng, folder):
    """Command lines with odd values for known options, and sometimes an odd standard output."""
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    (command,) = rng.choices(list(_OPTIONS), [_WEIGHTS.get(name, 3) for name in _OPTIONS])
    words = command.split()
    if command == "train":
        words += rng.choice(([], ["--dataset", str(material.dataset)], ["--dataset", str(material.dataset), *NETWORK]))
    elif command in ("evaluate", "attack", "predict"):
        words.append(rng.choice((str(material.run), str(material.run), str(material.run), rng.choice(_TEXTS))))
    elif command == "convert arrays":
        words += ["--input", str(rng.choice((material.arrays_file, material.dataset)))]
    elif command in ("table", "parity"):
        words.append(rng.choice(("mnist_100_full", "thesis_table_22", *_TEXTS)))
    for option in rng.sample(_OPTIONS[command], min(len(_OPTIONS[command]), rng.choice((0, 1, 1, 2, 3)))):
        words += [option, *rng.sample(rng.choice((_TEXTS, _NUMBERS)), rng.choice((0, 1, 1, 1, 2)))]
    if command == "train" and "--resume" not in words:
        words.append("--dry-run")
    if command == "attack":
        words += ["--output", "out", "--examples", "5"]
    if command.startswith("convert"):
        words += ["--force", "--output-directory", "out"]
    words = [word for word in words if "\0" not in word]
    closed = rng.choice((None,) * 9 + ("full",))

    def call():
        if closed:
            os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
        return main(words)

    return call


KINDS = {
    "npz": npz,
    "hdf5": hdf5,
    "json": json_files,
    "checkpoint": checkpoint,
    "pickle": pickles,
    "archive": archives,
    "command": commands,
}
