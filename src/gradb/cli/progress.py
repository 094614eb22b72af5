"""Which lessons of the course were begun and done: one small file in the user's folder of state, a line a mark.

Lines are only ever added, so that two that run at once lose nothing of each other. It is read as a stranger's: what is
no mark is passed over. Where it cannot be read or written nothing is remembered, and nothing is said.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Literal

from gradb.debugger.errors import UserError

Mark = Literal["begun", "done"]
_MARKS: dict[str, Mark] = {"begun": "begun", "done": "done"}
_MOST_BYTES = 1 << 16


def progress() -> dict[str, Mark]:
    """Return the lessons that were begun, by their names, and whether they were done."""
    try:
        file = _file()
        if not file.is_file():  # what is no file may keep who opens it waiting
            return {}
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):
        return {}
    found: dict[str, Mark] = {}
    for line in text.split("\n"):
        word, _, name = line.partition(" ")
        if word in _MARKS and name.isidentifier() and found.get(name) != "done":
            found[name] = _MARKS[word]
    return found


def note(name: str, mark: Mark) -> None:
    """Remember that a lesson was begun, or done."""
    if progress().get(name) in {mark, "done"}:
        return
    with contextlib.suppress(OSError, ValueError):
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if file.exists() and (not file.is_file() or file.stat().st_size >= _MOST_BYTES):
            return
        opened = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(opened, f"{mark} {name}\n".encode())
        finally:
            os.close(opened)


def forget() -> str:
    """Forget all of it, and return a sentence that says so.

    Raises:
        UserError: the file cannot be removed.
    """
    file = _file()
    try:
        file.unlink()
    except FileNotFoundError:
        return "nothing was remembered of the lessons"
    except OSError as error:
        raise UserError(f"the lessons cannot be forgotten: {file}: {error.strerror}") from error
    return f"forgotten which lessons were begun and done ({file})"


def _file() -> Path:
    from gradb.cli.folders import lessons_file  # only now: commands without a screen never need it

    return lessons_file()
