"""Folders for tapes that nobody keeps."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from gradb.debugger.errors import UserError


def temporary(prefix: str = "gradb-") -> tempfile.TemporaryDirectory[str]:
    """Make a folder that is gone when it is not needed any more.

    Raises:
        UserError: there is no room for one, or no place where it may be.
    """
    try:
        return tempfile.TemporaryDirectory(prefix=prefix)
    except OSError as error:
        raise UserError(f"cannot make a temporary folder: {error.strerror or error}") from error


@contextlib.contextmanager
def room(folder: str | None, name: str) -> Iterator[tuple[str, tempfile.TemporaryDirectory[str] | None]]:
    """Give the path for a tape, and the folder that is to be removed with it; at once where something goes wrong.

    Args:
        folder: where the tape is kept; None: in a folder of its own.
        name: of the file.

    Raises:
        UserError: no folder can be made.
    """
    own = temporary() if folder is None else None
    try:
        yield str(Path(own.name if own is not None else folder or "").absolute() / name), own
    except BaseException:
        if own is not None:
            own.cleanup()
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What has a tape that goes with it, unless that lies where it was wanted."""

    folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    def close(self) -> None:
        """Remove the tape, if it is to go; safe to call twice."""
        if self.folder is not None:
            self.folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
