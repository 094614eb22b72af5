"""Tapes of the examples, opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from gradb.frame.reader import Tape
from tests.unit.conftest import Tapes

OpenExample = Callable[[str], Tape]


@pytest.fixture
def example(tapes: Tapes) -> Iterator[OpenExample]:
    """Open the tape of an example by its name."""
    opened: list[Tape] = []

    def open_example(name: str) -> Tape:
        opened.append(Tape.open(tapes(name)))
        return opened[-1]

    yield open_example
    for tape in opened:
        tape.close()
