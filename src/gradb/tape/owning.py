"""The files of a tape that is being written: whether they are still in their places."""

from __future__ import annotations

import contextlib
import os

from gradb.tape.descriptors import FileLost, identity
from gradb.tape.trouble import GONE, REPLACED

_BESIDE = ("-wal", "-shm", "-journal")


def remove(path: str | os.PathLike[str]) -> None:
    """Remove a tape and what SQLite may have left beside it."""
    for end in ("", *_BESIDE):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.fspath(path) + end)


class Own:
    """A file, and those beside it, as they are now.

    Args:
        path: of the file.
        beside: paths of what SQLite keeps beside it.
    """

    def __init__(self, path: str, *beside: str) -> None:
        self._path = path
        self._file = identity(path)
        self._beside = {one: identity(one) for one in beside}
        self._is_lost = False

    def look(self) -> None:
        """Look whether the file is where it was.

        Raises:
            FileLost: it is not; what is written to it nobody would find.
        """
        try:
            found = identity(self._path)
        except OSError:  # out of the script's reach by now, which says nothing of the file
            return
        if found != self._file:
            self._is_lost = True
            raise FileLost(GONE if found is None else REPLACED)

    def clear_away(self) -> None:
        """Remove what lies beside a file that is lost: SQLite would take it for the log of any file in its place."""
        for path, ours in self._beside.items() if self._is_lost else ():
            with contextlib.suppress(OSError):
                if ours is not None and identity(path) == ours:
                    os.unlink(path)
