"""Every command in README and docs can be typed: the program's own parser accepts it, and what it names exists."""

import json
import re
import shlex
from pathlib import Path

import pytest
from documentation.markdown import REST, ROOT, commands, pages

from ladder.cli import make_parser
from ladder.cli.options import given_options
from ladder.combinations import combinations
from ladder.tables.preset import load_preset

SETUP = (ROOT / "setup.py").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def shown(page):
    return str(page.relative_to(ROOT))


def all_commands():
    for page in pages():
        for line in commands(page):
            for command in re.split(r" && |; ", line):
                yield pytest.param(command.strip(), id=f"{shown(page)}: {command.strip()[:60]}")


def is_command(command):
    return re.match(r"(python|pip|make|bash|sbatch|\.ci/|[A-Z_]+=)", command)


COMMANDS = [parameter for parameter in all_commands() if is_command(parameter.values[0])]


def check_run(words):
    """Read the arguments of ``run.py`` as the program does."""
    args = make_parser().parse_args(words)
    if args.command in ("train", "sweep", "attack") and args.preset:
        preset = args.preset
        load_preset(preset) if not preset.endswith(".json") else None
        if getattr(args, "rows", None):
            load_preset(preset).choose_rows(args.rows)
    if args.command == "table":
        for name in args.preset:
            load_preset(name) if not name.endswith(".json") else None
    if args.command in ("train", "sweep"):
        combinations(given_options(args))


def check_script(path, words):
    assert (ROOT / path).is_file(), f"there is no {path}"
    source = (ROOT / path).read_text()
    for option in (word for word in words if word.startswith("--")):
        assert f'"{option}"' in source, f"{path} has no option {option}"


def check_make(words):
    for target in (word for word in words if "=" not in word):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), f"there is no target {target}"


def check_pip(words):
    for extras in re.findall(r"\[([\w,-]+)\]", " ".join(words)):
        for extra in extras.split(","):
            assert f'"{extra}":' in SETUP, f"there is no extra {extra}"
    for file in re.findall(r"-r (\S+)", " ".join(words)):
        assert (ROOT / file).is_file()


def filled_in(command):
    """A command without its ellipses, and with values for the variables that the shell would fill in."""
    return re.sub(r"\$[A-Z_]+", "1", re.sub(rf"(--[\w-]+ )?{REST}", "", command))


def check(command):
    words = shlex.split(filled_in(command))
    while re.match(r"[A-Z_]+=", words[0]):  # variables before the command
        words = words[1:]
    program, *words = words
    if program == "sbatch":
        return check(words[words.index("--wrap") + 1])
    if program == "make":
        return check_make(words)
    if program == "pip":
        return check_pip(words)
    if program == "bash" or program.startswith(".ci/"):
        return check_script(program if program.startswith(".ci/") else words[0], words)
    assert program == "python"
    if words[0] == "run.py":
        return check_run(words[1:])
    if words[:2] == ["-m", "pytest"]:
        return [check_script(word.split("::")[0], []) for word in words[2:] if word.endswith(".py")]
    if words[0] == "-m":
        module = Path(*words[1].split("."))
        return check_script(
            next(p for p in (module / "__main__.py", module.with_suffix(".py")) if (ROOT / p).is_file()), words[2:]
        )
    return check_script(words[0], words[1:])


@pytest.mark.parametrize("command", COMMANDS)
def test_command(command, capsys, tmp_path, monkeypatch):
    # A list of labelled examples is read when its option is parsed: this is the one that the pages name.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "drawn0").mkdir(parents=True)
    (tmp_path / "results" / "drawn0" / "labeled.txt").write_text("0\n")
    try:
        check(command)
    except SystemExit as end:
        assert end.code == 0, capsys.readouterr().err


def test_there_are_commands_of_every_kind():
    """A change in the pages' style must not leave them all out."""
    typed = [parameter.values[0] for parameter in COMMANDS]
    assert len(typed) >= 80
    kinds = ("train", "evaluate", "predict", "attack", "table", "convert", "download", "presets", "parity", "devices")
    for command in kinds:
        assert any(line.startswith(f"python run.py {command}") for line in typed), command


def known_options():
    """Every option of the program, and of the Makefile's tools, benchmarks and scripts."""
    texts = [
        path.read_text()
        for folder in ("benchmarks", "tests/fuzz", ".ci")
        for path in (ROOT / folder).iterdir()
        if path.is_file() and path.suffix in (".py", ".sh", "")
    ]
    found = set(re.findall(r"--[a-z][\w-]*", "\n".join(texts)))
    parsers = [make_parser()]
    for parser in parsers:
        for action in parser._actions:
            found.update(action.option_strings)
            if hasattr(action, "choices") and isinstance(action.choices, dict):
                parsers.extend(action.choices.values())
    return found


#: Options of pip, Slurm, TensorBoard and the like.
FOREIGN = {
    "--no-deps",
    "--array",
    "--cpus-per-task",
    "--wrap",
    "--ntasks",
    "--time",
    "--signal",
    "--port",
    "--nthreads",
    "--death-timeout",
    "--dtype",
    "--logdir",
}


@pytest.mark.parametrize("page", pages(), ids=shown)
def test_every_option_in_a_page_exists(page):
    named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*[a-z0-9]", page.read_text()))
    assert named - known_options() - FOREIGN == set()


def test_commands_of_the_original_can_be_typed_as_they_are(golden_dir):
    """As docs/coming-from-the-original.md promises."""
    entries = json.loads((golden_dir / "original_commands.json").read_text())["commands"]
    for entry in entries.values():
        check(f"python {entry['command']}")
