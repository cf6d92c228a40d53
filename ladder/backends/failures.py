"""Aesara's pages of traceback, reduced to one sentence that says how to fix the problem."""

from __future__ import annotations

import os
import re
import traceback
from contextlib import contextmanager
from pathlib import Path

from ladder.backends import damaged_modules, flags
from ladder.errors import UserError

#: When compiling or calling, Aesara adds arguments before an exception's text and, after it, a page that begins so.
AESARAS_OWN = "\nApply node that caused the error"


@contextmanager
def explained():
    """Within this context, Aesara's failures that the user can fix become a ``UserError``; others propagate."""
    try:
        yield
    except Exception as error:
        sentence = _sentence(error)
        # A UserError may be of a subclass that a caller catches.
        if sentence is None or isinstance(error, UserError) and sentence == str(error):
            raise
        raise UserError(sentence) from error


def _sentence(error: BaseException) -> str | None:
    """A sentence for an exception, or for one that it came from; None if none of them is known."""
    seen = []
    while error is not None and error not in seen:
        seen.append(error)
        text = str(error.args[-1]).split(AESARAS_OWN)[0] if error.args else ""
        if isinstance(error, UserError):
            return text
        for known in (_setting, _module, _folder, _compiler, _no_compiler):
            sentence = known(error, text)
            if sentence is not None:
                return sentence
        error = error.__cause__ or error.__context__
    return None


def _setting(error, text):
    found = re.search(r"Invalid value \(.*?\) for configuration variable ['\"](\w+)['\"]\.?\s*(.*)", text, re.DOTALL)
    if not found:
        if isinstance(error, ValueError) and _raised_in(error, ("configparser", "configdefaults")):
            return f"Aesara's settings cannot be used ({text}): fix them in AESARA_FLAGS or ~/.aesararc."
        return None
    name = found[1]
    valid = " ".join(found[2].split())
    return f"{flags.where(name)} cannot be used: take it away, or give another value{f' ({valid})' * bool(valid)}."


def _raised_in(error, names):
    """Whether an exception was raised in an Aesara module with one of these names."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_globals.get("__name__") in {f"aesara.{name}" for name in names}


#: What the loader says about a damaged file.
DAMAGED = (
    "file too short|invalid ELF header|cannot read file data|ELF load command|ELF file|wrong ELF class|only ET_DYN|"
    "no dynamic section|no loadable segments|not a mach-o file|does not define module"
)


def _module(error, text):
    path = getattr(error, "path", None)
    if (
        not isinstance(error, ImportError)
        or not path
        or not _in_compile_folder(path)
        or not damaged_modules.is_aesaras(path)
    ):
        return None
    if not (damaged_modules.is_cut_short(path) or re.search(DAMAGED, text)):
        return (
            f"the compiled module {path} cannot be loaded ({text}): if a library is meant, let CXX name the compiler whose "
            "libraries Python uses; or give another compile folder, AESARA_FLAGS=base_compiledir=FOLDER."
        )
    done = (
        "has been removed: give the command again" if damaged_modules.remove_one(path) else "cannot be removed: do so"
    )
    return f"the compiled module {path} is damaged ({text}), and {done}."


def _folder(error, text):
    if "Unable to create the compiledir" in text or "exists but you don't have" in text:
        found = re.search(r"'([^']+)'", text)
        return _advice(found[1] if found else flags.compile_folder(), "it cannot be created or written to")
    if isinstance(error, OSError) and error.filename and _in_compile_folder(str(error.filename)):
        return _advice(str(error.filename), error.strerror)
    return None


def _in_compile_folder(path):
    # Aesara follows links before it names a file.
    folder, path = (Path(os.path.realpath(each)) for each in (flags.compile_folder(), path))
    return folder in (path, *path.parents)


def _advice(folder, reason):
    return (
        f"what Aesara compiles cannot be kept in {folder} ({reason}): make that folder writable and its disk roomy, or "
        "choose another one with AESARA_FLAGS=base_compiledir=FOLDER."
    )


def _compiler(error, text):
    if type(error).__name__ != "CompileError":
        return None
    first = re.search(r"(?:fatal error|error): .*|.*cannot find -l\S+.*|.*No space left on device.*", text)
    said = first[0].strip() if first else text.strip().splitlines()[-1][:200]
    user = {**flags.from_files(), **flags.split(flags.AT_START)}
    given = [name for name in ("gcc__cxxflags", "blas__ldflags", "cxx") if user.get(name)]
    if given:
        mend = f"check {' and '.join(flags.where(name) for name in given)}"
    else:
        mend = "try another compiler with CXX, or an empty compile folder with AESARA_FLAGS=base_compiledir=FOLDER"
    return f"the C++ compiler refused what Aesara gave it ({said}): {mend}."


def _no_compiler(error, text):
    """Operations that exist only in C, where the user chose to have no compiler."""
    if "runs in C only" not in text and "no implementation available supporting the requested options" not in text:
        return None
    return (
        f"{flags.where('cxx')} leaves Aesara without a compiler, which convolutions, fused operations and --noise philox "
        "need: take it away (fully connected networks do without for --plain-graph and --noise mrg)."
    )
