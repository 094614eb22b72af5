"""The folder of recent tapes, and what lies in it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def recent_folder() -> Path:
    """Return the folder of recent tapes: in the user's cache, or where that cannot be written, with temporary files."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    for folder in (Path(base).expanduser() / "gradb", Path(tempfile.gettempdir()) / f"gradb-{os.getuid()}"):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix="gradb-"))


def recent_tapes() -> list[Path]:
    """Return the recent tapes, newest first."""
    return sorted(recent_folder().glob("*.tape"), key=time_of, reverse=True)


def time_of(path: Path) -> float:
    """Return when a file was last written, in seconds since 1970; 0 where it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
