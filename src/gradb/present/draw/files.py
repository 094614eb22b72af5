"""What files are called where they are shown: as on the command line, or seen from where the script ran."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradb.frame.frame import RunInfo


def relative(file: str | None, run: RunInfo) -> str | None:
    """Return a file as given on the command line, else relative to the run's working directory, else as it is."""
    if file is None or not posixpath.isabs(file):
        return file
    if run.script and file in {run.script, posixpath.normpath(posixpath.join(run.cwd, run.script))}:
        return run.script
    if run.cwd and file.startswith(run.cwd.rstrip("/") + "/"):
        return posixpath.relpath(file, run.cwd)
    return file
