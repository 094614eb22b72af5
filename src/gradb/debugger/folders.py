"""Folders for tapes that nobody keeps."""

from __future__ import annotations

import tempfile

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
