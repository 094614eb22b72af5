"""What all of these tests share: the stand-in for a debuggee is forked, which takes a tenth of starting it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.fakes.forking import Forking


@pytest.fixture(scope="session", autouse=True)
def _forking() -> Iterator[None]:
    """Have the debuggees of the fakes forked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", Forking)
        yield
