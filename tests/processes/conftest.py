"""What all of these tests share: tapes of the examples, and a stand-in for a debuggee that is forked, not started."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.fakes.forking import Forking
from tests.unit.conftest import tapes

__all__ = ["tapes"]


@pytest.fixture(scope="session", autouse=True)
def _forking() -> Iterator[None]:
    """Have the debuggees of the fakes forked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", Forking)
        yield
