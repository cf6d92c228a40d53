"""A function's C modules compiled in parallel, on as many threads as the user gave.

Aesara calls g++ for one module after another and waits for each, on one core.  Where the cache lacks one module, it
mostly lacks many: then the code of all missing modules is generated at once, and g++ starts on it on every thread.
Aesara goes on as before, module by module, and finds each compilation done or under way.  Code, flags and error
messages stay the same; only the source folder that a module records no longer exists.
"""

import os
import shutil
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import NamedTuple

from ladder.backends import choice, damaged_modules
from ladder.backends.repairs import module_cache

#: A limit, as each g++ takes up to 150 MB.
MOST_COMPILERS = 8

#: How the name of a folder for modules begins; the process id follows.
FOLDERS = "ladder-modules-"

#: The :class:`SideBySide` of the function being compiled, if it has one.
_modules = ContextVar("modules", default=None)


def repair_compiler(cmodule):
    """Route Aesara's calls of g++ through :class:`SideBySide`."""
    run = cmodule.output_subprocess_Popen
    if hasattr(run, "__wrapped__"):
        return

    @wraps(run)
    def output_subprocess_popen(command, **parameters):
        modules = _modules.get()
        return run(command, **parameters) if modules is None or parameters else modules.run(command)

    cmodule.output_subprocess_Popen = output_subprocess_popen


def repair_linker(vm):
    """Let ``VMLinker`` compile the modules of a function's nodes in parallel."""
    make_all = vm.VMLinker.make_all
    if hasattr(make_all, "__wrapped__"):
        return

    @wraps(make_all)
    def make_all_side_by_side(self, *arguments, **named):
        from aesara.utils import output_subprocess_Popen

        compilers = min(choice.default_threads(), MOST_COMPILERS)
        if compilers == 1 or self.c_thunks is False:
            return make_all(self, *arguments, **named)
        with SideBySide(lambda: self.schedule(self.fgraph), output_subprocess_Popen, compilers) as modules:
            of_outer_function = _modules.set(modules)  # a loop's own function is compiled within the outer one
            try:
                return make_all(self, *arguments, **named)
            finally:
                _modules.reset(of_outer_function)

    vm.VMLinker.make_all = make_all_side_by_side


class Job(NamedTuple):
    """A module that g++ was given before Aesara asked for it."""

    library: str
    done: Future  #: (g++'s output, errors, status)


class SideBySide:
    """Stands between Aesara and g++ while the modules of one function's nodes are compiled.

    Parameters
    ----------
    nodes
        ``() -> list of Apply``, called when the first module is asked for.
    run
        Runs a command and waits: ``list of str -> (output, errors, status)``.
    compilers : int
        How many commands run at once.
    """

    def __init__(self, nodes, run, compilers):
        self._nodes, self._run = nodes, run
        self._jobs, self._pool = {}, ThreadPoolExecutor(compilers)
        self._folder = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._end()
        finally:
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, command):
        """Run a command, or return its result if it was started before."""
        if not makes_module(command):
            return self._run(command)
        if self._folder and library(command).startswith(self._folder):
            self._jobs[what_is_asked(command)] = Job(library(command), self._pool.submit(self._run, command))
            return b"", b"", 0
        if self._nodes:
            self._begin()
        job = self._jobs.pop(what_is_asked(command), None)
        return (job and self._done(job, command)) or self._run(command)

    def _begin(self):
        """Start compiling all missing modules."""
        nodes, self._nodes = self._nodes, None
        _remove_abandoned()
        try:
            self._folder = tempfile.mkdtemp(prefix=f"{FOLDERS}{os.getpid()}-")
            # Longest first, as it takes seven times as long as most: started last, it would run on alone at the end.
            for k, linker in enumerate(sorted(lacking(nodes()), key=lambda linker: -len(linker.get_src_code()))):
                folder = os.path.join(self._folder, str(k))
                os.mkdir(folder)
                ask(linker, folder)
        except Exception:
            pass  # No space or no more threads; or a node's own error, which Aesara reports when it comes to that node.

    def _done(self, job, command):
        """The result of a command that was run before it was asked for; None: it has to be run again."""
        try:
            *said, status = job.done.result()
            if status == 0:
                shutil.move(job.library, library(command))
                return *said, status
        except Exception:
            pass  # g++ could not be started, or its library could not be moved
        # Perhaps several at once were too many: this one and those not started yet are run one at a time.
        self._end()
        return None

    def _end(self):
        self._pool.shutdown(cancel_futures=True)


def lacking(nodes):
    """Iterate over the linkers of nodes whose modules are not in the cache, each module once."""
    from aesara.graph.fg import FunctionGraph
    from aesara.link.c.basic import CLinker, get_module_cache
    from aesara.link.c.cmodule import get_module_hash
    from aesara.link.c.op import COp

    cache, seen = get_module_cache(), set()
    for node in nodes:
        if type(node.op).make_thunk is not COp.make_thunk:
            continue
        try:
            node.op.prepare_node(node, storage_map=None, compute_map=None, impl="c")
            linker = CLinker().accept(FunctionGraph(node.inputs, node.outputs))
            module_hash = get_module_hash(linker.get_src_code(), linker.cmodule_key())
        except Exception:
            continue  # It has no C code, or Aesara will report the error when it comes to it.
        if module_hash not in seen and module_cache.lacks(cache, module_hash, linker.get_dynamic_module().code_hash):
            seen.add(module_hash)
            yield linker


def ask(linker, folder):
    """Compile a linker's module as ``CLinker.compile_cmodule`` does, but do not import it."""
    code = linker.get_src_code()
    linker.c_compiler().compile_str(
        module_name=linker.get_dynamic_module().code_hash,
        src_code=code,
        location=folder,
        include_dirs=linker.header_dirs(),
        lib_dirs=linker.lib_dirs(),
        libs=linker.libraries(),
        preargs=linker.compile_args(),
        py_module=False,
    )


def makes_module(command):
    """Whether a command is g++ compiling a module: ``… -o FOLDER/NAME.so FOLDER/mod.cpp …``."""
    after = command.index("-o") + 2 if "-o" in command else len(command)
    return after < len(command) and os.path.basename(command[after]) == damaged_modules.SOURCE


def library(command):
    """The path of the library that a command makes."""
    return command[command.index("-o") + 1]


def what_is_asked(command):
    """A command without its folder; a module is named after its code."""
    at = command.index("-o")
    return os.path.basename(command[at + 1]), *command[:at], *command[at + 3 :]


def _remove_abandoned():
    """Remove the folders of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDERS}*"):
        try:
            os.kill(int(folder.name.removeprefix(FOLDERS).split("-")[0]), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except (PermissionError, ValueError):  # it is another user's, or something else
            pass
