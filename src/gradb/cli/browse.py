"""Which scripts, tapes and folders a path that is being typed may come to."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from gradb.tui.entries import Entry

_SUFFIXES = frozenset({".py", ".tape"})
_MOST = 2000  # entries of a folder that are looked at


def files(text: str) -> list[Entry]:
    """Return folders first, then scripts and tapes, each by name; a file that is named in full is there of any kind.

    The path is kept as it is typed (``~`` too), so that it can be typed on. An empty text stands for the scripts and
    tapes of the working directory.
    """
    text += "/" if text in {"~", ".", ".."} else ""
    typed, slash, beginning = text.rpartition("/")
    group = f"In {typed + slash or 'this folder'}"
    try:
        with os.scandir(Path(typed + slash).expanduser()) as found:
            entries = sorted(itertools.islice(found, _MOST), key=lambda entry: entry.name.lower())
    except (OSError, ValueError, RuntimeError):
        return []
    rows = [_entry(entry, typed + slash, beginning, group, has_folders=bool(text)) for entry in entries]
    return sorted((row for row in rows if row is not None), key=lambda row: not row.is_folder)


def _entry(entry: os.DirEntry[str], typed: str, beginning: str, group: str, *, has_folders: bool) -> Entry | None:
    name = entry.name
    if not name.lower().startswith(beginning.lower()) or (name.startswith(".") and not beginning.startswith(".")):
        return None
    try:
        is_folder, is_file = entry.is_dir(), entry.is_file()
    except OSError:
        return None
    if is_folder:
        return Entry(f"{typed}{name}/", f"{name}/", group=group) if has_folders and name != "__pycache__" else None
    is_meant = Path(name).suffix in _SUFFIXES or name == beginning
    return Entry(typed + name, name, group=group) if is_meant and is_file else None
