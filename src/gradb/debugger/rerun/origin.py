"""What a tape tells of the run that it is of, so far as that can be run again here: the script, its files, its facts.

A tape is a stranger's word: what it says is checked, and nothing of it is run but the user's own file of that path,
where that has the very text that the tape has.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import sysconfig
import tokenize
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from gradb.debugger.errors import UserError
from gradb.debugger.interventions import ADJUSTABLE
from gradb.debugger.numerals import read_whole
from gradb.frame.reader import Tape
from gradb.link.spec import Intervention, RunSpec

_HASH_SEEDS = 2**32
_MOST_SEED = 2**63 - 1
_LIBRARIES = ("site-packages", "dist-packages")
_STANDARD = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib")})


def spec_of(tape: Tape) -> RunSpec:
    """Return the order by which the script of a tape is run again here.

    Raises:
        UserError: it cannot be: the script is not here, or it or another file of the user's is another than it was.
    """
    cwd = _word(tape, "cwd")
    if not cwd or not Path(cwd).is_dir():
        raise UserError(f"{tape.path} was recorded in {cwd or 'an unknown folder'}, which is not here")
    script, module = _word(tape, "script"), _word(tape, "module")
    path = str(Path(cwd, script)) if script else _module_file(module, cwd)
    check_sources(tape, os.path.normpath(path))
    return RunSpec(
        script=script or None,
        tape="",
        module=None if script else module,
        arguments=tape.run.arguments,
        stdin=_stdin(tape),
        seed=read_whole(_word(tape, "seed"), most=_MOST_SEED),
        interventions=changes(tape),
        cwd=cwd,
    )


def check_sources(tape: Tape, path: str) -> None:
    """Make sure that the script and every other file of the user's that is here is what it was.

    Raises:
        UserError: one of them is not; or the tape has no text of the script, so that nothing can be known of it.
    """
    texts = dict(tape.sources)
    if texts.get(path) is None:
        raise UserError(
            f"{tape.path} has not the text of {path}, so it cannot be known whether that is the same script"
        )
    for one, text in texts.items():
        if text is None or (one != path and (is_library(one) or not Path(one).exists())):
            continue
        if read(one) is None:
            raise UserError(f"{one} is not here, or cannot be read: it is run again only where it is as it was")
        if read(one) != text:
            raise UserError(f"{one} is not what it was when {tape.path} was recorded: record it anew")


def read(path: str) -> str | None:
    """Return the text of a Python file, or None where it cannot be read."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, ValueError):
        return None


def is_library(path: str) -> bool:
    """Tell whether a file was installed, or is Python's own."""
    parts = Path(path).parts
    return any(name in parts for name in _LIBRARIES) or path.startswith(tuple(f"{one}{os.sep}" for one in _STANDARD))


def versions(tape: Tape) -> list[str]:
    """Return a sentence for Python and torch each, where another version of it would run the script here."""
    here = {"python": platform.python_version(), "torch": _torch()}
    told = {name: _word(tape, name) for name in here}
    names = {"python": "Python", "torch": "torch"}
    return [
        f"it was recorded with {names[name]} {told[name]}, and here is {here[name] or 'none'}"
        for name in here
        if told[name] and told[name] != here[name]
    ]


def _torch() -> str:
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return ""


def hash_seed(tape: Tape) -> str:
    """Return the seed of Python's hashes in the run of a tape; empty where it is not known."""
    seed = read_whole(_word(tape, "hash_seed"), most=_HASH_SEEDS - 1)
    return "" if seed is None else str(seed)


def stdin_of(tape: Tape) -> list[Any] | None:
    """Return path, size and time of change of the file that the script read from; None where it had none."""
    try:
        found = json.loads(_word(tape, "stdin") or "null")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and len(found) == 3 and isinstance(found[0], str) else None


def _stdin(tape: Tape) -> str | None:
    found = stdin_of(tape)
    if found is None:
        return None
    check_stdin(found[0])
    return str(found[0])


def check_stdin(path: str | None) -> None:
    """Refuse what cannot be read twice.

    Raises:
        UserError: the script's standard input is no regular file.
    """
    if path is not None and path != os.devnull and not Path(path).is_file():
        raise UserError(f"the script reads its standard input from {path}, which cannot be read a second time")


def _module_file(module: str, cwd: str) -> str:
    """Return the file that ``python -m MODULE`` runs in a folder; nothing is imported.

    Raises:
        UserError: there is none.
    """
    path: list[str] | None = [cwd, *sys.path]
    names = module.split(".")
    for count, _ in enumerate(names, 1):
        found = PathFinder.find_spec(".".join(names[:count]), path) if module else None
        if found is None:
            raise UserError(f"there is no module named {module!r} here")
        path = found.submodule_search_locations and list(found.submodule_search_locations)
    if path is not None:
        found = PathFinder.find_spec(f"{module}.__main__", path)
    if found is None or not found.origin:
        raise UserError(f"{module!r} is no module with a file here")
    return found.origin


def _word(tape: Tape, key: str) -> str:
    text = tape.fact(key) or ""
    return "" if "\0" in text else text


def changes(tape: Tape, after: int = 0) -> tuple[Intervention, ...]:
    """Return what was changed from outside while the script ran, behind an event."""
    marks = tape.frame(tape.head).training.marks
    return tuple(
        Intervention(mark.what, mark.value, mark.iteration)
        for mark in marks
        if mark.what != "record" and mark.event > after and ADJUSTABLE[mark.what].has(mark.value)
    )
