"""What all of these tests share: tapes of the examples, and a stand-in for a debuggee that is forked, not started."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes import examples
from tests.fakes.forking import Forking

Tapes = Callable[[str], Path]


@pytest.fixture(scope="session", autouse=True)
def _forking() -> Iterator[None]:
    """Have the debuggees of the fakes forked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", Forking)
        yield


@pytest.fixture(scope="session")
def tapes(tmp_path_factory: pytest.TempPathFactory) -> Tapes:
    """Return a function that returns the tape of an example by its name: written once, and then only read."""
    folder = tmp_path_factory.mktemp("examples")

    @functools.cache
    def write(name: str) -> Path:
        path = folder / f"{name}.tape"
        getattr(examples, name)(path)
        return path

    return write
