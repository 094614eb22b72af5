"""Tapes for the tests of the app."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import examples


@pytest.fixture
def chain_tape(tmp_path: Path) -> Path:
    """The tape of chain_rule.py."""
    path = tmp_path / "chain_rule.tape"
    examples.chain_rule(path)
    return path


@pytest.fixture
def training_tape(tmp_path: Path) -> Path:
    """The tape of three iterations of SGD."""
    path = tmp_path / "training.tape"
    examples.training(path)
    return path
