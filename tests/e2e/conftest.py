"""Tapes that many end-to-end tests read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.gradb_process import ROOT, gradb


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder."""
    here = f"{Path(__file__).parent}{os.sep}"
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def chain_rule_tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tape of the first scenario."""
    return _record("chain_rule", tmp_path_factory)


@pytest.fixture(scope="session")
def accumulation_tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tape of the second scenario."""
    return _record("accumulation", tmp_path_factory)


def _record(scenario: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tapes") / f"{scenario}.tape"
    done = gradb("record", "-o", path, f"scenarios/{scenario}.py", cwd=ROOT)
    assert done.code == 0, done.err
    return path
