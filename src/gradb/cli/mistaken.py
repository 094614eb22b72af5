"""What may have been meant by a name that is no file: a file beside it, a scenario, a command, a script in a folder."""

from __future__ import annotations

import itertools
import os
import shlex
from collections.abc import Collection
from pathlib import Path

from gradb.debugger.suggestion import did_you_mean, nearest_name

_MOST_FILES = 1000  # of a folder among which a mistyped name is looked for
_MOST_SCRIPTS = 10  # of a directory among which one is named


def is_word(name: str) -> bool:
    """Tell whether a name is a single word, as those of scenarios and commands are."""
    return name.replace("_", "").replace("-", "").isalnum()


def no_such_script(name: str, commands: Collection[str], scenarios: Collection[str]) -> str:
    """Return the sentence about a single word that names no script; ``commands``: what else could have stood there."""
    if commands and name in {"python", "python3"}:
        return "leave `python` out: `gradb SCRIPT [ARGS ...]` runs a script as Python would"
    if name in commands:
        hint = f"a command comes first: `gradb {name} ...`; `gradb --plain` takes a script or tape"
        return f"no such file: {name} ({hint})"
    kinds = "file, scenario or command" if commands else "file or scenario"
    return f"no such {kinds}: {name}{near_file(name) or did_you_mean(name, commands, scenarios)}"


def near_file(path: str) -> str:
    """Return which file beside a missing one may have been meant: of nearly the same name, its ending aside."""
    folder, stem, ending = Path(path).parent, Path(path).stem, Path(path).suffix
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in itertools.islice(entries, _MOST_FILES)]
    except (OSError, ValueError):
        return ""
    endings = {ending} if ending else {".py", ".tape"}
    by_stem = {Path(name).stem: str(folder / name) for name in names if Path(name).suffix in endings}
    return f" (did you mean {by_stem[near]}?)" if (near := nearest_name(stem, by_stem)) else ""


def directory_sentence(path: str) -> str:
    """Return what is wrong with a directory, and which script in it may have been meant."""
    sentence = f"{path} is a directory, not a file"
    try:
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in itertools.islice(entries, _MOST_FILES) if entry.is_file())
    except OSError:
        return sentence
    if "__main__.py" in names:
        return f"{sentence}: `gradb {shlex.quote(str(Path(path) / '__main__.py'))}` runs what is in it"
    scripts = [name for name in names if name.endswith(".py") and name != "__init__.py"]
    if not 0 < len(scripts) <= _MOST_SCRIPTS:
        return sentence
    likely = next((name for name in ("train.py", "main.py") if name in scripts), scripts[0])
    return f"{sentence} (did you mean {Path(path) / likely}?)"
