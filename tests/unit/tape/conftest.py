"""Tapes for the tests of this folder: made once, opened and closed by fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from tests.fakes import TapeBuilder

Opener = Callable[[str], Tape]

_EXAMPLES: dict[str, Callable[[Path], None]] = {
    "chain_rule": TapeBuilder.chain_rule_example,
    "accumulation": TapeBuilder.accumulation_example,
    "shared_weight": TapeBuilder.shared_weight_example,
    "diamond": TapeBuilder.diamond_example,
    "nonfinite": TapeBuilder.nonfinite_example,
    "training": TapeBuilder.training_example,
}


@pytest.fixture
def opener(tmp_path: Path) -> Iterator[Opener]:
    """Return a function that writes an example of ``tests.fakes`` and opens it."""
    tapes: list[Tape] = []

    def open_example(name: str) -> Tape:
        path = tmp_path / f"{name}.tape"
        _EXAMPLES[name](path)
        tapes.append(Tape.open(path))
        return tapes[-1]

    yield open_example
    for tape in tapes:
        tape.close()


@pytest.fixture
def chain_rule(opener: Opener) -> Tape:
    """Return the tape of the scenario chain_rule.py, opened."""
    return opener("chain_rule")
