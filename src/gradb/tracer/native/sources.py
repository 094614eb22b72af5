"""The digest of the C sources, by which a compiled module is known to be theirs. The build runs this file alone."""

from __future__ import annotations

import hashlib
import os


def names(folder: str) -> list[str]:
    """Return the files that the module is compiled from, headers and all, in a fixed order."""
    return sorted(name for name in os.listdir(folder) if name.endswith((".c", ".h")))


def digest(folder: str) -> str:
    """Return a digest of names and contents of the sources in a folder."""
    found = hashlib.sha256()
    for name in names(folder):
        with open(os.path.join(folder, name), "rb") as file:
            content = file.read()
        found.update(f"{name} {len(content)}\n".encode() + content)
    return found.hexdigest()[:32]
