"""The throw-away environment of the other tools: their packages by name, over the torch that is here already."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("guardtower==0.1.0", "sherlorch==0.1.0", "pytest-torch==1.1.1")
_ROOT = Path(__file__).resolve().parents[3]
_PATIENCE = 600
"""Seconds that one command of the installation may take."""


@contextlib.contextmanager
def environment() -> Iterator[Path]:
    """Make an environment with the other tools; yield its Python.

    It looks for what it lacks where this one has its packages, so torch is the same, and is not installed again.
    """
    with tempfile.TemporaryDirectory(prefix="gallery-peers-") as folder:
        _run(sys.executable, "-m", "venv", "--without-pip", folder)
        python = Path(folder, "bin", "python")
        place = next(Path(folder).glob("lib/python*/site-packages"))
        (place / "outer.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
        _run(str(python), "-m", "pip", "install", "-q", "-c", str(_ROOT / "constraints.txt"), *PACKAGES)
        yield python


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")
