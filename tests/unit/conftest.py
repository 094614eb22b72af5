"""What all of these tests share: tapes of the examples."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes import examples

Tapes = Callable[[str], Path]


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
