"""Tapes for the tests of this folder, opened and closed by fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from gradb.frame.reader import Tape
from tests.unit.conftest import Tapes

Opener = Callable[[str], Tape]


@pytest.fixture
def opener(tapes: Tapes) -> Iterator[Opener]:
    """Return a function that opens an example of ``tests.fakes``."""
    opened: list[Tape] = []

    def open_example(name: str) -> Tape:
        opened.append(Tape.open(tapes(name)))
        return opened[-1]

    yield open_example
    for tape in opened:
        tape.close()


@pytest.fixture
def chain_rule(opener: Opener) -> Tape:
    """Return the tape of the scenario chain_rule.py, opened."""
    return opener("chain_rule")
