"""Tapes of the examples, opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from tests.fakes import examples

OpenExample = Callable[[str], Tape]


@pytest.fixture
def example(tmp_path: Path) -> Iterator[OpenExample]:
    """Open the tape of an example by its name."""
    opened: list[Tape] = []

    def open_example(name: str) -> Tape:
        path = tmp_path / f"{name}.tape"
        getattr(examples, name)(path)
        opened.append(Tape.open(path))
        return opened[-1]

    yield open_example
    for tape in opened:
        tape.close()
