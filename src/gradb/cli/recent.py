"""Which scripts and tapes were opened last: one small file in the user's folder of state.

It is read as a stranger's: what is not as it is written here is passed over. Where it cannot be written, nothing is
remembered, and nothing is said: it is a convenience.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

_KEPT = 30
_MOST_BYTES = 1 << 20
_MOST_WORDS = 100


@dataclass(frozen=True, slots=True)
class Recent:
    """A script or a tape that was opened."""

    path: str
    """Absolute."""
    arguments: tuple[str, ...] = ()
    """What the script was given."""
    cwd: str = ""
    """The folder that it was run in; empty for a tape."""
    at: float = 0.0
    """When, in seconds since 1970."""

    @property
    def is_script(self) -> bool:
        """True for what was run."""
        return bool(self.cwd)


def recents() -> list[Recent]:
    """Return what was opened, the latest first; what is not there any more is left out."""
    try:
        with _file().open(encoding="utf-8") as file:
            rows = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return []
    found = [_read(row) for row in rows] if isinstance(rows, list) else []
    return [each for each in found if each is not None and _is_there(each)]


def remember_script(path: str, arguments: Iterable[str]) -> None:
    """Remember that a script was run in the working directory."""
    _remember(Recent(str(Path(path).absolute()), tuple(arguments), str(Path.cwd()), time.time()))


def remember_tape(path: str) -> None:
    """Remember that a tape was opened."""
    _remember(Recent(str(Path(path).absolute()), at=time.time()))


def _remember(new: Recent) -> None:
    with contextlib.suppress(OSError, ValueError):
        others = [each for each in recents() if (each.path, each.arguments) != (new.path, new.arguments)]
        text = json.dumps([asdict(each) for each in [new, *others][:_KEPT]], indent=1)
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)


def _file() -> Path:
    from gradb.cli.folders import recent_file  # only now: commands without a screen never need it

    return recent_file()


def _is_there(recent: Recent) -> bool:
    try:
        return Path(recent.path).is_file() and (not recent.cwd or Path(recent.cwd).is_dir())
    except (OSError, ValueError):
        return False


def _read(row: object) -> Recent | None:
    if not isinstance(row, dict):
        return None
    path, words, cwd, at = (row.get(key) for key in ("path", "arguments", "cwd", "at"))
    if not (isinstance(path, str) and isinstance(cwd, str) and isinstance(at, int | float) and isinstance(words, list)):
        return None
    if len(words) > _MOST_WORDS or not all(isinstance(word, str) for word in words):
        return None
    return Recent(path, tuple(words), cwd, float(at))
