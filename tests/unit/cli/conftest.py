"""What the tests of this folder share: a script, and the signals that commands take."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """Give SIGTERM back to the tests."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def script(tmp_path: Path) -> str:
    """Give a script."""
    (tmp_path / "train.py").write_text("print(1)\n")
    return str(tmp_path / "train.py")
