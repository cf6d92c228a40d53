"""Read and write Aesara's settings without importing Aesara.

Aesara reads ``AESARA_FLAGS`` and its settings file once, on import, so code
that changes a default has to know beforehand what the user has already set.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex

from ladder.errors import UserError

#: The variable as the user set it; our settings are added later.
AT_START = os.environ.get("AESARA_FLAGS", "")


def split(text: str) -> dict[str, str]:
    """Return the settings in the text of an ``AESARA_FLAGS`` variable; later ones win."""
    words = shlex.shlex(text, posix=True)
    words.whitespace = ","
    words.whitespace_split = True
    try:
        pairs = [word.strip().split("=", 1) for word in words]
    except ValueError as error:
        raise UserError(f"AESARA_FLAGS cannot be read ({error}): balance its quotes.") from error
    return dict(pair for pair in pairs if len(pair) == 2)


def join(settings: dict[str, str]) -> str:
    """Return the text for ``AESARA_FLAGS`` that ``split`` reads back unchanged."""
    return ",".join(f"{name}={escape(value)}" for name, value in settings.items())


def escape(value: str) -> str:
    """Return the value with the characters escaped that are special to Aesara's parser."""
    return re.sub(r"""([\\,'"#])""", r"\\\1", value)


def from_files() -> dict[str, str]:
    """Return the settings in the user's ``.aesararc``, named as in ``AESARA_FLAGS``.

    Names are in lower case (``floatx``): in files, unlike in the variable,
    Aesara ignores case.
    """
    paths = os.environ.get("AESARARC", "~/.aesararc").split(os.pathsep)
    parser = configparser.RawConfigParser()
    try:
        parser.read([os.path.expanduser(path) for path in paths])
    except configparser.Error as error:
        message = str(error).replace("\n", " ")
        raise UserError(f"Aesara's settings file cannot be read: {message.rstrip('.')}.") from error
    return {
        option if section == "global" else f"{section}__{option}": value
        for section in parser.sections()
        for option, value in parser.items(section)
    }


def user() -> dict[str, str]:
    """Return everything that the user has set for Aesara; ``AESARA_FLAGS`` wins over the files."""
    return {**from_files(), **split(os.environ.get("AESARA_FLAGS", ""))}


def where(name: str) -> str:
    """A setting with its value and where the user made it, for messages."""
    variable, files = split(os.environ.get("AESARA_FLAGS", "")), from_files()
    if name in variable:
        return f"{name}={variable[name]} in AESARA_FLAGS"
    if name.lower() in files:
        return f"{name} = {files[name.lower()]} in {os.environ.get('AESARARC', '~/.aesararc')}"
    return f"Aesara's setting {name}"


def compile_folder() -> str:
    """The folder below which Aesara keeps what it compiles."""
    settings = user()
    return os.path.expanduser(settings.get("compiledir") or settings.get("base_compiledir") or "~/.aesara")
